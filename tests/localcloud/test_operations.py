"""Which operation a request asks for, and whether the page that lists them is complete."""

import logging
from typing import Any

import pytest
from moto.core.request import Request
from werkzeug.test import EnvironBuilder

from glue.localcloud.operations import FORM, Operations, asked_of_moto, named_operation
from tests.localcloud.parity import PAGE, documented, undocumented


@pytest.mark.parametrize(
    ("service", "method", "path", "options", "expected"),
    [
        ("s3", "PUT", "/bucket/a/key", {}, ("s3", "PutObject")),
        ("s3", "PUT", "/bucket/key?partNumber=1&uploadId=x", {}, ("s3", "UploadPart")),
        ("s3", "GET", "/bucket?list-type=2&prefix=a", {}, ("s3", "ListObjectsV2")),
        ("s3", "GET", "/bucket/?policy", {}, ("s3", "GetBucketPolicy")),
        ("s3", "PATCH", "/bucket/key", {}, None),
        ("lambda", "GET", "/2015-03-31/functions/a", {}, ("lambda", "GetFunction")),
        ("kms", "POST", "/", {"headers": {"X-Amz-Target": "TrentService.CreateKey"}}, ("kms", "CreateKey")),
        ("monitoring", "POST", "/", {"data": b"Action=PutDashboard"}, ("cloudwatch", "PutDashboard")),
        ("iam", "POST", "/", {"data": b"Version=1&Action=GetRole"}, ("iam", "GetRole")),
        ("iam", "POST", "/", {}, None),
    ],
)
def test_a_request_asks_for_an_operation(
    service: str, method: str, path: str, options: dict[str, Any], expected: tuple[str, str] | None
) -> None:
    content_type = FORM if "data" in options else None
    request = Request(EnvironBuilder(path, method=method, content_type=content_type, **options).get_environ())
    assert asked_of_moto(request, service, options.get("data", b"")) == expected


def test_an_operation_of_rest_has_no_name() -> None:
    assert named_operation({"REQUEST_METHOD": "PUT", "PATH_INFO": "/bucket/key"}, b"") is None


def test_an_operation_is_noted_once_for_each_who_answers_it(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    operations = Operations()
    for answered_by in ("glue", "moto", "glue"):
        operations.note("sagemaker", "ListTags", answered_by)
    assert caplog.messages == [
        "first request for sagemaker.ListTags, answered by glue",
        "first request for sagemaker.ListTags, answered by moto",
    ]


def test_what_the_page_does_not_list_or_ascribes_to_another_is_found() -> None:
    log = "\n".join(
        f"INFO first request for {what}"
        for what in (
            "s3.GetObject, answered by moto",
            "s3.PutObject, answered by moto",
            "ecr.PutImage, answered by glue",
            "kms.CreateKey, answered by moto",
        )
    )
    page = documented(
        "| s3 | GetObject | moto |\n| s3 | PutObject | extended | x |\n| ecr | PutImage, ListImages | moto | x |\n"
    )
    assert undocumented(log, page) == [
        "ecr.PutImage was answered by glue, listed as ['moto']: docs/local-cloud.md",
        "kms.CreateKey was answered by moto, listed as nothing: docs/local-cloud.md",
    ]


def test_the_page_names_operations_that_aws_has() -> None:
    assert len(documented(PAGE.read_text(encoding="utf-8"))) > 150
    with pytest.raises(ValueError, match="s3 has no operation PutThing"):
        documented("| s3 | PutThing | moto | |")

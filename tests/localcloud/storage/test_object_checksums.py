import base64
import hashlib
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.localcloud.support import Account

MIB = 1024 * 1024


def sha256(data: bytes) -> str:
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


@pytest.fixture
def upload(account: Account) -> Iterator[dict[str, Any]]:
    """An upload in parts, which S3 is to compare."""
    answer = account.client("s3").create_multipart_upload(Bucket=account.bucket, Key="key", ChecksumAlgorithm="SHA256")
    made = {"Bucket": account.bucket, "Key": "key", "UploadId": answer["UploadId"]}
    yield made
    account.client("s3").abort_multipart_upload(**made)


@pytest.mark.parametrize("size", [10, 2 * MIB])
def test_an_object_that_is_not_what_its_checksum_says_is_refused(account: Account, size: int) -> None:
    s3, place = account.client("s3"), {"Bucket": account.bucket, "Key": f"wrong-{size}"}
    with pytest.raises(ClientError, match="BadDigest"):
        s3.put_object(**place, Body=bytes(size), ChecksumSHA256=sha256(b"other"))
    with pytest.raises(ClientError, match="404"):
        s3.head_object(**place)
    s3.put_object(**place, Body=bytes(size), ChecksumSHA256=sha256(bytes(size)))


def test_a_part_that_is_not_what_its_checksum_says_does_not_arrive(account: Account, upload: dict[str, Any]) -> None:
    s3 = account.client("s3")
    with pytest.raises(ClientError, match="BadDigest"):
        s3.upload_part(**upload, PartNumber=1, Body=bytes(6 * MIB), ChecksumSHA256=sha256(b"other"))
    assert "Parts" not in s3.list_parts(**upload)


def test_the_parts_that_arrived_are_listed_with_their_checksums_page_by_page(
    account: Account, upload: dict[str, Any]
) -> None:
    s3 = account.client("s3")
    bodies = {2: bytes(10), 3: b"three", 7: bytes(2 * MIB)}
    for number, body in bodies.items():
        s3.upload_part(**upload, PartNumber=number, Body=body, ChecksumSHA256=sha256(body))
    pages = s3.get_paginator("list_parts").paginate(**upload, PaginationConfig={"PageSize": 2})
    parts = [part for page in pages for part in page["Parts"]]
    assert [(part["PartNumber"], part["Size"], part["ChecksumSHA256"]) for part in parts] == [
        (number, len(body), sha256(body)) for number, body in bodies.items()
    ]

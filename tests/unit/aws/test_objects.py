"""What S3 will say of a file is computed as S3 computes it."""

import base64
import hashlib
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber
from hypothesis import given
from hypothesis import strategies as st

from glue.aws import objects
from glue.aws.objects import digest_of
from glue.errors import FailedError


def _sha256(data: bytes) -> str:
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


@given(content=st.binary(max_size=64), part=st.integers(1, 20))
def test_a_checksum_is_that_of_the_content_or_of_the_digests_of_its_parts(
    content: bytes, part: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    file = tmp_path_factory.mktemp("digest") / "file"
    file.write_bytes(content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(objects, "PART", part)
        digest = digest_of(file)
    pieces = [content[start : start + part] for start in range(0, len(content), part)] or [b""]
    assert (digest.size, digest.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert digest.parts == tuple(map(_sha256, pieces))
    whole = content if len(pieces) == 1 else b"".join(hashlib.sha256(piece).digest() for piece in pieces)
    assert digest.checksum == _sha256(whole)


def test_an_object_is_the_files_only_with_its_size_and_checksum(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"content")
    digest = digest_of(file)
    told = {"ContentLength": 7, "ChecksumSHA256": digest.checksum}
    assert objects.holds(told, digest)
    assert objects.holds(told | {"ChecksumSHA256": f"{digest.checksum}-3"}, digest)
    assert not objects.holds(told | {"ContentLength": 8}, digest)
    assert not objects.holds({"ContentLength": 7}, digest)


@pytest.mark.parametrize(("code", "refused"), [("AccessDenied", True), ("SlowDown", False)])
def test_an_account_that_may_not_list_versions_is_told_what_it_needs(code: str, *, refused: bool) -> None:
    client = boto3.client("s3", region_name="us-east-1", aws_access_key_id="nobody", aws_secret_access_key="nothing")
    with Stubber(client) as stub:  # the local cloud judges by bucket policies for objects only
        stub.add_client_error("list_object_versions", code)
        with pytest.raises(FailedError if refused else ClientError) as refusal:
            objects.current_versions(client, "models", "rooms/abc/")
    if isinstance(refusal.value, FailedError):
        assert refusal.value.message == "s3://models/rooms/abc/: access denied"
        assert "s3:ListBucketVersions on models" in refusal.value.hints[0]

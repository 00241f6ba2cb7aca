"""Objects that would not fit into memory, in a real local cloud with real clients."""

import base64
import hashlib
import io
import json
import os
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from glue.localcloud import daemon
from glue.localcloud.storage.large_objects import LARGE, dechunked
from tests.localcloud.support import Account, memory_of

MIB = 1024 * 1024
GROWTH = 64 * MIB


class Pattern(io.RawIOBase):
    """`size` bytes that nobody holds: the same block over and over."""

    BLOCK = os.urandom(MIB)

    def __init__(self, size: int) -> None:
        self.size = size
        self.position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        self.position = offset + {0: 0, 1: self.position, 2: self.size}[whence]
        return self.position

    def tell(self) -> int:
        return self.position

    def readinto(self, buffer: Any) -> int:
        start = self.position % MIB
        piece = self.BLOCK[start : start + min(len(buffer), self.size - self.position)]
        buffer[: len(piece)] = piece
        self.position += len(piece)
        return len(piece)

    def sha256(self) -> str:
        digest = hashlib.sha256()
        for _ in range(self.size // MIB):
            digest.update(self.BLOCK)
        return digest.hexdigest()


def sha256_of(body: Any) -> str:
    digest = hashlib.sha256()
    for chunk in body.iter_chunks(MIB):
        digest.update(chunk)
    return digest.hexdigest()


def peak(process: int | None) -> int:
    """The most memory that a process has had, in bytes, since `forget_peak`."""
    return memory_of(process, "VmHWM")


def forget_peak(process: int | None) -> None:
    Path(f"/proc/{process}/clear_refs").write_text("5")


@pytest.mark.skipif(sys.platform != "linux", reason="reads a process's peak of memory in /proc")
def test_a_large_input_and_a_large_answer_pass_in_little_memory(account: Account, cloud: daemon.Status) -> None:
    account.deploy("huge")
    s3 = account.client("s3")
    s3.put_object(Bucket=account.bucket, Key="warm", Body=Pattern(2 * MIB))
    account.outcome(account.invoke("huge", {"do": "echo"}))
    forget_peak(cloud.pid)
    before = peak(cloud.pid)
    content = Pattern(384 * MIB)  # a gigabyte is measured by benchmarks/local_cloud.py
    s3.upload_fileobj(content, account.bucket, "huge", Config=TransferConfig(multipart_threshold=2**40))
    answer = account.client("sagemaker-runtime").invoke_endpoint_async(
        EndpointName="huge", InputLocation=f"s3://{account.bucket}/huge", InvocationTimeoutSeconds=600
    )
    status, sha = account.outcome(answer, within=240)
    assert (status, json.loads(sha)) == ("Completed", {"size": content.size, "sha256": content.sha256()})
    account.outcome(account.invoke("huge", {"do": "large", "size": 200 * MIB}), within=120, read=False)
    assert peak(cloud.pid) - before < GROWTH
    for key in ("huge", "warm"):
        s3.delete_object(Bucket=account.bucket, Key=key)
    account.delete("huge")


@pytest.mark.parametrize(
    ("threshold", "size"), [(2**40, 9 * MIB), (8 * MIB, 20 * MIB)], ids=["one part", "several parts"]
)
def test_an_object_comes_back_as_it_went(account: Account, threshold: int, size: int) -> None:
    s3 = account.client("s3")
    content = Pattern(size)
    stream = io.BufferedReader(content, MIB)
    s3.upload_fileobj(stream, account.bucket, "whole", Config=TransferConfig(multipart_threshold=threshold))
    found = s3.get_object(Bucket=account.bucket, Key="whole", ChecksumMode="ENABLED")
    assert found["ContentLength"] == size
    assert sha256_of(found["Body"]) == content.sha256()
    assert found["ETag"].strip('"').partition("-")[2] == ("3" if threshold < size else "")
    part = s3.get_object(Bucket=account.bucket, Key="whole", Range=f"bytes={MIB - 3}-{MIB + 4}")
    assert (part["ContentRange"], part["ContentLength"]) == (f"bytes {MIB - 3}-{MIB + 4}/{size}", 8)
    assert part["Body"].read() == Pattern.BLOCK[-3:] + Pattern.BLOCK[:5]
    s3.delete_object(Bucket=account.bucket, Key="whole")


def test_a_copy_outlives_its_original(account: Account) -> None:
    s3 = account.client("s3")
    content = Pattern(2 * MIB)
    s3.put_object(Bucket=account.bucket, Key="original", Body=content)
    s3.copy_object(Bucket=account.bucket, Key="copy", CopySource=f"{account.bucket}/original")
    s3.delete_object(Bucket=account.bucket, Key="original")
    assert sha256_of(s3.get_object(Bucket=account.bucket, Key="copy")["Body"]) == content.sha256()
    s3.delete_object(Bucket=account.bucket, Key="copy")


@pytest.mark.parametrize("algorithm", ["CRC32", "SHA1", "SHA256"])
def test_the_checksum_of_an_object_of_several_parts_is_that_of_its_parts_checksums(
    account: Account, algorithm: str
) -> None:
    s3 = account.client("s3")
    where = {"Bucket": account.bucket, "Key": "parts"}
    upload = s3.create_multipart_upload(**where, ChecksumAlgorithm=algorithm)["UploadId"]
    pieces = [Pattern.BLOCK * 5, b"the end"]
    parts = []
    for number, piece in enumerate(pieces, start=1):
        put = s3.upload_part(**where, UploadId=upload, PartNumber=number, Body=piece, ChecksumAlgorithm=algorithm)
        parts.append({"PartNumber": number, "ETag": put["ETag"], f"Checksum{algorithm}": put[f"Checksum{algorithm}"]})
    s3.complete_multipart_upload(**where, UploadId=upload, MultipartUpload={"Parts": parts})

    def of(data: bytes) -> bytes:
        return zlib.crc32(data).to_bytes(4, "big") if algorithm == "CRC32" else hashlib.new(algorithm, data).digest()

    told = s3.get_object(**where, ChecksumMode="ENABLED")[f"Checksum{algorithm}"]
    assert told == base64.b64encode(of(b"".join(of(piece) for piece in pieces))).decode() + "-2"
    s3.delete_object(**where)


def test_parts_that_are_not_those_that_were_sent_are_refused(account: Account) -> None:
    s3 = account.client("s3")
    where = {"Bucket": account.bucket, "Key": "refused"}
    upload = s3.create_multipart_upload(**where)["UploadId"]
    tags = [
        s3.upload_part(**where, UploadId=upload, PartNumber=number, Body=b"x" * (2 * LARGE))["ETag"]
        for number in (1, 2)
    ]
    for code, parts in {
        "EntityTooSmall": [{"PartNumber": 1, "ETag": tags[0]}, {"PartNumber": 2, "ETag": tags[1]}],
        "InvalidPart": [{"PartNumber": 1, "ETag": '"00"'}],
    }.items():
        with pytest.raises(ClientError, match=code):
            s3.complete_multipart_upload(**where, UploadId=upload, MultipartUpload={"Parts": parts})
    s3.abort_multipart_upload(**where, UploadId=upload)


def test_a_chunked_body_is_data_and_trailers() -> None:
    body = b"3;chunk-signature=0\r\nabc\r\nA\r\n0123456789\r\n0\r\nx-amz-checksum-crc32:AAAA==\r\n\r\n"
    trailers: dict[str, str] = {}
    assert b"".join(dechunked(io.BytesIO(body), trailers)) == b"abc0123456789"
    assert trailers == {"x-amz-checksum-crc32": "AAAA=="}


@pytest.mark.parametrize("body", [b"5\r\nabc", b"", b"zz\r\n", b"3\r\nabc"])
def test_a_chunked_body_that_is_cut_off_is_an_error(body: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - whatever it says
        list(dechunked(io.BytesIO(body), {}))

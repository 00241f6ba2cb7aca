"""Files as S3 objects: uploaded in parts that S3 compares with their SHA-256, and resumed where an upload broke off.

What has arrived of an upload lies in S3 itself: a repeated upload of the same file to the same key asks S3 for the
parts it has, and sends the others. Parts that nobody comes back for are removed by the bucket's lifecycle.

Sources: "Checking object integrity" and "Uploading and copying objects using multipart upload", Amazon S3 User Guide.
"""

import base64
import hashlib
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glue.errors import FailedError

PART = 64 << 20
"""Bytes of a part. A checksum of many parts depends on how they were cut: with another size, the file looks other."""

_CHUNK = 1 << 20
PARALLEL = 4
"""Parts of a file that are on their way at once."""


@dataclass(frozen=True)
class Place:
    """An object's place. With `owner`, a bucket of any other account is refused."""

    bucket: str
    key: str
    owner: str | None = None

    @property
    def uri(self) -> str:
        """As people and SageMaker name it."""
        return f"s3://{self.bucket}/{self.key}"

    @property
    def arguments(self) -> dict[str, str]:
        """What each call about the object is given."""
        return {"Bucket": self.bucket, "Key": self.key} | self.expectation

    @property
    def expectation(self) -> dict[str, str]:
        """What each call about the bucket demands of its owner."""
        return {"ExpectedBucketOwner": self.owner} if self.owner else {}


@dataclass(frozen=True)
class Digest:
    """What is in a file: its size in bytes, the hexadecimal SHA-256 of all, and the SHA-256 of each part in base64."""

    size: int
    sha256: str
    parts: tuple[str, ...]

    @property
    def checksum(self) -> str:
        """What S3 says of the object, in base64: the SHA-256 of one part, or of the digests of several."""
        if len(self.parts) == 1:
            return self.parts[0]
        return _encoded(hashlib.sha256(b"".join(map(base64.b64decode, self.parts))))


def digest_of(file: Path) -> Digest:
    """Read `file` once."""
    whole, size = hashlib.sha256(), 0
    parts: list[str] = []
    with file.open("rb") as stream:
        while True:
            part, left = hashlib.sha256(), PART
            while left and (chunk := stream.read(min(_CHUNK, left))):
                whole.update(chunk)
                part.update(chunk)
                left -= len(chunk)
            if left == PART and parts:
                break
            size += PART - left
            parts.append(_encoded(part))
            if left:
                break
    return Digest(size, whole.hexdigest(), tuple(parts))


def find(client: Any, place: Place) -> dict[str, Any] | None:
    """What S3 says of the object (HeadObject), its checksum included; None: there is none.

    Raises:
        FailedError: access is denied.
    """
    from botocore.exceptions import ClientError  # noqa: PLC0415 - heavy

    try:
        answer: dict[str, Any] = client.head_object(ChecksumMode="ENABLED", **place.arguments)
    except ClientError as error:
        code = error.response["Error"]["Code"]  # of a HEAD request: the status alone
        if code == "404":
            return None
        if code == "403":
            raise FailedError(f"{place.uri}: access denied") from error
        raise
    return answer


def current_versions(client: Any, bucket: str, prefix: str) -> dict[str, str]:
    """The version of each object below `prefix`, by its path below it.

    Raises:
        FailedError: access is denied.
    """
    from botocore.exceptions import ClientError  # noqa: PLC0415 - heavy

    try:
        return {
            version["Key"].removeprefix(prefix): version["VersionId"]
            for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix)
            for version in page.get("Versions", [])
            if version["IsLatest"]
        }
    except ClientError as error:
        if error.response["Error"]["Code"] != "AccessDenied":
            raise
        raise FailedError(
            f"s3://{bucket}/{prefix}: access denied",
            hints=[f"s3:ListBucketVersions on {bucket} is needed, by its bucket policy and by your own role"],
        ) from error


def holds(answer: Mapping[str, Any], digest: Digest) -> bool:
    """Whether the object that `find` has answered is the file of that digest."""
    # A checksum of parts ends with their number, which not every S3 says.
    told = answer.get("ChecksumSHA256", "").partition("-")[0]
    return bool(answer["ContentLength"] == digest.size and told == digest.checksum)


def put(
    client: Any,
    file: Path,
    digest: Digest,
    place: Place,
    *,
    content_type: str = "application/octet-stream",
    on_bytes: Callable[[int], None] = lambda _: None,
) -> int:
    """Upload `file`, of that digest, to `place`; the bytes that an earlier upload of it had brought there already.

    Args:
        on_bytes: called with the number of bytes that have arrived since the last call.

    Raises:
        FailedError: the file is no longer what the digest says.
    """
    from botocore.exceptions import ClientError  # noqa: PLC0415 - heavy

    try:
        if len(digest.parts) == 1:
            with file.open("rb") as body:
                client.put_object(
                    Body=body,
                    ContentType=content_type,
                    ChecksumAlgorithm="SHA256",
                    ChecksumSHA256=digest.parts[0],
                    **place.arguments,
                )
            on_bytes(digest.size)
            return 0
        return _Upload(client, file, digest, place).run(content_type, on_bytes)
    except ClientError as error:
        if error.response["Error"]["Code"] in {"BadDigest", "InvalidPart", "IncompleteBody"}:
            raise FailedError(f"{file}: changed between being read and being uploaded to {place.uri}") from error
        if error.response["Error"]["Code"] == "NoSuchUpload":  # somebody else has completed it: the caller looks
            return 0
        raise


@dataclass(frozen=True)
class _Upload:
    """One file on its way in parts."""

    client: Any
    file: Path
    digest: Digest
    place: Place

    def run(self, content_type: str, on_bytes: Callable[[int], None]) -> int:
        upload_id, arrived = self._begun() or (self._created(content_type), {})
        resumed = sum(self._size(number) for number in arrived)
        on_bytes(resumed)
        wanted = [number for number in range(1, len(self.digest.parts) + 1) if number not in arrived]
        with ThreadPoolExecutor(PARALLEL, thread_name_prefix="upload") as pool:
            sent = {pool.submit(self._send, upload_id, number): number for number in wanted}
            try:
                for done in as_completed(sent):
                    arrived[sent[done]] = done.result()
                    on_bytes(self._size(sent[done]))
            except BaseException:  # an interrupt as well: what has arrived is kept for the next run
                pool.shutdown(cancel_futures=True)
                raise
        self.client.complete_multipart_upload(
            UploadId=upload_id,
            MultipartUpload={"Parts": [self._part(number, arrived[number]) for number in sorted(arrived)]},
            **self.place.arguments,
        )
        return resumed

    def _begun(self) -> tuple[str, dict[int, str]] | None:
        """The upload to go on with, and the ETags of its parts that arrived whole."""
        pages = self.client.get_paginator("list_multipart_uploads").paginate(
            Bucket=self.place.bucket, Prefix=self.place.key, **self.place.expectation
        )
        begun = [
            upload
            for page in pages
            for upload in page.get("Uploads", [])
            if upload["Key"] == self.place.key and upload.get("ChecksumAlgorithm") == "SHA256"
        ]
        if not begun:
            return None
        upload_id = max(begun, key=lambda upload: upload["Initiated"])["UploadId"]
        listed = self.client.get_paginator("list_parts").paginate(UploadId=upload_id, **self.place.arguments)
        parts = {part["PartNumber"]: part for page in listed for part in page.get("Parts", [])}
        expected = dict(enumerate(self.digest.parts, start=1))
        return upload_id, {
            number: part["ETag"] for number, part in parts.items() if part.get("ChecksumSHA256") == expected.get(number)
        }

    def _created(self, content_type: str) -> str:
        answer = self.client.create_multipart_upload(
            ContentType=content_type, ChecksumAlgorithm="SHA256", **self.place.arguments
        )
        return str(answer["UploadId"])

    def _send(self, upload_id: str, number: int) -> str:
        from s3transfer.utils import ReadFileChunk  # noqa: PLC0415 - heavy

        start = (number - 1) * PART
        with ReadFileChunk.from_filename(str(self.file), start, self._size(number)) as body:
            answer = self.client.upload_part(
                UploadId=upload_id,
                PartNumber=number,
                Body=body,
                ChecksumAlgorithm="SHA256",
                ChecksumSHA256=self.digest.parts[number - 1],
                **self.place.arguments,
            )
        return str(answer["ETag"])

    def _part(self, number: int, etag: str) -> dict[str, Any]:
        return {"PartNumber": number, "ETag": etag, "ChecksumSHA256": self.digest.parts[number - 1]}

    def _size(self, number: int) -> int:
        return min(PART, self.digest.size - (number - 1) * PART)


def _encoded(digest: Any) -> str:
    return base64.b64encode(digest.digest()).decode("ascii")

"""Model artifacts in S3, each at a key that is made of its content and therefore never overwritten.

CreateModel takes no object version, so the key itself must stand for the content.
"""

import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from glue.artifacts.packing import Packed
from glue.cloud import Cloud
from glue.errors import FailedError
from glue.progress import Reporter, mebibytes
from glue.releases import Artifact

# A checksum of many parts depends on how they were cut: with another size, what was pushed before looks different.
_PART = 64 << 20  # bytes


@dataclass(frozen=True)
class _Object:
    """An object's place. With `owner`, a bucket of any other account is refused."""

    bucket: str
    key: str
    owner: str | None = None

    @property
    def uri(self) -> str:
        return f"s3://{self.bucket}/{self.key}"

    @property
    def expectation(self) -> dict[str, str]:
        return {"ExpectedBucketOwner": self.owner} if self.owner else {}


def push(packed: Packed, workload: str, bucket: str, cloud: Cloud, reporter: Reporter) -> Artifact:
    """Put the archive into `bucket` at `<workload>/<sha256>/model.tar.gz`; what lies there already is left as it is.

    S3 compares the SHA-256 of each part as it arrives, and what S3 says of the object is compared with the file.

    Raises:
        FailedError: the key holds something else, or the bucket keeps no versions.
    """
    client = cloud.client("s3")
    target = _Object(bucket, f"{workload}/{packed.sha256}/model.tar.gz", owner=cloud.account_id)
    reporter.step(f"pushing {packed.file.name} to {target.uri}")
    expected = checksum(packed.file)
    found = _head(client, target)
    if found is None:
        _upload(client, packed, target, reporter)
        found = _head(client, target)
    else:
        reporter.note("it is there already")
    if found is None:
        raise FailedError(f"{target.uri}: not there after the upload: was it deleted meanwhile?")
    # A checksum of parts ends with their number, which not every S3 says.
    if found["ContentLength"] != packed.size or found.get("ChecksumSHA256", "").partition("-")[0] != expected:
        raise FailedError(
            f"{target.uri}: holds other content than its name says",
            hints=["something else than glue has written it: find out what, delete the object, and push again"],
        )
    version = found.get("VersionId")
    if not version or version == "null":
        raise FailedError(f"s3://{bucket}: keeps no versions", hints=["apply the registry layer again"])
    return Artifact(uri=target.uri, version_id=version, sha256=packed.sha256, manifest=packed.manifest)


def missing(artifact: Artifact, cloud: Cloud) -> str | None:
    """Why an endpoint could not load `artifact`, as a sentence; None when exactly that version is what lies there."""
    bucket, _, key = artifact.uri.removeprefix("s3://").partition("/")
    found = _head(cloud.client("s3"), _Object(bucket, key))
    if found is None:
        return f"{artifact.uri} is not there"
    if found.get("VersionId") != artifact.version_id:
        return f"{artifact.uri} has version {found.get('VersionId')}, the release says {artifact.version_id}"
    return None


def checksum(file: Path, part: int = _PART) -> str:
    """The SHA-256 that S3 reports for `file`, in base64: of the content, or for several parts of their digests.

    Source: "Checking object integrity" in the Amazon S3 User Guide.
    """
    digests = []
    with file.open("rb") as stream:
        while chunk := stream.read(part):
            digests.append(hashlib.sha256(chunk).digest())
    whole = digests[0] if len(digests) == 1 else hashlib.sha256(b"".join(digests)).digest()
    return base64.b64encode(whole).decode("ascii")


def _upload(client: Any, packed: Packed, target: _Object, reporter: Reporter) -> None:
    from boto3.s3.transfer import TransferConfig  # noqa: PLC0415 - heavy

    sent, lock = 0, Lock()

    def count(size: int) -> None:  # called by several threads
        nonlocal sent
        with lock:
            sent += size
            reporter.progress("uploading (MiB)", mebibytes(sent), mebibytes(packed.size))

    client.upload_file(
        str(packed.file),
        target.bucket,
        target.key,
        ExtraArgs={"ChecksumAlgorithm": "SHA256", "ContentType": "application/gzip"} | target.expectation,
        # One part more than `_PART` bytes: S3 reports the checksum of a single part as a checksum of parts, too.
        Config=TransferConfig(multipart_threshold=_PART + 1, multipart_chunksize=_PART),
        Callback=count,
    )


def _head(client: Any, target: _Object) -> dict[str, Any] | None:
    from botocore.exceptions import ClientError  # noqa: PLC0415 - heavy

    try:
        answer: dict[str, Any] = client.head_object(
            Bucket=target.bucket, Key=target.key, ChecksumMode="ENABLED", **target.expectation
        )
    except ClientError as error:
        code = error.response["Error"]["Code"]  # of a HEAD request: the status alone
        if code == "404":
            return None
        if code == "403":
            raise FailedError(f"{target.uri}: access denied") from error
        raise
    return answer

"""Receipts: one object for each upload, which says who works on it and what became of it.

S3 lets exactly one writer make an object (`If-None-Match: *`) or replace the version it has read (`If-Match`), so that
a receipt is a lock as well. SageMaker itself refuses no repetition: an inference id is a name, not a key.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
"""

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from botocore.exceptions import ClientError

from upload_trigger.uploads import Upload

_LOST = frozenset({409, 412})  # another writer was faster (ConditionalRequestConflict, PreconditionFailed)
_GONE = 404


class BusyError(Exception):
    """Another run works on the same upload: try again later."""


@dataclass(frozen=True)
class Receipt:
    """What is known of an upload. `expires` (seconds since the epoch) is when whoever claimed it must have ended."""

    inference_id: str
    bucket: str
    key: str
    version_id: str
    status: Literal["claimed", "invoked", "failed"]
    owner: str
    expires: float
    input_location: str | None = None
    output_location: str | None = None
    failure_location: str | None = None
    reason: str | None = None


@dataclass(frozen=True)
class Claim:
    """The right to work on an upload, held until the receipt is replaced."""

    receipt: Receipt
    etag: str


class Receipts:
    """The receipts below `prefix` of `bucket`."""

    def __init__(self, s3: Any, bucket: str, prefix: str, *, now: Callable[[], float] = time.time) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._prefix = prefix
        self._now = now

    def claim(self, upload: Upload, owner: str, seconds: float) -> Claim | None:
        """Claim `upload` for `owner`, who ends within `seconds`; None when it was invoked before.

        A claim is taken over when its time is up, or by a further attempt of the same owner (the first is over then).
        An upload that failed may be tried again.

        Raises:
            BusyError: somebody else holds the claim, or was faster.
        """
        mine = Receipt(
            upload.inference_id, upload.bucket, upload.key, upload.version_id, "claimed", owner, self._now() + seconds
        )
        try:
            return self._put(mine, IfNoneMatch="*")
        except BusyError:
            found = self._read(upload.inference_id)
        if found.receipt.status == "invoked":
            return None
        if found.receipt.status == "claimed" and found.receipt.owner != owner and found.receipt.expires > self._now():
            raise BusyError(f"{upload.inference_id} is claimed by {found.receipt.owner}")
        return self._put(mine, IfMatch=found.etag)

    def close(self, claim: Claim, status: Literal["invoked", "failed"], **facts: str | None) -> Receipt:
        """Say what became of the upload.

        Raises:
            BusyError: the claim was taken over meanwhile.
        """
        closed = replace(claim.receipt, status=status, **facts)  # type: ignore[arg-type]
        try:
            self._put(closed, IfMatch=claim.etag)
        except BusyError:
            # An attempt of which the answer was lost has changed what the next one had to match.
            if self._read(closed.inference_id).receipt != closed:
                raise
        return closed

    def _put(self, receipt: Receipt, **condition: str) -> Claim:
        body = json.dumps(asdict(receipt), sort_keys=True).encode()
        try:
            answer = self._s3.put_object(
                Bucket=self._bucket,
                Key=self._key(receipt.inference_id),
                Body=body,
                ContentType="application/json",
                **condition,
            )
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] in {*_LOST, _GONE}:
                raise BusyError(f"another run was faster with {receipt.inference_id}") from error
            raise
        return Claim(receipt, answer["ETag"])

    def _read(self, inference_id: str) -> Claim:
        try:
            answer = self._s3.get_object(Bucket=self._bucket, Key=self._key(inference_id))
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == _GONE:
                raise BusyError(f"the receipt of {inference_id} has just expired") from error
            raise
        return Claim(Receipt(**json.loads(answer["Body"].read())), answer["ETag"])

    def _key(self, inference_id: str) -> str:
        return f"{self._prefix}{inference_id}.json"

"""The upload that an event is about: what identifies it, and whether it can be a request. Pure."""

import hashlib
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote_plus

MAX_BYTES = 1024**3
"""1 GB. Source: SageMaker Developer Guide, "Asynchronous inference"."""

UNTOLD = frozenset({"", "application/octet-stream", "binary/octet-stream"})
"""Content types that say nothing: S3 gives `binary/octet-stream` to an object that was uploaded without one."""

# Python's own table only, whatever the machine knows besides: the same upload has the same type everywhere.
_BY_SUFFIX = mimetypes.MimeTypes(filenames=())
_ALSO_BY_SUFFIX = {".jsonl": "application/jsonlines", ".npy": "application/x-npy"}


class RefusedError(Exception):
    """The upload can never be a request; the message says why."""


@dataclass(frozen=True)
class Upload:
    """One version of an object."""

    bucket: str
    key: str
    version_id: str

    @property
    def inference_id(self) -> str:
        """The same for every event about this version, and for no other upload: 47 of the 64 characters allowed."""
        identity = "\0".join((self.bucket, self.key, self.version_id))
        return f"upload-{hashlib.sha256(identity.encode()).hexdigest()[:40]}"


def readings(event: Mapping[str, Any]) -> list[Upload]:
    """The uploads that `event`, "Object Created" of S3 from EventBridge, may mean, the likeliest first.

    AWS does not say whether the key is URL-encoded, as in S3's own notifications (in practice it is not). A version id
    belongs to one key only, so that trying both is safe.

    Raises:
        RefusedError: it is no such event, or the bucket keeps no versions.
    """
    try:
        detail = event["detail"]
        bucket, key, version = detail["bucket"]["name"], detail["object"]["key"], detail["object"].get("version-id")
    except (KeyError, TypeError) as error:
        raise RefusedError(f"not an event about an object: {error!r} is missing") from error
    if not version or version == "null":
        raise RefusedError(f"bucket {bucket} keeps no versions: an upload could not be told from its repetition")
    return [Upload(bucket, name, version) for name in dict.fromkeys((key, unquote_plus(key)))]


def check_size(size: int) -> None:
    """Refuse what SageMaker would not take.

    Raises:
        RefusedError: no bytes, or more than 1 GB.
    """
    if size == 0:
        raise RefusedError("the object is empty")
    if size > MAX_BYTES:
        raise RefusedError(f"the object has {size} bytes: allowed is at most {MAX_BYTES} (1 GB)")


def content_type(key: str, told: str | None) -> str:
    """The media type of the request: what the object's own metadata tell, else what the key's suffix stands for.

    Raises:
        RefusedError: neither says anything.
    """
    if told is not None and told.lower() not in UNTOLD:
        return told
    suffix = PurePosixPath(key).suffix.lower()
    found = _ALSO_BY_SUFFIX.get(suffix) or _BY_SUFFIX.guess_type(f"x{suffix}")[0]
    if found is None:
        raise RefusedError(
            f"content type {told or 'none'} and suffix {suffix or 'none'!r} do not say what the object is: "
            "upload it with a Content-Type"
        )
    return found

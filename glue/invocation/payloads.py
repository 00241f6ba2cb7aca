"""What is sent: files, their content types and the keys they get in S3."""

import mimetypes
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from glue.errors import UsageError

MAX_PAYLOAD_BYTES = 1024**3
"""1 GB. Source: SageMaker Developer Guide, "Asynchronous inference"."""

_NOT_IN_KEYS = re.compile(r"[^A-Za-z0-9!_.*'()-]")
# Source of the pattern: InvokeEndpointAsync, ContentType: up to 1024 ASCII characters; a media type is narrower.
_MEDIA_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+(\s*;\s*[!-~]+=[ -~]+)?")
# Own types come before the machine's, so that a file has the same type everywhere.
_OWN_TYPES = {".json": "application/json", ".jsonl": "application/jsonlines", ".npy": "application/x-npy"}
_MIME_TYPES = mimetypes.MimeTypes()


@dataclass(frozen=True)
class Payload:
    """A file to be sent as one request. `accept` is the media type wanted back, None for the handler's own choice."""

    file: Path
    content_type: str
    accept: str | None = None

    @property
    def size(self) -> int:
        """Bytes; 0 for a file that has gone meanwhile."""
        try:
            return self.file.stat().st_size
        except OSError:
            return 0


def payloads(files: Iterable[Path], *, content_type: str | None = None, accept: str | None = None) -> list[Payload]:
    """`files` as payloads; `content_type` is used for all of them, else each one's suffix decides.

    Raises:
        UsageError: a file is missing, no file, unreadable, empty or above 1 GB, or its type is unknown or malformed.
            The message names every mistake.
    """
    chosen = list(files)
    mistakes = [*_type_mistakes(content_type, accept), *(line for file in chosen for line in _mistakes(file))]
    types = [content_type or content_type_of(file) for file in chosen]
    mistakes += [
        f"{file}: suffix {file.suffix!r} says no content type: give --content-type"
        for file, found in zip(chosen, types, strict=True)
        if found is None
    ]
    if mistakes:
        raise UsageError("\n".join(mistakes))
    return [Payload(file, found, accept) for file, found in zip(chosen, types, strict=True) if found]


def content_type_of(file: Path) -> str | None:
    """The media type that `file`'s suffix stands for, or None."""
    return _OWN_TYPES.get(file.suffix.lower()) or _MIME_TYPES.guess_type(file.name.lower())[0]


def input_key(prefix: str, now: datetime, inference_id: str, name: str) -> str:
    """The S3 key of a payload: `<prefix>/<yyyy>/<mm>/<dd>/<inference id>/<file name>`, safe characters only."""
    return f"{prefix.strip('/')}/{now:%Y/%m/%d}/{inference_id}/{safe_name(name)}"


def safe_name(name: str) -> str:
    """`name` in the characters that need no care in a key or a file name, at most 128 of them, its end kept.

    Source: Amazon S3 User Guide, "Naming Amazon S3 objects", safe characters.
    """
    safe = _NOT_IN_KEYS.sub("_", name)[-128:]
    return safe if safe.strip(".") else "_" * max(len(safe), 1)


def _mistakes(file: Path) -> Iterator[str]:
    if not file.exists():
        yield f"{file}: no such file"
    elif not file.is_file():
        yield f"{file}: not a file"
    elif not os.access(file, os.R_OK):
        yield f"{file}: cannot be read"
    elif file.stat().st_size == 0:
        yield f"{file}: empty"
    elif file.stat().st_size > MAX_PAYLOAD_BYTES:
        yield f"{file}: {file.stat().st_size} bytes: allowed is at most {MAX_PAYLOAD_BYTES} (1 GB)"


def _type_mistakes(content_type: str | None, accept: str | None) -> Iterator[str]:
    for option, value in (("--content-type", content_type), ("--accept", accept)):
        if value is not None and (len(value) > 1024 or not _MEDIA_TYPE.fullmatch(value)):
            yield f"{option} {value!r}: not a media type: allowed is type/subtype such as image/png"

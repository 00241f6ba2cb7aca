"""Image layers and configs: bytes that are named by their sha256."""

import hashlib
import os
import re
import tempfile
from pathlib import Path

_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")


class BlobStore:
    """Blobs in a folder, a file each."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, content: bytes) -> str:
        """Keep `content`; its digest."""
        name = hashlib.sha256(content).hexdigest()
        self._folder.mkdir(parents=True, exist_ok=True)
        file = self._folder / name
        if not file.exists():
            descriptor, temporary = tempfile.mkstemp(dir=self._folder)
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(content)
            Path(temporary).replace(file)
        return f"sha256:{name}"

    def adopt(self, file: Path) -> str:
        """Take over `file`, which lies on the same file system; its digest."""
        with file.open("rb") as stream:
            name = hashlib.file_digest(stream, "sha256").hexdigest()
        self._folder.mkdir(parents=True, exist_ok=True)
        file.replace(self._folder / name)
        return f"sha256:{name}"

    def file(self, digest: str) -> Path | None:
        """Where the blob of `digest` lies; None when there is none (or the digest is none)."""
        match = _DIGEST.fullmatch(digest)
        if match is None:
            return None
        file = self._folder / match[1]
        return file if file.is_file() else None

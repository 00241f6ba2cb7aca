"""Files that are whole or not there, and what is in them."""

import hashlib
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

_BLOCK = 1 << 20


def write_atomically(file: Path, text: str, *, mode: int = 0o644) -> None:
    """Write `text` to `file`: whoever reads it, even after a crash, finds the old content or the new, never half."""
    with replacing(file, mode=mode) as stream:
        stream.write(text.encode("utf-8"))


@contextmanager
def replacing(file: Path, *, mode: int = 0o644) -> Iterator[BinaryIO]:
    """A stream whose content becomes `file` at the end of the block; after an exception `file` is as it was."""
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).chmod(mode)
        Path(temporary).replace(file)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def sha256_of(file: Path) -> str:
    """The hexadecimal SHA-256 of what is in `file`."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def files_below(folder: Path) -> dict[str, Path]:
    """The files in `folder` and below it, by their path there."""
    return {file.relative_to(folder).as_posix(): file for file in folder.rglob("*") if file.is_file()}


def digest_of_files(files: Mapping[str, Path]) -> str:
    """A hexadecimal SHA-256 of all `files` (by path): of their paths, sizes and contents, and of nothing else."""
    whole = hashlib.sha256()
    for path, file in sorted(files.items()):
        with file.open("rb") as stream:
            whole.update(f"{path}\0{os.fstat(stream.fileno()).st_size}\0".encode())
            while block := stream.read(_BLOCK):
                whole.update(block)
    return whole.hexdigest()

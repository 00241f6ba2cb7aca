"""Temporary files without a name: in memory for bodies of some megabytes, on disk for larger ones."""

import asyncio
import fcntl
import mmap
import os
import tempfile
from collections.abc import Callable
from typing import Any, BinaryIO, TypeVar

_Result = TypeVar("_Result")

IN_MEMORY_BYTES = 16 << 20
"""Bodies up to this size are in a file in memory, where the system has such: no disk keeps the event loop waiting."""

SPARES = 2
"""Mapped files that are kept for bodies to come."""
_spares: list[tuple[BinaryIO, mmap.mmap]] = []


def are_in_memory(size: int) -> bool:
    """Whether bodies of so many bytes are kept in memory."""
    return size <= IN_MEMORY_BYTES and hasattr(os, "memfd_create")  # macOS has none


def temporary(size: int) -> BinaryIO:
    """A file for so many bytes: in memory, or where that would take much of it on disk.

    Where no folder can be written, in memory all the same.
    """
    if not are_in_memory(size):
        try:
            return tempfile.TemporaryFile(buffering=0)
        except OSError:
            if not are_in_memory(0):
                raise
    return _memory_file()


def mapped(size: int) -> tuple[BinaryIO, mmap.mmap]:
    """A file in memory for so many bytes, and its mapping, which needs no system call to be filled and read.

    It may have been used before, and be longer.
    """
    file, mapping = _spares.pop() if _spares else (_memory_file(), None)
    try:
        if mapping is None or len(mapping) < size:
            if mapping is not None:
                mapping.close()
            descriptor = file.fileno()
            if os.fstat(descriptor).st_size < size:
                os.truncate(descriptor, size)
            mapping = mmap.mmap(descriptor, size)
            # Whoever else has the file cannot take away what is mapped, which would end this process.
            fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK)
    except OSError:
        file.close()
        raise
    return file, mapping


def keep(file: BinaryIO, mapping: mmap.mmap) -> None:
    """Take a mapped file that nobody uses any more: to get its pages anew costs six times what filling them does."""
    if len(_spares) < SPARES:
        _spares.append((file, mapping))
    else:
        mapping.close()
        file.close()


def _memory_file() -> BinaryIO:
    return os.fdopen(os.memfd_create("body", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING), "w+b", buffering=0)


def write(file: BinaryIO, pieces: list[bytes] | list[memoryview]) -> None:
    """Write all of these pieces."""
    if not pieces:
        return
    written = os.writev(file.fileno(), pieces)
    if written < sum(map(len, pieces)):  # a signal, a full disk, more than the system writes at once
        rest = memoryview(b"".join(pieces))[written:] if len(pieces) > 1 else memoryview(pieces[0])[written:]
        while rest:
            rest = rest[file.write(rest) :]


async def run(size: int, call: Callable[..., _Result], *arguments: Any) -> _Result:
    """Read or write a part of a file of this size: at once in memory, in a thread on disk, which may be slow."""
    if size <= IN_MEMORY_BYTES:
        return call(*arguments)
    return await asyncio.to_thread(call, *arguments)

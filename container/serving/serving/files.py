"""Temporary files without a name: in memory for bodies of some megabytes, on disk for larger ones."""

import asyncio
import os
import tempfile
from collections.abc import Callable
from typing import Any, BinaryIO, TypeVar

_Result = TypeVar("_Result")

IN_MEMORY_BYTES = 16 << 20
"""Bodies up to this size are in a file in memory, where the system has such: no disk keeps the event loop waiting."""

SPARES = 2
"""Files in memory that are kept for bodies to come."""
_spares: list[BinaryIO] = []


def temporary(size: int) -> BinaryIO:
    """A file for so many bytes: in memory, or where that would take much of it on disk.

    Where no folder can be written, in memory all the same. It may have been used before, and be longer.
    """
    has_memory_files = hasattr(os, "memfd_create")  # macOS has none
    if size > IN_MEMORY_BYTES or not has_memory_files:
        try:
            return tempfile.TemporaryFile(buffering=0)
        except OSError:
            if not has_memory_files:
                raise
    elif _spares:
        file = _spares.pop()
        file.seek(0)
        return file
    return os.fdopen(os.memfd_create("body"), "w+b", buffering=0)


def keep(file: BinaryIO) -> None:
    """Take a file in memory that nobody uses any more: to get its pages anew costs six times what filling them does."""
    if len(_spares) < SPARES:
        _spares.append(file)
    else:
        file.close()


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

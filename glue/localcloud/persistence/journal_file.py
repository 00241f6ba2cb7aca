"""The folder of `glue local up --persist`: an append-only journal that survives the death of its writer at any moment.

`format.json` says how to read it, `journal.jsonl` holds one entry a line, each led by its own checksum, `bodies/` what
is too large for a line, named by its sha256. Standard library only.
"""

import base64
import contextlib
import errno
import fcntl
import hashlib
import io
import json
import os
import tempfile
import threading
import zlib
from collections.abc import Iterable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import IO, Any

from glue.errors import UsageError
from glue.files import write_atomically

FORMAT = 2
"""Counts the ways in which a journal was written."""

_INLINE = 16 * 1024  # bytes of a body that are kept in the line itself

Document = dict[str, Any]


class JournalFile:
    """The journal in `folder`. `version` is that of the software whose requests it repeats."""

    def __init__(self, folder: Path, version: str) -> None:
        self.folder = folder
        self._version = version
        self._journal = folder / "journal.jsonl"
        self._bodies = folder / "bodies"
        self._descriptor: int | None = None
        self._appending = threading.Lock()

    def check(self) -> int | None:
        """See that the folder is a journal's, or empty; the port that its cloud had, None when there was none.

        Raises:
            UsageError: it is something else, of another version, damaged, or in use.
        """
        if not self.folder.exists():
            return None
        if not self.folder.is_dir():
            raise UsageError(f"{self.folder} is no folder")
        with contextlib.closing(_Lock(self.folder)):
            header = self._header()
            if header is None:
                return None
            for _ in self.entries():
                pass
            port = header.get("port")
            return port if isinstance(port, int) else None

    def open(self, port: int) -> None:
        """Take the journal for this process, until it ends; what was cut off at its end is removed.

        Raises:
            UsageError: as for `check`.
        """
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = _Lock(self.folder)
        self._header()
        for temporary in self._bodies.glob(".new-*"):
            temporary.unlink()
        self._bodies.mkdir(exist_ok=True)
        header = {"format": FORMAT, "version": self._version, "port": port}
        write_atomically(self.folder / "format.json", json.dumps(header), mode=0o600)
        sound = sum(len(line) for line, _ in self._lines())
        self._descriptor = os.open(self._journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.ftruncate(self._descriptor, sound)

    def close(self) -> None:
        """Leave the journal to others."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._lock.close()
            self._descriptor = None

    def append(self, entry: Document) -> None:
        """Add an entry. Once this returns, the death of the process does not lose it.

        Raises:
            OSError: the disk is full; the journal is as it was.
        """
        assert self._descriptor is not None  # noqa: S101 - opened first
        text = json.dumps(entry, separators=(",", ":")).encode()
        line = b"%08x %s\n" % (zlib.crc32(text), text)
        with self._appending:
            written = os.write(self._descriptor, line)
            if written < len(line):  # half an entry with others behind it would be damage
                os.ftruncate(self._descriptor, os.fstat(self._descriptor).st_size - written)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._journal))

    def entries(self) -> Iterator[Document]:
        """What was added, in order.

        Raises:
            UsageError: a line is damaged; a last one that was cut off is none.
        """
        for _, entry in self._lines():
            yield entry

    def keep(self, chunks: Iterable[bytes]) -> Document:
        """Keep a body; what an entry says of it."""
        content = b""
        pieces = iter(chunks)
        for chunk in pieces:
            content += chunk
            if len(content) > _INLINE:
                return {"sha256": self._write(content, pieces)}
        return {"base64": base64.b64encode(content).decode()} if content else {}

    def body(self, kept: Document) -> IO[bytes]:
        """The body of an entry, to be closed.

        Raises:
            UsageError: its file is missing.
        """
        if "sha256" in kept:
            try:
                file: IO[bytes] = (self._bodies / kept["sha256"]).open("rb")
            except FileNotFoundError as error:
                raise self._damaged(f"bodies/{kept['sha256']} is missing") from error
            return file
        return io.BytesIO(base64.b64decode(kept.get("base64", "")))

    def _write(self, start: bytes, rest: Iterable[bytes]) -> str:
        digest = hashlib.sha256(start)
        descriptor, name = tempfile.mkstemp(dir=self._bodies, prefix=".new-")
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(start)
                for chunk in rest:
                    stream.write(chunk)
                    digest.update(chunk)
        except BaseException:
            Path(name).unlink()
            raise
        Path(name).replace(self._bodies / digest.hexdigest())
        return digest.hexdigest()

    def _header(self) -> Document | None:
        file = self.folder / "format.json"
        if not file.exists():
            if any(self.folder.glob("[!.]*")):
                raise UsageError(
                    f"{self.folder} is not empty and holds no local cloud",
                    hints=["name a folder that does not exist yet"],
                )
            return None
        try:
            header: Document = json.loads(file.read_text(encoding="utf-8"))
            found = (header["format"], header["version"])
        except (ValueError, KeyError, TypeError, OSError) as error:
            raise self._damaged("format.json is not readable") from error
        if found != (FORMAT, self._version):
            raise UsageError(
                f"{self.folder} was written by another version of the local cloud: format {found[0]}, {found[1]}; "
                f"this one reads format {FORMAT}, {self._version}",
                hints=["use another folder, or the version that wrote it"],
            )
        return header

    def _lines(self) -> Iterator[tuple[bytes, Document]]:
        if not self._journal.exists():
            return
        with self._journal.open("rb") as stream:
            for number, line in enumerate(stream, start=1):
                if not line.endswith(b"\n"):
                    return  # the writer died while it wrote: nobody was told that this was done
                checksum, _, text = line[:-1].partition(b" ")
                if checksum != b"%08x" % zlib.crc32(text):
                    raise self._damaged(f"line {number} of journal.jsonl is not what was written")
                yield line, json.loads(text)

    def _damaged(self, what: str) -> UsageError:
        return UsageError(f"{self.folder} is damaged: {what}", hints=["use another folder"])


def journal_of(folder: Path) -> JournalFile:
    """The journal in `folder`, for the version of moto that is installed."""
    return JournalFile(folder, f"moto {version('moto')}")


class _Lock:
    """The exclusive use of a folder, as long as the object or its process lives."""

    def __init__(self, folder: Path) -> None:
        self._file = (folder / ".lock").open("a+")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._file.close()
            raise UsageError(
                f"{folder} is used by another local cloud", hints=["end that one first, or name another folder"]
            ) from error

    def close(self) -> None:
        self._file.close()

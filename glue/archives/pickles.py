"""Files whose loading runs code: pickles, and what holds them. Told from their bytes as they pass, and not unpickled.

A pickle is a program that names functions and calls them. Sources: Python's `pickle` and `pickletools`, PyTorch's
serialisation (a zip with a `data.pkl` somewhere in it), NumPy's `.npy` and `.npz` (arrays of objects are pickled).
"""

import io
import pickletools
import re
from pathlib import PurePosixPath
from typing import Any

from glue.archives.zips import ZipEntries

HEAD = 64 << 10
"""Bytes of a file that tell what kind of file it is."""

MOST_ENTRIES = 10_000
"""Entries of a zip that are looked at."""

_PICKLES = {".pkl", ".pickle", ".joblib", ".dill"}
_HOLDERS = {*_PICKLES, ".pt", ".pth", ".bin", ".ckpt", ".npz"}
"""How files are named that usually are pickles, or hold some."""
_COMPRESSED = tuple(
    map(bytes.fromhex, ("1f8b", "425a68", "fd377a585a", "5d0000", "7801", "785e", "789c", "78da", "04224d18"))
)
"""How gzip, bzip2, xz, lzma, zlib and lz4 begin, which joblib compresses with."""
_TAR = (257, b"ustar")
_NPY = b"\x93NUMPY"
_OBJECTS = re.compile(rb"""['"][|<>=]?O\d*['"]""")
_FEWEST = 3
"""Opcodes from which on bytes that begin like a pickle are believed to be one."""
_NAME = re.compile(r"[A-Za-z_][\w.]*")
_CALLS = {"REDUCE", "INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "BUILD"}
_RUNS = "whoever loads it runs what it says"


class PickleScan:
    """One file, given in pieces from its beginning on. Once it is `settled`, the rest of it changes nothing."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._head = b""
        self._entries: ZipEntries | None = None
        self._found: str | None = None

    def read(self, piece: bytes) -> None:
        """Look at the next bytes of the file."""
        known = self._head
        self._head += piece[: HEAD - len(known)]
        if self._entries is None and self._head.startswith(b"PK"):
            self._entries = ZipEntries(MOST_ENTRIES)
            piece = known + piece
        if self._entries is not None and self._found is None:
            self._look(self._entries, piece)

    @property
    def settled(self) -> bool:
        """Whether what is known will not change."""
        if self._entries is None:
            return len(self._head) == HEAD
        return self._found is not None or self._entries.too_many

    def risk(self) -> str | None:
        """Why loading the file that was read would run code; None: nothing tells that it would."""
        if self._entries is None:
            return _risk_of(self._path, self._head, cut=len(self._head) == HEAD)
        self._look(self._entries, None)
        if self._found is None and self._entries.too_many:
            return f"a zip of more than {MOST_ENTRIES} entries, which may hold pickles: {_RUNS}"
        return self._found

    def _look(self, entries: ZipEntries, piece: bytes | None) -> None:
        """Look at the entries that come with `piece`, or with the end of the file."""
        for name, head in entries.after(piece):
            if _suffix(name) in _PICKLES:
                self._found = f"a zip with the pickle {name}: {_RUNS}, unless only weights are loaded"
                return
            inner = _risk_of(name, head, cut=True)
            if inner is not None:
                self._found = f"a zip whose {name} is {inner}"
                return


def pickle_risk(path: str, content: bytes) -> str | None:
    """What `PickleScan` says of a file with that content."""
    scan = PickleScan(path)
    scan.read(content)
    return scan.risk()


def _risk_of(path: str, head: bytes, *, cut: bool) -> str | None:
    """The risk of a file that is no zip; `cut`: it may go on after `head`."""
    program = _Program(head, cut=cut)
    if program.is_pickle:
        called = f"; it begins by naming {', '.join(dict.fromkeys(program.names[:5]))}" if program.names else ""
        return f"a pickle: {_RUNS}{called}"
    if head.startswith(_NPY):
        length = int.from_bytes(head[8 : 10 if head[6:7] == b"\x01" else 12], "little")
        if length <= len(head) and not _OBJECTS.search(head[: 12 + length]):
            return None
        return "an array of objects, which are pickled: whoever loads it runs what they say"
    unknown = program.is_open or head.startswith(_COMPRESSED) or head.startswith(_TAR[1], _TAR[0])
    if _suffix(path) in _PICKLES or (_suffix(path) in _HOLDERS and unknown):
        return "named like a pickle: whoever loads it may run what it says"
    return None


def _suffix(path: str) -> str:
    return PurePosixPath(path).suffix.lower()


class _Program:
    """The beginning of a file, read as the program that a pickle is; `names` are the functions and classes it names.

    Text is full of opcodes as well. What has no mark of a protocol (0 and 1 have none) is a pickle when it names
    something and calls it, and takes nothing from the stack that is not there: there a real one would end.
    """

    def __init__(self, head: bytes, *, cut: bool) -> None:
        self.names: list[str] = []
        self._texts: list[str] = []
        self._calls = 0
        self._depth = 0
        self._marks: list[int] = []
        marked = head[:1] == b"\x80" and 2 <= int.from_bytes(head[1:2]) <= 5
        stream = io.BytesIO(head)
        count, ended, sound = 0, False, True
        try:
            for opcode, argument, _ in pickletools.genops(stream):
                count += 1
                sound = self._step(opcode, argument)
                if not (sound or marked):
                    break
            ended = sound or marked
        except Exception:  # noqa: BLE001 - the head ends in the middle of something, or is no pickle: both raise anything
            ended = False
        self.is_open = not ended and sound and cut and not stream.read(1)
        """Whether it may be one whose beginning tells nothing yet."""
        if marked:
            self.is_pickle = ended or count >= _FEWEST or self.is_open
        else:
            self.is_pickle = bool(self.names) and self._calls > 0 and all(map(_NAME.fullmatch, self.names))

    def _step(self, opcode: Any, argument: Any) -> bool:
        """Do what one opcode does to the stack; whether it could."""
        if opcode.name in {"GLOBAL", "INST"}:
            self.names.append(str(argument).replace(" ", "."))
        elif opcode.name == "STACK_GLOBAL":
            self.names.append(".".join(self._texts[-2:]))
        elif opcode.name.startswith("EXT"):
            self.names.append(f"extension_{argument}")
        elif isinstance(argument, str):
            self._texts.append(argument)
        taken: list[Any] = opcode.stack_before
        if pickletools.markobject in taken:
            if not self._marks:
                return False
            self._depth = self._marks.pop() - taken.index(pickletools.markobject)
        else:
            self._depth -= len(taken)
        if self._depth < (self._marks[-1] if self._marks else 0):
            return False
        if opcode.name == "MARK":
            self._marks.append(self._depth)
        else:
            self._depth += len(opcode.stack_after)
        self._calls += opcode.name in _CALLS
        return True

"""Files whose loading runs code: pickles, and what holds pickles. Told from the first bytes; nothing is unpickled.

A pickle is a program that names functions and calls them. Sources: the documentation of Python's `pickle`, of PyTorch's
serialisation (a zip whose first entry is `data.pkl`) and of NumPy's `.npy` format (arrays of objects are pickled).
"""

import io
import pickletools
from pathlib import PurePosixPath

_NAMED = {".pkl", ".pickle", ".joblib", ".dill"}
_LOCAL_HEADER = b"PK\x03\x04"
_NPY = b"\x93NUMPY"
_FEWEST = 3
"""Opcodes from which on bytes that begin like a pickle are believed to be one."""


def pickle_risk(path: str, head: bytes) -> str | None:
    """Why loading the file `path`, which begins with `head`, would run code; None: nothing tells that it would."""
    names = _names_called(head)
    if names is not None:
        called = f"; it begins by naming {', '.join(names[:5])}" if names else ""
        return f"a pickle: whoever loads it runs what it says{called}"
    entry = _first_entry(head)
    if entry and entry.endswith(".pkl"):
        return f"a zip with the pickle {entry}: whoever loads it runs what it says, unless only weights are loaded"
    if head.startswith(_NPY) and b"|O" in head[:128]:
        return "an array of objects, which are pickled: whoever loads it runs what they say"
    if PurePosixPath(path).suffix.lower() in _NAMED:
        return "named like a pickle: whoever loads it may run what it says"
    return None


def _names_called(head: bytes) -> list[str] | None:
    """The functions and classes that the pickle at the beginning of a file names; None: there is no pickle."""
    if head[:1] != b"\x80" or not 2 <= int.from_bytes(head[1:2]) <= 5:
        return None
    names: list[str] = []
    texts: list[str] = []
    count = 0
    try:
        for opcode, argument, _ in pickletools.genops(io.BytesIO(head)):
            count += 1
            if opcode.name == "GLOBAL":
                names.append(str(argument).replace(" ", "."))
            elif opcode.name == "STACK_GLOBAL" and len(texts) > 1:
                names.append(".".join(texts[-2:]))
            elif isinstance(argument, str):
                texts.append(argument)
    except Exception:  # noqa: BLE001 - the head ends in the middle of something, or is no pickle: both raise anything
        if count < _FEWEST:
            return None
    return list(dict.fromkeys(names))


def _first_entry(head: bytes) -> str | None:
    """The name of the first entry of a zip, from its local file header (PKWARE's APPNOTE, section 4.3.7)."""
    if not head.startswith(_LOCAL_HEADER):
        return None
    length = int.from_bytes(head[26:28], "little")
    return head[30 : 30 + length].decode("utf-8", "replace")

"""Which names a file may have inside an archive: those that stay inside the folder it is extracted to."""

import posixpath
import re
import unicodedata
from collections.abc import Callable

_MAX_NAME_BYTES = 1024
_MAX_PART_BYTES = 255  # of most file systems
_DRIVE = re.compile(r"[A-Za-z]:")


def normalised(name: str) -> str:
    """`name` as a plain relative path with `/`: `./code//inference.py` is `code/inference.py`, the top itself is `.`.

    Raises:
        ValueError: the name leads elsewhere, or cannot be a file's name on every system; the message says why.
    """
    for objection, applies in _OBJECTIONS.items():
        if applies(name):
            raise ValueError(objection)
    return posixpath.normpath(name)


def _is_not_utf8(name: str) -> bool:
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


def _is_long(name: str) -> bool:
    encoded = name.encode("utf-8")
    return len(encoded) > _MAX_NAME_BYTES or any(len(part) > _MAX_PART_BYTES for part in encoded.split(b"/"))


_OBJECTIONS: dict[str, Callable[[str], bool]] = {
    "an empty name": lambda name: not name,
    "a name that is not UTF-8": _is_not_utf8,
    "a control character in the name": lambda name: any(unicodedata.category(each) == "Cc" for each in name),
    "a backslash in the name": lambda name: "\\" in name,
    "an absolute path: it must be relative": lambda name: name.startswith("/") or bool(_DRIVE.match(name)),
    "`..` in the path: it must stay inside": lambda name: ".." in name.split("/"),
    f"a name longer than {_MAX_NAME_BYTES} bytes, or {_MAX_PART_BYTES} for one of its parts": _is_long,
}

"""Hash-locked requirements: which distributions an image installs."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from glue.errors import UsageError

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_CONTINUATION = re.compile(r"\\\n")

MODULES = {
    "attr": ("attrs",),
    "bs4": ("beautifulsoup4",),
    "Crypto": ("pycryptodome",),
    "cv2": (
        "opencv-python",
        "opencv-python-headless",
        "opencv-contrib-python",
        "opencv-contrib-python-headless",
    ),
    "dateutil": ("python-dateutil",),
    "dotenv": ("python-dotenv",),
    "faiss": ("faiss-cpu", "faiss-gpu"),
    "fitz": ("pymupdf",),
    "jwt": ("pyjwt",),
    "onnxruntime": ("onnxruntime", "onnxruntime-gpu"),
    "open_clip": ("open-clip-torch",),
    "PIL": ("pillow",),
    "pkg_resources": ("setuptools",),
    "skimage": ("scikit-image",),
    "sklearn": ("scikit-learn",),
    "umap": ("umap-learn",),
    "yaml": ("pyyaml",),
}
"""Modules whose distributions have other names. Needed only where they are not installed: there, metadata tells."""


@dataclass(frozen=True)
class Requirements:
    """The distributions that `file` declares, by their normalised names.

    `complete` says that nothing else will be installed: true of a lock.
    """

    file: str
    names: frozenset[str]
    complete: bool

    def provide(self, module: str, distributions: Collection[str] = ()) -> bool:
        """Whether one of them brings the top-level `module`, known to be brought by `distributions` on this machine."""
        candidates = {module, *MODULES.get(module, ()), *distributions}
        return any(canonical(candidate) in self.names for candidate in candidates)


def canonical(name: str) -> str:
    """The one spelling of a distribution's name (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def declared(text: str, file: str) -> Requirements:
    """The distributions that the lines of a requirements file name, to be installed beside others."""
    return Requirements(file, _names(text), complete=False)


def read_lock(file: Path) -> Requirements:
    """The distributions of the lock `file`.

    Raises:
        UsageError: it cannot be read, is empty, or a line has no hash or no exact version.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file}: cannot be read: {error}") from error
    for line in _lines(text):
        if not _NAME.match(line):
            raise UsageError(f"{file}: {line[:60]!r}: allowed are lines such as `numpy==2.0.0 --hash=sha256:…`")
        if "==" not in line or "--hash=sha256:" not in line:
            raise UsageError(
                f"{file}: {line.split()[0]}: not locked: allowed is an exact version with its sha256",
                hints=[f"uv pip compile --generate-hashes --universal -o {file} {file.with_suffix('.in')}"],
            )
    names = _names(text)
    if not names:
        raise UsageError(f"{file}: names no requirement: the server itself needs some")
    return Requirements(file.name, names, complete=True)


def _names(text: str) -> frozenset[str]:
    return frozenset(canonical(match[0]) for line in _lines(text) if (match := _NAME.match(line)))


def _lines(text: str) -> list[str]:
    """The logical lines without comments."""
    lines = (re.sub(r"(^|\s)#.*", "", line).strip() for line in _CONTINUATION.sub(" ", text).splitlines())
    return [line for line in lines if line]

"""Whether what a handler's requirements.txt asks for is installed. Nothing is ever installed at start."""

import re
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from serving.errors import HandlerError

_OPTION = re.compile(r"\s+--\S.*$")
_FILE = re.compile(r"(?:-r|--requirement)[ =]*(?P<file>[^ =].*)")
_COMMENT = re.compile(r"(^|\s+)#.*$")


def check(file: Path) -> None:
    """Do nothing if `file` does not exist or all it asks for is installed; so for the files it names (`-r other.txt`).

    Other options (`--hash=…`), paths and addresses are passed over: the format is pip's,
    https://pip.pypa.io/en/stable/reference/requirements-file-format/

    Raises:
        HandlerError: packages are missing or have another version; names each.
    """
    if not file.is_file():
        return
    unmet = list(_unmet(file, set()))
    if unmet:
        raise HandlerError(
            f"requirements of {file} are not met: {'; '.join(unmet)}. Nothing is installed at start: "
            "they belong in the image"
        )


def _unmet(file: Path, seen: set[Path]) -> Iterator[str]:
    from packaging.requirements import InvalidRequirement, Requirement  # noqa: PLC0415 - few handlers have the file

    seen.add(file.resolve())
    text = file.read_text(encoding="utf-8-sig", errors="replace")
    for line in text.replace("\\\r\n", " ").replace("\\\n", " ").splitlines():
        plain = _COMMENT.sub("", line).strip()
        if (named := _FILE.fullmatch(plain)) and "://" not in plain:
            other = file.parent / named["file"]
            if not other.is_file():
                yield f"{other} is not there"
            elif other.resolve() not in seen:
                yield from _unmet(other, seen)
        stated = _OPTION.sub("", plain).strip()
        if not stated or stated.startswith("-"):
            continue
        try:
            requirement = Requirement(stated)
        except InvalidRequirement:
            continue  # a path or an archive's address, whose package only pip can tell
        if requirement.marker is not None and not requirement.marker.evaluate():
            continue
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            yield f"{stated} is not installed"
            continue
        if not requirement.specifier.contains(version, prereleases=True):
            yield f"{stated} is asked for, {version} is installed"

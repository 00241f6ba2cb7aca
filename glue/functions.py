"""Packages of Lambda functions: archives whose bytes depend on the code alone, so that every machine plans the same.

No compressor, as in `glue.archives`: what it makes of the same code changes with its version.
"""

import base64
import hashlib
import io
import zipfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from glue.errors import UsageError
from glue.files import replacing
from glue.project import Project

_EARLIEST = (1980, 1, 1, 0, 0, 0)  # the earliest time that a ZIP archive can tell
_UNIX = 3
_MODE = 0o100644


@dataclass(frozen=True)
class Package:
    """A function's archive. `file` is where it lies, `path` how root modules name that from their folder."""

    file: Path
    path: str
    content: bytes

    @cached_property
    def source_code_hash(self) -> str:
        """The base64 of its sha256, as Lambda and Terraform write it."""
        return base64.b64encode(hashlib.sha256(self.content).digest()).decode("ascii")

    def variables(self) -> dict[str, str]:
        """The package as a variable of Terraform."""
        return {"file": self.path, "source_code_hash": self.source_code_hash}

    def write(self) -> None:
        """Put the archive where Terraform finds it."""
        with replacing(self.file) as stream:
            stream.write(self.content)


def package(project: Project, module: str) -> Package:
    """The package of the function whose code lies in `function/` of a module. Nothing is written yet.

    It is kept in the module, whose place is the same as seen from every root module on every machine.

    Raises:
        UsageError: there is no code.
    """
    relative = Path("modules", module, "build", f"{module}.zip")
    source = project.root / "modules" / module / "function"
    return Package(project.root / relative, str(Path("..", "..", relative)), archive(source))


def archive(source: Path) -> bytes:
    """A ZIP archive of the Python modules below the folder `source`, in the order of their names.

    Raises:
        UsageError: there are none.
    """
    files = {file.relative_to(source).as_posix(): file for file in source.rglob("*.py")}
    if not files:
        raise UsageError(f"{source}: has no Python module to make a function of")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as packed:
        for name, file in sorted(files.items()):
            info = zipfile.ZipInfo(name, _EARLIEST)
            info.create_system = _UNIX
            info.external_attr = _MODE << 16
            packed.writestr(info, file.read_bytes())
    return buffer.getvalue()

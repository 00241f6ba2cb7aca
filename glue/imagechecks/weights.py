"""Whether a bundled model is what its list says: read inside the image, before anything loads it."""

import json
from collections.abc import Sequence

from pydantic import ValidationError

from glue.artifacts.manifest import ArchiveManifest, differences
from glue.checks.verdicts import Finding, failed, passed
from glue.engines import Engine
from glue.engines.commands import CommandError
from glue.images.context import MODEL_DIR
from glue.releases import ManifestEntry
from glue.workloads import ARCHIVE_MANIFEST

_READING_SECONDS = 1800.0
_SHOWN = 5
_PROGRAM = """
import hashlib, json, os, sys
base, name = sys.argv[1:]
try:
    text = open(os.path.join(base, name)).read()
    paths = [entry["path"] for entry in json.loads(text)["files"]]
except (OSError, ValueError, KeyError, TypeError):
    print(json.dumps({"manifest": None, "files": {}}))
    sys.exit()
found = {}
for path in paths:
    try:
        with open(os.path.join(base, path), "rb") as stream:
            whole, size = hashlib.sha256(), 0
            while block := stream.read(1 << 20):
                whole.update(block)
                size += len(block)
        found[path] = [size, whole.hexdigest()]
    except OSError:
        found[path] = None
print(json.dumps({"manifest": text, "files": found}))
"""


def look(engine: Engine, image: str) -> tuple[str | None, list[ManifestEntry]]:
    """The text of the list in `image` (None: there is none) and those of the files it names that are there."""
    text = engine.run_once(
        image, "python3", ["-I", "-c", _PROGRAM, MODEL_DIR, ARCHIVE_MANIFEST], seconds=_READING_SECONDS
    )
    found = json.loads(text)
    entries = {path: entry for path, entry in found["files"].items() if entry}
    return found["manifest"], [ManifestEntry(path=path, size=one[0], sha256=one[1]) for path, one in entries.items()]


def check(engine: Engine, image: str) -> Finding:
    """The bundled model of `image`, file by file."""
    try:
        text, files = look(engine, image)
    except (CommandError, ValueError) as error:
        return failed(f"the model in the image could not be read: {error}")
    return judge(text, files)


def judge(text: str | None, files: Sequence[ManifestEntry]) -> Finding:
    """Whether `files` are those that the list `text` promises. Pure."""
    if text is None:
        return failed(
            f"the image says that its model is bundled, and {MODEL_DIR}/{ARCHIVE_MANIFEST} is missing or no list"
        )
    try:
        manifest = ArchiveManifest.model_validate_json(text)
    except ValidationError as error:
        return failed(f"{ARCHIVE_MANIFEST} in the image is not understood: {error.errors()[0]['msg']}")
    wrong = list(differences(manifest, files, "image"))
    size = sum(entry.size for entry in manifest.files)
    if wrong:
        rest = f"; and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
        return failed("; ".join(wrong[:_SHOWN]) + rest, files=len(manifest.files), bytes=size)
    return passed(f"{len(manifest.files)} files as listed", files=len(manifest.files), bytes=size)

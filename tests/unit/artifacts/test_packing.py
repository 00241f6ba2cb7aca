"""Packing: the same workload gives the same archive, whole or not at all."""

import os
import shutil
from pathlib import Path

import pytest

from glue.artifacts import Interpreter, pack, upload, verify
from glue.errors import FailedError
from glue.progress import Silent
from glue.workloads import Workload, load_workload

MANIFEST = """\
name: detector
version: 1.2.0
description: Finds things
artifact:
  code/inference.py: inference.py
  code/detection: detection
  config.json: config.json
"""
HANDLER = "import detection.rooms\n\n\ndef model_fn(model_dir): ...\n\n\ndef predict_fn(data, model): ...\n"


@pytest.fixture
def workload(tmp_path: Path) -> Workload:
    folder = tmp_path / "workloads" / "detector"
    for path, text in {
        "workload.yaml": MANIFEST,
        "inference.py": HANDLER,
        "config.json": "{}",
        "requirements.lock": f"numpy==2.0.0 --hash=sha256:{'0' * 64}\n",
        "golden/.keep": "",
        "detection/__init__.py": "",
        "detection/rooms.py": "AREA = 1\n",
        "detection/data.json": "[]",
        "detection/__pycache__/rooms.cpython-311.pyc": "junk",
        "detection/.DS_Store": "junk",
    }.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return load_workload(tmp_path / "workloads", "detector")


def test_the_same_workload_gives_the_same_archive_wherever_it_lies(workload: Workload, tmp_path: Path) -> None:
    first = pack(workload, tmp_path / "a.tar.gz", Silent())
    shutil.copytree(workload.folder, tmp_path / "elsewhere" / "detector")
    for file in (tmp_path / "elsewhere").rglob("*"):
        os.utime(file, (1, 1))
    second = pack(load_workload(tmp_path / "elsewhere", "detector"), tmp_path / "b.tar.gz", Silent())
    assert first.sha256 == second.sha256
    assert first.file.read_bytes() == second.file.read_bytes()


def test_what_was_packed_verifies_and_lists_itself(workload: Workload, tmp_path: Path) -> None:
    packed = pack(workload, tmp_path / "deep" / "model.tar.gz", Silent())
    found = verify(packed.file, Interpreter(Path(__file__).parents[3] / "container" / "serving"), Silent())
    assert [entry.path for entry in packed.manifest] == [
        "code/detection/__init__.py",
        "code/detection/data.json",
        "code/detection/rooms.py",
        "code/inference.py",
        "config.json",
    ]
    assert (found.sha256, found.size, found.manifest) == (packed.sha256, packed.size, packed.manifest)
    assert found.listing is not None
    assert (found.listing.workload, found.listing.workload_version) == ("detector", "1.2.0")


def test_a_failed_packing_leaves_the_old_archive_and_nothing_else(workload: Workload, tmp_path: Path) -> None:
    out = tmp_path / "out" / "model.tar.gz"
    old = pack(workload, out, Silent())
    (workload.folder / "config.json").unlink()
    with pytest.raises(FileNotFoundError):
        pack(workload, out, Silent())
    assert list(out.parent.iterdir()) == [out]
    assert upload.checksum(out) == upload.checksum(old.file)


def test_a_changed_file_changes_the_digest(workload: Workload, tmp_path: Path) -> None:
    first = pack(workload, tmp_path / "a.tar.gz", Silent())
    (workload.folder / "config.json").write_text("[]")
    assert pack(workload, tmp_path / "b.tar.gz", Silent()).sha256 != first.sha256


def test_an_archive_that_was_changed_after_packing_is_refused(workload: Workload, tmp_path: Path) -> None:
    file = pack(workload, tmp_path / "a.tar.gz", Silent()).file
    content = bytearray(file.read_bytes())
    content[content.index(b"AREA = 1")] ^= 0x01
    file.write_bytes(bytes(content))
    with pytest.raises(FailedError, match="not a sound gzip file: CRC"):
        verify(file, Interpreter(Path(__file__).parents[3] / "container" / "serving"), Silent())

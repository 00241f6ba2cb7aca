"""Packing: the same workload gives the same archive, whole or not at all."""

import hashlib
import os
import shutil
from pathlib import Path

import pytest

from glue.artifacts import Interpreter, form_of, list_files, pack, verify, verify_files
from glue.errors import FailedError
from glue.progress import Silent
from glue.workloads import Workload, load_workload
from glue.workloads.requirements import read_lock

MANIFEST = """\
name: detector
version: 1.2.0
description: Finds things
artifact:
  code/inference.py: inference.py
  code/detection: detection
  config.json: config.json
"""
INTERPRETER = Interpreter(Path(__file__).parents[3] / "container" / "serving")
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
    assert (tmp_path / "a.tar.gz").read_bytes() == (tmp_path / "b.tar.gz").read_bytes()


def test_what_was_packed_verifies_and_lists_itself(workload: Workload, tmp_path: Path) -> None:
    packed = pack(workload, tmp_path / "deep" / "model.tar.gz", Silent())
    found = verify(packed.files["model.tar.gz"], INTERPRETER, Silent())
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
    old = pack(workload, out, Silent()).sha256
    (workload.folder / "config.json").unlink()
    with pytest.raises(FileNotFoundError):
        pack(workload, out, Silent())
    assert list(out.parent.iterdir()) == [out]
    assert hashlib.sha256(out.read_bytes()).hexdigest() == old


def test_a_changed_file_changes_the_digest(workload: Workload, tmp_path: Path) -> None:
    first = pack(workload, tmp_path / "a.tar.gz", Silent())
    (workload.folder / "config.json").write_text("[]")
    assert pack(workload, tmp_path / "b.tar.gz", Silent()).sha256 != first.sha256


def test_an_archive_that_was_changed_after_packing_is_refused(workload: Workload, tmp_path: Path) -> None:
    file = tmp_path / "a.tar.gz"
    pack(workload, file, Silent())
    content = bytearray(file.read_bytes())
    content[content.index(b"AREA = 1")] ^= 0x01
    file.write_bytes(bytes(content))
    with pytest.raises(FailedError, match="not a sound gzip file: CRC"):
        verify(file, INTERPRETER, Silent())


def test_plain_files_are_listed_with_a_digest_of_all_and_stay_in_place(workload: Workload, tmp_path: Path) -> None:
    out = tmp_path / "list.json"
    packed = list_files(workload, out, Silent())
    assert (packed.form, packed.sha256) == ("prefix", hashlib.sha256(out.read_bytes()).hexdigest())
    assert list(packed.files) == [*(entry.path for entry in packed.manifest), "artifact-manifest.json"]
    assert packed.files["config.json"] == workload.folder / "config.json"
    assert list_files(workload, tmp_path / "again.json", Silent()).sha256 == packed.sha256
    (workload.folder / "config.json").write_text("[]")
    assert list_files(workload, out, Silent()).sha256 != packed.sha256


def test_plain_files_are_verified_as_an_instance_would_load_them(workload: Workload, tmp_path: Path) -> None:
    (workload.folder / "detection" / "weights.bin").write_bytes(bytes(2 << 20))
    (workload.folder / "inference.py").write_text(
        "import os\nfrom pathlib import Path\n\nimport detection\n\n"
        "SIZE = os.stat(Path(detection.__file__).parent / 'weights.bin').st_size\nassert SIZE == 2 << 20\n"
        "def model_fn(model_dir): ...\ndef predict_fn(data, model): ...\n"
    )
    workload = load_workload(workload.folder.parent, "detector")
    packed = list_files(workload, tmp_path / "list.json", Silent())
    found = verify_files(packed, INTERPRETER, Silent(), requirements=read_lock(workload.requirements))
    assert found.functions == ("model_fn", "predict_fn")
    assert found.listing is not None
    assert found.listing.files == packed.manifest


def test_plain_files_whose_handler_cannot_be_imported_are_refused(workload: Workload, tmp_path: Path) -> None:
    (workload.folder / "inference.py").write_text("import detection.nothing\n")
    packed = list_files(workload, tmp_path / "list.json", Silent())
    with pytest.raises(FailedError, match=r"code/inference\.py:1: cannot be imported: ModuleNotFoundError"):
        verify_files(packed, INTERPRETER, Silent(), requirements=read_lock(workload.requirements))


def test_the_form_follows_the_size(workload: Workload) -> None:
    assert form_of(workload) == "archive"
    with (workload.folder / "config.json").open("wb") as file:
        file.truncate(100_000_001)
    assert form_of(workload) == "prefix"

"""Workload manifests: every mistake named with file, line and what is allowed."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from glue.errors import UsageError
from glue.workloads import load_workload, workload_names

MANIFEST = """\
name: detector
version: 1.0.0
description: Finds things
artifact:
  code/inference.py: inference.py
  config.json: config.json
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "detector"
    (folder / "golden").mkdir(parents=True)
    for name in ("inference.py", "config.json", "requirements.lock"):
        (folder / name).write_text("x")
    (folder / "workload.yaml").write_text(MANIFEST)
    return folder


def test_a_workload_is_loaded_with_its_files(folder: Path) -> None:
    workload = load_workload(folder.parent, "detector")
    assert (workload.name, workload.version) == ("detector", "1.0.0")
    assert workload.artifact == {"code/inference.py": folder / "inference.py", "config.json": folder / "config.json"}
    assert (workload.requirements, workload.golden) == (folder / "requirements.lock", folder / "golden")
    assert workload_names(folder.parent) == ["detector"]


def test_a_folder_is_taken_whole_without_what_tools_leave_in_it(folder: Path) -> None:
    for path in ("detection/a.py", "detection/deep/b.json", "detection/__pycache__/a.pyc", "detection/.hidden/c"):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text("x")
    (folder / "workload.yaml").write_text(f"{MANIFEST}  code/detection: detection\n")
    assert [path for path in load_workload(folder.parent, "detector").artifact if "detection" in path] == [
        "code/detection/a.py",
        "code/detection/deep/b.json",
    ]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("name: detector", "name: other", "workload.yaml:1: name: 'other': allowed is 'detector', the folder's name"),
        ("version: 1.0.0", "version: 1.0", "workload.yaml:2: version: 1.0: input should be a valid string"),
        ("version: 1.0.0", "version: latest", "workload.yaml:2: version: 'latest': string should match"),
        ("description:", "descripton:", "descripton: unknown key: allowed is one of artifact, container, description"),
        ("config.json: config.json", "config.json: 1", "artifact.config.json: 1: input should be a valid string"),
        ("config.json: config.json", "config.json: ../secret", "`..` in the path: it must stay inside"),
        ("config.json: config.json", "config.json: /etc/passwd", "an absolute path: it must be relative"),
        ("config.json: config.json", "../config.json: config.json", "`..` in the path"),
        ("config.json: config.json", "./config.json: config.json", "allowed is a plain path"),
        ("config.json: config.json", "config.json: gone.json", "yaml:6: artifact.config.json: gone.json: no such"),
        ("config.json: config.json", "artifact-manifest.json: config.json", "packing writes this file itself"),
        ("config.json: config.json", "code/inference.py/x: config.json", "a file here, and a folder that holds others"),
        ("config.json: config.json", "code: sources", "code/inference.py: given 2 times"),
        ("config.json: config.json", "data: empty", "empty: an empty folder: nothing to take"),
        ("code/inference.py: inference.py", "inference.py: inference.py", "nothing lies at code/inference.py"),
        ("description: Finds things", "description: x\nrequirements: a.lock", "requirements: a.lock: no such file"),
        ("description: Finds things", "description: x\ngolden: config.json", "golden: config.json: no such folder"),
        ("name: detector", "name: detector\nname: detector", "workload.yaml:2: name: given twice"),
        ("name: detector", "- name", "not valid YAML"),
    ],
)  # fmt: skip
def test_a_mistake_is_named(folder: Path, old: str, new: str, message: str) -> None:
    (folder / "sources").mkdir()
    (folder / "sources" / "inference.py").write_text("x")
    (folder / "empty").mkdir()
    (folder / "workload.yaml").write_text(MANIFEST.replace(old, new))
    with pytest.raises(UsageError) as caught:
        load_workload(folder.parent, "detector")
    assert message in caught.value.message
    assert str(folder / "workload.yaml") in caught.value.message


def _file(folder: Path) -> None:
    (folder / "config.json").unlink()
    (folder / "config.json").symlink_to("/etc/hostname")


def _folder(folder: Path) -> None:
    (folder / "linked").symlink_to(folder.parent)
    (folder / "workload.yaml").write_text(f"{MANIFEST}  code/linked: linked\n")


def _inside(folder: Path) -> None:
    (folder / "data").mkdir()
    (folder / "data" / "link").symlink_to("/etc/hostname")
    (folder / "workload.yaml").write_text(f"{MANIFEST}  data: data\n")


def _lock(folder: Path) -> None:
    (folder / "requirements.lock").unlink()
    (folder / "requirements.lock").symlink_to("/etc/hostname")


def _pipe(folder: Path) -> None:
    (folder / "config.json").unlink()
    os.mkfifo(folder / "config.json")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_file, "a link"),
        (_folder, "a link"),
        (_inside, "data/link: a link"),
        (_lock, "a link"),
        (_pipe, "no such file"),
    ],
)
def test_nothing_but_files_and_folders_of_its_own_is_taken(
    folder: Path, change: Callable[[Path], None], message: str
) -> None:
    change(folder)
    with pytest.raises(UsageError, match=message):
        load_workload(folder.parent, "detector")


@pytest.mark.parametrize("name", ["gone", "../detector", "detector/golden", ""])
def test_a_workload_that_is_not_there_is_refused_with_those_that_are(folder: Path, name: str) -> None:
    with pytest.raises(UsageError, match="allowed is one of detector"):
        load_workload(folder.parent, name)

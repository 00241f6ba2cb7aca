"""What an image is made of and called; building itself needs an engine: tests/container."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from glue.errors import FailedError
from glue.images.building import image_tag
from glue.images.context import stage, stage_model
from glue.images.publishing import check_manifest
from glue.workloads import Workload

COMMIT = "0123456789abcdef0123456789abcdef01234567"
CONTENT = "c" * 64


@pytest.mark.parametrize(
    ("revision", "bundled", "tag"),
    [
        (COMMIT, False, "1.2.0-0123456789ab"),
        (COMMIT, True, "1.2.0-0123456789ab-bundled"),
        (f"{COMMIT}-dirty", False, "1.2.0-0123456789ab-dirty-cccccccc"),
        ("unknown", False, "1.2.0-unknown-sources-cccccccc"),
    ],
)
def test_a_tag_says_version_and_revision_and_never_stands_for_two_things(
    revision: str, bundled: bool, tag: str
) -> None:
    assert image_tag("1.2.0", revision, CONTENT, bundled=bundled) == tag


@pytest.fixture
def serving(tmp_path: Path) -> Path:
    package = tmp_path / "serving-project" / "serving"
    for path in ("__init__.py", "__main__.py", "__pycache__/x.pyc"):
        (package / path).parent.mkdir(parents=True, exist_ok=True)
        (package / path).write_text(path)
    return package.parent


@pytest.fixture
def workload(tmp_path: Path) -> Workload:
    for name in ("requirements.lock", "inference.py", "weights.bin"):
        (tmp_path / name).write_text(name)
    artifact = {"code/inference.py": tmp_path / "inference.py", "weights.bin": tmp_path / "weights.bin"}
    return Workload(tmp_path, "detector", "1.2.0", "Finds", artifact, tmp_path / "requirements.lock", tmp_path)


def test_the_context_holds_the_program_the_lock_and_a_bundled_model(
    workload: Workload, serving: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "context"
    stage(workload, serving, folder, bundled=True)
    files = {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}
    assert files == {
        "requirements.lock",
        "serving/serving/__init__.py",
        "serving/serving/__main__.py",
        "weights/opt/ml/model/weights.bin",
        "code/opt/ml/model/code/inference.py",
        "artifact-manifest.json",
        "SHA256SUMS",
    }
    assert "/context/weights/opt/ml/model/weights.bin" in (folder / "SHA256SUMS").read_text()
    stage(workload, serving, folder, bundled=False)
    assert not (folder / "weights").exists()


def test_the_same_sources_have_the_same_digest_wherever_and_whenever_they_lie(
    workload: Workload, serving: Path, tmp_path: Path
) -> None:
    first = stage(workload, serving, tmp_path / "one", bundled=True)
    copied = tmp_path / "copied"
    shutil.copytree(serving, copied)
    assert stage(workload, copied, tmp_path / "two", bundled=True) == first
    (copied / "serving" / "__init__.py").write_text("changed")
    assert stage(workload, copied, tmp_path / "two", bundled=True) != first
    assert stage(replace(workload, version="2.0.0"), serving, tmp_path / "two", bundled=True) != first


def test_nobody_but_the_owner_can_write_what_an_instance_mounts(workload: Workload, tmp_path: Path) -> None:
    stage_model(workload, tmp_path / "model")
    modes = {file.stat().st_mode & 0o777 for file in (tmp_path / "model").rglob("*") if file.is_file()}
    assert modes == {0o644}


def test_an_index_is_refused() -> None:
    single = "application/vnd.docker.distribution.manifest.v2+json"
    check_manifest("x", {"mediaType": single, "layers": []})
    check_manifest("x", {"layers": []})
    with pytest.raises(FailedError, match="pushed an index"):
        check_manifest("x", {"mediaType": "application/vnd.oci.image.index.v1+json", "manifests": []})
    with pytest.raises(FailedError, match="does not have it"):
        check_manifest("x", None)

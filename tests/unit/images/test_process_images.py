"""Process images: the same sources give the same digest, and what is inside is what an instance starts."""

import gzip
import hashlib
import io
import json
import os
import shutil
import tarfile
from pathlib import Path

import pytest

from glue.errors import UsageError
from glue.images import Image, build_process_image, write_layout
from glue.progress import Silent
from glue.workloads import Workload


@pytest.fixture
def serving(tmp_path: Path) -> Path:
    package = tmp_path / "serving-project" / "serving"
    for path in ("__init__.py", "__main__.py", "py.typed", "deep/more.py", "__pycache__/x.pyc", "README.md"):
        (package / path).parent.mkdir(parents=True, exist_ok=True)
        (package / path).write_text(path)
    return package.parent


@pytest.fixture
def workload(tmp_path: Path) -> Workload:
    lock = tmp_path / "requirements.lock"
    lock.write_text(f"uvicorn==1.0.0 --hash=sha256:{'0' * 64}\n")
    return Workload(tmp_path, "detector", "1.2.0", "Finds things", {}, lock, tmp_path)


def _build(workload: Workload, serving: Path) -> Image:
    return build_process_image(workload, serving, Silent())


def test_the_layer_holds_the_program_and_its_lock(workload: Workload, serving: Path) -> None:
    (layer,) = _build(workload, serving).layers
    with tarfile.open(fileobj=io.BytesIO(layer.data)) as tar:
        assert tar.getnames() == [
            "opt/program/requirements.lock",
            "opt/program/serving/__init__.py",
            "opt/program/serving/__main__.py",
            "opt/program/serving/deep/more.py",
            "opt/program/serving/py.typed",
        ]


def test_manifest_and_configuration_name_each_other_by_digest(workload: Workload, serving: Path) -> None:
    made = _build(workload, serving)
    manifest, config = json.loads(made.manifest), json.loads(made.config.data)
    (layer,) = made.layers
    assert manifest["mediaType"] == "application/vnd.docker.distribution.manifest.v2+json"
    for named, data in ((manifest["config"], made.config.data), (manifest["layers"][0], layer.data)):
        assert named["digest"] == f"sha256:{hashlib.sha256(data).hexdigest()}"
        assert named["size"] == len(data)
    assert config["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(gzip.decompress(layer.data)).hexdigest()}"]
    assert config["config"]["Entrypoint"] == ["python", "-m", "serving"]
    assert config["config"]["Cmd"] == ["serve"]
    assert config["config"]["Labels"]["io.async-inference.runtime"] == "process"
    assert made.is_process_image


def test_the_same_sources_have_the_same_digest_and_tag(workload: Workload, serving: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(serving, copy)
    for file in copy.rglob("*"):
        os.utime(file, (1, 1))
    one, other = _build(workload, serving), _build(workload, copy)
    assert one == other
    assert one.tag == f"1.2.0-{one.digest.removeprefix('sha256:')[:12]}"
    (copy / "serving" / "__init__.py").write_text("changed")
    assert _build(workload, copy).tag != one.tag


def test_an_image_layout_holds_every_blob_under_its_digest(workload: Workload, serving: Path, tmp_path: Path) -> None:
    made = _build(workload, serving)
    write_layout(made, tmp_path / "image")
    blobs = {file.name: file.read_bytes() for file in (tmp_path / "image" / "blobs" / "sha256").iterdir()}
    assert {hashlib.sha256(data).hexdigest() for data in blobs.values()} == set(blobs)
    assert len(blobs) == 3
    index = json.loads((tmp_path / "image" / "index.json").read_text())
    assert index["manifests"][0]["digest"] == made.digest
    assert json.loads((tmp_path / "image" / "oci-layout").read_text()) == {"imageLayoutVersion": "1.0.0"}


def test_a_server_that_is_not_there_is_named(workload: Workload, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="the server's package is not there"):
        _build(workload, tmp_path)


def test_requirements_that_are_not_locked_are_refused(workload: Workload, serving: Path) -> None:
    workload.requirements.write_text("uvicorn\n")
    with pytest.raises(UsageError, match="uvicorn: not locked"):
        _build(workload, serving)

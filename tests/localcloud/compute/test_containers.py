"""What a container is given, worked out without an engine."""

import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from glue.errors import UsageError
from glue.localcloud.accounts import Scope
from glue.localcloud.compute import guard, leftovers
from glue.localcloud.compute.containers import environment, limits
from glue.localcloud.compute.images import ImageReference, RegisteredImage
from glue.localcloud.compute.instance_types import MEMORY_SETTING, memory_of, memory_setting
from glue.localcloud.compute.runtime import Launch
from tests.localcloud.support import REGION, eventually

DIGEST = f"sha256:{'0' * 64}"
GIB = 1 << 30


def launch(model_dir: Path, *, memory: int | None = None, **model: str) -> Launch:
    reference = ImageReference(Scope("111122223333", REGION), "repository", tag=None, digest=DIGEST)
    image = RegisteredImage(reference, DIGEST, DIGEST, (), {}, entrypoint=("serve",), environment={"OF_IMAGE": "1"})
    provided = {"AWS_ENDPOINT_URL": "http://127.0.0.1:4599", "AWS_REGION": REGION, "OF_IMAGE": "the platform's"}
    return Launch(image, model_dir, model, provided, startup_timeout=60, memory=memory)


def test_in_the_machines_network_the_program_is_told_where_to_listen(tmp_path: Path) -> None:
    found = environment(launch(tmp_path, SAGEMAKER_BIND_TO_PORT="80", OWN="x"), port=40123, network="host")
    assert (found["SAGEMAKER_BIND_TO_HOST"], found["SAGEMAKER_BIND_TO_PORT"]) == ("127.0.0.1", "40123")
    assert (found["AWS_ENDPOINT_URL"], found["OWN"]) == ("http://127.0.0.1:4599", "x")


def test_in_a_network_of_its_own_it_listens_as_always_and_finds_the_cloud_by_the_machines_name(tmp_path: Path) -> None:
    found = environment(launch(tmp_path), port=40123, network="bridge")
    assert not [name for name in found if name.startswith("SAGEMAKER_BIND")]
    assert found["AWS_ENDPOINT_URL"] == "http://host.docker.internal:4599"


def test_the_images_own_variables_stay_unless_the_model_says_otherwise(tmp_path: Path) -> None:
    assert "OF_IMAGE" not in environment(launch(tmp_path), port=1, network="host")
    assert environment(launch(tmp_path, OF_IMAGE="2"), port=1, network="host")["OF_IMAGE"] == "2"


@pytest.mark.parametrize(
    ("instance_type", "most", "memory"),
    [(4 * GIB, None, 4 * GIB), (4 * GIB, GIB, GIB), (GIB, 4 * GIB, GIB), (None, GIB, GIB), (None, None, None)],
)
def test_memory_is_that_of_the_instance_type_and_no_more_than_the_setting(
    tmp_path: Path, instance_type: int | None, most: int | None, memory: int | None
) -> None:
    assert limits(launch(tmp_path, memory=instance_type), port=1, most=most).memory == memory


def test_a_model_without_data_leaves_that_of_the_image_visible(tmp_path: Path) -> None:
    assert limits(launch(tmp_path), port=1, most=None).mounts == {}
    (tmp_path / "weights").touch()
    assert limits(launch(tmp_path), port=1, most=None).mounts == {"/opt/ml/model": tmp_path}


@pytest.mark.parametrize(("name", "memory"), [("ml.m5.xlarge", 16 * GIB), ("ml.c5.large", 4 * GIB), ("ml.x", None)])
def test_the_memory_of_instance_types_is_known(name: str, memory: int | None) -> None:
    assert memory_of(name) == memory


@pytest.mark.parametrize("text", ["0", "5", "-1", "1.5", "4G", "²"])
def test_a_wrong_setting_of_memory_is_refused(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MEMORY_SETTING, text)
    with pytest.raises(UsageError, match=f"{MEMORY_SETTING}={text}"):
        memory_setting()


@pytest.fixture
def record(tmp_path: Path) -> guard.EngineRecord:
    """An engine that has two containers with the label until they are removed, and notes what it is asked."""
    program = tmp_path / "docker"
    program.write_text(
        f'#!/bin/sh\necho "$HERE $*" >> {tmp_path}/asked\n'
        f"if [ $1 = rm ]; then touch {tmp_path}/gone; elif [ ! -e {tmp_path}/gone ]; then echo one; echo two; fi\n"
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return guard.EngineRecord(program=str(program), variables={"HERE": "there"}, label="cloud=this")


def asked(record: guard.EngineRecord) -> list[str]:
    file = Path(record["program"]).with_name("asked")
    return file.read_text().splitlines() if file.exists() else []


LISTING = "there ps --all --format={{.Names}} --filter=label=cloud=this"


def test_the_guard_removes_the_containers_of_a_cloud_that_is_gone(record: guard.EngineRecord) -> None:
    program = [sys.executable, "-I", "-S", guard.__file__]
    subprocess.run(program, input=f"*{json.dumps(record)}\n", text=True, check=True, timeout=30)
    eventually(lambda: asked(record) == [LISTING, "there rm --force --volumes one two", LISTING], what="removal")


def test_a_sweep_removes_what_the_record_tells_of_once(record: guard.EngineRecord, tmp_path: Path) -> None:
    (tmp_path / "instances").mkdir()
    (tmp_path / "instances" / leftovers.ENGINE_RECORD_NAME).write_text(json.dumps(record))
    assert leftovers.sweep(tmp_path / "instances") == ["one", "two"]
    before = asked(record)
    assert leftovers.sweep(tmp_path / "instances") == []
    assert asked(record) == before


def test_an_engine_that_is_gone_holds_no_sweep_up(record: guard.EngineRecord) -> None:
    Path(record["program"]).unlink()
    assert guard.remove_containers(record) == []

"""`glue artifact`, `glue image` and `glue promote`, as a user calls them."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from glue.project import Project
from tests.unit.cli.conftest import Run

HANDLER = "def model_fn(model_dir): ...\n\n\ndef predict_fn(data, model): ...\n"


@pytest.fixture
def folder(project: Project) -> Path:
    """A workload named detector, in a project of its own."""
    container = project.root / "container"
    serving = container.resolve() / "serving"
    container.unlink()
    folder = project.workloads_dir / "detector"
    (folder / "golden").mkdir(parents=True)
    project.serving_dir.symlink_to(serving)
    (folder / "inference.py").write_text(HANDLER)
    (folder / "requirements.lock").write_text(f"uvicorn==1.0.0 --hash=sha256:{'0' * 64}\n")
    (folder / "workload.yaml").write_text(
        "name: detector\nversion: 1.0.0\ndescription: Finds things\nartifact:\n  code/inference.py: inference.py\n"
    )
    for profile in project.envs_dir.glob("*.yaml"):
        profile.write_text(profile.read_text().replace("workload: location_detector", "workload: detector"))
    return folder


@pytest.mark.usefixtures("folder")
def test_a_workload_is_packed_and_described(glue: Run, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    out = tmp_path / "model.tar.gz"
    assert glue("artifact", "pack", "detector", "--out", str(out), "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["functions"] == ["model_fn", "predict_fn"]
    assert glue("artifact", "verify", str(out), "--json") == 0
    assert json.loads(capsys.readouterr().out) | {"form": "archive", "saved_seconds": 0.0} == document
    assert glue("artifact", "verify", "detector") == 0
    assert document["sha256"] in capsys.readouterr().out


def test_plain_files_say_by_how_much_an_instance_starts_sooner(
    glue: Run, capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    manifest = folder / "workload.yaml"
    manifest.write_text(f"{manifest.read_text()}  weights.bin: weights.bin\n")
    with (folder / "weights.bin").open("wb") as file:
        file.truncate(1 << 28)
    assert glue("artifact", "verify", "detector", "--json") == 0
    printed = capsys.readouterr()
    document = json.loads(printed.out)
    assert (document["form"], document["saved_seconds"]) == ("prefix", 2.0)
    assert "starts about 2.0 s sooner" in printed.err


def test_an_artifact_that_would_not_load_is_not_kept(
    glue: Run, capsys: pytest.CaptureFixture[str], folder: Path, tmp_path: Path
) -> None:
    (folder / "inference.py").write_text(f"import absent_module\n{HANDLER}")
    out = tmp_path / "model.tar.gz"
    assert glue("artifact", "pack", "detector", "--out", str(out)) == 1
    assert "code/inference.py:1: imports absent_module" in capsys.readouterr().err
    assert not out.exists()


def test_an_interrupted_verification_leaves_no_process_behind(folder: Path, project: Project, tmp_path: Path) -> None:
    started = tmp_path / "pid"
    (folder / "inference.py").write_text(
        f"import os, pathlib, threading\npathlib.Path({str(started)!r}).write_text(str(os.getpid()))\n"
        f"threading.Event().wait()\n{HANDLER}"
    )
    command = [sys.executable, "-c", "from glue.cli import main; main()", "artifact", "verify", "detector"]
    environment = os.environ | {"GLUE_PROJECT": str(project.root)}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        _until(lambda: started.exists() and started.read_text() != "")
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in errors
    _until(lambda: not _lives(int(started.read_text())))


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        threading.Event().wait(0.02)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.usefixtures("folder")
def test_an_image_is_built_into_a_folder(
    glue: Run, capsys: pytest.CaptureFixture[str], project: Project, tmp_path: Path
) -> None:
    assert glue("image", "build", "detector", "--kind", "process", "--out", str(tmp_path / "image"), "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert (tmp_path / "image" / "blobs" / "sha256" / document["digest"].removeprefix("sha256:")).is_file()


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("artifact", "pack", "nothing"), 2, "no workload 'nothing': allowed is one of detector"),
        (("artifact", "verify", "nothing"), 2, "nothing: no such file, and no workload"),
        (("artifact", "push", "--env", "dev", "--endpoint", "x"), 2, "--endpoint x: allowed is one of location"),
        (("artifact", "push", "--env", "nowhere"), 2, "no environment 'nowhere'"),
        (("artifact", "push", "--env", "local"), 3, "the local cloud is not running"),
        (("image", "build", "nothing"), 2, "no workload 'nothing'"),
        (("image", "push", "--env", "dev", "--endpoint", "x"), 2, "--endpoint x: allowed is one of location"),
        (("promote", "--from", "dev", "--to", "dev"), 2, "dev is promoted to itself"),
        (("promote", "--from", "dev", "--to", "staging"), 2, "the release of dev is not complete"),
        (("promote", "--from", "dev"), 2, "Missing option '--to'"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_and_shows_no_traceback(
    glue: Run,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    code: int,
    message: str,
) -> None:
    assert glue(*arguments) == code
    errors = capsys.readouterr().err
    assert message in errors
    assert "Traceback" not in errors


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("command", ["build", "verify"])
def test_without_a_container_engine_the_exit_code_says_that_something_is_missing(
    glue: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("GLUE_ENGINE", raising=False)
    assert glue("image", command, "detector") == 3
    said = capsys.readouterr().err
    assert "no container engine answers" in said
    assert "install Docker or Podman" in said


def test_a_place_that_cannot_be_written_is_named(
    glue: Run, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert glue("image", "build", "detector", "--kind", "process", "--out", str(tmp_path / "file" / "below")) == 2
    assert f"error: {tmp_path / 'file'}" in capsys.readouterr().err

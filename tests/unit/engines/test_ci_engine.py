"""What `.ci/engine` says where it cannot bring an engine: an absent means is told from a failure."""

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / ".ci/engine"


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A folder with the only programs that the script finds."""
    folder = tmp_path / "tools"
    folder.mkdir()
    for name in ("bash", "cat", "env", "mkdir", "tail"):
        (folder / name).symlink_to(str(shutil.which(name)))
    return folder


def _program(tools: Path, name: str, text: str) -> None:
    (tools / name).write_text(f"#!/bin/sh\n{text}\n")
    (tools / name).chmod(0o755)


def _up(tools: Path) -> "subprocess.CompletedProcess[str]":
    command = [str(SCRIPT), "up", str(tools.parent / "engine")]
    return subprocess.run(command, env={"PATH": str(tools)}, capture_output=True, text=True, check=False, timeout=30)


@pytest.mark.parametrize(("user", "apt"), [("1000", True), ("0", False)], ids=["no root", "no apt"])
def test_without_root_or_apt_it_ends_with_3(tools: Path, user: str, apt: bool) -> None:
    _program(tools, "id", f"echo {user}")
    if apt:
        _program(tools, "apt-get", "exit 0")
    done = _up(tools)
    assert (done.returncode, done.stderr) == (3, "no container engine here: installing one needs root and apt\n")


@pytest.mark.parametrize("status", [3, 100])
def test_an_installation_that_fails_is_a_failure_with_the_end_of_its_log(tools: Path, status: int) -> None:
    _program(tools, "id", "echo 0")
    _program(tools, "apt-get", f"echo E: no such mirror >&2\nexit {status}")
    done = _up(tools)
    assert done.returncode == 1
    assert done.stderr == "apt-update failed; its log ends with:\nE: no such mirror\n"

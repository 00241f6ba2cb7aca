"""A checkout of its own, and `glue` run in it as a person runs it."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from glue.localcloud import daemon
from glue.project import Project
from tests.conftest import ROOT
from tests.localcloud.parity import judge_answers
from tests.plugin_mirror import plugin_mirror

GLUE = str(Path(sys.executable).with_name("glue"))
PATIENCE = 240.0
"""Seconds: nothing takes as long here but on a machine that has much else to do, and a test may take 900."""


@dataclass(frozen=True)
class Checkout:
    """A project folder with this checkout's code, whose local cloud is its own."""

    root: Path
    variables: dict[str, str] = field(default_factory=dict)
    mirror: Path | None = field(default_factory=plugin_mirror)

    @property
    def project(self) -> Project:
        return Project(self.root)

    @property
    def environment(self) -> dict[str, str]:
        found = {"TF_PLUGIN_MIRROR": str(self.mirror)} if self.mirror else {}
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "GLUE_"))}
        cache = {"GLUE_CACHE_DIR": os.environ["GLUE_CACHE_DIR"]} if "GLUE_CACHE_DIR" in os.environ else {}
        return {**kept, **cache, **found, **self.variables, "COLUMNS": "200"}

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        """`glue`, running, as leader of a process group of its own."""
        return subprocess.Popen(
            [GLUE, *arguments],
            cwd=self.root,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def glue(self, *arguments: str, exit_code: int = 0) -> "subprocess.CompletedProcess[str]":
        """Run `glue` to its end and require its exit code."""
        done = subprocess.run(
            [GLUE, *arguments],
            cwd=self.root,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == exit_code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done

    def document(self, *arguments: str, exit_code: int = 0) -> Any:
        """The JSON document that `glue … --json` prints."""
        return json.loads(self.glue(*arguments, "--json", exit_code=exit_code).stdout)

    def release(self, environment: str) -> None:
        """Registry, image and artifact of `environment`."""
        self.glue("apply", "--env", environment, "--layer", "registry", "--yes")
        self.glue("image", "push", "--env", environment)
        self.glue("artifact", "push", "--env", environment)


def make_checkout(root: Path, **variables: str) -> Checkout:
    root.mkdir(parents=True)
    for name in ("terraform", "modules", "container"):
        (root / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "envs", root / "envs", ignore=shutil.ignore_patterns("*.release.json"))
    return Checkout(root, variables)


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Checkout]:
    made = make_checkout(tmp_path / "checkout")
    yield made
    daemon.down(made.project.local_cloud_dir)
    judge_answers(made.project.local_cloud_dir)


def processes_below(folder: Path) -> list[tuple[int, str]]:
    """The processes whose command line mentions `folder`: process id and command line."""
    listed = subprocess.run(["ps", "-ww", "-eo", "pid,args"], capture_output=True, text=True, check=True).stdout
    found = (line.split(maxsplit=1) for line in listed.splitlines()[1:] if str(folder) in line)
    return [(int(pid), words) for pid, words in found]


def wait_for(condition: Any, *, seconds: float = PATIENCE) -> None:
    """Wait until `condition()` holds.

    Raises:
        tenacity.RetryError: it did not hold in time.
    """
    Retrying(retry=retry_if_result(lambda met: not met), wait=wait_fixed(0.1), stop=stop_after_delay(seconds))(
        condition
    )


def kill_group(process: "subprocess.Popen[str]", number: signal.Signals) -> None:
    os.killpg(process.pid, number)
    process.communicate(timeout=PATIENCE)

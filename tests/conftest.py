"""Fixtures for all suites."""

import os
import shutil
import signal
from pathlib import Path

import hypothesis
import pytest

from glue.localcloud.shapes import JUDGE_SETTING
from glue.project import Project

ROOT = Path(__file__).resolve().parent.parent

# A loaded machine is no failure: no property depends on how long an example, or drawing it, takes.
hypothesis.settings.register_profile(
    "any-machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("any-machine")


def pytest_configure() -> None:
    """Let interrupts through to what tests start: a shell's background job ignores them, and so would its children.

    And have every local cloud, however it is started, judge all that it answers.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ[JUDGE_SETTING] = "1"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project of its own: this checkout's code, linked, with profiles that a test may change."""
    root = tmp_path / "project"
    root.mkdir()
    for name in ("terraform", "modules", "container"):
        (root / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "envs", root / "envs", ignore=shutil.ignore_patterns("*.release.json"))
    monkeypatch.setenv("GLUE_PROJECT", str(root))
    monkeypatch.delenv("GLUE_CLOUD", raising=False)
    return Project(root)

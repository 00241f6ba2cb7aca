"""Which engine is taken, with programs that answer or not."""

from pathlib import Path

import pytest

from glue.engines import ENGINE_SETTING, find_engine
from glue.errors import MissingError, UsageError


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv(ENGINE_SETTING, raising=False)
    return tmp_path


def _program(folder: Path, name: str, *, answers: bool) -> Path:
    file = folder / name
    file.write_text(f"#!/bin/sh\necho {'20.1' if answers else 'no daemon >&2'}\nexit {0 if answers else 1}\n")
    file.chmod(0o755)
    return file


def test_the_engine_that_answers_is_taken_over_one_that_is_only_installed(tools: Path) -> None:
    _program(tools, "docker", answers=False)
    podman = _program(tools, "podman", answers=True)
    assert (find_engine().kind, find_engine().program) == ("podman", str(podman))


def test_docker_comes_first(tools: Path) -> None:
    for name in ("buildah", "podman", "docker"):
        _program(tools, name, answers=True)
    assert find_engine().kind == "docker"


def test_without_an_engine_the_error_says_what_was_tried_and_what_to_do(tools: Path) -> None:
    _program(tools, "docker", answers=False)
    with pytest.raises(MissingError, match="no daemon") as caught:
        find_engine()
    assert caught.value.exit_code == 3
    assert any(ENGINE_SETTING in hint for hint in caught.value.hints)


def test_buildah_builds_and_runs_nothing(tools: Path) -> None:
    _program(tools, "buildah", answers=True)
    assert find_engine().kind == "buildah"
    with pytest.raises(MissingError, match="runs none"):
        find_engine(to_run=True)


def test_the_setting_names_a_program(tools: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _program(tools, "docker", answers=True)
    (tmp_path / "other").mkdir()
    other = _program(tmp_path / "other", "docker", answers=True)
    monkeypatch.setenv(ENGINE_SETTING, str(other))
    assert find_engine().program == str(other)


@pytest.mark.parametrize("setting", ["kubectl", "/nowhere/docker"])
def test_a_setting_that_names_none_is_refused(tools: Path, monkeypatch: pytest.MonkeyPatch, setting: str) -> None:
    monkeypatch.setenv(ENGINE_SETTING, setting)
    with pytest.raises(UsageError, match=setting):
        find_engine()

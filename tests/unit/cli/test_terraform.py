"""`glue render`, `plan` and `apply`: what is refused before Terraform runs."""

import pytest

from glue.project import Project
from tests.unit.cli.conftest import Run

Capture = pytest.CaptureFixture[str]


@pytest.mark.parametrize("command", ["plan", "apply", "destroy", "output", "verify-endpoint"])
def test_without_the_local_cloud_nothing_starts(glue: Run, project: Project, capsys: Capture, command: str) -> None:
    assert glue(command, "--env", "local") == 3
    said = capsys.readouterr().err
    assert "the local cloud is not running" in said
    assert "→ start it: glue local up" in said


@pytest.mark.parametrize("command", ["render", "plan"])
def test_without_a_release_there_is_no_plan(glue: Run, project: Project, capsys: Capture, command: str) -> None:
    assert glue(command, "--env", "dev") == 2
    said = capsys.readouterr().err
    assert "dev" in said
    assert "glue image push --env dev" in said


def test_an_unknown_layer_is_refused(glue: Run, project: Project, capsys: Capture) -> None:
    assert glue("render", "--env", "dev", "--layer", "cake") == 2
    assert "--layer cake: allowed is registry or platform" in capsys.readouterr().err


def test_what_terraform_reads_can_be_looked_at(glue: Run, project: Project, capsys: Capture) -> None:
    assert glue("render", "--env", "dev", "--layer", "registry") == 0
    said = capsys.readouterr().out
    assert 'account_id = "111122223333"' in said
    assert "use_lockfile   = true" in said


def test_another_cloud_cannot_take_the_place_of_the_local_one(
    glue: Run, project: Project, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GLUE_CLOUD", "aws")
    assert glue("plan", "--env", "local") == 2
    assert "lives in the local cloud only" in capsys.readouterr().err
    monkeypatch.setenv("GLUE_CLOUD", "azure")
    assert glue("plan", "--env", "dev") == 2
    assert "GLUE_CLOUD=azure: allowed is aws or local" in capsys.readouterr().err

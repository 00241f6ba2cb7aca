"""`glue verify-endpoint` on wrong input."""

import pytest

from glue.project import Project
from tests.unit.cli.conftest import Run


def test_an_unknown_environment_is_refused_with_those_allowed(
    glue: Run, capsys: pytest.CaptureFixture[str], project: Project
) -> None:
    assert glue("verify-endpoint", "--env", "nowhere") == 2
    assert "no environment 'nowhere': allowed is one of dev, local, prod, staging" in capsys.readouterr().err


def test_an_unknown_endpoint_is_refused_with_those_allowed(
    glue: Run, capsys: pytest.CaptureFixture[str], project: Project
) -> None:
    assert glue("verify-endpoint", "--env", "dev", "--endpoint", "nothing") == 2
    assert "--endpoint nothing: allowed is one of location-detector" in capsys.readouterr().err


def test_without_a_release_it_says_which_commands_make_one(
    glue: Run, capsys: pytest.CaptureFixture[str], project: Project
) -> None:
    assert glue("verify-endpoint", "--env", "dev") == 2
    errors = capsys.readouterr().err
    assert "endpoint location-detector: no image" in errors
    assert "→ glue image" in errors

"""`glue env`, as a user calls it."""

import json

import pytest

from glue.project import Project
from tests.unit.cli.conftest import Run

Capture = pytest.CaptureFixture[str]


def test_the_environments_are_listed_for_programs(glue: Run, project: Project, capsys: Capture) -> None:
    assert glue("env", "list", "--json") == 0
    found = {row["environment"]: row for row in json.loads(capsys.readouterr().out)}
    assert set(found) == {"local", "dev", "staging", "prod"}
    assert found["local"]["cloud"] == "local"
    assert found["prod"]["endpoints"] == ["location-detector"]
    assert found["prod"]["release"] is None


def test_a_profile_is_shown_with_its_defaults(glue: Run, project: Project, capsys: Capture) -> None:
    assert glue("env", "show", "--env", "prod", "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["region"] == "us-east-1"
    assert shown["endpoints"]["location-detector"]["autoscaling"] == {
        "min": 0,
        "max": 4,
        "backlog_per_instance": 2.0,
        "scale_in_cooldown": 300,
        "scale_out_cooldown": 60,
        "schedules": {},
    }
    assert glue("env", "show", "--env", "prod") == 0
    assert "deletion_protection: true" in capsys.readouterr().out


def test_two_environments_are_compared_field_by_field(glue: Run, project: Project, capsys: Capture) -> None:
    assert glue("env", "diff", "dev", "prod", "--json") == 0
    found = {row["field"]: row for row in json.loads(capsys.readouterr().out)}
    assert found["kms.create"] == {"field": "kms.create", "dev": False, "prod": True}
    assert "region" not in found


def test_all_profiles_are_validated_and_every_mistake_is_told(glue: Run, project: Project, capsys: Capture) -> None:
    assert glue("env", "validate") == 0
    assert "4 valid" in capsys.readouterr().out
    for name in ("dev", "prod"):
        file = project.envs_dir / f"{name}.yaml"
        file.write_text(file.read_text().replace("ml.m5.xlarge", "m5"))
    assert glue("env", "validate") == 2
    said = capsys.readouterr().err
    assert "endpoints.location-detector.instance_type" in said
    assert "prod.yaml" in said
    assert glue("env", "validate", "--json") == 2
    document = json.loads(capsys.readouterr().out)
    assert {name for name, one in document.items() if one["valid"]} == {"local", "staging"}


@pytest.mark.parametrize("command", [("env", "validate"), ("apply", "--env", "dev", "--layer", "registry", "--yes")])
def test_a_workload_that_there_is_not_is_refused_before_a_repository_is_made_for_it(
    glue: Run, project: Project, capsys: Capture, command: tuple[str, ...]
) -> None:
    file = project.envs_dir / "dev.yaml"
    file.write_text(file.read_text().replace("location_detector", "location_detectr"))
    assert glue(*command) == 2
    said = capsys.readouterr().err
    assert "dev.yaml:11: endpoints.location-detector.workload: 'location_detectr' is no workload" in said
    assert "allowed is one of location_detector" in said


def test_an_unknown_environment_is_refused_in_both_forms(glue: Run, project: Project, capsys: Capture) -> None:
    assert glue("env", "show", "--env", "nope") == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "no environment 'nope': allowed is one of dev, local, prod, staging" in captured.err
    assert glue("env", "show", "--env", "nope", "--json") == 2
    assert json.loads(capsys.readouterr().out)["error"]["exit_code"] == 2


def test_outside_a_project_the_error_says_what_a_project_is(
    glue: Run, tmp_path: object, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setenv("GLUE_PROJECT", str(tmp_path))
    assert glue("env", "list") == 2
    assert "not inside a project" in capsys.readouterr().err

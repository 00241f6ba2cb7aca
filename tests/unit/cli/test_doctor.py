"""`glue doctor`, as a user calls it."""

import json
from pathlib import Path

import pytest

from glue.doctor import examine
from glue.engines import ENGINE_SETTING
from glue.project import Project
from glue.terraform.installation import platform_name
from glue.terraform.provider_lock import LOCK_FILE, package_hash, read_lock
from tests.conftest import ROOT
from tests.unit.cli.conftest import Run

Capture = pytest.CaptureFixture[str]


def findings(capsys: Capture) -> dict[str, dict[str, str]]:
    return {found["id"]: found for found in json.loads(capsys.readouterr().out)["findings"]}


@pytest.fixture(autouse=True)
def mirror(tmp_path: Path, project: Project, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A mirror with a small provider, which the project's lock file names."""
    folder = tmp_path / "mirror"
    package = folder / "registry.terraform.io/hashicorp/aws/5.100.0" / platform_name()
    package.mkdir(parents=True)
    (package / "terraform-provider-aws").write_text("program")
    text = (project.terraform_dir / "platform" / LOCK_FILE).read_text()
    project.terraform_dir.unlink()
    root = project.terraform_dir / "platform"
    root.mkdir(parents=True)
    known = next(one for provider in read_lock(ROOT / "terraform/platform") for one in provider.hashes)
    (root / LOCK_FILE).write_text(text.replace(known, package_hash(package)))
    monkeypatch.setenv("TF_PLUGIN_MIRROR", str(folder))
    return package


def test_a_machine_with_everything_lacks_nothing(glue: Run, project: Project, capsys: Capture) -> None:
    assert glue("doctor", "--json") == 0
    found = findings(capsys)
    assert {found[name]["verdict"] for name in ("python", "terraform", "provider", "disk")} == {"ok"}


def test_a_mirror_with_another_build_is_named(glue: Run, project: Project, capsys: Capture, mirror: Path) -> None:
    (mirror / "terraform-provider-aws").write_text("another program")
    assert glue("doctor", "--json") == 3
    found = findings(capsys)["provider"]
    assert found["verdict"] == "missing"
    assert f"{mirror} is another build" in found["message"]


def test_a_missing_terraform_is_named_with_its_remedy(
    glue: Run, project: Project, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert glue("doctor", "--json") == 3
    found = findings(capsys)
    assert (found["terraform"]["verdict"], found["terraform"]["remedy"]) == ("missing", "make setup")
    assert glue("doctor") == 3
    assert "missing: terraform" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("answers", "verdict", "told"), [(True, "ok", "docker answers"), (False, "warning", "no daemon")]
)
def test_an_engine_is_one_that_answers_not_one_that_is_installed(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, answers: bool, verdict: str, told: str
) -> None:
    program = tmp_path / "docker"
    program.write_text(f"#!/bin/sh\n{'echo 20.1' if answers else 'echo no daemon >&2; exit 1'}\n")
    program.chmod(0o755)
    monkeypatch.setenv(ENGINE_SETTING, str(program))
    found = {one.id: one for one in examine(project, None)}["engine"]
    assert found.verdict == verdict
    assert told in found.message


def test_a_setting_that_names_no_engine_is_missing_one(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENGINE_SETTING, "kubectl")
    found = {one.id: one for one in examine(project, None)}["engine"]
    assert found.verdict == "missing"
    assert "GLUE_ENGINE=kubectl" in found.message


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        ('{"terraform_version": "1.11.0"}', "ok"),
        ('{"terraform_version": "1.9.8"}', "missing"),
        ('{"terraform_version": "2.0.0-beta1"}', "ok"),
        ("Welcome", "missing"),
    ],
)
def test_a_terraform_that_is_too_old_or_none_is_missing(
    glue: Run,
    project: Project,
    capsys: Capture,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
    verdict: str,
) -> None:
    program = tmp_path / "terraform"
    program.write_text(f"#!/bin/sh\necho '{answer}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("GLUE_TERRAFORM", str(program))
    glue("doctor", "--json")
    assert findings(capsys)["terraform"]["verdict"] == verdict


def test_an_environment_s_profile_account_and_release_are_looked_at(
    glue: Run, project: Project, capsys: Capture
) -> None:
    assert glue("doctor", "--env", "local", "--json") == 3
    found = findings(capsys)
    assert found["profile"]["verdict"] == "ok"
    assert "the local cloud is not running" in found["account"]["message"]
    assert found["account"]["remedy"] == "start it: glue local up"
    assert glue("doctor", "--env", "nope", "--json") == 3
    assert "no environment 'nope'" in findings(capsys)["profile"]["message"]

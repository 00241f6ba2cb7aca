"""Providers come from a mirror when one is named or remembered."""

from pathlib import Path

import pytest

from glue.errors import UsageError
from glue.project import Project
from glue.terraform import mirrors
from glue.terraform.mirrors import MIRROR_SETTING, cli_configuration, find_mirror, mirror, remember

PROVIDER = "registry.terraform.io/hashicorp/aws/5.100.0/linux_amd64"


@pytest.fixture(autouse=True)
def _no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(MIRROR_SETTING, raising=False)


def test_without_a_mirror_there_is_no_configuration(project: Project) -> None:
    assert mirror(project) is None
    assert cli_configuration(project) is None


def test_the_setting_goes_before_what_is_remembered(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()
    remember(project, one)
    assert mirror(project) == one
    monkeypatch.setenv(MIRROR_SETTING, str(other))
    configuration = cli_configuration(project)
    assert configuration is not None
    assert f'path = "{other}"' in configuration.read_text()


def test_a_setting_that_names_no_folder_is_refused(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MIRROR_SETTING, "/nowhere")
    with pytest.raises(UsageError, match="TF_PLUGIN_MIRROR=/nowhere"):
        mirror(project)


def test_a_mirror_is_found_in_a_usual_place_or_right_below_it(tmp_path: Path) -> None:
    assert find_mirror([tmp_path / "none", tmp_path]) is None
    (tmp_path / "plugins" / PROVIDER).mkdir(parents=True)
    assert find_mirror([tmp_path / "none", tmp_path]) == tmp_path / "plugins"
    assert find_mirror([tmp_path / "plugins"]) == tmp_path / "plugins"


@pytest.mark.parametrize("answers", [True, False])
def test_a_mirror_is_looked_for_only_when_the_registry_is_silent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answers: bool
) -> None:
    monkeypatch.setattr(mirrors, "registry_answers", lambda: answers)
    monkeypatch.setattr(mirrors, "_USUAL_PARENTS", (tmp_path,))
    (tmp_path / "plugins" / PROVIDER).mkdir(parents=True)
    assert mirrors.fallback_mirror() == (None if answers else tmp_path / "plugins")

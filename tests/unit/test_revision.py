"""The revision that a release records."""

import subprocess
from pathlib import Path

import pytest

from glue.revision import UNKNOWN, changed_since, revision_of


def _git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=platform-team", "-c", "user.email=platform-team@example.com"]
    done = subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_a_clean_checkout_is_its_commit_and_a_changed_one_is_dirty(tmp_path: Path) -> None:
    _git(tmp_path, "init", "--quiet")
    assert revision_of(tmp_path) == UNKNOWN, "nothing is committed yet"
    (tmp_path / "file").write_text("1")
    _git(tmp_path, "add", "file")
    _git(tmp_path, "commit", "--quiet", "--message", "first")
    commit = _git(tmp_path, "rev-parse", "HEAD")
    assert revision_of(tmp_path) == commit
    (tmp_path / "file").write_text("2")
    assert revision_of(tmp_path) == f"{commit}-dirty"


@pytest.fixture
def commit(tmp_path: Path) -> str:
    """A commit of `container/a` and `docs/b`."""
    _git(tmp_path, "init", "--quiet")
    for name in ("container/a", "docs/b"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text("1")
    _git(tmp_path, "add", ".")
    _git(tmp_path, "commit", "--quiet", "--message", "first")
    return _git(tmp_path, "rev-parse", "HEAD")


def test_a_release_that_was_made_from_a_commit_does_not_change_it(tmp_path: Path, commit: str) -> None:
    (tmp_path / "envs").mkdir()
    (tmp_path / "envs/dev.release.json").write_text("{}")
    assert revision_of(tmp_path) == commit
    (tmp_path / "envs/dev.yaml").write_text("")
    assert revision_of(tmp_path) == f"{commit}-dirty"


def test_what_changed_since_a_commit_is_told_of_the_paths_in_question(tmp_path: Path, commit: str) -> None:
    (tmp_path / "docs/b").write_text("2")
    assert changed_since(commit, tmp_path, ["container"]) == ()
    (tmp_path / "container/new").write_text("")
    (tmp_path / "container/a").write_text("2")
    _git(tmp_path, "commit", "--quiet", "--all", "--message", "second")
    assert changed_since(commit, tmp_path, ["container"]) == ("container/a", "container/new")
    assert changed_since(commit, tmp_path, ["container/a"]) == ("container/a",)


@pytest.mark.parametrize("revision", [UNKNOWN, "0" * 40, "--output=x", "HEAD"])
def test_what_is_no_commit_tells_nothing(tmp_path: Path, commit: str, revision: str) -> None:
    assert changed_since(revision, tmp_path, ["container"]) is None


def test_what_was_made_from_changes_tells_nothing(tmp_path: Path, commit: str) -> None:
    assert changed_since(f"{commit}-dirty", tmp_path, ["container"]) is None


def test_outside_of_git_it_is_unknown(tmp_path: Path) -> None:
    assert revision_of(tmp_path) == UNKNOWN

"""The revision that a release records."""

import subprocess
from pathlib import Path

from glue.revision import UNKNOWN, revision_of


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


def test_outside_of_git_it_is_unknown(tmp_path: Path) -> None:
    assert revision_of(tmp_path) == UNKNOWN

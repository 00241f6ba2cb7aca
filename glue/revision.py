"""Which revision of the sources this checkout is."""

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

UNKNOWN = "unknown"
_COMMIT = re.compile(r"[0-9a-f]{40,64}")


def revision_of(folder: Path) -> str:
    """The commit that `folder` has checked out, with `-dirty` when files differ from it; `unknown` outside of git.

    Releases do not count: they are made from a revision, and committed after it.
    """
    commit = _git(folder, "rev-parse", "--verify", "HEAD")
    if commit is None:
        return UNKNOWN
    changes = _git(folder, "status", "--porcelain", "--", ".", ":(exclude,glob)**/*.release.json")
    return commit if changes == "" else f"{commit}-dirty"


def committed_at(folder: Path) -> int | None:
    """When the commit that `folder` has checked out was made, in seconds since 1970; None outside of git."""
    seconds = _git(folder, "show", "--no-patch", "--format=%ct", "HEAD")
    return int(seconds) if seconds else None


def changed_since(revision: str, folder: Path, paths: Sequence[str]) -> tuple[str, ...] | None:
    """The files at or below `paths` in which `folder` differs from the commit `revision`; None: git cannot tell."""
    if not _COMMIT.fullmatch(revision):
        return None
    tracked = _git(folder, "diff", "--name-only", revision, "--", *paths)
    others = _git(folder, "ls-files", "--others", "--exclude-standard", "--", *paths)
    if tracked is None or others is None:
        return None
    return tuple(sorted({*tracked.splitlines(), *others.splitlines()}))


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],  # noqa: S607 - the user's git
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()

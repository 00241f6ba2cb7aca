"""Which revision of the sources this checkout is."""

import subprocess
from pathlib import Path

UNKNOWN = "unknown"


def revision_of(folder: Path) -> str:
    """The commit that `folder` has checked out, with `-dirty` when files differ from it; `unknown` outside of git."""
    commit = _git(folder, "rev-parse", "--verify", "HEAD")
    if commit is None:
        return UNKNOWN
    changes = _git(folder, "status", "--porcelain")
    return commit if changes == "" else f"{commit}-dirty"


def committed_at(folder: Path) -> int | None:
    """When the commit that `folder` has checked out was made, in seconds since 1970; None outside of git."""
    seconds = _git(folder, "show", "--no-patch", "--format=%ct", "HEAD")
    return int(seconds) if seconds else None


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

"""Virtual environments from hash-locked requirements, made once and kept: the operating system of a process image."""

import fcntl
import hashlib
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CACHE_SETTING = "GLUE_CACHE_DIR"
_COMPLETE = ".complete"
_INSTALL_TIMEOUT = 1800  # seconds of the machine's clock: installing is real work


class InstallError(Exception):
    """The requirements could not be installed; the message ends with what pip said."""


def default_cache_dir() -> Path:
    """Where environments are kept: `GLUE_CACHE_DIR`, else the user's cache folder."""
    if setting := os.environ.get(CACHE_SETTING):
        return Path(setting)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "async-inference-platform"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "async-inference-platform"


def environment_for(lock: Path, cache_dir: Path) -> Path:
    """The folder of a virtual environment that holds exactly what `lock` names; made if there is none yet.

    Safe when several processes ask for the same one: one makes it, the others wait. One that was left half made is
    made again.

    Raises:
        InstallError: pip failed.
    """
    folder = _folder(lock, cache_dir)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _exclusive(folder.with_suffix(".lock")):
        if not is_made(lock, cache_dir):
            shutil.rmtree(folder, ignore_errors=True)
            _make(folder, lock)
            (folder / _COMPLETE).touch()
    return folder


def is_made(lock: Path, cache_dir: Path) -> bool:
    """Whether the virtual environment for `lock` is there, whole."""
    return (_folder(lock, cache_dir) / _COMPLETE).exists()


def _folder(lock: Path, cache_dir: Path) -> Path:
    identity = f"{sys.implementation.cache_tag} {platform.machine()} {sys.base_prefix}\n"
    return cache_dir / "venvs" / hashlib.sha256(identity.encode() + lock.read_bytes()).hexdigest()[:32]


@contextmanager
def _exclusive(file: Path) -> Iterator[None]:
    with file.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def _make(folder: Path, lock: Path) -> None:
    has_pip = importlib.util.find_spec("pip") is not None
    python = folder / "bin" / "python"
    _run([sys.executable, "-m", "venv", *(["--without-pip"] if has_pip else []), str(folder)])
    pip = [sys.executable, "-m", "pip", "--python", str(python)] if has_pip else [str(python), "-m", "pip"]
    if any(line.strip() and not line.lstrip().startswith("#") for line in lock.read_text().splitlines()):
        options = ["--require-hashes", "--no-deps", "--no-input", "--disable-pip-version-check", "--quiet"]
        _run([*pip, "install", *options, "-r", str(lock)])


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_INSTALL_TIMEOUT, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise InstallError(f"installing took more than {_INSTALL_TIMEOUT} s") from error
    if done.returncode != 0:
        tail = "\n".join((done.stderr or done.stdout).strip().splitlines()[-5:])
        raise InstallError(f"installing the image's requirements failed: {tail}")

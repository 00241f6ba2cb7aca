"""Process images: a serving program that runs as a local process, with the contract of a container.

The image holds `opt/program` with the program and its hash-locked requirements, and no operating system; a virtual
environment takes that part. There is no isolation beyond an environment of its own, a read-only model folder and a
temporary folder of its own: such an image is as trusted as the checkout that it was built from.
"""

import contextlib
import fcntl
import functools
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO

from glue.localcloud import trees
from glue.localcloud.compute import guard, venvs
from glue.localcloud.compute.images import ImageStore, RegisteredImage
from glue.localcloud.compute.leftovers import LOCK_NAME, RECORD_NAME
from glue.localcloud.compute.memory import FOLLOWED, members, memory_exceeded, watch
from glue.localcloud.compute.runtime import Launch, Sink, UnsupportedImageError, forward
from glue.ports import free_port

PROGRAM = "opt/program"
_MODEL_BASE = "/opt/ml"
_LAST_LINES = 5.0  # seconds of the machine's clock until it is not waited for what holds the pipe of a dead program
_TEMPORARY = "/tmp"  # noqa: S108 - the container's, not this machine's


class Guard:
    """The program that ends what is left when this process is gone."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", guard.__file__], stdin=subprocess.PIPE, text=True, start_new_session=True
        )
        self._lock = threading.Lock()

    def add(self, group: int, temporary: str = "") -> None:
        """Watch over a process group, and over what left it but has `temporary` as its `TMPDIR`."""
        self._tell(f"+{group} {temporary}\n")

    def remove(self, group: int) -> None:
        """The group has ended."""
        self._tell(f"-{group}\n")

    def close(self) -> None:
        """End it; whatever it still watches over is killed."""
        with contextlib.suppress(OSError):
            self._pipe.close()
        self._process.wait()

    def add_engine(self, record: guard.EngineRecord) -> None:
        """Watch over all containers of a local cloud in an engine."""
        self._tell(f"*{json.dumps(record)}\n")

    def _tell(self, line: str) -> None:
        with self._lock, contextlib.suppress(OSError, ValueError):
            self._pipe.write(line)
            self._pipe.flush()

    @property
    def _pipe(self) -> IO[str]:
        assert self._process.stdin is not None  # noqa: S101 - opened as a pipe
        return self._process.stdin


class ProcessRuntime:
    """Runs process images; environments are cached in `cache_dir`. `memory` in bytes is the most that each may take."""

    fills_disks = sys.platform == "linux"

    def __init__(self, images: ImageStore, cache_dir: Path, the_guard: Guard, *, memory: int | None) -> None:
        self._images = images
        self._memory = memory
        self._cache_dir = cache_dir
        self._guard = the_guard

    def prepare(self, image: RegisteredImage) -> None:
        """Unpack the image and make its virtual environment.

        Raises:
            ImageError: a layer is missing or is not what its digest says.
            UnsupportedImageError: it holds no requirements, no entry point, or they cannot be installed.
        """
        if not image.entrypoint:
            raise UnsupportedImageError("the image has no entry point")
        self._venv(self._images.unpack(image))

    def start(self, launch: Launch, folder: Path, sink: Sink) -> "ProcessContainer":
        """Start the program with `serve` as argument, as `docker run IMAGE serve` does."""
        base = folder / "opt" / "ml"
        temporary = folder / "tmp"
        temporary.mkdir(parents=True, exist_ok=True)
        if not base.exists():
            _share_model(launch.model_dir, base)
        root = self._images.unpack(launch.image)
        venv = self._venv(root)
        port = free_port()
        program, *arguments = launch.image.entrypoint
        python = str(venv / "bin" / "python")
        return ProcessContainer(
            [*confinement(), python if program in {"python", "python3"} else program, *arguments, "serve"],
            environment(launch, root=root, venv=venv, base=base, temporary=temporary, port=port),
            folder,
            port=port,
            sink=sink,
            the_guard=self._guard,
            memory=launch.limit(self._memory),
        )

    def _venv(self, root: Path) -> Path:
        lock = root / PROGRAM / "requirements.lock"
        if not lock.is_file():
            raise UnsupportedImageError(f"the image has no {PROGRAM}/requirements.lock")
        try:
            return venvs.environment_for(lock, self._cache_dir)
        except venvs.InstallError as error:
            raise UnsupportedImageError(str(error)) from error


class ProcessContainer:
    """A process group that serves on `port` of this machine. Its output goes to `sink`, line by line."""

    def __init__(
        self,
        command: list[str],
        variables: dict[str, str],
        folder: Path,
        *,
        port: int,
        sink: Sink,
        the_guard: Guard,
        descriptors: tuple[int, ...] = (),
        memory: int | None = None,
    ) -> None:
        """`variables` name the folder's `tmp` as `TMPDIR`, by which is found what leaves the group.

        `descriptors` are open files that the process inherits under their numbers, besides its lock.
        When its group takes more than `memory` bytes it is killed, where the system tells what it takes.
        """
        self.address = ("127.0.0.1", port)
        self._memory = memory
        self._memory_exceeded = False
        self._guard = the_guard
        with (folder / LOCK_NAME).open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self._process = subprocess.Popen(
                command,
                cwd=folder / "tmp",
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=(lock.fileno(), *descriptors),  # inherited: held as long as one of the group lives
            )
        self._disk_full = False
        self._temporary = str(folder / "tmp")
        self._guard.add(self._process.pid, self._temporary)
        self._ended = threading.Event()
        threading.Thread(target=self._follow, args=(sink,), name=f"end-{port}", daemon=True).start()
        if memory is not None and FOLLOWED:
            task = (self._process.pid, memory, self._ended, self._exceed_memory)
            threading.Thread(target=watch, args=task, name=f"memory-{port}", daemon=True).start()
        try:
            (folder / RECORD_NAME).write_text(json.dumps({"group": self._process.pid, "port": port}))
        except OSError:
            self.stop(0)
            raise

    def exit_status(self) -> int | None:
        """The status it ended with; None while it runs."""
        status = self._process.poll()
        return None if status is None else _as_told(status)

    def wait(self) -> int:
        """Wait for its end and for the last line of its output; its status."""
        self._ended.wait()
        return _as_told(self._process.wait())

    def stop(self, grace: float) -> None:
        """SIGTERM, SIGKILL to the whole group after `grace` seconds; returns when it is gone."""
        if self._ended.is_set():
            return
        if grace > 0:
            with contextlib.suppress(ProcessLookupError):
                self._process.terminate()
            self._ended.wait(grace)
        self._kill_group()
        self._ended.wait()

    def fill_disk(self, full: bool) -> None:
        """Let the processes of the group write no file (a disk of their own to be filled they do not have)."""
        if full == self._disk_full or sys.platform != "linux":
            return
        self._disk_full = full
        for process in members(self._process.pid):
            with contextlib.suppress(OSError):
                _soft, hard = resource.prlimit(process, resource.RLIMIT_FSIZE)
                resource.prlimit(process, resource.RLIMIT_FSIZE, (0 if full else hard, hard))

    def _follow(self, sink: Sink) -> None:
        # The first process is the container: when it ends, so does all that it started (which may hold the pipe open).
        reader = threading.Thread(target=self._read, args=(sink,), name=f"output-{self._process.pid}", daemon=True)
        reader.start()
        self._process.wait()
        guard.end_group(self._process.pid, self._temporary)
        reader.join(_LAST_LINES)
        try:
            if self._memory_exceeded:
                sink(memory_exceeded(self._memory))
        finally:  # whatever becomes of a line, somebody may wait for the end
            self._guard.remove(self._process.pid)
            self._ended.set()

    def _read(self, sink: Sink) -> None:
        assert self._process.stdout is not None  # noqa: S101 - opened as a pipe
        with self._process.stdout as output:
            forward(output, sink)

    def _exceed_memory(self) -> None:
        self._memory_exceeded = True
        self._kill_group()

    def _kill_group(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)


def environment(launch: Launch, *, root: Path, venv: Path, base: Path, temporary: Path, port: int) -> dict[str, str]:
    """The variables of a container: the image's, the platform's, the model's, and where things lie. Nothing inherited.

    The model's values that name a place below `/opt/ml` or `/tmp` name the same place of this instance.
    """
    places = {_MODEL_BASE: str(base), _TEMPORARY: str(temporary)}
    given = {name: _moved(value, places) for name, value in launch.environment.items()}
    return (
        {"LANG": "C.UTF-8", "HOME": str(temporary), **launch.provided}
        | launch.image.environment
        | given
        | {
            "PATH": f"{venv / 'bin'}:/usr/local/bin:/usr/bin:/bin",
            "PYTHONPATH": str(root / PROGRAM),
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "SAGEMAKER_BASE_DIR": str(base),
            "SAGEMAKER_BIND_TO_HOST": "127.0.0.1",
            "SAGEMAKER_BIND_TO_PORT": str(port),
            "TMPDIR": str(temporary),
        }
    )


def _as_told(status: int) -> int:
    """The status as engines tell it: 128 more than the number of the signal that ended a program."""
    return status if status >= 0 else 128 - status


def _share_model(model_dir: Path, base: Path) -> None:
    """Have the model in `base`; all of it or, when there is no room, nothing."""
    try:
        base.mkdir(parents=True)
        trees.share(model_dir, base / "model")
    except OSError:
        trees.remove(base)
        raise


def _moved(value: str, places: dict[str, str]) -> str:
    for place, here in places.items():
        if value == place or value.startswith(f"{place}/"):
            return here + value[len(place) :]
    return value


@functools.cache
def confinement() -> tuple[str, ...]:
    """The command prefix under which even root obeys file modes, so that a read-only folder is one; () elsewhere."""
    setpriv = shutil.which("setpriv")
    if sys.platform != "linux" or os.geteuid() != 0 or setpriv is None:
        return ()
    prefix = (setpriv, "--bounding-set", "-dac_override", "--inh-caps", "-dac_override", "--")
    works = subprocess.run([*prefix, "true"], capture_output=True, check=False, timeout=10).returncode == 0
    return prefix if works else ()

"""The servers that are compared: how each is installed, started and watched."""

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from servers import load

PROJECT = Path(__file__).parents[2]
PROGRAMS = Path(__file__).parent / "programs"
SLOTS = 8
_READY_SECONDS = 120


@dataclass(frozen=True)
class Contender:
    """A server: its packages, and its command line for an interpreter, a port and a folder of its own."""

    name: str
    packages: tuple[str, ...]
    command: Callable[[Path, int, Path], list[str]]
    environment: dict[str, str] = field(default_factory=dict)


OURS = Contender(
    "serving",
    (str(PROJECT / "container/serving"),),
    lambda python, _port, _folder: [str(python.with_name("serve"))],
    {"SAGEMAKER_MAX_CONCURRENT_INVOCATIONS": str(SLOTS)},
)
TOOLKIT = Contender(
    "sagemaker-inference",
    ("sagemaker-inference==1.10.1", "multi-model-server==1.1.11", "setuptools<81"),
    lambda python, _port, folder: [str(python), str(PROGRAMS / "toolkit_start.py"), str(folder / "mms.properties")],
    {
        "SAGEMAKER_MODEL_SERVER_WORKERS": "1",
        "SAGEMAKER_MAX_PAYLOAD_IN_MB": "1000",
        "MMS_MAX_RESPONSE_SIZE": "1000000000",
    },
)
FLASK = Contender(
    "flask + gunicorn",
    ("flask==3.1.3", "werkzeug==3.1.9", "gunicorn==27.0.1"),
    lambda python, port, _folder: [
        *(str(python), "-m", "gunicorn", "flask_app:app", "--chdir", str(PROGRAMS), "--bind", f"127.0.0.1:{port}"),
        *("--worker-class", "gthread", "--workers", "1", "--threads", str(SLOTS), "--log-level", "error"),
    ],
)
STARLETTE = Contender(
    "uvicorn + starlette",
    ("starlette==1.10.0", "uvicorn[standard]==0.54.0"),
    lambda python, port, _folder: [
        *(str(python), "-m", "uvicorn", "starlette_app:app", "--app-dir", str(PROGRAMS), "--port", str(port)),
        *("--no-access-log", "--log-level", "error"),
    ],
)
ALL = (OURS, TOOLKIT, FLASK, STARLETTE)


def install(contender: Contender, cache: Path) -> Path:
    """The interpreter of an environment of the server's own, made anew unless it is there; ours always is made anew."""
    folder = cache / contender.name.replace(" ", "")
    python = folder / "bin" / "python"
    installed = folder / "installed"
    packages = "\n".join(contender.packages)
    uv = [sys.executable, "-m", "uv"]
    if contender is OURS or not installed.exists() or installed.read_text() != packages:
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([*uv, "venv", "--quiet", "--python", sys.executable, str(folder)], check=True)
        install_ = [*uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", str(python)]
        subprocess.run([*install_, *contender.packages], check=True)
        installed.write_text(packages)
    return python


class Running:
    """A started server. `ready_seconds` is the time from its start to the first success of its health check."""

    def __init__(self, contender: Contender, python: Path, folder: Path) -> None:
        code = folder / "ml" / "model" / "code"
        code.mkdir(parents=True, exist_ok=True)
        shutil.copy(PROGRAMS / "inference.py", code)
        self.port = _free_port()
        environment = {
            "PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(folder),
            "TMPDIR": str(folder),  # multi-model-server keeps its process id there
            "PYTHONPATH": str(code),
            "SAGEMAKER_BASE_DIR": str(folder / "ml"),
            "SAGEMAKER_BIND_TO_HOST": "127.0.0.1",
            "SAGEMAKER_BIND_TO_PORT": str(self.port),
            **contender.environment,
        }
        command = contender.command(python, self.port, folder)
        started = time.perf_counter()
        with (folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True
            )
        pause = threading.Event()
        while not load.ping(self.port):
            if self._process.poll() is not None or time.perf_counter() > started + _READY_SECONDS:
                self.stop()
                raise RuntimeError(f"{contender.name} did not get ready: {(folder / 'log').read_text()[-2000:]}")
            pause.wait(0.002)
        self.ready_seconds = time.perf_counter() - started

    def stop(self) -> None:
        """End all its processes."""
        for pid in self.processes() or [self._process.pid]:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self._process.wait()

    def processes(self) -> list[int]:
        """Its processes: those of its session (some are in groups of their own, some have lost their parents)."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                session = int((entry / "stat").read_text().rpartition(")")[2].split()[3])
            except OSError:
                continue
            if session == self._process.pid:
                found.append(int(entry.name))
        return found

    def idle_bytes(self) -> int:
        """Memory of all its processes, what several share counted once."""
        return sum(_kilobytes(f"/proc/{pid}/smaps_rollup", "Pss:") for pid in self.processes()) * 1024

    def peak_bytes(self, work: Callable[[], object]) -> int:
        """How much more memory than before its processes had resident at once during `work`."""
        pids = self.processes()

        def resident() -> int:
            return sum(_kilobytes(f"/proc/{pid}/status", "VmRSS:") for pid in pids) * 1024

        before = peak = resident()
        over = threading.Event()

        def watch() -> None:
            nonlocal peak
            while not over.wait(0.002):
                peak = max(peak, resident())

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            work()
        finally:
            over.set()
            watcher.join()
        return peak - before


def _kilobytes(file: str, name: str) -> int:
    """A value from a file of the kernel's; 0 where the process has ended."""
    try:
        lines = Path(file).read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(name)), 0)


def _free_port() -> int:
    """A free port; multi-model-server takes none above 32767."""
    for port in random.sample(range(20_000, 32_000), 100):
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        return port
    raise RuntimeError("no free port from 20000 to 32000")

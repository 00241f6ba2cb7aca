"""A real server in a process of its own, with a handler that the test writes."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

import serving

DEADLINE = 20.0
SITE = os.pathsep.join(
    [str(Path(serving.__file__).parents[1]), *(path for path in sys.path if path.endswith("site-packages"))]
)
"""Where another interpreter finds the server and what it needs."""

Record = dict[str, Any]


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Return once `condition` holds; fail when it does not within the deadline."""
    pause = threading.Event()
    end = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < end, f"waited {DEADLINE} s in vain until {what}"
        pause.wait(0.005)


def alive(pid: int) -> bool:
    """Whether a process runs (a zombie does not)."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return not Path("/proc/self").exists()


def descriptors(*pids: int) -> list[int]:
    """How many descriptors each process has open."""
    if not Path("/proc/self/fd").is_dir():
        pytest.skip("counts descriptors in /proc")
    return [len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in pids]


def resident_bytes(*pids: int, peak: bool = False) -> int:
    """Memory that these processes have resident, or have had at most."""
    if not Path("/proc/self/status").exists():
        pytest.skip("reads memory from /proc")
    name = "VmHWM:" if peak else "VmRSS:"
    lines = [line.split() for pid in pids for line in Path(f"/proc/{pid}/status").read_text().splitlines()]
    return sum(int(line[1]) * 1024 for line in lines if line[0] == name)


class Server:
    """A running server: its log as it grows, and a client."""

    def __init__(self, command: list[str], environ: dict[str, str], folder: Path) -> None:
        self.folder = folder
        self._stderr = folder / "stderr"
        self._records: list[Record] = []
        self._is_whole = False
        self._changed = threading.Condition()
        self._reading = threading.Event()
        self._reading.set()
        with self._stderr.open("wb") as stderr:
            self.process = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=stderr)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._threads = ThreadPoolExecutor(8)
        self._client: httpx.Client | None = None

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                self._reading.wait()
                with self._changed:
                    self._records.append(json.loads(line))
                    self._changed.notify_all()
        with self._changed:
            self._is_whole = True
            self._changed.notify_all()

    @contextlib.contextmanager
    def log_unread(self) -> Iterator[None]:
        """Meanwhile nobody reads the log."""
        self._reading.clear()
        try:
            yield
        finally:
            self._reading.set()

    @property
    def stderr(self) -> str:
        return self._stderr.read_text()

    def records(self, event: str, **fields: Any) -> list[Record]:
        """Records of `event` so far whose fields are those given."""
        with self._changed:
            return self._matching(0, event, fields)

    def _matching(self, first: int, event: str, fields: Record) -> list[Record]:
        wanted = {"event": event, **fields}
        return [r for r in self._records[first:] if all(r.get(name) == value for name, value in wanted.items())]

    def record(self, event: str, *, count: int = 1, **fields: Any) -> Record:
        """The `count`th record of `event` with these fields, as soon as it is in the log."""
        seen, records = 0, []

        def is_there() -> bool:
            nonlocal seen
            records.extend(self._matching(seen, event, fields))
            seen = len(self._records)
            return len(records) >= count or self._is_whole

        with self._changed:
            found = self._changed.wait_for(is_there, DEADLINE)
            assert found, f"no {event} {fields} within {DEADLINE} s; log: {self._records}; {self.stderr}"
            assert len(records) >= count, (
                f"the server ended without {event} {fields}; log: {self._records}; {self.stderr}"
            )
            return records[count - 1]

    @property
    def client(self) -> httpx.Client:
        if self._client is None:
            port = self.record("listening")["port"]
            self._client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=DEADLINE)
        return self._client

    def ready(self) -> "Server":
        self.record("ready")
        return self

    def ping(self) -> httpx.Response:
        return self.client.get("/ping")

    def post(
        self, content: bytes | str = b"{}", content_type: str = "application/json", **headers: str
    ) -> httpx.Response:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.post("/invocations", content=content, headers={"content-type": content_type, **names})

    def post_later(self, content: bytes | str = b"{}", **headers: str) -> "Future[httpx.Response]":
        """Send a request from another thread."""
        assert self.client
        return self._threads.submit(self.post, content, **headers)

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def wait(self) -> int:
        """The exit code."""
        code = self.process.wait(DEADLINE)
        self._reader.join(DEADLINE)
        return code

    def worker(self, number: int = 1) -> int:
        """The process id of the `number`th worker that was started, as soon as the log names it."""
        return int(self.record("loading", count=number)["worker"])

    def workers(self) -> list[int]:
        """The process ids that the log names so far, oldest first; as the server sees them."""
        return [record["worker"] for record in self.records("loading")]

    @property
    def pids(self) -> tuple[int, int]:
        """The server's process and its last worker's."""
        return self.process.pid, self.workers()[-1]

    def close(self) -> None:
        """Stop the server, and see that it leaves no process."""
        if self._client is not None:
            self._client.close()
        if self.process.poll() is None:
            self.process.kill()
        self.wait()
        self._threads.shutdown()
        wait_until(lambda: not any(map(alive, self.workers())), "the workers have ended with their server")


class Launcher:
    """Starts servers below one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.base = folder / "ml"
        self.model = self.base / "model"
        self.code = self.model / "code"
        self.code.mkdir(parents=True)
        self._servers: list[Server] = []

    def write(self, handler: str, name: str = "inference.py") -> Path:
        """Write a module into the handler's folder."""
        path = self.code / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(handler))
        return path

    def environ(self, **environ: str) -> dict[str, str]:
        inherited = {name: os.environ[name] for name in ("PATH", "TMPDIR", "LANG") if name in os.environ}
        own = {
            "SAGEMAKER_BASE_DIR": str(self.base),
            "SAGEMAKER_BIND_TO_HOST": "127.0.0.1",
            "SAGEMAKER_BIND_TO_PORT": "0",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        return inherited | own | environ

    def __call__(
        self,
        handler: str | None = None,
        *,
        prefix: tuple[str, ...] = (),
        python: str | None = None,
        program: tuple[str, ...] = ("-m", "serving", "serve"),
        **environ: str,
    ) -> Server:
        """Start a server, with `handler` as inference.py."""
        if handler is not None:
            self.write(handler)
        folder = self._folder / f"server-{len(self._servers)}"
        folder.mkdir()
        server = Server([*prefix, python or sys.executable, *program], self.environ(**environ), folder)
        self._servers.append(server)
        return server

    def close(self) -> None:
        for server in self._servers:
            server.close()


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Launcher]:
    """Starts servers, and stops them after the test."""
    launcher = Launcher(tmp_path)
    yield launcher
    launcher.close()


@pytest.fixture(scope="module")
def shared_launch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Launcher]:
    """Starts a server that the tests of one module share."""
    launcher = Launcher(tmp_path_factory.mktemp("shared"))
    yield launcher
    launcher.close()


def error_of(response: httpx.Response) -> tuple[int, str, str]:
    """Status, code and message of an error response."""
    error = response.json()["error"]
    assert set(error) == {"code", "message"}
    return response.status_code, error["code"], error["message"]

"""Start, find and end the local cloud. Cheap to import: what it needs to serve is imported by its own process."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from glue.errors import FailedError, UsageError
from glue.localcloud.compute.instance_types import memory_setting
from glue.localcloud.persistence.journal_file import journal_of
from glue.localcloud.state import StateDir

START_TIMEOUT = 60.0
"""Seconds that a local cloud has to get ready."""

END_TIMEOUT = 15.0
"""Seconds that it has to end by itself before it is killed."""

_started: "list[subprocess.Popen[bytes]]" = []  # kept, so that this process reaps what it started

_HOST = "127.0.0.1"
_PAUSE = 0.05
_FOLLOW_PAUSE = 0.3
_LISTENER_TIMEOUT = 2.0  # seconds that a busy local cloud has to say that it has a port
_TAIL = 15


@dataclass(frozen=True)
class Status:
    """How the local cloud is. Everything but `running` is known of a running one only."""

    running: bool
    pid: int | None = None
    endpoint_url: str | None = None
    region: str | None = None
    account_id: str | None = None
    speed: float | None = None
    started: str | None = None
    endpoints: list[dict[str, Any]] = field(default_factory=list)
    alarms: list[dict[str, Any]] = field(default_factory=list)


def up(
    state_dir: Path,
    port: int | None = None,
    speed: float = 1.0,
    exit_with: int | None = None,
    *,
    cache_dir: Path | None = None,
    persist: Path | None = None,
) -> Status:
    """Start the local cloud of `state_dir` in the background, and return when it answers; once is enough.

    Without `port`, it takes 4599, or any free port. `speed` is how many seconds of its clock pass in one of the
    machine's. With `exit_with`, it ends when the process of that number is gone. `cache_dir` keeps virtual environments
    between local clouds; its default is the setting `GLUE_CACHE_DIR`, else the user's cache folder. `persist` keeps
    what the local cloud holds, for the next one: on the same port, which the URLs of queues name.

    Raises:
        UsageError: the port is taken, or a local cloud with other settings runs already, or `speed` is not positive, or
            `persist` is no folder of a local cloud, of another version, damaged or in use,
            or the setting `GLUE_LOCAL_MEMORY_MIB` is wrong.
        FailedError: it did not get ready.
    """
    if not speed > 0:
        raise UsageError(f"speed {speed}: allowed is a number above 0")
    state = StateDir(state_dir.resolve())
    running = status(state_dir)
    if running.running:
        return _same(running, port, speed)
    if persist is not None:
        persist = persist.resolve()
        port = port or journal_of(persist).check()
    memory_setting()  # refused here rather than in the log of what is started
    if port is not None:
        _check_free(port)
    state.folder.mkdir(parents=True, exist_ok=True)
    process = _spawn(state, port, speed, exit_with, cache_dir=cache_dir, persist=persist)
    try:
        return _wait_until_ready(state, process, port, speed)
    except BaseException:  # an interrupt too: what is not handed to the caller is not left behind
        if process not in _started:
            _end(process)
        raise


def _wait_until_ready(state: StateDir, process: "subprocess.Popen[bytes]", port: int | None, speed: float) -> Status:
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline:
        ended = process.poll() is not None
        running = status(state.folder)
        if running.running and running.pid == process.pid:
            _started.append(process)
            return running
        if running.running:  # somebody else was faster
            _end(process)
            return _same(running, port, speed)
        if ended and not state.held():
            break
        time.sleep(_PAUSE)
    tail = state.log_file.read_text(errors="replace").splitlines()[-_TAIL:]
    raise FailedError("the local cloud did not start", hints=[f"its log, {state.log_file}, ends with:", *tail])


def down(state_dir: Path) -> bool:
    """End the local cloud of `state_dir`, its instances included; whether one was running. Returns when all is gone."""
    state = StateDir(state_dir.resolve())
    was_running = state.held()
    known = None
    for number, patience in ((signal.SIGTERM, END_TIMEOUT), (signal.SIGKILL, END_TIMEOUT)):
        document = _document(state)
        if document is None:
            break
        known = document["pid"]
        with suppress(ProcessLookupError):
            os.kill(known, number)
        deadline = time.monotonic() + patience
        while state.held() and time.monotonic() < deadline:
            time.sleep(_PAUSE)
    if state.held():
        raise FailedError(f"the local cloud of {state.folder} does not end", hints=[f"see {state.log_file}"])
    for process in [one for one in _started if one.poll() is not None or one.pid == known]:
        process.wait()
        _started.remove(process)
    from glue.localcloud.compute.leftovers import sweep  # noqa: PLC0415

    sweep(state.instances)
    state.state_file.unlink(missing_ok=True)
    return was_running


def status(state_dir: Path) -> Status:
    """How the local cloud of `state_dir` is. One that is not ready yet does not run yet."""
    document = StateDir(state_dir.resolve()).read()
    if document is None:
        return Status(running=False)
    return Status(running=True, **_ask(document["endpoint_url"], document))


def logs(state_dir: Path, follow: bool = False) -> Iterator[str]:
    """The lines of the local cloud's log and of its instances', each led by the name of its source.

    With `follow`, waits for more until the local cloud has ended.
    """
    state = StateDir(state_dir.resolve())
    positions: dict[Path, int] = {}
    while True:
        alive = state.held()
        for file in [state.log_file, *sorted(state.instance_logs.glob("*.log"))]:
            yield from _new_lines(file, positions)
        if not (follow and alive):
            return
        time.sleep(_FOLLOW_PAUSE)


def _new_lines(file: Path, positions: dict[Path, int]) -> Iterator[str]:
    with suppress(FileNotFoundError), file.open("rb") as stream:
        stream.seek(positions.get(file, 0))
        for line in stream:
            if not line.endswith(b"\n"):
                break  # still being written
            positions[file] = positions.get(file, 0) + len(line)
            yield f"{file.stem} | {line.decode(errors='replace').rstrip()}"


def _spawn(
    state: StateDir,
    port: int | None,
    speed: float,
    exit_with: int | None,
    *,
    cache_dir: Path | None,
    persist: Path | None,
) -> "subprocess.Popen[bytes]":
    from glue.localcloud.compute.venvs import default_cache_dir  # noqa: PLC0415

    command = [sys.executable, "-m", "glue.localcloud", "--state-dir", str(state.folder), "--speed", str(speed)]
    command += ["--cache-dir", str((cache_dir or default_cache_dir()).resolve())]
    command += ["--port", str(port)] if port is not None else []
    command += ["--persist", str(persist)] if persist is not None else []
    command += ["--exit-with", str(exit_with)] if exit_with is not None else []
    with state.log_file.open("ab" if state.held() else "wb") as log:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=_environment(),
        )


def _end(process: "subprocess.Popen[bytes]") -> None:
    process.kill()
    process.wait()


def _environment() -> dict[str, str]:
    """The daemon's: without anything that would point its own clients elsewhere, or change moto's behaviour."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MOTO_", "PYTEST_"))}
    return kept | {
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "MOTO_DISABLE_GLOBAL_CORS": "true",  # no web page has business with it
        "PYTHONUNBUFFERED": "1",
    }


def _same(running: Status, port: int | None, speed: float) -> Status:
    """The running cloud, if it is the one that was asked for."""
    url = running.endpoint_url or ""
    if port is not None and not url.endswith(f":{port}"):
        raise UsageError(f"the local cloud runs on {url}, not on port {port}", hints=["end it first: glue local down"])
    if speed != running.speed:
        raise UsageError(
            f"the local cloud runs at speed {running.speed:g}, not {speed:g}", hints=["end it first: glue local down"]
        )
    return running


def _document(state: StateDir) -> dict[str, Any] | None:
    """The state of the cloud, waiting for one that starts just now; None when there is none."""
    deadline = time.monotonic() + END_TIMEOUT
    while state.held() and time.monotonic() < deadline:
        if document := state.read():
            return document
        time.sleep(_PAUSE)
    return None


def _ask(url: str, known: dict[str, Any], *, timeout: float = 5.0) -> dict[str, Any]:
    """What the cloud itself says; what it wrote when it started, while it is too busy to answer."""
    import json  # noqa: PLC0415
    from http.client import HTTPConnection, HTTPException  # noqa: PLC0415

    connection = HTTPConnection(url.removeprefix("http://"), timeout=timeout)
    try:
        connection.request("GET", "/_localcloud/status")
        answer: dict[str, Any] = json.loads(connection.getresponse().read())
    except (OSError, HTTPException, ValueError):
        return known
    else:
        return answer
    finally:
        connection.close()


def _check_free(port: int) -> None:
    if not 0 < port < 65536:
        raise UsageError(f"port {port}: allowed is 1 to 65535")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except PermissionError as error:
            raise UsageError(f"port {port}: this user may not listen there", hints=["take one above 1023"]) from error
        except OSError as error:
            raise UsageError(
                f"port {port} is taken by {_listener(port)}",
                hints=["leave --port out to take any free port, or end that program"],
            ) from error


def _listener(port: int) -> str:
    """Who listens on `port`, as far as this machine tells."""
    import shutil  # noqa: PLC0415

    told = _ask(f"http://{_HOST}:{port}", {}, timeout=_LISTENER_TIMEOUT)
    if "pid" in told:
        return f"another local cloud (process {told['pid']})"
    for command in (["lsof", "-nP", "-t", f"-iTCP:{port}", "-sTCP:LISTEN"], ["fuser", f"{port}/tcp"]):
        if shutil.which(command[0]):
            found = subprocess.run(command, capture_output=True, text=True, check=False, timeout=5)
            if numbers := found.stdout.split():
                return f"process {numbers[0]}"
    return "another program"

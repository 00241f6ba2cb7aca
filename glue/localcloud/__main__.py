"""The local cloud's daemon: `python -m glue.localcloud`, started by `glue.localcloud.daemon.up`."""

import argparse
import fcntl
import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from glue.files import write_atomically
from glue.localcloud.clock import Clock
from glue.localcloud.persistence.journal_file import journal_of
from glue.localcloud.state import StateDir

_LOCK_PATIENCE = 2.0
_WATCH_PAUSE = 0.5

ALREADY_RUNNING = 3
"""Exit status when another local cloud uses the same state folder."""

_log = logging.getLogger("glue.localcloud")


def main() -> int:
    """Run until told to end."""
    arguments = _arguments()
    state = StateDir(arguments.state_dir)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    end = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: end.set())
    with state.lock_file.open("a") as lock:
        if not _locked(lock.fileno()):
            return ALREADY_RUNNING
        state.state_file.unlink(missing_ok=True)
        if arguments.exit_with is not None:
            _watch(arguments.exit_with, end.set)
        _serve(arguments, state, end)
        state.state_file.unlink(missing_ok=True)
        logging.shutdown()
        # Threads that wait for a request or a client must not hold the process up; the guard ends what is left.
        os._exit(0)


def _serve(arguments: argparse.Namespace, state: StateDir, end: threading.Event) -> None:
    clock = Clock(arguments.speed)
    from glue.localcloud.moto_time import follow  # noqa: PLC0415 - before any service of moto is imported

    follow(clock)
    from glue.localcloud.server import LocalCloud, listen  # noqa: PLC0415

    listener = listen(arguments.port)
    journal = journal_of(arguments.persist) if arguments.persist else None
    cloud = LocalCloud(arguments.state_dir, arguments.cache_dir, listener=listener, clock=clock, journal=journal)
    cloud.start()
    write_atomically(state.state_file, json.dumps(cloud.status() | {"endpoints": [], "alarms": []}), mode=0o600)
    _log.info("ready on %s", cloud.url)
    end.wait()
    _log.info("ending")
    cloud.close()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m glue.localcloud")
    parser.add_argument("--state-dir", type=Path, required=True)
    parser.add_argument("--cache-dir", type=Path, required=True)
    parser.add_argument("--port", type=int)
    parser.add_argument("--speed", type=float, default=1.0)
    parser.add_argument("--exit-with", type=int)
    parser.add_argument("--persist", type=Path)
    return parser.parse_args()


def _locked(descriptor: int) -> bool:
    """Take the lock, waiting a moment for one who only looks whether it is taken."""
    deadline = time.monotonic() + _LOCK_PATIENCE
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        else:
            return True


def _watch(process: int, gone: Callable[[], None]) -> None:
    def watch() -> None:
        while _alive(process):
            time.sleep(_WATCH_PAUSE)
        _log.info("process %d is gone", process)
        gone()

    threading.Thread(target=watch, name="exit-with", daemon=True).start()


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


if __name__ == "__main__":
    sys.exit(main())

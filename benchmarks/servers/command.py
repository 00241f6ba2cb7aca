"""The benchmark's command line."""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from servers import load
from servers.contenders import ALL, PROJECT, SLOTS, TOOLKIT, Contender, Running, install
from servers.report import MEASURES, promises, table

_JSON = {"number": 21, "text": "x" * 990}
_HOLD_SECONDS = 5
_BODY = 200_000_000


Samples = dict[str, list[float]]
"""Of each server, one for each round."""


class Benchmark:
    """The servers that are compared, and the measurements of each."""

    def __init__(self, contenders: list[Contender], folder: Path, *, rounds: int, seconds: float) -> None:
        self._contenders = contenders
        self._folder = folder
        self._rounds = rounds
        self._seconds = seconds
        self._python = {one.name: _installed(one) for one in contenders}
        self.client_share = 0.0

    @contextmanager
    def _running(self, contender: Contender) -> Iterator[Running]:
        folder = Path(tempfile.mkdtemp(dir=self._folder))
        running = Running(contender, self._python[contender.name], folder)
        try:
            yield running
        finally:
            running.stop()

    def measure(self, keys: list[str]) -> dict[str, Samples]:
        """The measurements of these keys."""
        results: dict[str, Samples] = {}
        for measure in MEASURES:
            if measure.key in keys:
                print(f"{measure.title} ...", file=sys.stderr)
                results[measure.key] = getattr(self, measure.key)()
        return results

    def small(self) -> Samples:
        """Requests of 1 KB."""
        return self._pressed(load.request(json.dumps(_JSON).encode(), "application/json"), SLOTS)

    def large(self) -> Samples:
        """Requests of 5 MB."""
        return self._pressed(load.request(bytes(5_000_000), "application/octet-stream"), 2)

    def _pressed(self, message: bytes, clients: int) -> Samples:
        """Requests per second of each, in turns."""
        rates: Samples = {one.name: [] for one in self._contenders}
        with ExitStack() as stack:
            running = {one.name: stack.enter_context(self._running(one)) for one in self._contenders}
            for turn in range(self._rounds + 1):
                for name, one in running.items():
                    measured = load.press(one.port, message, clients=clients, seconds=self._seconds)
                    if turn:  # the first is for warming up
                        rates[name].append(measured.rate)
                        self.client_share = max(self.client_share, measured.client_share)
        return rates

    def ready(self) -> Samples:
        """Seconds from the start of each to the first success of its health check."""
        seconds: Samples = {one.name: [] for one in self._contenders}
        for _ in range(self._rounds):
            for one in self._contenders:
                with self._running(one) as running:
                    seconds[one.name].append(running.ready_seconds)
        return seconds

    def idle(self) -> Samples:
        """Megabytes of each after its first request."""
        message = load.request(json.dumps(_JSON).encode(), "application/json")
        found = {}
        for one in self._contenders:
            with self._running(one) as running:
                load.post(running.port, message)
                found[one.name] = [running.idle_bytes() / 1e6]
        return found

    def body(self) -> Samples:
        """What a large body takes, as a multiple of its size."""
        message = load.request(bytes(_BODY), "application/octet-stream")
        found = {}
        for one in self._contenders:
            with self._running(one) as running:
                load.post(running.port, load.request(bytes(1000), "application/octet-stream"))
                found[one.name] = [running.peak_bytes(partial(load.post, running.port, message)) / _BODY]
        return found

    def ping(self) -> Samples:
        """Milliseconds of the slowest health check during a call that holds the interpreter."""
        message = load.request(json.dumps({**_JSON, "hold": _HOLD_SECONDS}).encode(), "application/json")
        return {one.name: [self._slowest_ping(one, message)] for one in self._contenders}

    def _slowest_ping(self, contender: Contender, message: bytes) -> float:
        with self._running(contender) as running:
            holding = threading.Thread(target=load.post, args=(running.port, message))
            holding.start()
            slowest = 0.0
            while holding.is_alive():
                started = time.perf_counter()
                load.ping(running.port)
                slowest = max(slowest, time.perf_counter() - started)
                holding.join(0.005)
        return slowest * 1000


def main() -> int:
    """Measure, and print a table of values and one of promises."""
    options = _options()
    contenders = [one for one in ALL if one.name in options.server] if options.server else list(ALL)
    if TOOLKIT in contenders and shutil.which("java") is None:
        print(f"{TOOLKIT.name} needs Java, which is not on PATH: install a runtime, or name others", file=sys.stderr)
        return 3
    with tempfile.TemporaryDirectory() as folder:
        try:
            benchmark = Benchmark(contenders, Path(folder), rounds=options.rounds, seconds=options.seconds)
            keys = [measure.key for measure in MEASURES if not options.only or measure.key in options.only]
            results = benchmark.measure(keys)
            again = sorted({promise.key for promise in promises(results) if not promise.kept}, key=keys.index)
            results |= benchmark.measure(again)
        except (RuntimeError, subprocess.CalledProcessError) as error:
            print(f"error: {error}", file=sys.stderr)
            return 1
    machine = f"{datetime.now(UTC):%Y-%m-%d}, {platform.system()} {platform.machine()}, {os.cpu_count()} processors"
    broken = [promise.title for promise in promises(results) if not promise.kept]
    if options.json:
        print(json.dumps({"machine": machine, "results": results, "again": again, "broken": broken}, indent=1))
    else:
        twice = f"; measured twice, because the first time a promise was broken: {', '.join(again)}" if again else ""
        print(
            f"{table(results, [one.name for one in contenders])}\n\n{machine}, Python {platform.python_version()}; "
            f"the clients took at most {benchmark.client_share:.0%} of one processor{twice}"
        )
    return int(options.strict and bool(broken))


def _installed(contender: Contender) -> Path:
    print(f"installing {contender.name} ...", file=sys.stderr)
    return install(contender, PROJECT / ".glue" / "benchmarks")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=sys.modules["__main__"].__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="turns of each server (default 5)")
    parser.add_argument("--seconds", type=float, default=2, help="length of a turn (default 2)")
    parser.add_argument("--only", action="append", choices=[one.key for one in MEASURES], help="may be repeated")
    parser.add_argument("--server", action="append", choices=[one.name for one in ALL], help="may be repeated")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of the tables")
    parser.add_argument(
        "--strict", action="store_true", help="exit 1 when a promise is broken, also the second time it is measured"
    )
    options = parser.parse_args()
    if options.rounds < 1 or options.seconds <= 0:
        parser.error("--rounds must be at least 1 and --seconds above 0")
    return options

"""What the local cloud costs: its start, its requests a second, its memory. Ratios are to a reference of the same run.

- Start: `glue local up` until it answers, beside a bare `import moto.server`.
- Requests: a handler that answers at once, through the local cloud (request, queue, S3, outcome) beside the same
  handler posted to directly, with as many clients.
- Memory (Linux): growth by a thousand requests, beside a thousand objects put into S3 (which stay), and the growth
  while an input of a gigabyte passes.
- Both once more for an endpoint with a topic, whose messages are read and deleted meanwhile.
"""

import argparse
import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from glue.localcloud import daemon  # noqa: E402
from tests.localcloud.support import Account, Inbox, eventually  # noqa: E402

START_LIMIT = 4.0
LARGE_LIMIT = 64.0
CLIENTS = 4
ORDER = b'{"do": "echo"}'
MIB = 1024 * 1024


def main() -> int:
    """Print the figures; with `--strict`, exit 1 when one is above its limit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=1000, help="through the local cloud (default: %(default)s)")
    parser.add_argument("--runs", type=int, default=3, help="starts that count (default: %(default)s)")
    parser.add_argument("--strict", action="store_true", help="exit 1 when a figure is above its limit")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        start = _start(Path(folder), arguments.runs)
        large = _work(Path(folder), arguments.requests)
    judged = [("seconds of the start", start, START_LIMIT), ("MiB while 1 GiB passes", large, LARGE_LIMIT)]
    above = [f"{what}: {value:.1f}, the limit is {limit:g}" for what, value, limit in judged if value > limit]
    print("\n".join(above), file=sys.stderr, end="\n" if above else "")
    return int(arguments.strict and bool(above))


def _start(folder: Path, runs: int) -> float:
    ups = [
        _timed(lambda: daemon.up(folder / "starts")) for _ in range(runs) if daemon.down(folder / "starts") in {0, 1}
    ]
    daemon.down(folder / "starts")
    imports = [_timed(lambda: subprocess.run([sys.executable, "-c", "import moto.server"], check=True)) for _ in ups]
    up, imported = statistics.median(ups), statistics.median(imports)
    print(f"glue local up, until it answers      {up:7.2f} s   (limit {START_LIMIT:g} s)")
    print(f"import moto.server                   {imported:7.2f} s   ratio {up / imported:.2f}")
    return up


def _work(folder: Path, requests: int) -> float:
    """MiB by which memory grew while a gigabyte passed."""
    state = folder / "cloud"
    status = daemon.up(state, exit_with=os.getpid())
    try:
        account = Account(status.endpoint_url or "", "111122223333", folder)
        account.deploy("noop", concurrency=CLIENTS)
        _through(account, state, "noop", "warm", 50)
        direct = requests / _timed(lambda: _direct(state, requests))
        print(f"requests a second, directly          {direct:7.0f}")
        _measured(account, state, "noop", requests, direct)
        before = _memory(status.pid, "VmRSS")
        _each(lambda number: account.put(f"objects/{number}", ORDER), requests)
        _print_growth("1,000 objects alone", _memory(status.pid, "VmRSS") - before, requests)
        large = _large(account, status.pid) / MIB
        if large:
            print(f"memory while 1 GiB passes            {large:7.1f} MiB (limit {LARGE_LIMIT:g})")
        topic, inbox = account.topic("told")
        account.deploy("told", concurrency=CLIENTS, topics=(topic, topic))
        with _drained(inbox):
            _through(account, state, "told", "warm", 50)
            _measured(account, state, "told", requests, direct)
        return large
    finally:
        daemon.down(state)


def _measured(account: Account, state: Path, endpoint: str, requests: int, direct: float) -> None:
    """Print what requests through an endpoint cost: `noop` tells nobody, `told` publishes to a topic."""
    process = daemon.status(state).pid
    what = "" if endpoint == "noop" else ", told"
    before = _memory(process, "VmRSS")
    through = requests / _timed(lambda: _through(account, state, endpoint, "counted", requests))
    print(f"{f'requests a second, local cloud{what}':36} {through:7.0f}     ratio {through / direct:.3f}")
    _print_growth(f"1,000 requests{what}", _memory(process, "VmRSS") - before, requests)


def _print_growth(what: str, growth: int, number: int) -> None:
    if sys.platform == "linux":
        print(f"{f'memory by {what}':36} {growth * 1000 / number / MIB:7.1f} MiB")


@contextmanager
def _drained(inbox: Inbox) -> Iterator[None]:
    """Somebody reads the messages and deletes them, as a client does."""
    ended = threading.Event()

    def drain() -> None:
        while not ended.wait(0.1):
            inbox.read()
            inbox.messages.clear()

    with ThreadPoolExecutor(1) as thread:
        reader = thread.submit(drain)
        try:
            yield
        finally:
            ended.set()
        reader.result()


def _direct(state: Path, requests: int) -> None:
    [record] = (state / "instances").glob("i-*/instance.json")
    port = json.loads(record.read_text())["port"]

    def post(_: int) -> None:
        connection = HTTPConnection("127.0.0.1", port)
        connection.request("POST", "/invocations", ORDER, {"Content-Type": "application/json"})
        connection.getresponse().read()
        connection.close()

    _each(post, requests)


def _through(account: Account, state: Path, endpoint: str, name: str, requests: int) -> None:
    where = account.put(f"inputs/{name}", ORDER)
    runtime = account.client("sagemaker-runtime")
    bucket = account.bucket

    def invoke(number: int) -> None:
        runtime.invoke_endpoint_async(
            EndpointName=endpoint, InputLocation=where, S3OutputPathExtension=name, Filename=str(number)
        )

    _each(invoke, requests)
    pages = account.client("s3").get_paginator("list_objects_v2")

    def all_there() -> bool:
        # Listing a thousand objects costs more than a request does: only once nothing waits any more.
        if any(endpoint["waiting"] for endpoint in daemon.status(state).endpoints):
            return False
        prefix = f"{endpoint}/results/{name}/"
        found: int = sum(page["KeyCount"] for page in pages.paginate(Bucket=bucket, Prefix=prefix))
        return found == requests

    eventually(all_there, within=600, what="outcomes")


def _large(account: Account, process: int | None) -> int:
    class Gigabyte(io.RawIOBase):
        left = 1024 * MIB

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            size = min(len(buffer), self.left)
            buffer[:size] = bytes(size)
            self.left -= size
            return size

    Path(f"/proc/{process}/clear_refs").write_text("5")
    before = _memory(process, "VmHWM")
    account.client("s3").upload_fileobj(io.BufferedReader(Gigabyte(), MIB), account.bucket, "gigabyte")
    answer = account.client("sagemaker-runtime").invoke_endpoint_async(
        EndpointName="noop", InputLocation=f"s3://{account.bucket}/gigabyte", InvocationTimeoutSeconds=600
    )
    account.outcome(answer, within=600)
    return _memory(process, "VmHWM") - before


def _memory(process: int | None, field: str) -> int:
    """Bytes, as Linux counts them for a process; 0 elsewhere."""
    file = Path(f"/proc/{process}/status")
    lines = file.read_text().splitlines() if file.exists() else []
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{field}:")), 0)


def _each(act: Callable[[int], object], times: int) -> None:
    with ThreadPoolExecutor(CLIENTS) as clients:
        list(clients.map(act, range(times)))


def _timed(act: Callable[[], object]) -> float:
    started = time.perf_counter()
    act()
    return time.perf_counter() - started


if __name__ == "__main__":
    sys.exit(main())

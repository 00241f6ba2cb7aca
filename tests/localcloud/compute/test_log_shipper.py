"""Lines of instances reach CloudWatch Logs, whatever became of the lines before them."""

import http.server
import json
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glue.localcloud.accounts import Scope
from glue.localcloud.clients import Clients
from glue.localcloud.clock import Clock
from glue.localcloud.compute.log_shipper import LogShipper, Stream, _batches, _Line
from tests.localcloud.support import Account

STREAM = Stream(Scope("111122223333", "us-east-1"), "group", "stream")


@given(st.lists(st.integers(0, 400_000), max_size=12))
def test_batches_keep_every_line_in_order_and_stay_below_what_aws_takes(sizes: list[int]) -> None:
    lines = [_Line(STREAM, number, "x" * size) for number, size in enumerate(sizes)]
    batches = list(_batches(lines))
    assert [line for batch in batches for line in batch] == lines
    assert all(sum(len(line.text) + 26 for line in batch) <= 1_048_576 for batch in batches)


def test_a_batch_has_no_more_events_than_aws_takes() -> None:
    batches = list(_batches([_Line(STREAM, number, "") for number in range(2500)]))
    assert [len(batch) for batch in batches] == [1000, 1000, 500]


@pytest.fixture
def nonsense() -> Iterator[tuple[str, list[str]]]:
    """Logs that answer the first events with what no client understands: their URL, and the messages that came."""
    messages: list[str] = []
    answers = [b"[]"]

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            messages.extend(event["message"] for event in body.get("logEvents", []))
            answer = answers.pop() if body.get("logEvents") and answers else b"{}"
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}", messages
        server.shutdown()
        thread.join()


def test_lines_are_shipped_whatever_was_answered_to_those_before(
    nonsense: tuple[str, list[str]], tmp_path: Path
) -> None:
    url, messages = nonsense
    shipper = LogShipper(Clients(url), Clock(), tmp_path)
    put = shipper.sink(STREAM)
    put("one")
    assert shipper.flush()
    put("two")
    assert shipper.flush()
    assert messages == ["one", "two"]


@pytest.mark.skipif(sys.platform != "linux", reason="writes to a device that is full")
def test_a_full_disk_stops_no_line_on_its_way_to_cloudwatch(account: Account, tmp_path: Path) -> None:
    stream = Stream(Scope(account.id, "us-east-1"), "full-disk", "stream")
    (tmp_path / f"{account.id}-full-disk-stream.log").symlink_to("/dev/full")
    shipper = LogShipper(Clients(account.url), Clock(), tmp_path)
    shipper.sink(stream)("not on disk")
    assert shipper.flush()
    events = account.client("logs").filter_log_events(logGroupName="full-disk")["events"]
    assert [event["message"] for event in events] == ["not on disk"]


def test_lines_of_several_threads_are_shipped_in_the_order_of_their_times(account: Account, tmp_path: Path) -> None:
    looked, overtaken = threading.Event(), threading.Event()

    def monotonic() -> float:
        found = time.monotonic()
        if threading.current_thread().name == "slow":
            looked.set()
            overtaken.wait(0.5)  # unless it cannot be
        return found

    clock = Clock(monotonic=monotonic)
    shipper = LogShipper(Clients(account.url), clock, tmp_path)
    put = shipper.sink(Stream(Scope(account.id, "us-east-1"), "several-threads", "stream"))
    slow = threading.Thread(target=put, args=("first",), name="slow")
    slow.start()
    assert looked.wait(10)
    put("second")
    overtaken.set()
    slow.join()
    assert shipper.flush()
    events = account.client("logs").filter_log_events(logGroupName="several-threads")["events"]
    assert [event["message"] for event in events] == ["first", "second"]

"""What goes wrong inside the data plane, in this process: its S3 and SNS are those of a running local cloud."""

import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from glue.localcloud.accounts import Scope
from glue.localcloud.clients import Clients
from glue.localcloud.clock import Clock
from glue.localcloud.fault_injection.faults import Faults
from glue.localcloud.monitoring.metrics import Metrics
from glue.localcloud.sagemaker import inputs
from glue.localcloud.sagemaker.dataplane import Invoker
from glue.localcloud.sagemaker.endpoint import Endpoint
from glue.localcloud.sagemaker.endpoints import Endpoints
from glue.localcloud.sagemaker.fleet import Platform
from glue.localcloud.sagemaker.invocation import AsyncRequest, Outcome
from glue.localcloud.sagemaker.outcomes import Outcomes
from glue.localcloud.sagemaker.request_queue import RequestQueue
from glue.localcloud.sagemaker.store import Definition
from tests.localcloud.sagemaker.test_invocation import request
from tests.localcloud.support import REGION, Account, Inbox, eventually, full_disk, needs_full_disk


@dataclass
class Machine:
    """An instance whose container is a server in this process; it may be cut off. It gives one answer to everything."""

    address: tuple[str, int]
    id: str = "i-0"
    cut: bool = False
    status: int = 200
    answer: bytes = b"ok"

    def cut_off(self) -> bool:
        return self.cut

    def await_end(self) -> None:
        """It has ended."""


class Plane:
    """A data plane of one endpoint, and what it told."""

    def __init__(self, account: Account, topic: str, machine: Machine, **options: Any) -> None:
        self.account, self.topic, self.machine = account, topic, machine
        self.scope = Scope(account.id, REGION)
        self.clock = Clock()
        self.faults = Faults(self.clock.elapsed)
        self.metrics = Metrics(self.clock)
        self.clients = Clients(account.url)
        self.outcomes = Outcomes(self.clients, self.clock, self.metrics)
        self.invoker = Invoker(self.clients, self.clock, self.faults, self.outcomes, **options)
        self.queue = RequestQueue()
        self.log: list[str] = []

    def request(self, queue: RequestQueue | None = None, **changes: Any) -> AsyncRequest:
        """A request of now, in the queue (this plane's, without another)."""
        key = str(uuid.uuid4())
        topics = {"SuccessTopic": self.topic, "ErrorTopic": self.topic}
        facts = {
            "key": key,
            "inference_id": key,
            "received": self.clock.now(),
            "input_location": self.account.put(f"planes/{key}.in", b"content"),
            "output_location": f"s3://{self.account.bucket}/planes/{key}.out",
            "failure_location": f"s3://{self.account.bucket}/planes/{key}-error.out",
            "settings": {"OutputConfig": {"NotificationConfig": topics}},
        }
        made = request(**(facts | changes))
        (self.queue if queue is None else queue).put(made)
        return made

    def handle(self) -> None:
        taken = self.queue.take(lambda: True, lambda: False)
        assert taken is not None
        instance: Any = self.machine
        try:
            self.invoker.handle(self.scope, self.queue, instance, taken, data_log_sink=self.log.append)
        finally:
            self.queue.done(taken)

    def counts(self) -> dict[str, int]:
        """How many values each metric has got since the last time, without the counters that are 0."""
        taken = self.metrics.take().items()
        return dict(Counter({series.name: len(values) for series, values in taken if any(values)}))

    def objects(self, made: AsyncRequest) -> tuple[bool, bool]:
        """Whether there is an output, and whether there is a failure object."""
        assert made.output_location
        assert made.failure_location
        find = self.account.object
        return find(made.output_location) is not None, find(made.failure_location) is not None


@pytest.fixture
def posted() -> list[bytes]:
    """The bodies that the container got."""
    return []


@pytest.fixture
def machine(posted: list[bytes]) -> Iterator[Machine]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(made.status)
            self.send_header("Content-Length", str(len(made.answer)))
            self.end_headers()
            self.wfile.write(made.answer)

        def log_message(self, *_: object) -> None:
            """Silence."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        made = Machine(("127.0.0.1", server.server_port))
        thread.start()
        yield made
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def told(account: Account) -> tuple[str, Inbox]:
    return account.topic("planes")


@pytest.fixture
def plane(account: Account, told: tuple[str, Inbox], machine: Machine) -> Plane:
    return Plane(account, told[0], machine)


def test_an_input_above_the_limit_fails_before_it_is_posted(
    account: Account, told: tuple[str, Inbox], machine: Machine, posted: list[bytes]
) -> None:
    plane = Plane(account, told[0], machine, largest_input=6)
    made = plane.request()
    plane.handle()
    assert posted == []
    reason = told[1].result(made.inference_id)["failureReason"]
    assert reason == (
        f"ClientError: Could not download the input {made.input_location}: it has 7 bytes, the most are 6"
    )
    assert plane.objects(made) == (False, True)
    assert plane.counts()["RequestDownloadFailures"] == 1
    plane.request(input_location=account.put("planes/at-the-limit", b"123456"))
    plane.handle()
    assert posted == [b"123456"]


def test_the_limit_is_a_gigabyte() -> None:
    assert inputs.LARGEST == 1024**3


def test_a_request_that_cannot_be_delivered_is_measured_once_and_its_input_left_alone(
    plane: Plane, machine: Machine, posted: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    plane.clients.get(plane.scope, "s3").meta.events.register(
        "before-call.s3.GetObject", lambda **_: opened.append("input")
    )
    made = plane.request()
    machine.cut = True
    for _ in range(3):
        plane.handle()
    assert (plane.counts(), opened, made.attempts) == ({}, [], 0)
    machine.cut = False
    there, machine.address = machine.address, ("127.0.0.1", 1)  # a port that nobody listens at
    plane.handle()
    machine.address = there
    plane.handle()
    counts = plane.counts()
    assert (counts["TimeInBacklog"], counts["RequestDownloadLatency"], counts["ModelLatency"]) == (1, 1, 1)
    assert (posted, made.attempts) == ([b"content"], 1)
    assert plane.objects(made) == (True, False)


def broken(*_: Any, **__: Any) -> Any:
    raise RuntimeError("a defect")


def test_a_defect_before_the_answer_fails_the_request_visibly(
    plane: Plane, told: tuple[str, Inbox], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = plane.request()
    with monkeypatch.context() as patched:
        patched.setattr(inputs, "open_input", broken)
        plane.handle()
    assert told[1].result(made.inference_id)["failureReason"].startswith("InternalServerError: ")
    assert plane.objects(made) == (False, True)
    assert plane.queue.received() == []


def test_a_defect_after_the_output_was_written_makes_no_second_outcome(
    plane: Plane, told: tuple[str, Inbox], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    made = plane.request()
    monkeypatch.setattr(plane.outcomes, "publish", broken)
    plane.handle()
    assert plane.objects(made) == (True, False)
    counts = plane.counts()
    assert (counts["InvocationsProcessed"], counts["NotificationFailures"]) == (1, 1)
    assert "InvocationFailures" not in counts
    assert f"notification to {told[0]} failed" in caplog.text


def test_a_defect_while_the_failure_object_is_written_leaves_the_notification(
    plane: Plane, told: tuple[str, Inbox], monkeypatch: pytest.MonkeyPatch
) -> None:
    made = plane.request(input_location=f"s3://{plane.account.bucket}/planes/nothing")
    monkeypatch.setattr(plane.outcomes, "_put", broken)
    plane.handle()
    assert "planes/nothing" in told[1].result(made.inference_id)["failureReason"]
    assert plane.objects(made) == (False, False)


def test_a_large_error_is_whole_in_the_failure_object(plane: Plane, machine: Machine, told: tuple[str, Inbox]) -> None:
    machine.status, machine.answer = 500, b"e" * 3_000_000
    topics = {"ErrorTopic": plane.topic, "IncludeInferenceResponseIn": ["ERROR_NOTIFICATION_TOPIC"]}
    made = plane.request(settings={"OutputConfig": {"NotificationConfig": topics}})
    plane.handle()
    message = told[1].result(made.inference_id)
    assert message["failureReason"].startswith('ClientError: Received server error (500) from model with message "eee')
    assert set(message["responseBody"]) == {"message"}
    assert made.failure_location
    assert plane.account.read(made.failure_location) == machine.answer


@needs_full_disk
@pytest.mark.parametrize("beyond", [1, 2_000_000])
def test_an_answer_for_which_there_is_no_room_fails_and_its_request_is_not_repeated(
    plane: Plane, machine: Machine, told: tuple[str, Inbox], posted: list[bytes], beyond: int
) -> None:
    machine.answer = b"x" * (2_000_000 + beyond)
    made = plane.request()
    with full_disk(2_000_000):
        plane.handle()
    reason = told[1].result(made.inference_id)["failureReason"]
    assert reason.startswith("InternalServerError: the local cloud has no room for the response: ")
    assert plane.objects(made) == (False, True)
    assert posted == [b"content"]


def test_a_request_whose_time_is_over_when_its_container_ends_is_told_so(plane: Plane, told: tuple[str, Inbox]) -> None:
    made = plane.request(ttl=60, received=plane.clock.now() - timedelta(seconds=61), attempts=1)
    plane.handle()
    assert told[1].result(made.inference_id)["failureReason"] == (
        "ClientError: The request expired: 60 seconds had passed before it could be tried again: "
        "the container that had it ended."
    )


@pytest.fixture
def endpoints(plane: Plane, tmp_path: Path) -> Iterator[Callable[[str], Endpoint]]:
    """Makes endpoints without instances, whose requests expire every second."""
    nothing: Any = None
    platform = Platform(
        clients=plane.clients,
        clock=plane.clock,
        images=nothing,
        runtimes={},
        logs=nothing,
        invoker=plane.invoker,
        outcomes=plane.outcomes,
        faults=plane.faults,
        instances_dir=tmp_path,
    )
    every = Endpoints(platform)

    def add(name: str) -> Endpoint:
        config = Definition(name, "arn", plane.clock.now(), {"AsyncInferenceConfig": {}})
        made = every.add(plane.scope, name, config, {}, plane.account.role)
        assert made is not None
        return made

    yield add
    every.close(0)


def over(plane: Plane, endpoint: Endpoint) -> AsyncRequest:
    """A request in the queue of `endpoint` that has waited for too long."""
    return plane.request(endpoint.queue, ttl=60, received=plane.clock.now() - timedelta(seconds=61))


def test_an_endpoint_whose_upkeep_fails_does_not_end_that_of_others(
    plane: Plane,
    endpoints: Callable[[str], Endpoint],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    cursed, plain = endpoints("cursed"), endpoints("plain")
    monkeypatch.setattr(cursed, "expire_requests", broken)
    made = over(plane, plain)
    eventually(lambda: plane.objects(made) == (False, True), what="the request expires")
    eventually(lambda: f"endpoint {cursed.arn}" in caplog.text, what="a line of log")
    monkeypatch.undo()
    late = over(plane, cursed)
    eventually(lambda: plane.objects(late) == (False, True), what="upkeep goes on")


def test_a_request_whose_expiry_fails_is_logged_and_the_next_one_expires(
    plane: Plane,
    endpoints: Callable[[str], Endpoint],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    endpoint = endpoints("half-cursed")
    expire = plane.outcomes.expire
    cursed = over(plane, endpoint)

    def expire_others(scope: Scope, made: AsyncRequest) -> None:
        broken() if made is cursed else expire(scope, made)

    monkeypatch.setattr(plane.outcomes, "expire", expire_others)
    plain = over(plane, endpoint)
    eventually(lambda: plane.objects(plain) == (False, True), what="the other request expires")
    eventually(lambda: f"request {cursed.key} of" in caplog.text, what="a line of log")
    assert plane.objects(cursed) == (False, False)


def test_all_requests_of_a_deleted_endpoint_are_told_though_one_cannot_be(
    plane: Plane,
    endpoints: Callable[[str], Endpoint],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    endpoint = endpoints("deleted-with-a-defect")
    finish = plane.outcomes.finish
    cursed, *others = [plane.request(endpoint.queue) for _ in range(6)]

    def finish_others(scope: Scope, made: AsyncRequest, outcome: Outcome) -> None:
        broken() if made is cursed else finish(scope, made, outcome)

    monkeypatch.setattr(plane.outcomes, "finish", finish_others)
    endpoint.delete()
    assert [plane.objects(made) for made in (cursed, *others)] == [(False, False), *[(False, True)] * 5]
    assert f"request {cursed.key} of" in caplog.text


def test_a_request_that_expires_while_its_endpoint_is_deleted_is_told(
    plane: Plane, endpoints: Callable[[str], Endpoint], monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = endpoints("expiring")
    take_out, deletion = endpoint.queue.expired, threading.Thread(target=endpoint.delete)

    def meanwhile_deleted(now: datetime) -> list[AsyncRequest]:
        found = take_out(now)
        if found:
            deletion.start()
            deletion.join(0.5)  # it may have to wait for this
        return found

    monkeypatch.setattr(endpoint.queue, "expired", meanwhile_deleted)
    made = over(plane, endpoint)
    eventually(lambda: plane.objects(made) == (False, True), what="the failure object")
    deletion.join()

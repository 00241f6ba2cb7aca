"""A fleet whose instances do what the test says, in this process."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from glue.localcloud.accounts import Scope
from glue.localcloud.clients import Clients
from glue.localcloud.clock import Clock
from glue.localcloud.compute.instances import Instance
from glue.localcloud.compute.log_shipper import LogShipper
from glue.localcloud.fault_injection.faults import Faults
from glue.localcloud.sagemaker.errors import DeploymentError
from glue.localcloud.sagemaker.fleet import Fleet, Platform
from glue.localcloud.sagemaker.request_queue import RequestQueue
from glue.localcloud.sagemaker.store import Definition
from tests.localcloud.support import eventually

SCOPE = Scope("111122223333", "us-east-1")
CONFIG = {"ProductionVariants": [{"VariantName": "AllTraffic", "ModelName": "model"}]}


@pytest.fixture
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fleet:
    """A fleet whose instances start when they are told to; none has a container."""
    clock, clients = Clock(), Clients("http://127.0.0.1:1")
    nothing: Any = None
    platform = Platform(
        clients=clients,
        clock=clock,
        images=nothing,
        runtimes={},
        logs=LogShipper(clients, clock, tmp_path / "logs"),
        invoker=nothing,
        outcomes=nothing,
        faults=Faults(clock.elapsed),
        instances_dir=tmp_path,
    )
    config = Definition("config", "arn", clock.now(), CONFIG)
    made = Fleet(platform, SCOPE, "endpoint", config=config, containers={"model": {}}, queue=RequestQueue())
    anything: Any = object()
    made.variants[0].launch = made.variants[0].runtime = anything
    return made


def in_background(act: Callable[[], None]) -> tuple[threading.Thread, list[Exception]]:
    """A thread that does something, and what it raises."""
    raised: list[Exception] = []

    def run() -> None:
        try:
            act()
        except DeploymentError as error:
            raised.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread, raised


def test_an_instance_that_gets_ready_while_its_fleet_is_stopped_is_stopped_too(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    starting, ready = threading.Event(), threading.Event()

    def start(_: Instance) -> None:
        starting.set()
        ready.wait(10)

    monkeypatch.setattr(Instance, "start", start)
    adding, raised = in_background(lambda: fleet.scale("AllTraffic", 1))
    assert starting.wait(10)
    [instance] = fleet.instances
    fleet.stop(0)
    ready.set()
    adding.join(10)
    assert [str(error) for error in raised] == ["The deployment was cancelled."]
    assert not instance.ready
    assert (fleet.instances, fleet.variants[0].workers) == ([], [])


def test_all_instances_are_stopped_at_the_same_time(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Instance, "start", lambda _: None)
    fleet.scale("AllTraffic", 20)
    together = threading.Barrier(20)
    monkeypatch.setattr(Instance, "stop", lambda _, grace: together.wait(10))  # raises when not all of them come
    fleet.stop(0)
    assert fleet.instances == []


def test_an_instance_that_leaves_is_one_of_the_fleet_until_it_is_gone(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = threading.Event()
    monkeypatch.setattr(Instance, "start", lambda _: None)
    monkeypatch.setattr(Instance, "stop", lambda *_: gone.wait(10))
    fleet.scale("AllTraffic", 3)
    everyone = set(fleet.instances)
    fleet.enable(1)
    leaving, _ = in_background(lambda: fleet.scale("AllTraffic", 1))
    eventually(lambda: len(fleet.variants[0].workers) == 1, what="two are on their way out")
    assert set(fleet.instances) == everyone
    assert [worker.enabled for worker in fleet.variants[0].leaving] == [False, False]
    gone.set()
    leaving.join(10)
    assert len(fleet.instances) == 1
    fleet.stop(0)

"""Instances on their way out: they end what they have, take no more, and are not forgotten."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from glue.localcloud.fault_injection import faults_client
from tests.localcloud.support import Account, eventually


@dataclass
class Gated:
    """A request that its container answers once its gate is open."""

    answer: dict[str, Any]
    arrived: Path
    gate: Path


class Leaving:
    """An endpoint of three instances, each with a request, that is being scaled to one."""

    def __init__(self, account: Account, name: str, folder: Path) -> None:
        self.account, self.name, self.folder = account, name, folder
        account.deploy(name, count=3)
        self.busy = [self.invoke(f"busy-{number}") for number in range(3)]
        eventually(lambda: all(one.arrived.exists() for one in self.busy), what="a request in each instance")
        account.client("sagemaker").update_endpoint_weights_and_capacities(
            EndpointName=name, DesiredWeightsAndCapacities=[{"VariantName": "AllTraffic", "DesiredInstanceCount": 1}]
        )
        eventually(lambda: self.instances() == 1, what="two instances on their way out")
        assert account.describe(name)["EndpointStatus"] == "Updating"

    def invoke(self, mark: str) -> Gated:
        arrived, gate = self.folder / mark, self.folder / f"{mark}.open"
        order = {"do": "gate", "arrived": str(arrived), "open": str(gate)}
        return Gated(self.account.invoke(self.name, order), arrived, gate)

    def instances(self) -> int:
        count: int = self.account.describe(self.name)["ProductionVariants"][0]["CurrentInstanceCount"]
        return count


@pytest.fixture
def leaving(account: Account, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Leaving]:
    name = f"leaving-{request.node.name.split('_')[2]}"
    yield Leaving(account, name, tmp_path)
    account.delete(name)


def test_instances_that_leave_answer_what_they_have_and_take_no_more(account: Account, leaving: Leaving) -> None:
    waiting = [leaving.invoke(f"waiting-{number}") for number in range(2)]
    for one in leaving.busy:
        one.gate.touch()
    assert [account.outcome(one.answer) for one in leaving.busy] == [("Completed", b"through")] * 3
    assert account.settled(leaving.name)["EndpointStatus"] == "InService"
    eventually(waiting[0].arrived.exists, what="a request in the instance that stays")
    assert not waiting[1].arrived.exists()
    for one in waiting:
        one.gate.touch()
    assert [account.outcome(one.answer) for one in waiting] == [("Completed", b"through")] * 2


def test_faults_reach_instances_that_leave_and_their_requests_go_to_one_that_stays(
    account: Account, leaving: Leaving, cloud_dir: Path
) -> None:
    for one in leaving.busy:
        one.arrived.unlink()
    fault = faults_client.start(cloud_dir, {"kind": "kill-instance", "endpoint": leaving.name, "count": 3})
    assert fault["struck"] == 3
    assert account.settled(leaving.name)["EndpointStatus"] == "InService"
    for one in leaving.busy:
        one.gate.touch()
    assert [account.outcome(one.answer) for one in leaving.busy] == [("Completed", b"through")] * 3

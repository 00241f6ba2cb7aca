"""What `glue apply` does when a former endpoint is still being deleted."""

from pathlib import Path

from glue.progress import Silent
from glue.terraform.replacement import wait_until_gone
from tests.localcloud.support import Account


class Told(Silent):
    """What was reported; with the first step, `gate` is opened."""

    def __init__(self, gate: Path) -> None:
        self.steps: list[str] = []
        self._gate = gate

    def step(self, text: str) -> None:
        self.steps.append(text)
        self._gate.touch()


def test_the_end_of_an_endpoint_is_waited_for(account: Account, tmp_path: Path) -> None:
    gate = tmp_path / "open"
    sagemaker, told = account.client("sagemaker"), Told(gate)
    account.deploy("leaves", environment={"STARTS": "lingering", "ENDS_BEHIND": f"file:{gate}"})
    sagemaker.delete_endpoint(EndpointName="leaves")
    assert wait_until_gone(sagemaker, ["leaves"], told)
    assert sagemaker.list_endpoints(NameContains="leaves")["Endpoints"] == []
    assert told.steps == ["waiting until SageMaker has deleted the former endpoint leaves"]


def test_an_endpoint_that_stays_is_not_waited_for(account: Account, tmp_path: Path) -> None:
    told = Told(tmp_path / "open")
    account.deploy("stays")
    assert not wait_until_gone(account.client("sagemaker"), ["gone-already", "stays"], told)
    assert told.steps == []
    account.delete("stays")


def test_one_that_has_gone_meanwhile_needs_no_patience(account: Account) -> None:
    assert wait_until_gone(account.client("sagemaker"), ["gone-already"], Silent())

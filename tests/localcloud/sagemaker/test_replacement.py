"""What `glue apply` does when a former endpoint is still being deleted."""

from glue.progress import Silent
from glue.terraform.replacement import wait_until_gone
from tests.localcloud.support import Account


class Told(Silent):
    """What was reported."""

    def __init__(self) -> None:
        self.steps: list[str] = []

    def step(self, text: str) -> None:
        self.steps.append(text)


def test_the_end_of_an_endpoint_is_waited_for(fast: Account) -> None:
    sagemaker, told = fast.client("sagemaker"), Told()
    fast.deploy("leaves", environment={"STARTS": "deaf"})  # it has 30 s of the clock to end by itself
    sagemaker.delete_endpoint(EndpointName="leaves")
    assert wait_until_gone(sagemaker, ["leaves"], told)
    assert sagemaker.list_endpoints(NameContains="leaves")["Endpoints"] == []
    assert told.steps == ["waiting until SageMaker has deleted the former endpoint leaves"]


def test_an_endpoint_that_stays_is_not_waited_for(account: Account) -> None:
    told = Told()
    account.deploy("stays")
    assert not wait_until_gone(account.client("sagemaker"), ["gone-already", "stays"], told)
    assert told.steps == []
    account.delete("stays")


def test_one_that_has_gone_meanwhile_needs_no_patience(account: Account) -> None:
    assert wait_until_gone(account.client("sagemaker"), ["gone-already"], Silent())

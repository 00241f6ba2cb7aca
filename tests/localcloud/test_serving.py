"""The real server behind an endpoint: whatever a handler does wrong has a cause, and the next request works."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.localcloud.support import Account, Inbox, tar

LOCK = ROOT / "container" / "workloads" / "location_detector" / "requirements.lock"
HANDLER = """
import json, os, signal, threading

def model_fn(model_dir):
    return "model"

def input_fn(body, content_type):
    return json.loads(body)

def predict_fn(order, model):
    match order:
        case "raise":
            raise RuntimeError("the data is cursed")
        case "hang":
            threading.Event().wait()
        case "object":
            return object()
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "exit":
            os._exit(3)
        case _:
            return {"echo": order}
"""
BROKEN_MODEL = HANDLER.replace('return "model"', 'raise ValueError("the weights are gone")')


@pytest.fixture(scope="module")
def image(account: Account) -> str:
    source = ROOT / "container" / "serving"
    files = {f"opt/program/{file.relative_to(source)}": file.read_text() for file in (source / "serving").glob("*.py")}
    return account.push_image(
        {**files, "opt/program/requirements.lock": LOCK.read_text()},
        repository="tests/serving",
        entrypoint=["python", "-m", "serving"],
        labels={"io.async-inference.runtime": "process"},
    )


def deploy(account: Account, image: str, name: str, handler: str, **options: Any) -> None:
    artifact = account.put(f"{name}/model.tar.gz", tar({"code/inference.py": handler}))
    account.deploy(name, image=image, container={"ModelDataUrl": artifact}, wait=False, **options)


@pytest.fixture(scope="module")
def errors(account: Account, image: str) -> Iterator[Inbox]:
    """The error topic of the endpoint `fragile`, which is up."""
    success, _ = account.topic("fragile-success")
    error, inbox = account.topic("fragile-error")
    deploy(account, image, "fragile", HANDLER, topics=(success, error))
    account.client("sagemaker").get_waiter("endpoint_in_service").wait(
        EndpointName="fragile", WaiterConfig={"Delay": 1, "MaxAttempts": 180}
    )
    yield inbox
    account.delete("fragile")


@pytest.mark.parametrize(
    ("order", "cause"),
    [
        ("raise", "RuntimeError: the data is cursed"),
        ("object", "object"),
        ("kill", "SIGKILL"),
        ("exit", "exit code 3"),
    ],
)
def test_a_request_that_breaks_is_a_failure_with_its_cause_and_the_next_one_works(
    account: Account, errors: Inbox, order: str, cause: str
) -> None:
    answer = account.invoke("fragile", order)
    status, content = account.outcome(answer)
    assert status == "Failed"
    assert cause in content.decode()
    message = errors.result(answer["InferenceId"])
    assert message["invocationStatus"] == "Failed"
    assert "(500)" in message["failureReason"]
    assert account.outcome(account.invoke("fragile", "next")) == ("Completed", b'{"echo": "next"}')


def test_a_request_that_hangs_is_ended_at_its_time_limit_and_the_next_one_works(
    account: Account, errors: Inbox
) -> None:
    answer = account.invoke("fragile", "hang", InvocationTimeoutSeconds=1)
    behind = account.invoke("fragile", "behind")
    assert account.outcome(answer)[0] == "Failed"
    assert "timed out" in errors.result(answer["InferenceId"])["failureReason"].lower()
    assert account.outcome(behind) == ("Completed", b'{"echo": "behind"}')


def test_a_model_that_cannot_be_loaded_fails_the_endpoint_with_its_traceback_in_the_log(
    account: Account, image: str, errors: Inbox
) -> None:
    deploy(account, image, "hopeless", BROKEN_MODEL)
    found = account.settled("hopeless")
    assert found["EndpointStatus"] == "Failed"
    assert "did not pass the ping health check" in found["FailureReason"]
    logged = account.logs("hopeless")
    assert 'raise ValueError("the weights are gone")' in logged
    assert "serve: ValueError: the weights are gone" in logged
    account.delete("hopeless")

"""Updates that bake under an alarm which is really evaluated, on a cloud whose minutes pass in a second."""

from collections.abc import Iterator

import pytest

from tests.localcloud.support import PROGRAM, Account, eventually

ALARM = "watched-5xx"


@pytest.fixture
def watched(fast: Account) -> Iterator[str]:
    """An endpoint in service, and an alarm that goes off when its container answers 5xx."""
    fast.deploy("watched", startup=3600)
    fast.client("cloudwatch").put_metric_alarm(
        AlarmName=ALARM,
        Namespace="AWS/SageMaker",
        MetricName="Invocation5XXErrors",
        Dimensions=[{"Name": "EndpointName", "Value": "watched"}, {"Name": "VariantName", "Value": "AllTraffic"}],
        Statistic="Sum",
        ComparisonOperator="GreaterThanThreshold",
        Threshold=0,
        Period=60,
        EvaluationPeriods=1,
        TreatMissingData="notBreaching",
    )
    yield "watched"
    fast.delete("watched")
    for name in ("watched", "watched-2"):
        fast.client("sagemaker").delete_endpoint_config(EndpointConfigName=name)
        fast.client("sagemaker").delete_model(ModelName=name)


def update(account: Account, image: str) -> None:
    """Bring another image onto the endpoint, with a bake of ten minutes under the alarm."""
    account.create_model("watched-2", image)
    account.create_config("watched-2", "watched-2", startup=3600)
    account.client("sagemaker").update_endpoint(
        EndpointName="watched",
        EndpointConfigName="watched-2",
        DeploymentConfig={
            "BlueGreenUpdatePolicy": {
                "TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 600}
            },
            "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": ALARM}]},
        },
    )
    eventually(lambda: baking(account), what="baking")


def baking(account: Account) -> bool:
    variants = account.describe("watched").get("PendingDeploymentSummary", {}).get("ProductionVariants", [{}])
    return bool(variants[0].get("VariantStatus", [{}])[0].get("Status") == "Baking")


def push_changed(account: Account, old: str, new: str) -> str:
    """The image of the test program, changed."""
    program = PROGRAM.read_text()
    assert old in program
    return account.push_image(
        {"opt/program/program.py": program.replace(old, new), "opt/program/requirements.lock": "# nothing\n"},
        entrypoint=["python", "-m", "program"],
        labels={"io.async-inference.runtime": "process"},
    )


def test_an_image_that_answers_5xx_is_rolled_back_by_its_alarm(fast: Account, watched: str) -> None:
    broken = push_changed(fast, "self.answer(200, body, content_type", "self.answer(500, body, content_type")
    update(fast, broken)
    assert fast.outcome(fast.invoke(watched, {"do": "echo"}))[0] == "Failed"
    found = fast.settled(watched)
    assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("InService", "watched")
    assert found["FailureReason"] == f"One or more configured alarms have been breached: {ALARM}"
    [alarm] = fast.client("cloudwatch").describe_alarm_history(AlarmName=ALARM, HistoryItemType="StateUpdate")[
        "AlarmHistoryItems"
    ][:1]
    assert "Threshold Crossed: 1 out of the last 1 datapoints [1.0 (" in alarm["HistoryData"]
    assert fast.outcome(fast.invoke(watched, {"do": "echo"}))[0] == "Completed"


def test_an_image_that_answers_well_stays_though_an_alarm_watches(fast: Account, watched: str) -> None:
    update(fast, push_changed(fast, 'b"late"', 'b"later"'))
    assert fast.outcome(fast.invoke(watched, {"do": "echo"}))[0] == "Completed"
    found = fast.settled(watched)
    assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("InService", "watched-2")
    assert "FailureReason" not in found

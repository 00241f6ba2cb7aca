"""Updates that bake under an alarm which is really evaluated, on a cloud whose minutes pass in a second."""

from pathlib import Path
from typing import Any

from glue.localcloud.fault_injection import faults_client
from tests.localcloud.support import PROGRAM, Account, eventually


def deploy(account: Account, name: str) -> str:
    """An endpoint in service, and an alarm of the same name that goes off when its container answers 5xx."""
    account.deploy(name, startup=3600)
    put_alarm(account, name)
    return name


def put_alarm(account: Account, name: str, **changes: Any) -> None:
    """An alarm that a request answered with 5xx sets off for ten minutes: as long as a busy machine needs to see it."""
    account.client("cloudwatch").put_metric_alarm(
        AlarmName=name,
        Namespace="AWS/SageMaker",
        MetricName="Invocation5XXErrors",
        Dimensions=[{"Name": "EndpointName", "Value": name}, {"Name": "VariantName", "Value": "AllTraffic"}],
        Statistic="Sum",
        ComparisonOperator="GreaterThanThreshold",
        Threshold=0,
        Period=60,
        EvaluationPeriods=10,
        DatapointsToAlarm=1,
        **{"TreatMissingData": "notBreaching"} | changes,
    )


def update(account: Account, name: str, image: str, *, bake: int = 3600) -> None:
    """Bring another image onto the endpoint, with a bake of so many seconds under the alarm."""
    account.create_model(f"{name}-2", image)
    account.create_config(f"{name}-2", f"{name}-2", startup=3600)
    account.client("sagemaker").update_endpoint(
        EndpointName=name,
        EndpointConfigName=f"{name}-2",
        DeploymentConfig={
            "BlueGreenUpdatePolicy": {
                "TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": bake}
            },
            "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": name}]},
        },
    )
    eventually(lambda: account.bakes(name), what="baking")


def push_changed(account: Account, old: str, new: str) -> str:
    """The image of the test program, changed."""
    program = PROGRAM.read_text()
    assert old in program
    return account.push_image(
        {"opt/program/program.py": program.replace(old, new), "opt/program/requirements.lock": "# nothing\n"},
        entrypoint=["python", "-m", "program"],
        labels={"io.async-inference.runtime": "process"},
    )


def test_an_image_that_answers_5xx_is_rolled_back_by_its_alarm(fast: Account) -> None:
    name = deploy(fast, "rolled-back")
    update(fast, name, push_changed(fast, "self.answer(200, body, content_type", "self.answer(500, body, content_type"))
    assert fast.outcome(fast.invoke(name, {"do": "echo"}))[0] == "Failed"
    found = fast.settled(name)
    assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("InService", name)
    assert found["FailureReason"] == f"One or more configured alarms have been breached: {name}"
    changes = fast.client("cloudwatch").describe_alarm_history(AlarmName=name, HistoryItemType="StateUpdate")
    reasons = [item["HistoryData"] for item in changes["AlarmHistoryItems"]]
    assert any("Threshold Crossed: 1 out of the last 10 datapoints [1.0 (" in reason for reason in reasons)
    assert fast.outcome(fast.invoke(name, {"do": "echo"}))[0] == "Completed"
    fast.delete(name)


def test_an_image_that_answers_well_stays_though_an_alarm_watches(fast: Account) -> None:
    name = deploy(fast, "baked-well")
    update(fast, name, push_changed(fast, 'b"late"', 'b"later"'), bake=600)
    assert fast.outcome(fast.invoke(name, {"do": "echo"}))[0] == "Completed"
    found = fast.settled(name)
    assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("InService", f"{name}-2")
    assert "FailureReason" not in found
    fast.delete(name)


def test_the_old_instances_stay_for_the_termination_wait(fast: Account, fast_dir: Path) -> None:
    def instances() -> set[Path]:
        return {file.parent for file in (fast_dir / "instances").glob("i-*/instance.json")}

    others = instances()
    fast.deploy("old-stays", startup=3600)
    [old] = instances() - others
    fast.create_config("old-stays-2", "old-stays", startup=3600)
    routing = {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}
    policy = {"TrafficRoutingConfiguration": routing, "TerminationWaitInSeconds": 900}  # 15 s of this machine
    fast.client("sagemaker").update_endpoint(
        EndpointName="old-stays",
        EndpointConfigName="old-stays-2",
        DeploymentConfig={"BlueGreenUpdatePolicy": policy},
    )
    assert fast.settled("old-stays")["EndpointConfigName"] == "old-stays-2"
    assert old in instances()
    assert fast.outcome(fast.invoke("old-stays", {"do": "echo"}))[0] == "Completed"
    eventually(lambda: old not in instances(), what="the end of the old instance")
    assert len(instances() - others) == 1
    assert fast.describe("old-stays")["EndpointStatus"] == "InService"
    fast.delete("old-stays")


def test_old_instances_that_stay_are_reached_by_faults_and_end_with_their_endpoint(
    account: Account, cloud_dir: Path
) -> None:
    def instances() -> set[Path]:
        return set((cloud_dir / "instances").glob("i-*"))

    others = instances()
    account.deploy("twice-old")
    routing = {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}
    policy = {"TrafficRoutingConfiguration": routing, "TerminationWaitInSeconds": 3600}
    for number in (2, 3):
        account.create_config(f"twice-old-{number}", "twice-old")
        account.client("sagemaker").update_endpoint(
            EndpointName="twice-old",
            EndpointConfigName=f"twice-old-{number}",
            DeploymentConfig={"BlueGreenUpdatePolicy": policy},
        )
        assert account.settled("twice-old")["EndpointConfigName"] == f"twice-old-{number}"
    fault = faults_client.start(cloud_dir, {"kind": "kill-instance", "endpoint": "twice-old", "count": 9})
    assert fault["struck"] == 3
    account.delete("twice-old")
    assert instances() <= others


def test_an_update_that_takes_longer_than_it_may_is_rolled_back(fast: Account) -> None:
    name = deploy(fast, "too-long")
    began = fast.describe(name)["LastModifiedTime"]
    fast.create_config(f"{name}-2", name, startup=3600)
    routing = {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 3600}
    fast.client("sagemaker").update_endpoint(
        EndpointName=name,
        EndpointConfigName=f"{name}-2",
        DeploymentConfig={
            "BlueGreenUpdatePolicy": {
                "TrafficRoutingConfiguration": routing,
                "MaximumExecutionTimeoutInSeconds": 600,
            }
        },
    )
    eventually(lambda: fast.bakes(name), what="baking")
    found = fast.settled(name)
    assert found["EndpointConfigName"] == name
    assert found["FailureReason"] == "The deployment took longer than MaximumExecutionTimeoutInSeconds, 600."
    assert (found["LastModifiedTime"] - began).total_seconds() >= 600
    assert fast.outcome(fast.invoke(name, {"do": "echo"}))[0] == "Completed"
    fast.delete(name)


def test_a_rollback_whose_instances_do_not_start_is_told(fast: Account, fast_dir: Path) -> None:
    name = "no-way-back"
    fast.deploy(name, startup=3600, count=2)
    put_alarm(fast, name, TreatMissingData="ignore")  # it stays in the state that it is set to
    fast.create_config(f"{name}-2", name, startup=3600, count=2)
    half = {"Type": "CAPACITY_PERCENT", "Value": 50}
    fast.client("sagemaker").update_endpoint(
        EndpointName=name,
        EndpointConfigName=f"{name}-2",
        DeploymentConfig={
            "RollingUpdatePolicy": {"MaximumBatchSize": half, "WaitIntervalInSeconds": 3600},
            "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": name}]},
        },
    )
    eventually(lambda: fast.bakes(name), what="baking")
    faults_client.start(fast_dir, {"kind": "slow-start", "endpoint": name, "seconds": 1_000_000})
    fast.client("cloudwatch").set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="test")
    eventually(lambda: fast.describe(name)["EndpointStatus"] == "RollingBack", what="the rollback")

    def over() -> dict[str, Any]:
        """The endpoint once its instance has had its hour to start, which passes with the looks."""
        faults_client.start(fast_dir, {"kind": "clock-jump", "seconds": 600})
        found = fast.describe(name)
        return found if found["EndpointStatus"] != "RollingBack" else {}

    found = eventually(over, what="the end of the rollback")
    faults_client.stop(fast_dir)
    assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("UpdateRollbackFailed", name)
    assert found["FailureReason"].startswith(
        f"One or more configured alarms have been breached: {name} The rollback failed: The primary container"
    )
    assert found["ProductionVariants"][0]["CurrentInstanceCount"] == 1
    assert fast.outcome(fast.invoke(name, {"do": "echo"}))[0] == "Completed"
    fast.client("sagemaker").update_endpoint(EndpointName=name, EndpointConfigName=f"{name}-2")
    assert fast.settled(name)["EndpointConfigName"] == f"{name}-2"
    fast.delete(name)

"""Endpoints that follow their load, on a local cloud whose minutes pass in a second."""

import re
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

from glue.localcloud.fault_injection.faults_client import start, stop
from tests.localcloud.support import Account, eventually

TARGET = {"ServiceNamespace": "sagemaker", "ScalableDimension": "sagemaker:variant:DesiredInstanceCount"}


def resource(name: str) -> dict[str, str]:
    return {**TARGET, "ResourceId": f"endpoint/{name}/variant/AllTraffic"}


def autoscale(
    account: Account, name: str, *, maximum: int = 3, minimum: int = 0, backlog: float = 5, cooldown: int = 60
) -> None:
    """What the module `autoscaling` makes, with the same values."""
    client = account.client("application-autoscaling")
    client.register_scalable_target(**resource(name), MinCapacity=minimum, MaxCapacity=maximum)
    client.put_scaling_policy(
        **resource(name),
        PolicyName=f"{name}-backlog-per-instance",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={
            "TargetValue": backlog,
            "ScaleInCooldown": cooldown,
            "ScaleOutCooldown": cooldown,
            "CustomizedMetricSpecification": {
                "Namespace": "AWS/SageMaker",
                "MetricName": "ApproximateBacklogSizePerInstance",
                "Statistic": "Average",
                "Dimensions": [{"Name": "EndpointName", "Value": name}],
            },
        },
    )
    wake = client.put_scaling_policy(
        **resource(name),
        PolicyName=f"{name}-wake-from-zero",
        PolicyType="StepScaling",
        StepScalingPolicyConfiguration={
            "AdjustmentType": "ChangeInCapacity",
            "MetricAggregationType": "Average",
            "Cooldown": cooldown,
            "StepAdjustments": [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}],
        },
    )
    account.client("cloudwatch").put_metric_alarm(
        AlarmName=f"{name}-has-backlog-without-capacity",
        Namespace="AWS/SageMaker",
        MetricName="HasBacklogWithoutCapacity",
        Dimensions=[{"Name": "EndpointName", "Value": name}],
        Statistic="Average",
        Period=60,
        EvaluationPeriods=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        Threshold=1,
        TreatMissingData="missing",
        AlarmActions=[wake["PolicyARN"]],
    )


def variant(account: Account, name: str) -> dict[str, Any]:
    [found] = account.describe(name)["ProductionVariants"]
    return dict(found)


def activities(account: Account, name: str) -> list[dict[str, Any]]:
    client = account.client("application-autoscaling")
    found: list[dict[str, Any]] = client.describe_scaling_activities(**resource(name))["ScalingActivities"]
    return found


def instances(account: Account, name: str) -> int:
    count: int = variant(account, name)["CurrentInstanceCount"]
    return count


def scale(account: Account, name: str, count: int) -> None:
    account.client("sagemaker").update_endpoint_weights_and_capacities(
        EndpointName=name, DesiredWeightsAndCapacities=[{"VariantName": "AllTraffic", "DesiredInstanceCount": count}]
    )
    account.settled(name)


def causes(account: Account, name: str) -> list[str]:
    """Why the endpoint was scaled, oldest first; alarms without the end of their names, which is made up."""
    return [re.sub(r"-[0-9a-f]{8}-[-0-9a-f]{27}", "", one["Cause"]) for one in reversed(activities(account, name))]


def test_an_endpoint_wakes_from_zero_drains_two_hundred_requests_and_returns_to_zero(fast: Account) -> None:
    (success, of_success), (error, of_error) = fast.topic("drained-success"), fast.topic("drained-error")
    fast.deploy("drained", topics=(success, error), startup=3600)
    scale(fast, "drained", 0)
    autoscale(fast, "drained")

    began = time.monotonic()
    orders = [{"do": "hang", "seconds": 0.05, "number": number} for number in range(200)]
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda order: fast.invoke("drained", order), orders))
    eventually(lambda: len(of_success.results()) + len(of_error.results()) >= 200, what="outcomes")
    eventually(lambda: instances(fast, "drained") == 0, what="asleep again")
    assert time.monotonic() - began < 60

    # each of the 200 has one outcome, one object and one notification, and was handled once
    ids = sorted(answer["InferenceId"] for answer in answers)
    assert sorted(message["inferenceId"] for message in of_success.results()) == ids
    assert of_error.results() == []
    listed = fast.client("s3").get_paginator("list_objects_v2").paginate(Bucket=fast.bucket, Prefix="drained/")
    found = sorted(f"s3://{fast.bucket}/{item['Key']}" for page in listed for item in page["Contents"])
    assert found == sorted(answer["OutputLocation"] for answer in answers)
    handled = fast.handled_by("drained")
    assert sorted(line.split()[1] for lines in handled.values() for line in lines) == ids
    assert len(handled) == 3

    # what happened, by AWS's own account of it
    tracking = "monitor alarm TargetTracking-endpoint/drained/variant/AllTraffic-{} in state ALARM triggered policy "
    assert causes(fast, "drained") == [
        "monitor alarm drained-has-backlog-without-capacity in state ALARM triggered policy drained-wake-from-zero",
        tracking.format("AlarmHigh") + "drained-backlog-per-instance",
        tracking.format("AlarmLow") + "drained-backlog-per-instance",
    ]
    last, *_, first = activities(fast, "drained")
    assert last["EndTime"] - first["StartTime"] < timedelta(hours=1)  # of the local clock: a minute of the machine's
    fast.delete("drained")


def test_scaling_activities_say_what_was_done_and_when(fast: Account) -> None:
    fast.deploy("bounded", startup=3600)
    autoscale(fast, "bounded", minimum=2)
    [activity] = eventually(lambda: [one for one in activities(fast, "bounded") if one["StatusCode"] == "Successful"])
    assert activity["Cause"] == "minimum capacity was set to 2"
    assert activity["Description"] == "Setting desired instance count to 2."
    assert activity["StatusMessage"] == (
        "Successfully set desired instance count to 2. Change successfully fulfilled by sagemaker."
    )
    assert activity["StartTime"] <= activity["EndTime"]
    assert activity["ResourceId"] == "endpoint/bounded/variant/AllTraffic"
    assert (variant(fast, "bounded")["CurrentInstanceCount"], instances(fast, "bounded")) == (2, 2)
    client = fast.client("application-autoscaling")
    client.register_scalable_target(**resource("bounded"), MinCapacity=1, MaxCapacity=1)
    eventually(lambda: instances(fast, "bounded") == 1, what="within the new maximum")
    assert causes(fast, "bounded")[-1] == "maximum capacity was set to 1"
    fast.delete("bounded")


def test_suspended_scaling_leaves_requests_waiting_until_it_is_resumed(fast: Account, fast_dir: Path) -> None:
    fast.deploy("suspended", startup=3600)
    scale(fast, "suspended", 0)
    autoscale(fast, "suspended")
    client = fast.client("application-autoscaling")
    suspended = dict.fromkeys(("DynamicScalingInSuspended", "ScheduledScalingSuspended"), False)
    suspended["DynamicScalingOutSuspended"] = True
    client.register_scalable_target(**resource("suspended"), SuspendedState=suspended)
    waiting = fast.invoke("suspended", {"do": "echo"})
    said = "endpoint/suspended/variant/AllTraffic stays at 0: suspended-wake-from-zero: scaling out is suspended"
    eventually(lambda: said in (fast_dir / "cloud.log").read_text(), what="the reason in the log")
    assert fast.object(waiting["OutputLocation"]) is None
    client.register_scalable_target(
        **resource("suspended"), SuspendedState=suspended | {"DynamicScalingOutSuspended": False}
    )
    assert fast.outcome(waiting)[0] == "Completed"
    assert "0 -> 1 instances: monitor alarm suspended-has-backlog" in (fast_dir / "cloud.log").read_text()
    fast.delete("suspended")


def test_a_scheduled_action_moves_the_bounds_and_the_instances_follow(fast: Account) -> None:
    fast.deploy("scheduled", startup=3600)
    client = fast.client("application-autoscaling")
    client.register_scalable_target(**resource("scheduled"), MinCapacity=0, MaxCapacity=3)
    client.put_scheduled_action(
        **resource("scheduled"),
        ScheduledActionName="every-other-minute",
        Schedule="rate(2 minutes)",
        ScalableTargetAction={"MinCapacity": 2, "MaxCapacity": 2},
    )
    eventually(lambda: instances(fast, "scheduled") == 2, what="two instances")
    found = activities(fast, "scheduled")
    assert found[-1]["Description"] == "Setting min capacity to 2 and max capacity to 2"
    assert causes(fast, "scheduled")[:2] == [
        "scheduled action name every-other-minute was triggered",
        "minimum capacity was set to 2",
    ]
    [target] = client.describe_scalable_targets(
        ServiceNamespace="sagemaker", ResourceIds=["endpoint/scheduled/variant/AllTraffic"]
    )["ScalableTargets"]
    assert (target["MinCapacity"], target["MaxCapacity"]) == (2, 2)
    client.delete_scheduled_action(**resource("scheduled"), ScheduledActionName="every-other-minute")
    fast.delete("scheduled")


def test_a_scaling_that_fails_says_so_and_is_tried_again(fast: Account, fast_dir: Path) -> None:
    fast.deploy("unscalable", startup=3600)
    client = fast.client("application-autoscaling")
    start(fast_dir, {"kind": "refuse-ping", "endpoint": "unscalable"})
    client.register_scalable_target(**resource("unscalable"), MinCapacity=2, MaxCapacity=2)

    def look() -> list[dict[str, Any]]:
        """The first that failed; the hour that an instance has to start passes with the looks."""
        start(fast_dir, {"kind": "clock-jump", "seconds": 600})
        return [one for one in activities(fast, "unscalable") if one["StatusCode"] == "Failed"][-1:]

    [failed] = eventually(look, what="a scaling that failed")
    assert failed["StatusMessage"].startswith(
        "Failed to set desired instance count to 2. Reason: The primary container"
    )
    stop(fast_dir)
    eventually(lambda: instances(fast, "unscalable") == 2, what="two instances")
    assert activities(fast, "unscalable")[0]["StatusCode"] in {"InProgress", "Successful"}
    fast.delete("unscalable")

"""Endpoints that follow their load, on a local cloud whose minutes pass in a second."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from glue.localcloud import daemon
from tests.localcloud.support import Account, eventually

TARGET = {"ServiceNamespace": "sagemaker", "ScalableDimension": "sagemaker:variant:DesiredInstanceCount"}


@pytest.fixture(scope="module")
def fast(tmp_path_factory: pytest.TempPathFactory, cache_dir: Path) -> Iterator[Account]:
    """An account of a cloud whose clock runs 60 times as fast."""
    folder = tmp_path_factory.mktemp("fast-cloud")
    status = daemon.up(folder, speed=60, exit_with=os.getpid(), cache_dir=cache_dir)
    assert status.endpoint_url is not None
    yield Account(status.endpoint_url, "111122223333", folder)
    daemon.down(folder)


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


def test_an_endpoint_wakes_from_zero_drains_two_hundred_requests_and_returns_to_zero(fast: Account) -> None:
    success, of_success = fast.topic("drained-success")
    error, of_error = fast.topic("drained-error")
    fast.deploy("drained", topics=(success, error), startup=3600)
    autoscale(fast, "drained")
    eventually(lambda: instances(fast, "drained") == 0, within=60, what="asleep")

    with ThreadPoolExecutor(4) as threads:
        answers = list(
            threads.map(
                lambda number: fast.invoke("drained", {"do": "hang", "seconds": 0.1, "number": number}), range(200)
            )
        )
    most = eventually(lambda: instances(fast, "drained") == 3 and 3, within=60, what="three instances")
    assert most == 3
    eventually(lambda: len(of_success.results()) + len(of_error.results()) >= 200, within=60, what="outcomes")
    eventually(lambda: instances(fast, "drained") == 0, within=60, what="asleep again")

    told = [message["inferenceId"] for message in of_success.results()]
    assert sorted(told) == sorted(answer["InferenceId"] for answer in answers)
    assert of_error.results() == []
    listed = fast.client("s3").get_paginator("list_objects_v2").paginate(Bucket=fast.bucket, Prefix="drained/")
    keys = sorted(f"s3://{fast.bucket}/{item['Key']}" for page in listed for item in page["Contents"])
    assert keys == sorted(answer["OutputLocation"] for answer in answers)

"""The metrics of an endpoint's requests, as CloudWatch's clients read them."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glue.localcloud.accounts import Scope
from glue.localcloud.clock import Clock
from glue.localcloud.fault_injection import faults_client
from glue.localcloud.monitoring.metrics import UNITS, Metrics, Series
from tests.localcloud.support import Account, eventually

PER_REQUEST = {
    "Invocation4XXErrors",
    "Invocation5XXErrors",
    "InvocationsProcessed",
    "ModelLatency",
    "RequestDownloadLatency",
    "TimeInBacklog",
    "TotalProcessingTime",
}
BACKLOG = {
    "ApproximateBacklogSize",
    "ApproximateBacklogSizePerInstance",
    "ApproximateAgeOfOldestRequest",
    "HasBacklogWithoutCapacity",
}
SCOPE = Scope("111122223333", "us-east-1")


def total(account: Account, endpoint: str, name: str, *, statistic: str = "Sum", variant: bool = True) -> float | None:
    """A statistic of a metric over all that there is of it; None where there is nothing."""
    dimensions = [{"Name": "EndpointName", "Value": endpoint}]
    dimensions += [{"Name": "VariantName", "Value": "AllTraffic"}] if variant else []
    now = datetime.now(UTC)
    points = account.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/SageMaker",
        MetricName=name,
        Dimensions=dimensions,
        StartTime=now - timedelta(days=1),
        EndTime=now + timedelta(days=10),
        Period=60,
        Statistics=[statistic],
    )["Datapoints"]
    assert {point["Unit"] for point in points} <= {UNITS[name]}
    values = [point[statistic] for point in points]
    return (max(values) if statistic == "Maximum" else sum(values)) if values else None


@pytest.fixture(scope="module")
def measured(fast: Account) -> str:
    """An endpoint that had three requests: one it answered, one it refused, one whose input is not there."""
    nowhere = "arn:aws:sns:us-east-1:111122223333:"
    (success, _), (error, _) = fast.topic("measured-success"), fast.topic("measured-error")
    fast.deploy("measured", topics=(success, error), startup=3600)
    fast.client("sns").delete_topic(TopicArn=success)
    assert success.startswith(nowhere)
    fast.invoke("measured", {"do": "echo"})
    fast.invoke("measured", {"do": "refuse", "status": 503, "message": "busy"})
    fast.client("sagemaker-runtime").invoke_endpoint_async(
        EndpointName="measured", InputLocation=f"s3://{fast.bucket}/nothing/here"
    )

    def processed() -> float | None:
        return total(fast, "measured", "TotalProcessingTime", statistic="SampleCount")  # told last of a request

    eventually(lambda: processed() == 3, what="three requests in the metrics")
    return "measured"


def test_an_endpoint_has_the_metrics_of_asynchronous_inference(fast: Account, measured: str) -> None:
    found: dict[frozenset[str], set[str]] = {}
    for metric in fast.client("cloudwatch").list_metrics(
        Namespace="AWS/SageMaker", Dimensions=[{"Name": "EndpointName", "Value": measured}]
    )["Metrics"]:
        named = frozenset(dimension["Name"] for dimension in metric["Dimensions"])
        found.setdefault(named, set()).add(metric["MetricName"])
    failures = {"InvocationFailures", "RequestDownloadFailures", "NotificationFailures", "ResponseUploadLatency"}
    assert found == {
        frozenset({"EndpointName"}): BACKLOG,
        frozenset({"EndpointName", "VariantName"}): PER_REQUEST | failures,
    }


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("InvocationsProcessed", 3),
        ("InvocationFailures", 2),
        ("Invocation5XXErrors", 1),
        ("Invocation4XXErrors", 0),
        ("RequestDownloadFailures", 1),
        ("NotificationFailures", 1),
        ("ExpiredRequests", None),
    ],
)
def test_what_becomes_of_requests_is_counted(fast: Account, measured: str, name: str, expected: float | None) -> None:
    assert total(fast, measured, name) == expected


def test_every_answer_counts_as_an_error_or_none(fast: Account, measured: str) -> None:
    assert total(fast, measured, "Invocation4XXErrors", statistic="SampleCount") == 2
    assert total(fast, measured, "Invocation5XXErrors", statistic="SampleCount") == 2


def test_a_request_is_processed_for_longer_than_its_model_takes(fast: Account, measured: str) -> None:
    model = total(fast, measured, "ModelLatency", statistic="Maximum")
    whole = total(fast, measured, "TotalProcessingTime", statistic="Maximum")
    assert model is not None
    assert whole is not None
    assert 0 < model / 1000 < whole


def test_the_backlog_counts_waiting_requests_and_says_that_nobody_serves_them(fast: Account, fast_dir: Path) -> None:
    fast.deploy("backlogged", startup=3600)
    fast.client("sagemaker").update_endpoint_weights_and_capacities(
        EndpointName="backlogged",
        DesiredWeightsAndCapacities=[{"VariantName": "AllTraffic", "DesiredInstanceCount": 0}],
    )
    fast.settled("backlogged")

    def highest(name: str) -> Any:
        return total(fast, "backlogged", name, statistic="Maximum", variant=False)

    eventually(lambda: highest("HasBacklogWithoutCapacity") == 0.0, what="no backlog")
    waiting = [fast.invoke("backlogged", {"do": "echo"}, RequestTTLSeconds=3600) for _ in range(3)]
    eventually(lambda: highest("ApproximateBacklogSize") == 3, what="a backlog")
    assert highest("ApproximateBacklogSizePerInstance") == 3
    assert highest("HasBacklogWithoutCapacity") == 1.0
    eventually(lambda: (highest("ApproximateAgeOfOldestRequest") or 0) > 60, what="requests grow old")
    faults_client.start(fast_dir, {"kind": "clock-jump", "seconds": 3600})
    assert [fast.outcome(answer)[0] for answer in waiting] == ["Failed"] * 3
    eventually(lambda: total(fast, "backlogged", "ExpiredRequests") == 3, what="expired requests")
    assert total(fast, "backlogged", "InvocationsProcessed") is None
    fast.delete("backlogged")


@given(st.lists(st.tuples(st.sampled_from(["a", "b"]), st.integers(-5, 5))))
def test_every_value_is_taken_once(values: list[tuple[str, int]]) -> None:
    metrics = Metrics(Clock())
    taken: list[tuple[str, float]] = []
    for number, (endpoint, value) in enumerate(values):
        metrics.add(Series(SCOPE, endpoint, None, "ModelLatency"), value)
        if number % 3 == 0:
            taken += [(series.endpoint, one) for series, found in metrics.take().items() for one in found]
    taken += [(series.endpoint, one) for series, found in metrics.take().items() for one in found]
    assert sorted(taken) == sorted(values)


def test_what_failed_lasted_no_time() -> None:
    metrics = Metrics(Clock())
    requests = metrics.of(SCOPE, "endpoint", "variant")
    with pytest.raises(OSError, match="lost"), requests.timed("ModelLatency"):
        raise OSError("lost")
    assert metrics.take() == {}
    requests.lasted("TotalProcessingTime", 1.5)
    requests.lasted("ModelLatency", 1.5)
    assert [(series.name, *found) for series, found in metrics.take().items()] == [
        ("TotalProcessingTime", 1500.0),
        ("ModelLatency", 1_500_000.0),
    ]

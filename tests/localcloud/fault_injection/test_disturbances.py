"""Each kind of fault, seen by its effect on real requests: none is lost."""

import contextlib
import http.client
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from glue.errors import MissingError, UsageError
from glue.localcloud import daemon
from glue.localcloud.fault_injection import faults_client
from tests.localcloud.parity import local_cloud
from tests.localcloud.support import Account, Inbox, eventually


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, cache_dir: Path) -> Iterator[Path]:
    """A local cloud of its own, in which a health check takes place every 0.2 s."""
    folder = tmp_path_factory.mktemp("faults")
    with local_cloud(folder, speed=25, cache_dir=cache_dir):
        yield folder


@pytest.fixture(scope="module")
def its_account(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Account:
    return Account(daemon.status(folder).endpoint_url or "", "444455556666", tmp_path_factory.mktemp("account"))


@pytest.fixture(scope="module")
def outcomes(its_account: Account) -> Inbox:
    return its_account.topic("faults")[1]


@pytest.fixture(scope="module")
def endpoint(its_account: Account, outcomes: Inbox) -> str:
    topic = its_account.client("sns").create_topic(Name="faults")["TopicArn"]
    return its_account.deploy("struck", topics=(topic, topic), startup=3600)


@pytest.fixture
def start(folder: Path) -> Iterator[Any]:
    def begin(kind: str, duration: str | None = None, **options: Any) -> dict[str, Any]:
        return faults_client.start(folder, {"kind": kind, **options}, duration)

    yield begin
    faults_client.stop(folder)


def completes(account: Account, endpoint: str, order: dict[str, Any] | None = None) -> None:
    assert account.outcome(account.invoke(endpoint, order or {"do": "echo"}))[0] == "Completed"


def log(account: Account, endpoint: str, line: str, times: int = 1) -> None:
    eventually(lambda: account.logs(endpoint).count(line) >= times, what=f"log line {line}")


def test_a_killed_instance_is_started_again_and_its_request_tried_once_more(
    its_account: Account, endpoint: str, start: Any, tmp_path: Path
) -> None:
    arrived, gate = tmp_path / "arrived", tmp_path / "open"
    answer = its_account.invoke(endpoint, {"do": "gate", "arrived": str(arrived), "open": str(gate)})
    eventually(arrived.exists)
    arrived.unlink()
    start("kill-instance", endpoint=endpoint)
    eventually(arrived.exists, what="second attempt")
    gate.touch()
    assert its_account.outcome(answer) == ("Completed", b"through")
    log(its_account, endpoint, f"request {answer['InferenceId']} gate", times=2)


def test_an_instance_that_refuses_ping_is_replaced_and_its_requests_wait(
    its_account: Account, endpoint: str, start: Any, folder: Path
) -> None:
    before = its_account.logs(endpoint).count("it is replaced")
    start("refuse-ping", endpoint=endpoint)
    log(its_account, endpoint, "container did not answer /ping 3 times in a row; it is replaced", before + 1)
    answer = its_account.invoke(endpoint, {"do": "echo"})
    assert its_account.object(answer["OutputLocation"]) is None
    faults_client.stop(folder, "refuse-ping")
    assert its_account.outcome(answer)[0] == "Completed"


def test_a_fleet_that_refuses_ping_does_not_come_into_service(its_account: Account, start: Any) -> None:
    start("refuse-ping", endpoint=None)
    its_account.deploy("never-healthy", startup=60)
    assert "did not pass the ping health check" in its_account.describe("never-healthy")["FailureReason"]


def test_a_request_that_hangs_times_out(
    its_account: Account, endpoint: str, start: Any, outcomes: Inbox, folder: Path
) -> None:
    start("hang", endpoint=endpoint, count=1)
    answer = its_account.invoke(endpoint, {"do": "echo"}, InvocationTimeoutSeconds=20)
    assert its_account.outcome(answer)[0] == "Failed"
    assert "Your invocation timed out" in outcomes.result(answer["InferenceId"])["failureReason"]
    completes(its_account, endpoint)


def test_a_request_that_hangs_goes_on_when_the_fault_is_stopped(
    its_account: Account, endpoint: str, start: Any, folder: Path
) -> None:
    start("hang", endpoint=endpoint)
    answer = its_account.invoke(endpoint, {"do": "echo"}, InvocationTimeoutSeconds=3600)
    eventually(lambda: faults_client.active(folder)[0]["struck"] == 1, what="the fault strikes")
    faults_client.stop(folder)
    assert its_account.outcome(answer)[0] == "Completed"


def test_a_slow_start_makes_requests_wait_and_beyond_its_timeout_fails(
    its_account: Account, start: Any, folder: Path
) -> None:
    start("slow-start", seconds=50)
    its_account.deploy("slow-but-in-time", startup=3600)
    found = its_account.describe("slow-but-in-time")
    assert found["EndpointStatus"] == "InService"
    assert (found["LastModifiedTime"] - found["CreationTime"]).total_seconds() >= 50
    faults_client.stop(folder)
    start("slow-start", seconds=3600)
    its_account.deploy("slower-than-it-may", startup=60)
    assert "ping health check" in its_account.describe("slower-than-it-may")["FailureReason"]


def test_an_error_of_s3_is_retried_unseen(its_account: Account, endpoint: str, start: Any, folder: Path) -> None:
    answer = its_account.put("inputs/plain", b'{"do": "echo"}')
    start("s3-error", count=1)
    invoked = its_account.client("sagemaker-runtime").invoke_endpoint_async(EndpointName=endpoint, InputLocation=answer)
    eventually(lambda: faults_client.active(folder) == [], what="the fault strikes")
    assert its_account.outcome(invoked)[0] == "Completed"


def test_a_request_without_s3_fails_with_a_notification(
    its_account: Account, endpoint: str, start: Any, outcomes: Inbox
) -> None:
    where = its_account.put("inputs/plain", b'{"do": "echo"}')
    start("s3-error")
    answer = its_account.client("sagemaker-runtime").invoke_endpoint_async(EndpointName=endpoint, InputLocation=where)
    reason = outcomes.result(answer["InferenceId"])["failureReason"]
    assert "Could not download the input" in reason
    assert "SlowDown" in reason


def test_a_request_without_sns_has_its_object_all_the_same(
    its_account: Account, endpoint: str, start: Any, outcomes: Inbox, folder: Path
) -> None:
    start("sns-error")
    answer = its_account.invoke(endpoint, {"do": "echo"})
    assert its_account.outcome(answer)[0] == "Completed"
    eventually(lambda: any("notification to" in line for line in daemon.logs(folder)), what="the last retry fails")
    faults_client.stop(folder)
    completes(its_account, endpoint)
    assert answer["InferenceId"] not in {message["inferenceId"] for message in outcomes.results()}


def test_expired_requests_without_sns_do_not_hold_up_those_of_another_endpoint(
    its_account: Account, endpoint: str, start: Any, folder: Path
) -> None:
    topic = its_account.client("sns").create_topic(Name="faults")["TopicArn"]
    for name in ("held-up", "on-time"):
        its_account.deploy(name, topics=(topic, topic), startup=3600)
        its_account.client("sagemaker").update_endpoint_weights_and_capacities(
            EndpointName=name, DesiredWeightsAndCapacities=[{"VariantName": "AllTraffic", "DesiredInstanceCount": 0}]
        )
        its_account.settled(name)
    start("sns-error")
    held_up = [its_account.invoke("held-up", {"do": "echo"}, RequestTTLSeconds=3600) for _ in range(20)]
    on_time = its_account.invoke("on-time", {"do": "echo"}, RequestTTLSeconds=3600)
    start("clock-jump", seconds=3600)
    assert its_account.outcome(on_time)[0] == "Failed"
    failed = its_account.client("s3").list_objects_v2(Bucket=its_account.bucket, Prefix="held-up/failures/")
    assert failed["KeyCount"] < len(held_up)
    faults_client.stop(folder)
    assert [its_account.outcome(answer)[0] for answer in held_up] == ["Failed"] * len(held_up)
    for name in ("held-up", "on-time"):
        its_account.delete(name)


def test_a_throttled_client_knows_that_its_request_was_not_taken(
    its_account: Account, endpoint: str, start: Any
) -> None:
    start("throttling", endpoint=endpoint, count=2)
    for action in (its_account.invoke, lambda name, _: its_account.describe(name)):
        with pytest.raises(ClientError, match="ThrottlingException"):
            action(endpoint, {"do": "echo"})
    completes(its_account, endpoint)


def test_a_jump_of_the_clock_lets_waiting_requests_expire(
    its_account: Account, endpoint: str, start: Any, outcomes: Inbox, tmp_path: Path
) -> None:
    arrived, gate = tmp_path / "arrived", tmp_path / "open"
    first = its_account.invoke(endpoint, {"do": "gate", "arrived": str(arrived), "open": str(gate)})
    eventually(arrived.exists)
    waiting = its_account.invoke(endpoint, {"do": "echo"}, RequestTTLSeconds=21600)
    start("clock-jump", seconds=21601)
    assert its_account.outcome(waiting)[0] == "Failed"
    assert "waited longer than 21600 seconds" in outcomes.result(waiting["InferenceId"])["failureReason"]
    gate.touch()
    assert "timed out" in outcomes.result(first["InferenceId"])["failureReason"]


@pytest.mark.skipif(sys.platform != "linux", reason="limits of other processes can be set on Linux only")
def test_an_instance_with_a_full_disk_cannot_write_until_there_is_room(
    its_account: Account, endpoint: str, start: Any, folder: Path
) -> None:
    order = {"do": "write", "paths": ["$TMPDIR/new"]}
    start("disk-full", endpoint=endpoint)
    assert json.loads(its_account.outcome(its_account.invoke(endpoint, order))[1]) == {"$TMPDIR/new": "OSError"}
    faults_client.stop(folder)
    assert json.loads(its_account.outcome(its_account.invoke(endpoint, order))[1]) == {"$TMPDIR/new": "written"}


def test_requests_wait_while_the_network_is_cut_and_go_on_when_it_is_mended(
    its_account: Account, endpoint: str, start: Any, folder: Path, tmp_path: Path
) -> None:
    arrived, gate = tmp_path / "arrived", tmp_path / "open"
    on_its_way = its_account.invoke(endpoint, {"do": "gate", "arrived": str(arrived), "open": str(gate)})
    eventually(arrived.exists)
    before = its_account.logs(endpoint).count("it is replaced")
    start("network-cut", endpoint=endpoint)
    gate.touch()
    waiting = its_account.invoke(endpoint, {"do": "echo"})
    log(its_account, endpoint, "it is replaced", before + 1)
    assert its_account.object(waiting["OutputLocation"]) is None
    faults_client.stop(folder)
    assert its_account.outcome(on_its_way) == ("Completed", b"through")
    assert its_account.outcome(waiting)[0] == "Completed"


def test_an_instance_that_is_cut_off_cannot_reach_the_cloud(its_account: Account, endpoint: str, start: Any) -> None:
    facts = json.loads(its_account.outcome(its_account.invoke(endpoint, {"do": "environment"}))[1])["environ"]
    instance = {name: value for name, value in facts.items() if name.startswith("AWS_")}
    list_buckets = "import boto3; print(len(boto3.client('s3').list_buckets()['Buckets']))"
    command = [sys.executable, "-c", list_buckets]
    assert subprocess.run(command, env=instance, capture_output=True, check=True, timeout=60).stdout.strip() != b"0"
    start("network-cut", endpoint=endpoint)
    limits = {"AWS_MAX_ATTEMPTS": "1"}
    cut = subprocess.run(command, env=instance | limits, capture_output=True, check=False, text=True, timeout=60)
    assert "Connection was closed before we received a valid response" in cut.stderr


def test_a_fault_of_an_endpoint_that_is_not_there_is_refused(its_account: Account, endpoint: str, start: Any) -> None:
    with pytest.raises(UsageError, match=f"endpoint 'nowhere': there are .*{endpoint}"):
        start("hang", endpoint="nowhere")
    with pytest.raises(UsageError, match="kind 'earthquake': allowed is one of"):
        start("earthquake")
    with pytest.raises(UsageError, match="duration 'soon'"):
        start("hang", duration="soon")


def test_a_fault_needs_a_local_cloud(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match="the local cloud is not running"):
        faults_client.start(tmp_path, {"kind": "hang"})
    assert faults_client.active(tmp_path) == []


def test_a_web_page_cannot_start_a_fault(its_account: Account, folder: Path) -> None:
    host = its_account.url.removeprefix("http://")
    with contextlib.closing(http.client.HTTPConnection(host, timeout=5)) as connection:
        connection.request("POST", "/_localcloud/faults", b'{"kind": "hang"}', {"Content-Type": "text/plain"})
        assert connection.getresponse().status == 400
    assert faults_client.active(folder) == []

"""Requests, in a real local cloud with a program that misbehaves as it is told."""

import base64
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.localcloud.monitoring.test_metrics import total
from tests.localcloud.support import Account, Inbox, eventually, tar
from tests.timing import quickest

LARGE = b"\x00" * (32 * 1024 * 1024)


@pytest.fixture(scope="module")
def topics(account: Account) -> tuple[tuple[str, Inbox], tuple[str, Inbox]]:
    return account.topic("requests-success"), account.topic("requests-error")


@pytest.fixture(scope="module")
def successes(topics: tuple[tuple[str, Inbox], tuple[str, Inbox]]) -> Inbox:
    return topics[0][1]


@pytest.fixture(scope="module")
def errors(topics: tuple[tuple[str, Inbox], tuple[str, Inbox]]) -> Inbox:
    return topics[1][1]


@pytest.fixture(scope="module")
def endpoint(account: Account, topics: tuple[tuple[str, Inbox], tuple[str, Inbox]]) -> str:
    (success, _), (error, _) = topics
    account.put("model/model.tar.gz", tar({"code/inference.py": "x = 1\n", "config.json": "{}"}))
    return account.deploy(
        "requests",
        environment={"CACHE": "/tmp/cache", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code", "OTHER": "/opt/mlx"},
        topics=(success, error),
        include=["SUCCESS_NOTIFICATION_TOPIC"],
        container={"ModelDataUrl": f"s3://{account.bucket}/model/model.tar.gz"},
    )


def works(account: Account, endpoint: str) -> None:
    assert account.outcome(account.invoke(endpoint, {"do": "echo"})) == ("Completed", b'{"do": "echo"}')


def test_a_request_ends_in_an_object_and_a_notification(account: Account, endpoint: str, successes: Inbox) -> None:
    answer = account.invoke(endpoint, {"do": "echo"}, Accept="application/x-echo", ContentType="application/json")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert answer["OutputLocation"].startswith(f"s3://{account.bucket}/requests/results/")
    assert answer["OutputLocation"].endswith(".out")
    assert answer["FailureLocation"].endswith("-error.out")
    assert account.outcome(answer) == ("Completed", b'{"do": "echo"}')
    found = account.object(answer["OutputLocation"])
    assert found is not None
    assert found["ContentType"] == "application/x-echo"
    message = successes.result(answer["InferenceId"])
    assert message["invocationStatus"] == "Completed"
    assert message["responseParameters"] == {
        "contentType": "application/x-echo",
        "outputLocation": answer["OutputLocation"],
    }
    assert message["requestParameters"]["accept"] == "application/x-echo"
    assert message["responseBody"]["content"] == "eyJkbyI6ICJlY2hvIn0="


def test_the_container_gets_the_headers_of_the_api_only(account: Account, endpoint: str) -> None:
    answer = account.invoke(
        endpoint,
        {"do": "headers"},
        ContentType="application/json",
        Accept="text/plain",
        CustomAttributes="trace=1",
        InferenceId="my id",
    )
    assert answer["InferenceId"] == "my id"
    headers = {name.lower(): value for name, value in json.loads(account.outcome(answer)[1]).items()}
    assert {name: headers.pop(name) for name in list(headers) if name.startswith(("content-type", "acc", "x-"))} == {
        "content-type": "application/json",
        "accept": "text/plain",
        "x-amzn-sagemaker-custom-attributes": "trace=1",
        "x-amzn-sagemaker-inference-id": "my id",
        "accept-encoding": "identity",
    }
    assert set(headers) <= {"host", "content-length", "connection", "user-agent"}


def test_the_instance_sees_its_own_environment_only(account: Account, endpoint: str, monkeypatch: Any) -> None:
    facts = json.loads(account.outcome(account.invoke(endpoint, {"do": "environment"}))[1])
    environ = facts["environ"]
    base = environ["SAGEMAKER_BASE_DIR"]
    assert environ["SAGEMAKER_SUBMIT_DIRECTORY"] == f"{base}/model/code"
    assert environ["CACHE"] == f"{environ['TMPDIR']}/cache"
    assert environ["OTHER"] == "/opt/mlx"
    assert environ["HOME"] == environ["TMPDIR"]
    assert environ["AWS_ENDPOINT_URL"] == account.url
    assert {name for name in environ if name.startswith(("PYTEST", "PIP_", "GLUE_", "VIRTUAL"))} == set()
    assert facts["model"] == ["model", "model/code", "model/code/inference.py", "model/config.json"]


def test_the_model_folder_is_read_only_and_the_temporary_one_is_not(account: Account, endpoint: str) -> None:
    paths = [
        "$SAGEMAKER_BASE_DIR/model/new",
        "$SAGEMAKER_BASE_DIR/model/config.json",
        "$PYTHONPATH/new",
        "$TMPDIR/new",
    ]
    written = json.loads(account.outcome(account.invoke(endpoint, {"do": "write", "paths": paths}))[1])
    assert written == dict(zip(paths, ["PermissionError"] * 3 + ["written"], strict=True))


@pytest.mark.parametrize(("status", "side"), [(415, "client"), (500, "server")])
def test_an_error_of_the_container_is_a_failure_with_its_cause(
    account: Account, endpoint: str, errors: Inbox, status: int, side: str
) -> None:
    answer = account.invoke(endpoint, {"do": "refuse", "status": status, "message": "no such image type"})
    assert account.outcome(answer) == ("Failed", b'{"error": {"message": "no such image type"}}')
    message = errors.result(answer["InferenceId"])
    assert message["invocationStatus"] == "Failed"
    assert message["failureReason"].startswith(f"ClientError: Received {side} error ({status}) from model")
    assert "no such image type" in message["failureReason"]
    assert message["failureLocation"] == answer["FailureLocation"]
    assert "responseParameters" not in message
    assert account.object(answer["OutputLocation"]) is None
    works(account, endpoint)


@pytest.mark.parametrize("order", [{"do": "hang", "seconds": 30}, {"do": "trickle"}])
def test_a_request_that_takes_too_long_fails_in_time_and_the_next_one_works(
    account: Account, endpoint: str, errors: Inbox, order: dict[str, Any]
) -> None:
    def fails() -> None:
        answer = account.invoke(endpoint, order, InvocationTimeoutSeconds=1)
        assert account.outcome(answer)[0] == "Failed"
        reason = errors.result(answer["InferenceId"])["failureReason"]
        assert "Your invocation timed out while waiting for a response" in reason

    assert quickest(fails, limit=5) < 5
    works(account, endpoint)


def test_a_request_that_kills_its_instance_is_tried_twice_and_fails_visibly(
    account: Account, endpoint: str, errors: Inbox
) -> None:
    answer = account.invoke(endpoint, {"do": "die"})
    assert account.outcome(answer)[0] == "Failed"
    assert "the container ended while it handled the request" in errors.result(answer["InferenceId"])["failureReason"]
    works(account, endpoint)
    log = eventually(lambda: (found := account.logs(endpoint)).count("starting it again") == 2 and found)
    assert log
    assert log.count(f"request {answer['InferenceId']} die") == 2


def test_a_request_whose_instance_dies_is_answered_by_the_next(account: Account, endpoint: str, tmp_path: Path) -> None:
    answer = account.invoke(endpoint, {"do": "die_once", "mark": str(tmp_path / "mark")})
    assert account.outcome(answer) == ("Completed", b"second time")


def test_a_request_does_not_come_back_to_an_instance_that_is_dying(
    account: Account, endpoint: str, tmp_path: Path
) -> None:
    answer = account.invoke(endpoint, {"do": "linger", "mark": str(tmp_path / "mark")})
    assert account.outcome(answer) == ("Completed", b"second time")


def test_a_response_without_a_length_fails(account: Account, endpoint: str, errors: Inbox) -> None:
    answer = account.invoke(endpoint, {"do": "no_length"})
    assert account.outcome(answer)[0] == "Failed"
    assert "did not specify the required Content-Length header" in errors.result(answer["InferenceId"])["failureReason"]


def test_a_large_response_is_written_and_not_included_in_the_notification(
    account: Account, endpoint: str, successes: Inbox
) -> None:
    size = 3 * 1024 * 1024
    answer = account.invoke(endpoint, {"do": "large", "size": size})
    assert account.outcome(answer) == ("Completed", b"x" * size)
    assert set(successes.result(answer["InferenceId"])["responseBody"]) == {"message"}


def test_a_large_input_arrives_whole(account: Account, endpoint: str) -> None:
    content = b"\x00" * (8 * 1024 * 1024)
    assert account.outcome(account.invoke(endpoint, content)) == ("Completed", str(len(content)).encode())


def test_a_large_input_waits_for_a_container_that_pauses_before_it_reads(account: Account, endpoint: str) -> None:
    answer = account.invoke(endpoint, LARGE, CustomAttributes="unread=4")
    assert account.outcome(answer) == ("Completed", str(len(LARGE)).encode())


def test_a_large_input_that_is_not_read_in_time_times_out(account: Account, endpoint: str, errors: Inbox) -> None:
    answer = account.invoke(endpoint, LARGE, CustomAttributes="unread=4", InvocationTimeoutSeconds=1)
    reason = errors.result(answer["InferenceId"])["failureReason"]
    assert "Your invocation timed out while waiting for a response" in reason
    works(account, endpoint)


def test_an_input_that_breaks_off_is_a_failed_download(
    account: Account, endpoint: str, errors: Inbox, cloud_dir: Path
) -> None:
    known = set((cloud_dir / "objects").iterdir())
    where = account.put("inputs/broken-off", LARGE)
    [file] = set((cloud_dir / "objects").iterdir()) - known
    os.truncate(file, len(LARGE) // 2)
    answer = account.client("sagemaker-runtime").invoke_endpoint_async(EndpointName=endpoint, InputLocation=where)
    reason = errors.result(answer["InferenceId"])["failureReason"]
    assert reason.startswith(f"ClientError: Could not download the input {where}: ")
    works(account, endpoint)


def test_an_input_that_is_not_there_fails(account: Account, endpoint: str, errors: Inbox) -> None:
    answer = account.client("sagemaker-runtime").invoke_endpoint_async(
        EndpointName=endpoint, InputLocation=f"s3://{account.bucket}/inputs/nothing"
    )
    assert account.outcome(answer)[0] == "Failed"
    assert "inputs/nothing" in errors.result(answer["InferenceId"])["failureReason"]


def test_every_request_has_a_line_in_the_data_log_of_its_instance(account: Account) -> None:
    account.deploy("data-logged")
    good = account.invoke("data-logged", {"do": "echo"}, InferenceId="good one")
    bad = account.invoke("data-logged", {"do": "refuse", "status": 415, "message": "no such\nimage"})
    assert [account.outcome(answer)[0] for answer in (good, bad)] == ["Completed", "Failed"]
    logs, group = account.client("logs"), "/aws/sagemaker/Endpoints/data-logged"

    def lines() -> list[str]:
        """What the data log holds, once there is a line for both."""
        if not logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]:
            return []
        names = [stream["logStreamName"] for stream in logs.describe_log_streams(logGroupName=group)["logStreams"]]
        if len(names) < 2:
            return []
        container, data_log = sorted(names)
        assert re.fullmatch("AllTraffic/i-[0-9a-f]{17}", container)
        assert data_log == f"{container}/data-log"
        events = logs.get_log_events(logGroupName=group, logStreamName=data_log)["events"]
        return [event["message"] for event in events] if len(events) == 2 else []

    first, second = eventually(lines, what="two lines")
    moment, took = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}", r"TotalProcessingTime: \d+ ms"
    start = rf"{moment}:\[sagemaker logs\]"
    assert re.fullmatch(
        rf"{start} \[good one\] Inference request succeeded\. \(Received: {moment}Z, {took}\)", first
    ), first
    assert re.fullmatch(
        rf"{start} \[{bad['InferenceId']}\] Received client error \(415\) from model with message .*no such.*"
        rf" for more information\. \(Received: {moment}Z, {took}\)",
        second,
    ), second
    account.delete("data-logged")


def test_a_notification_of_an_error_includes_what_the_container_answered(account: Account) -> None:
    (success, of_success), (error, of_error) = account.topic("included-success"), account.topic("included-error")
    account.deploy("included", topics=(success, error), include=["ERROR_NOTIFICATION_TOPIC"])
    bad = account.invoke("included", {"do": "refuse", "status": 500, "message": "no"})
    body = of_error.result(bad["InferenceId"])["responseBody"]
    assert json.loads(base64.b64decode(body["content"])) == {"error": {"message": "no"}}
    good = account.invoke("included", {"do": "echo"})
    assert "responseBody" not in of_success.result(good["InferenceId"])
    account.delete("included")


def test_a_model_below_a_prefix_is_served(account: Account) -> None:
    for name, content in {"config.json": b"{}", "code/inference.py": b"x = 1\n", "weights/a/b.bin": b"1"}.items():
        account.put(f"prefixed/model/{name}", content)
    account.put("prefixed/model-2/other.bin", b"2")
    source = {
        "S3Uri": f"s3://{account.bucket}/prefixed/model/",
        "S3DataType": "S3Prefix",
        "CompressionType": "None",
    }
    account.deploy("prefixed", container={"ModelDataSource": {"S3DataSource": source}})
    facts = json.loads(account.outcome(account.invoke("prefixed", {"do": "environment"}))[1])
    files = ["code/inference.py", "config.json", "weights/a/b.bin"]
    assert [name for name in facts["model"] if not (name + "/").endswith(("model/", "code/", "weights/", "a/"))] == [
        f"model/{name}" for name in files
    ]
    order = {"do": "write", "paths": ["$SAGEMAKER_BASE_DIR/model/weights/a/b.bin"]}
    assert list(json.loads(account.outcome(account.invoke("prefixed", order))[1]).values()) == ["PermissionError"]
    account.delete("prefixed")


def test_a_response_that_cannot_be_written_fails_visibly(fast: Account, tmp_path: Path) -> None:
    fast.client("s3").create_bucket(Bucket="unlucky-results")
    (success, of_success), (error, of_error) = fast.topic("unlucky-success"), fast.topic("unlucky-error")
    fast.deploy("unlucky", topics=(success, error), results="unlucky-results", startup=3600)
    arrived, gate = tmp_path / "arrived", tmp_path / "open"
    answer = fast.invoke("unlucky", {"do": "gate", "arrived": str(arrived), "open": str(gate)})
    eventually(arrived.exists, what="the request is in the container")
    fast.client("s3").delete_bucket(Bucket="unlucky-results")
    gate.touch()
    reason = of_error.result(answer["InferenceId"])["failureReason"]
    assert reason.startswith(f"ClientError: Could not upload the response to {answer['OutputLocation']}: ")
    assert "NoSuchBucket" in reason
    assert fast.read(answer["FailureLocation"]).decode() == reason
    assert of_success.results() == []
    eventually(lambda: total(fast, "unlucky", "InvocationFailures") == 1, what="the metric")
    assert total(fast, "unlucky", "ResponseUploadFailures") == 1  # counted before
    fast.delete("unlucky")


def test_an_input_may_come_with_the_request(account: Account, endpoint: str, successes: Inbox) -> None:
    answer = account.client("sagemaker-runtime").invoke_endpoint_async(
        EndpointName=endpoint, Body=b'{"do": "echo", "inline": true}', Filename="answer.json"
    )
    assert answer["OutputLocation"].endswith("/results/answer.json")
    assert account.outcome(answer) == ("Completed", b'{"do": "echo", "inline": true}')
    assert "inputLocation" not in successes.result(answer["InferenceId"])["requestParameters"]


@pytest.mark.parametrize(
    ("params", "message"),
    [
        (
            {"EndpointName": "nowhere", "InputLocation": "s3://b/k"},
            "Endpoint nowhere of account 111122223333 not found.",
        ),
        ({"EndpointName": "requests"}, "Exactly one of InputLocation and Body must be given."),
        (
            {"EndpointName": "requests", "InputLocation": "s3://b/k", "Body": b"x"},
            "Exactly one of InputLocation and Body",
        ),
        (
            {"EndpointName": "requests", "Body": bytes(128_001)},
            "Member must have length less than or equal to 128000",
        ),
        ({"EndpointName": "requests", "InputLocation": "ftp://b/k"}, "at 'inputLocation' failed to satisfy constraint"),
        ({"EndpointName": "requests", "InputLocation": "s3://b/"}, "expected s3://bucket/key"),
        (
            {"EndpointName": "requests", "InputLocation": "s3://b/k", "InferenceId": "a\tb"},
            "Value 'a\tb' at 'inferenceId' failed to satisfy constraint: Member must satisfy regular expression",
        ),
        (
            {"EndpointName": "requests", "InputLocation": "s3://b/k", "InferenceId": "a" * 65},
            "Member must have length less than or equal to 64",
        ),
        (
            {"EndpointName": "requests", "InputLocation": "s3://b/k", "InvocationTimeoutSeconds": 3601},
            "Member must have value less than or equal to 3600",
        ),
    ],
)
def test_a_request_that_cannot_be_served_is_refused(
    account: Account, endpoint: str, params: dict[str, Any], message: str
) -> None:
    with pytest.raises(ClientError) as error:
        account.client("sagemaker-runtime").invoke_endpoint_async(**params)
    assert error.value.response["Error"]["Code"] == "ValidationError"
    assert message in error.value.response["Error"]["Message"]


def test_an_endpoint_that_is_not_in_service_takes_no_requests(account: Account) -> None:
    account.deploy("not-yet", environment={"STARTS": "never_ready"}, wait=False)
    with pytest.raises(ClientError, match="Endpoint not-yet of account 111122223333 not found"):
        account.invoke("not-yet", {"do": "echo"})


def test_the_synchronous_call_is_refused(account: Account, endpoint: str) -> None:
    with pytest.raises(ClientError, match="takes asynchronous requests only"):
        account.client("sagemaker-runtime").invoke_endpoint(EndpointName=endpoint, Body=b"x")


def test_outputs_are_encrypted_with_the_key_of_the_config(account: Account) -> None:
    key = account.client("kms").create_key()["KeyMetadata"]["Arn"]
    account.deploy("encrypted", kms_key=key)
    answer = account.invoke("encrypted", {"do": "echo"})
    account.outcome(answer)
    found = account.object(answer["OutputLocation"])
    assert found is not None
    assert (found["ServerSideEncryption"], found["SSEKMSKeyId"]) == ("aws:kms", key)
    account.delete("encrypted")


def test_an_instance_has_as_many_requests_at_a_time_as_the_config_says(account: Account, tmp_path: Path) -> None:
    account.deploy("concurrent", concurrency=2)
    open_gate = tmp_path / "open"
    arrived = [tmp_path / f"arrived-{number}" for number in range(3)]
    answers = [
        account.invoke("concurrent", {"do": "gate", "arrived": str(mark), "open": str(open_gate)}) for mark in arrived
    ]
    eventually(lambda: arrived[0].exists() and arrived[1].exists(), what="two requests")
    assert not arrived[2].exists()
    open_gate.touch()
    assert [account.outcome(answer) for answer in answers] == [("Completed", b"through")] * 3
    account.delete("concurrent")


def test_every_one_of_many_requests_has_one_outcome_though_instances_are_killed(
    account: Account, endpoint: str, successes: Inbox, tmp_path: Path
) -> None:
    orders: list[dict[str, Any]] = [{"do": "echo", "number": number} for number in range(30)]
    orders[10] = {"do": "die_once", "mark": str(tmp_path / "first")}
    orders[20] = {"do": "die_once", "mark": str(tmp_path / "second")}
    answers = [account.invoke(endpoint, order, InferenceId=f"many-{number}") for number, order in enumerate(orders)]
    outcomes = [account.outcome(answer) for answer in answers]
    assert {status for status, _ in outcomes} == {"Completed"}
    for answer in answers:
        successes.result(answer["InferenceId"])
    told = [message["inferenceId"] for message in successes.results() if message["inferenceId"].startswith("many-")]
    assert told == [f"many-{number}" for number in range(30)]  # once each, and in order

"""Lambda functions in the local cloud: run with their contract, retried, throttled, given up, and gone at the end."""

import io
import json
import subprocess
import uuid
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.localcloud.parity import local_cloud
from tests.localcloud.support import LONGEST_INVISIBLE, Account, eventually

SPEED = 60.0  # a minute before a retry is a second
HANDLER = """\
import json, os, subprocess, sys, time, pathlib

def handle(event, context):
    order = event if "do" in event else json.loads(event["detail"]["order"])
    with open(order["diary"], "a") as diary:
        diary.write(f"{order.get('name')} {context.aws_request_id} start {os.getpid()}\\n")
    try:
        return act(order, context)
    finally:
        with open(order["diary"], "a") as diary:
            diary.write(f"{order.get('name')} {context.aws_request_id} end {os.getpid()}\\n")

def act(order, context):
    match order["do"]:
        case "tell":
            print("told", flush=True)
            return {"environ": dict(os.environ), "left": context.get_remaining_time_in_millis(),
                    "arn": context.invoked_function_arn, "files": sorted(os.listdir(os.environ["LAMBDA_TASK_ROOT"]))}
        case "fail":
            raise ValueError("cannot")
        case "fail-until":
            if len(pathlib.Path(order["diary"]).read_text().split("start")) <= order["times"]:
                raise ValueError("not yet")
        case "sleep":
            time.sleep(order["seconds"])
        case "wait":
            while not os.path.exists(order["gate"]):
                time.sleep(0.01)
        case "leave":
            os._exit(3)
        case "spawn":
            return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]).pid
        case "write":
            (pathlib.Path(os.environ["LAMBDA_TASK_ROOT"]) / "x").write_text("x")
"""


def package(code: str = HANDLER) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("handler.py", code)
    return buffer.getvalue()


@dataclass
class Function:
    """A function in an account, with a queue for its dead letters and a diary that its handler keeps."""

    account: Account
    name: str
    diary: Path
    queue: str

    def invoke(self, do: str, *, kind: str = "RequestResponse", **order: Any) -> dict[str, Any]:
        payload = {"do": do, "diary": str(self.diary), **order}
        answer = self.account.client("lambda").invoke(
            FunctionName=self.name, InvocationType=kind, Payload=json.dumps(payload)
        )
        return {**answer, "Payload": answer["Payload"].read()}

    def entries(self) -> list[list[str]]:
        return [line.split() for line in self.diary.read_text().splitlines()] if self.diary.exists() else []

    def starts(self) -> list[list[str]]:
        return [entry for entry in self.entries() if entry[2] == "start"]

    def dead_letters(self) -> list[dict[str, Any]]:
        """Those that were not received yet."""
        found: list[dict[str, Any]] = (
            self.account.client("sqs")
            .receive_message(
                QueueUrl=self.queue,
                MaxNumberOfMessages=10,
                MessageAttributeNames=["All"],
                VisibilityTimeout=LONGEST_INVISIBLE,
            )
            .get("Messages", [])
        )
        return found

    def log(self) -> str:
        logs = self.account.client("logs")
        group = f"/aws/lambda/{self.name}"
        if not logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]:
            return ""
        return "\n".join(event["message"] for event in logs.filter_log_events(logGroupName=group)["events"])


def make(account: Account, folder: Path, code: bytes | None = None, **options: Any) -> Function:
    name = f"f-{uuid.uuid4().hex[:8]}"
    sqs = account.client("sqs")
    queue = sqs.create_queue(QueueName=f"{name}-dead")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    concurrency = options.pop("concurrency", None)
    role = account.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument="{}")["Role"]["Arn"]
    settings: dict[str, Any] = {
        "Runtime": "python3.13",
        "Handler": "handler.handle",
        "Role": role,
        "Timeout": 30,
        "DeadLetterConfig": {"TargetArn": arn},
    } | options
    account.client("lambda").create_function(FunctionName=name, Code={"ZipFile": code or package()}, **settings)
    if concurrency is not None:
        account.client("lambda").put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=concurrency)
    return Function(account, name, folder / f"{name}.txt", queue)


@pytest.fixture(scope="module")
def fast(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    """An account of a cloud whose clock is fast."""
    folder = tmp_path_factory.mktemp("fast")
    with local_cloud(folder, speed=SPEED) as status:
        assert status.endpoint_url
        yield Account(status.endpoint_url, "111122223333", folder)


@pytest.fixture(scope="module")
def steady(fast: Account, tmp_path_factory: pytest.TempPathFactory) -> Function:
    return make(fast, tmp_path_factory.mktemp("steady"), Environment={"Variables": {"OWN": "value"}})


def test_a_handler_gets_event_context_and_environment_and_answers(steady: Function) -> None:
    answer = steady.invoke("tell")
    assert (answer["StatusCode"], answer["ExecutedVersion"], "FunctionError" in answer) == (200, "$LATEST", False)
    told = json.loads(answer["Payload"])
    assert told["files"] == ["handler.py"]
    assert told["arn"].endswith(f":function:{steady.name}")
    assert 20_000 < told["left"] <= 30_000
    environ = told["environ"]
    assert environ["OWN"] == "value"
    assert environ["AWS_LAMBDA_FUNCTION_NAME"] == steady.name
    assert environ["AWS_ENDPOINT_URL"] == steady.account.url
    assert environ["AWS_ACCESS_KEY_ID"] == "111122223333"


def test_nothing_of_this_machines_environment_is_inherited(steady: Function) -> None:
    environ = json.loads(steady.invoke("tell")["Payload"])["environ"]
    assert {name for name in environ if not name.startswith(("AWS_", "LC_"))} == {
        *("OWN", "_HANDLER", "LAMBDA_TASK_ROOT", "HOME", "TMPDIR", "LANG", "TZ", "PATH")
    }


def test_output_and_a_report_go_to_the_functions_log_group(steady: Function) -> None:
    steady.invoke("tell")
    log = eventually(lambda: steady.log() if "REPORT" in steady.log() else "", what="log")
    assert "told" in log
    assert "Max Memory Used: " in log
    assert "START RequestId: " in log


def test_an_error_of_the_handler_is_answered_with_its_type_and_its_frames_only(steady: Function) -> None:
    answer = steady.invoke("fail")
    assert answer["FunctionError"] == "Unhandled"
    error = json.loads(answer["Payload"])
    assert (error["errorType"], error["errorMessage"]) == ("ValueError", "cannot")
    assert all("handler.py" in frame for frame in error["stackTrace"])


def test_an_environment_is_used_again_and_replaced_when_its_process_has_ended(steady: Function) -> None:
    first, second = (json.loads(steady.invoke("spawn")["Payload"]) for _ in range(2))
    assert first != second
    process = steady.starts()[-1][3]
    assert steady.starts()[-2][3] == process
    answer = steady.invoke("leave")
    assert json.loads(answer["Payload"])["errorType"] == "Runtime.ExitError"
    assert "exit status 3" in json.loads(answer["Payload"])["errorMessage"]
    for left in (int(process), first, second):
        eventually(partial(_is_gone, left), what=f"end of {left}")
    assert steady.invoke("tell")["StatusCode"] == 200


def _is_gone(process: int) -> bool:
    listed = subprocess.run(["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True, check=False)
    return listed.stdout.strip()[:1] in {"", "Z"}


def test_a_run_that_takes_too_long_is_killed(fast: Account, tmp_path: Path) -> None:
    function = make(fast, tmp_path, Timeout=1)
    answer = function.invoke("sleep", seconds=60)
    assert "Task timed out after 1.00 seconds" in json.loads(answer["Payload"])["errorMessage"]
    eventually(lambda: "Task timed out" in function.log(), what="log")


def test_code_is_read_only(fast: Account, tmp_path: Path) -> None:
    answer = json.loads(make(fast, tmp_path).invoke("write")["Payload"])
    assert answer["errorType"] == "PermissionError"


def test_a_change_of_code_is_run_from_then_on(fast: Account, tmp_path: Path) -> None:
    function = make(fast, tmp_path, package("def handle(event, context):\n    return 1\n"))
    assert function.invoke("tell")["Payload"] == b"1"
    fast.client("lambda").update_function_code(
        FunctionName=function.name, ZipFile=package("def handle(event, context):\n    return 2\n")
    )
    assert function.invoke("tell")["Payload"] == b"2"


def test_an_event_that_fails_is_tried_again_with_the_same_request_id(fast: Account, tmp_path: Path) -> None:
    function = make(fast, tmp_path)
    assert function.invoke("fail-until", kind="Event", times=3)["StatusCode"] == 202
    eventually(lambda: len([one for one in function.entries() if one[2] == "end"]) == 3, what="third attempt")
    assert len({entry[1] for entry in function.starts()}) == 1
    assert function.dead_letters() == []


def test_an_event_that_fails_three_times_is_a_dead_letter_as_it_came(fast: Account, tmp_path: Path) -> None:
    function = make(fast, tmp_path)
    function.invoke("fail", kind="Event", name="poison")
    [letter] = eventually(function.dead_letters, what="dead letter")
    assert json.loads(letter["Body"])["name"] == "poison"
    assert letter["MessageAttributes"]["ErrorMessage"]["StringValue"] == "cannot"
    assert letter["MessageAttributes"]["RequestID"]["StringValue"] == function.starts()[0][1]
    assert len(function.starts()) == 3


def test_the_retries_of_a_function_are_its_own_setting(fast: Account, tmp_path: Path) -> None:
    function = make(fast, tmp_path)
    config = fast.client("lambda")
    config.put_function_event_invoke_config(FunctionName=function.name, MaximumRetryAttempts=2)
    config.put_function_event_invoke_config(FunctionName=function.name, MaximumRetryAttempts=0)
    assert config.get_function_event_invoke_config(FunctionName=function.name)["MaximumRetryAttempts"] == 0
    function.invoke("fail", kind="Event")
    eventually(function.dead_letters, what="dead letter")
    assert len(function.starts()) == 1


def test_events_wait_for_the_reserved_concurrency_and_all_are_run_once(fast: Account, tmp_path: Path) -> None:
    function = make(fast, tmp_path, concurrency=1)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: function.invoke("tell", kind="Event", name=name), range(30)))
    eventually(lambda: len(function.entries()) == 60, what="all events")
    assert sorted(int(entry[0]) for entry in function.starts()) == list(range(30))
    assert [entry[2] for entry in function.entries()] == ["start", "end"] * 30  # never two at the same time


def test_a_call_above_the_reserved_concurrency_is_refused(fast: Account, tmp_path: Path) -> None:
    function, gate = make(fast, tmp_path, concurrency=1), tmp_path / "gate"
    with ThreadPoolExecutor(1) as thread:
        busy = thread.submit(function.invoke, "wait", gate=str(gate))
        eventually(function.starts, what="first call")
        with pytest.raises(ClientError) as refusal:
            function.invoke("tell")
        gate.touch()
        assert "FunctionError" not in busy.result()
    assert refusal.value.response["Error"]["Code"] == "TooManyRequestsException"


def test_a_function_with_no_concurrency_runs_when_it_gets_some(fast: Account, tmp_path: Path) -> None:
    function = make(fast, tmp_path, concurrency=0)
    function.invoke("tell", kind="Event")

    assert function.starts() == []
    fast.client("lambda").delete_function_concurrency(FunctionName=function.name)
    eventually(function.starts, what="the waiting event")


def test_what_cannot_be_run_says_so(fast: Account, tmp_path: Path) -> None:
    function = make(fast, tmp_path, Runtime="nodejs22.x")
    with pytest.raises(ClientError, match="only Python's are run here"):
        function.invoke("tell")
    function.name = "nobody"
    with pytest.raises(ClientError, match="Function not found: nobody"):
        function.invoke("tell")


def test_a_package_that_is_none_fails_its_invocation(fast: Account, tmp_path: Path) -> None:
    answer = make(fast, tmp_path, Handler="absent.handle").invoke("tell")
    assert json.loads(answer["Payload"])["errorType"] == "ModuleNotFoundError"


def test_a_queue_cannot_be_polled_and_that_is_said(fast: Account, steady: Function) -> None:
    with pytest.raises(ClientError, match="does not poll"):
        fast.client("lambda").create_event_source_mapping(
            FunctionName=steady.name, EventSourceArn="arn:aws:sqs:us-east-1:111122223333:q"
        )


def test_a_rule_invokes_a_function_and_a_missing_one_makes_a_dead_letter(fast: Account, tmp_path: Path) -> None:
    function = make(fast, tmp_path)
    events, sqs = fast.client("events"), fast.client("sqs")
    events.put_rule(Name=function.name, EventPattern='{"source": ["tests"]}')
    arn = fast.client("lambda").get_function(FunctionName=function.name)["Configuration"]["FunctionArn"]
    queue_arn = sqs.get_queue_attributes(QueueUrl=function.queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_targets(Rule=function.name, Targets=[{"Id": "1", "Arn": arn, "DeadLetterConfig": {"Arn": queue_arn}}])
    order = {"order": json.dumps({"do": "tell", "diary": str(function.diary)})}
    entry = {"Source": "tests", "DetailType": "Order", "Detail": json.dumps(order)}
    events.put_events(Entries=[entry])
    eventually(function.starts, what="the event's run")
    fast.client("lambda").delete_function(FunctionName=function.name)
    events.put_events(Entries=[entry])
    [letter] = eventually(function.dead_letters, what="dead letter")
    assert json.loads(letter["Body"])["detail"] == order
    assert letter["MessageAttributes"]["TARGET_ARN"]["StringValue"] == arn
    events.disable_rule(Name=function.name)
    events.put_events(Entries=[entry])
    assert function.dead_letters() == []


def test_a_definition_keeps_what_is_set_and_changed(fast: Account, tmp_path: Path) -> None:
    function = make(fast, tmp_path, TracingConfig={"Mode": "PassThrough"})
    client = fast.client("lambda")
    found = client.get_function_configuration(FunctionName=function.name)
    assert found["DeadLetterConfig"]["TargetArn"].endswith(f"{function.name}-dead")
    other = "arn:aws:sqs:us-east-1:111122223333:other"
    client.update_function_configuration(FunctionName=function.name, DeadLetterConfig={"TargetArn": other})
    assert client.get_function_configuration(FunctionName=function.name)["DeadLetterConfig"]["TargetArn"] == other


def test_no_process_is_left_when_the_cloud_ends(tmp_path: Path) -> None:
    with local_cloud(tmp_path / "state", speed=SPEED) as status:
        assert status.endpoint_url
        account = Account(status.endpoint_url, "111122223333", tmp_path)
        function = make(account, tmp_path)
        spawned = int(json.loads(function.invoke("spawn")["Payload"]))
        worker = int(function.starts()[0][3])
        function.invoke("sleep", kind="Event", seconds=600)
        eventually(lambda: len(function.starts()) == 2, what="the run that is cut off")
    for process in (spawned, worker):
        eventually(partial(_is_gone, process), what=f"end of {process}")
    assert list((tmp_path / "state" / "instances").glob("function-*")) == []

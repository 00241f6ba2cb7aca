"""Uploads on a running cloud: the modules applied, the function really run, and an outcome for everything uploaded."""

import json
import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from glue.checks.subject import Subject
from glue.checks.uploads import UploadCheck
from glue.cloud import Cloud
from glue.deployed import deployed_endpoints
from glue.functions import package
from glue.invocation import EndpointClient
from glue.localcloud.fault_injection import faults_client
from glue.profiles import Endpoint
from glue.project import Project
from glue.releases import EndpointRelease
from glue.workloads.golden import Expectation, GoldenCase, Request
from tests.localcloud.parity import local_cloud
from tests.localcloud.support import PROGRAM, REGION, Account, eventually, tar
from tests.terraform.conftest import PLATFORM, Code, running_provider
from tests.terraform.deployments import COMMON, Root, alive, deployable, tagged

ACCOUNT = "111122223333"
BUCKET = f"platform-{ACCOUNT}-{REGION}-dev-data"
ARTIFACTS = "artifacts"
SPEED = 60.0  # a minute before a retry is a second
AWKWARD = ["a b.json", "a+b.json", "a%20b.json", "100%.json", "häuser/平面図.json", '"x" & y=z;.json', "d//e.json"]
TYPED = {"ContentType": "application/json"}


@dataclass
class Uploads:
    """An environment with an endpoint that has a trigger."""

    account: Account
    root: Root
    read: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)

    @property
    def s3(self) -> Any:
        return self.account.client("s3")

    def upload(self, name: str, order: dict[str, Any] | bytes, **options: str) -> str:
        """Upload an object; its version."""
        body = order if isinstance(order, bytes) else json.dumps(order).encode()
        answer = self.s3.put_object(Bucket=BUCKET, Key=f"plans/{name}", Body=body, **{**TYPED, **options})
        version: str = answer["VersionId"]
        return version

    def receipts(self) -> dict[str, dict[str, Any]]:
        """All receipts by the version of the object."""
        for found in self.s3.list_objects_v2(Bucket=BUCKET, Prefix="rooms/receipts/").get("Contents", []):
            place = found["Key"], found["ETag"]
            if place not in self.read:
                self.read[place] = self.document(found["Key"])
        return {one["version_id"]: one for one in self.read.values()}

    def document(self, key: str) -> dict[str, Any]:
        content: dict[str, Any] = json.loads(self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
        return content

    def receipt(self, version: str, status: str) -> dict[str, Any]:
        def look() -> dict[str, Any] | None:
            found = self.receipts().get(version)
            return found if found and found["status"] == status else None

        return eventually(look, what=f"receipt {status} of {version}") or {}

    def result(self, version: str) -> bytes:
        """The endpoint's answer to an upload."""
        receipt = self.receipt(version, "invoked")
        status, body = self.account.outcome(
            {"OutputLocation": receipt["output_location"], "FailureLocation": receipt["failure_location"]}
        )
        assert status == "Completed", body
        return body

    def results(self) -> int:
        """How many answers there are."""
        return int(self.s3.list_objects_v2(Bucket=BUCKET, Prefix="rooms/results/")["KeyCount"])

    def dead_letters(self, version: str) -> list[dict[str, Any]]:
        """The dead letters about a version of an object."""
        sqs = self.account.client("sqs")
        url = sqs.get_queue_url(QueueName="platform-dev-rooms-uploads-dead-letters")["QueueUrl"]
        found: list[dict[str, Any]] = sqs.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0, MessageAttributeNames=["All"]
        ).get("Messages", [])
        return [one for one in found if json.loads(one["Body"])["detail"]["object"]["version-id"] == version]

    @property
    def cloud(self) -> Cloud:
        return Cloud("local", REGION, ACCOUNT, endpoint_url=self.account.url)

    def subject(self, folder: Path) -> Subject:
        """The endpoint, with a golden request that the program echoes."""
        order = {"do": "echo", "verify": True}
        (folder / "order.txt").write_text(json.dumps(order))
        case = GoldenCase(
            name="echo",
            description="What is sent comes back.",
            request=Request(file="order.txt", content_type="application/json"),
            expect=Expectation(outcome="success", body="order.txt"),
            file=folder / "order.txt",
            body=order,
        )
        outputs = self.root.terraform.output()
        deployed = deployed_endpoints({"endpoints": outputs["endpoints"]}, "dev")["rooms"]
        profile = Endpoint.model_construct()
        return Subject("rooms", profile, EndpointRelease.model_construct(), deployed, [case])

    def alarm(self) -> str:
        name = "platform-dev-rooms-uploads-dead-letters"
        [found] = self.account.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
        state: str = found["StateValue"]
        return state

    def deliver_again(self, name: str, version: str) -> None:
        """Send the event about an upload once more, as S3 may."""
        detail = {"bucket": {"name": BUCKET}, "object": {"key": f"plans/{name}", "version-id": version}}
        event = {"source": "aws.s3", "detail-type": "Object Created", "detail": detail}
        answer = self.account.client("lambda").invoke(
            FunctionName="platform-dev-rooms-uploads", Payload=json.dumps(event)
        )
        assert json.loads(answer["Payload"].read())["outcome"] == "repeated"


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    folder = tmp_path_factory.mktemp("cloud")
    with local_cloud(folder / "state", speed=SPEED, exit_with=os.getpid(), cache_dir=folder / "cache") as cloud:
        yield Account(cloud.endpoint_url or "", ACCOUNT, folder)


@pytest.fixture(scope="module")
def uploads(account: Account, initialised: Code) -> Iterator[Uploads]:
    for name in ("state", ARTIFACTS):
        account.client("s3").create_bucket(Bucket=name)
    account.client("s3").put_object(Bucket=ARTIFACTS, Key="model.tar.gz", Body=tar({"config.json": "{}"}))
    image = account.push_image(
        {"opt/program/program.py": PROGRAM.read_text(), "opt/program/requirements.lock": "# nothing\n"},
        repository="platform/location_detector",
        entrypoint=["python", "-m", "program"],
        labels={"io.async-inference.runtime": "process"},
    )
    function = package(Project(initialised.root), "upload_trigger")
    function.write()
    reached = Cloud("local", REGION, ACCOUNT, endpoint_url=account.url)
    there = Code(initialised.root, initialised.program, {**initialised.environment, **reached.variables()})
    with running_provider(there) as code:
        root = deployable(code, PLATFORM, "uploads", {})
        root.variables = {
            **COMMON,
            "environment": "dev",
            "owner": "platform-team@example.com",
            "force_destroy": True,
            "kms": {"create": True},
            "notifications": {"queue": {}},
            "access_log_retention_days": 90,
            "data_expiry": {"days_by_prefix": {"rooms/inputs/": 30}, "noncurrent_days": 7},
            "abort_uploads_days": 7,
            "budget_usd": 100,
            "upload_trigger_package": function.variables(),
            "endpoints": {
                "rooms": {
                    "workload": "location_detector",
                    "instance_type": "ml.m5.xlarge",
                    "image": image,
                    "model": {"source": "archive", "uri": f"s3://{ARTIFACTS}/model.tar.gz"},
                    "timeouts": {"server": 3600, "startup": 3600, "model_download": 3600, "invocation": 3600},
                    "max_concurrent_invocations": 2,
                    "deployment": {"rollback_alarms": False},
                    "autoscaling": {
                        "min": 1,
                        "max": 1,
                        "backlog_per_instance": 2,
                        "scale_in_cooldown": 300,
                        "scale_out_cooldown": 60,
                    },
                    "trigger": {"prefix": "plans/", "suffixes": [".json", ".png"], "reserved_concurrency": 1},
                }
            },
        }
        root.apply()
        yield Uploads(account, root)


def test_a_second_plan_changes_nothing(uploads: Uploads) -> None:
    assert uploads.root.plan() == {}


def test_uploads_become_results_whatever_their_keys_are(uploads: Uploads) -> None:
    versions = {name: uploads.upload(name, {"do": "echo", "name": name}) for name in AWKWARD}
    for name, version in versions.items():
        assert json.loads(uploads.result(version))["name"] == name
        assert uploads.receipt(version, "invoked")["key"] == f"plans/{name}"


def test_an_event_that_comes_twice_makes_one_request(uploads: Uploads) -> None:
    version = uploads.upload("twice.json", {"do": "echo"})
    uploads.result(version)
    before = uploads.results()
    uploads.deliver_again("twice.json", version)
    assert uploads.results() == before


def test_each_version_of_an_overwritten_object_is_read_as_it_was(uploads: Uploads) -> None:
    versions = [uploads.upload("overwritten.json", {"do": "echo", "edition": edition}) for edition in range(3)]
    assert [json.loads(uploads.result(version))["edition"] for version in versions] == [0, 1, 2]


def test_many_uploads_at_once_wait_for_the_one_place_and_all_are_answered(uploads: Uploads) -> None:
    with ThreadPoolExecutor(10) as pool:
        versions = list(pool.map(lambda n: uploads.upload(f"many/{n}.json", {"do": "echo", "n": n}), range(40)))
    answered = [json.loads(uploads.result(version))["n"] for version in versions]
    assert answered == list(range(40))


def test_what_is_no_upload_wakes_nobody(uploads: Uploads) -> None:
    before = uploads.receipts()
    uploads.s3.put_object(Bucket=BUCKET, Key="plans/notes.txt", Body=b"x")
    uploads.s3.put_object(Bucket=BUCKET, Key="elsewhere/a.json", Body=b"x")
    last = uploads.upload("after.json", {"do": "echo"})
    uploads.result(last)
    assert uploads.receipts().keys() - before.keys() == {last}


def test_verification_follows_an_upload_to_its_answer(uploads: Uploads, tmp_path: Path) -> None:
    subject = uploads.subject(tmp_path)
    assert subject.deployed.trigger
    with EndpointClient(subject.deployed, uploads.cloud) as client:
        check = UploadCheck(subject, uploads.cloud, client, tmp_path)
        finding = check.run(subject.deployed.trigger)
        assert finding.verdict == "pass", finding
        assert finding.message == "uploaded to plans/: success as expected"
        [case] = subject.cases
        wrong = case.model_copy(update={"body": {"do": "something else"}})
        finding = UploadCheck(replace(subject, cases=[wrong]), uploads.cloud, client, tmp_path).run(
            subject.deployed.trigger
        )
        assert finding.verdict == "fail"
        assert "another answer" in finding.message
        case.file.write_bytes(b"")
        finding = check.run(subject.deployed.trigger)
        assert finding.message == "the trigger did not invoke the endpoint: the object is empty"


def test_verification_says_that_an_upload_wakes_nobody(
    uploads: Uploads, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("glue.checks.uploads.EVENT_SECONDS", 1.0)
    subject = uploads.subject(tmp_path)
    assert subject.deployed.trigger
    deaf = subject.deployed.trigger.model_copy(update={"upload_prefix": "elsewhere/"})
    with EndpointClient(subject.deployed, uploads.cloud) as client:
        finding = UploadCheck(subject, uploads.cloud, client, tmp_path).run(deaf)
    assert finding.verdict == "fail"
    assert "has no receipt after 1 s" in finding.message


def test_an_upload_that_fails_at_first_is_tried_again_and_answered(uploads: Uploads) -> None:
    state = uploads.account.folder / "state"
    faults_client.start(state, {"kind": "throttling", "endpoint": "platform-dev-rooms"})
    version = uploads.upload("later.json", {"do": "echo", "late": True})
    assert "Rate exceeded" in uploads.receipt(version, "failed")["reason"]
    faults_client.stop(state)
    assert json.loads(uploads.result(version))["late"]
    assert uploads.receipt(version, "invoked")["reason"] is None


def test_poison_ends_in_the_dead_letter_queue_and_raises_the_alarm(uploads: Uploads) -> None:
    empty = uploads.upload("empty.json", b"")
    untold = uploads.upload("not-a-picture.png", b"x", ContentType="application/octet-stream")
    assert "is empty" in uploads.receipt(empty, "failed")["reason"]
    uploads.result(untold)  # its suffix says what it is
    [letter] = eventually(lambda: uploads.dead_letters(empty), what="dead letter") or []
    assert "is empty" in letter["MessageAttributes"]["ErrorMessage"]["StringValue"]
    eventually(lambda: uploads.alarm() == "ALARM", what="alarm")


def test_a_destroy_of_all_that_an_environment_can_have_leaves_nothing_of_its_tag_behind(uploads: Uploads) -> None:
    client = uploads.account.client
    before = Counter(arn.split(":")[2] for arn in tagged(uploads.account, "dev"))
    # The bucket and that of its access logs; notifications, their dead letters and those of uploads.
    assert (before["s3"], before["sqs"], before["lambda"], before["kms"]) == (2, 3, 1, 1)
    uploads.root.destroy()
    assert tagged(uploads.account, "dev") == []
    left = {
        "functions": client("lambda").list_functions()["Functions"],
        "rules": client("events").list_rules()["Rules"],
        "queues": client("sqs").list_queues().get("QueueUrls", []),
        "topics": client("sns").list_topics()["Topics"],
        "budgets": client("budgets").describe_budgets(AccountId=ACCOUNT).get("Budgets"),
        "keys": [one for one in client("kms").list_keys()["Keys"] if alive(uploads.account, one["KeyId"])],
        "log groups": client("logs").describe_log_groups()["logGroups"],
        "alarms": client("cloudwatch").describe_alarms()["MetricAlarms"],
        "roles": client("iam").list_roles()["Roles"],
        "buckets": [one for one in client("s3").list_buckets()["Buckets"] if one["Name"].startswith("platform")],
    }
    assert {kind: found for kind, found in left.items() if found} == {}

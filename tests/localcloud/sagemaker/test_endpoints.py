"""The life of endpoints, in a real local cloud with real instances."""

import json
import os
import socket
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from glue.localcloud import daemon
from tests.localcloud.support import REGION, Account, digest, eventually, full_disk, needs_full_disk, tar

PING = (
    "The primary container for production variant AllTraffic did not pass the ping health check. "
    "Please check CloudWatch logs for this endpoint."
)
CRASH = f"{PING} (RuntimeError: the model cannot be loaded)"


def refusal(action: Any, **params: Any) -> str:
    with pytest.raises(ClientError) as error:
        action(**params)
    assert error.value.response["Error"]["Code"] == "ValidationException"
    message: str = error.value.response["Error"]["Message"]
    return message


@pytest.fixture(scope="module")
def running(account: Account) -> str:
    """An endpoint in service, with two topics."""
    return account.deploy("running")


def test_an_endpoint_comes_into_service_and_shows_what_it_runs(account: Account, running: str) -> None:
    image = account.push_program()
    found = account.describe(running)
    assert found["EndpointStatus"] == "InService"
    assert found["EndpointConfigName"] == running
    [variant] = found["ProductionVariants"]
    assert (variant["CurrentInstanceCount"], variant["DesiredInstanceCount"]) == (1, 1)
    [deployed] = variant["DeployedImages"]
    assert deployed["SpecifiedImage"] == deployed["ResolvedImage"] == image
    assert found["AsyncInferenceConfig"]["OutputConfig"]["S3OutputPath"].endswith("/running/results/")
    assert {"FailureReason", "PendingDeploymentSummary", "LastDeploymentConfig"}.isdisjoint(found)


def test_a_tag_is_resolved_to_a_digest(account: Account) -> None:
    image = account.push_program("\n# tagged\n")
    ecr = account.client("ecr")
    name, _, sha = image.partition("@")
    manifest = ecr.batch_get_image(repositoryName="tests/program", imageIds=[{"imageDigest": sha}])["images"][0]
    ecr.put_image(repositoryName="tests/program", imageManifest=manifest["imageManifest"], imageTag="2.0")
    account.deploy("by-tag", image=f"{name}:2.0")
    [deployed] = account.describe("by-tag")["ProductionVariants"][0]["DeployedImages"]
    assert (deployed["SpecifiedImage"], deployed["ResolvedImage"]) == (f"{name}:2.0", image)
    account.delete("by-tag")


def test_an_endpoint_in_service_cannot_be_created_again(account: Account, running: str) -> None:
    message = refusal(account.create_endpoint, name=running, config=running)
    assert message == (
        f'Cannot create already existing endpoint "arn:aws:sagemaker:{REGION}:{account.id}:endpoint/{running}".'
    )


def test_the_waiters_of_boto3_work(account: Account) -> None:
    account.deploy("waited-for", wait=False)
    sagemaker = account.client("sagemaker")
    fast = {"Delay": 1, "MaxAttempts": 90}
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName="waited-for", WaiterConfig=fast)
    sagemaker.delete_endpoint(EndpointName="waited-for")
    sagemaker.get_waiter("endpoint_deleted").wait(EndpointName="waited-for", WaiterConfig=fast)


def test_a_container_that_cannot_start_fails_the_endpoint_at_once_with_its_cause_in_the_log(account: Account) -> None:
    account.deploy("crashes", environment={"STARTS": "crash"}, startup=3600)
    found = account.describe("crashes")
    assert (found["EndpointStatus"], found["FailureReason"]) == ("Failed", CRASH)
    log = account.logs("crashes")
    assert "Traceback" in log
    assert log.count("container exited with status 1") == 3
    assert "the first that it raised was:" in log
    again = refusal(account.client("sagemaker").update_endpoint, EndpointName="crashes", EndpointConfigName="crashes")
    assert "Cannot update failed endpoint" in again
    account.delete("crashes")


def test_an_image_that_is_not_there_fails_the_endpoint(account: Account) -> None:
    account.repository("nothing/here")
    image = f"{account.id}.dkr.ecr.{REGION}.amazonaws.com/nothing/here@{digest(b'')}"
    account.deploy("no-image", image=image)
    found = account.describe("no-image")
    assert found["EndpointStatus"] == "Failed"
    assert "make sure all images included in the model for the production variant AllTraffic" in found["FailureReason"]
    assert "nothing/here has no image" in found["FailureReason"]


def test_an_image_for_a_container_engine_is_refused_with_what_it_lacks(account: Account) -> None:
    image = account.push_image({"bin/sh": ""}, repository="engine", entrypoint=["serve"])
    account.deploy("no-engine", image=image)
    reason = account.describe("no-engine")["FailureReason"]
    assert "label io.async-inference.runtime is missing: the image needs a container engine" in reason
    assert "no daemon" in reason


@pytest.mark.parametrize("content", [None, b"no archive", tar({"../outside": "x"})])
def test_model_data_that_cannot_be_had_fails_the_endpoint(account: Account, content: bytes | None) -> None:
    name = f"no-model-{digest(content or b'')[7:12]}"
    url = f"s3://{account.bucket}/models/{name}.tar.gz"
    if content is not None:
        account.put(f"models/{name}.tar.gz", content)
    account.deploy(name, container={"ModelDataUrl": url})
    found = account.describe(name)
    assert found["EndpointStatus"] == "Failed"
    assert (
        f'Failed to download model data for container "container_1" of variant "AllTraffic" from URL: "{url}".'
        in (found["FailureReason"])
    )


def test_a_topic_that_is_not_there_fails_the_endpoint(account: Account) -> None:
    topic = f"arn:aws:sns:{REGION}:{account.id}:nowhere"
    account.deploy("no-topic", topics=(topic, topic))
    found = account.describe("no-topic")
    assert found["EndpointStatus"] == "Failed"
    assert f'has "sns:Publish" permissions for topic "{topic}"' in found["FailureReason"]


def test_a_new_endpoint_is_announced_on_both_topics_and_its_update_too(account: Account) -> None:
    success, of_success = account.topic("announced-success")
    error, of_error = account.topic("announced-error")
    account.deploy("announced", topics=(success, error))
    for inbox in (of_success, of_error):
        assert [message["eventName"] for message in inbox.read()] == ["TestNotification"]
    account.client("sagemaker").update_endpoint(EndpointName="announced", EndpointConfigName="announced")
    account.settled("announced")
    assert [message["eventName"] for message in of_error.read()] == ["TestNotification"] * 2
    account.delete("announced")


def test_an_update_puts_a_new_fleet_in_place_of_the_old_one(account: Account) -> None:
    account.deploy("updated", environment={"VERSION": "1"})
    before = account.outcome(account.invoke("updated", {"do": "environment"}))[1]
    account.create_model("updated-2", account.push_program(), environment={"VERSION": "2"})
    account.create_config("updated-2", "updated-2")
    deployment = {
        "BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0}}
    }
    account.client("sagemaker").update_endpoint(
        EndpointName="updated", EndpointConfigName="updated-2", DeploymentConfig=deployment
    )
    found = account.settled("updated")
    assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("InService", "updated-2")
    assert found["LastDeploymentConfig"] == deployment
    after = account.outcome(account.invoke("updated", {"do": "environment"}))[1]
    assert (b'"VERSION": "1"' in before, b'"VERSION": "2"' in after) == (True, True)
    account.delete("updated")


def test_an_update_that_fails_ends_in_service_on_the_old_config(account: Account, running: str, tmp_path: Path) -> None:
    gate = tmp_path / "open"
    environment = {"STARTS": "crash", "STARTS_BEHIND": f"file:{gate}"}  # so that the update lasts
    account.create_model("broken", account.push_program(), environment=environment)
    account.create_config("broken", "broken")
    sagemaker = account.client("sagemaker")
    sagemaker.update_endpoint(EndpointName=running, EndpointConfigName="broken")
    pending = account.describe(running)
    assert pending["EndpointStatus"] == "Updating"
    assert pending["EndpointConfigName"] == running
    assert "Cannot update in-progress endpoint" in refusal(sagemaker.delete_endpoint, EndpointName=running)
    assert "Cannot update in-progress endpoint" in refusal(
        sagemaker.update_endpoint, EndpointName=running, EndpointConfigName="broken"
    )
    summary = eventually(lambda: account.describe(running).get("PendingDeploymentSummary"))
    assert summary is not None
    assert summary["EndpointConfigName"] == "broken"
    gate.touch()
    found = account.settled(running)
    assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("InService", running)
    assert found["FailureReason"] == CRASH
    assert account.outcome(account.invoke(running, {"do": "echo"}))[0] == "Completed"


@needs_full_disk
def test_an_update_for_which_there_is_no_room_stays_on_the_old_config(
    account: Account, cloud: daemon.Status, running: str
) -> None:
    account.create_model("too-large", account.push_program("\n# " + os.urandom(2_000_000).hex()))
    account.create_config("too-large", "too-large")
    assert cloud.pid is not None
    with full_disk(1_000_000, cloud.pid):
        account.client("sagemaker").update_endpoint(EndpointName=running, EndpointConfigName="too-large")
        found = account.settled(running)
    assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("InService", running)
    assert found["FailureReason"] == "InternalServerError: the deployment failed: [Errno 27] File too large"
    assert "PendingDeploymentSummary" not in found
    assert account.outcome(account.invoke(running, {"do": "echo"}))[0] == "Completed"


def put_rollback_alarm(account: Account, name: str) -> None:
    """An alarm that stays in the state that it is set to, whenever the next full minute is: its metric has no data."""
    account.client("cloudwatch").put_metric_alarm(
        AlarmName=name,
        Namespace="AWS/SageMaker",
        MetricName="InvocationFailures",
        Statistic="Sum",
        ComparisonOperator="GreaterThanThreshold",
        Threshold=0,
        Period=60,
        EvaluationPeriods=1,
        TreatMissingData="ignore",
    )


def test_an_alarm_during_the_bake_brings_the_old_fleet_back(account: Account) -> None:
    account.deploy("baked", environment={"VERSION": "1"})
    put_rollback_alarm(account, "baked-failures")
    account.create_model("baked-2", account.push_program(), environment={"VERSION": "2"})
    account.create_config("baked-2", "baked-2")
    account.client("sagemaker").update_endpoint(
        EndpointName="baked",
        EndpointConfigName="baked-2",
        DeploymentConfig={
            "BlueGreenUpdatePolicy": {
                "TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 600}
            },
            "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "baked-failures"}]},
        },
    )

    def baking() -> bool:
        variants = account.describe("baked").get("PendingDeploymentSummary", {}).get("ProductionVariants", [{}])
        return bool(variants[0].get("VariantStatus", [{}])[0].get("Status") == "Baking")

    eventually(baking, what="baking")
    assert b'"VERSION": "2"' in account.outcome(account.invoke("baked", {"do": "environment"}))[1]
    account.client("cloudwatch").set_alarm_state(AlarmName="baked-failures", StateValue="ALARM", StateReason="test")
    found = account.settled("baked")
    assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("InService", "baked")
    assert "alarms have been breached: baked-failures" in found["FailureReason"]
    assert b'"VERSION": "1"' in account.outcome(account.invoke("baked", {"do": "environment"}))[1]
    account.delete("baked")


class Versions:
    """An endpoint of two instances whose requests tell which version had them, being updated from 1 to 2."""

    def __init__(self, account: Account, name: str, folder: Path) -> None:
        self.account, self.name, self.folder = account, name, folder
        account.deploy(name, environment={"VERSION": "1"}, count=2)
        account.create_model(f"{name}-2", account.push_program(), environment={"VERSION": "2"})
        account.create_config(f"{name}-2", f"{name}-2", count=2)
        put_rollback_alarm(account, f"{name}-alarm")

    def update(self, policy: dict[str, Any]) -> None:
        rollback = {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": f"{self.name}-alarm"}]}}
        self.account.client("sagemaker").update_endpoint(
            EndpointName=self.name, EndpointConfigName=f"{self.name}-2", DeploymentConfig=policy | rollback
        )

    def baking(self) -> dict[str, Any]:
        """DescribeEndpoint, once the first step bakes."""

        def look() -> dict[str, Any]:
            found = self.account.describe(self.name)
            [variant] = found.get("PendingDeploymentSummary", {}).get("ProductionVariants", [{}])
            return found if variant.get("VariantStatus", [{}])[0].get("Status") == "Baking" else {}

        return eventually(look, what="baking")

    def ring(self) -> dict[str, Any]:
        self.account.client("cloudwatch").set_alarm_state(
            AlarmName=f"{self.name}-alarm", StateValue="ALARM", StateReason="test"
        )
        return self.account.settled(self.name)

    def serving(self) -> list[bytes]:
        """The versions of two instances that have a request at the same time."""
        marks = [self.folder / f"{self.name}-{len(list(self.folder.iterdir()))}-{number}" for number in range(2)]
        gate = marks[0].with_suffix(".open")
        answers = [
            self.account.invoke(self.name, {"do": "gate", "arrived": str(mark), "open": str(gate)}) for mark in marks
        ]
        eventually(lambda: all(mark.exists() for mark in marks), what="two requests at a time")
        gate.touch()
        return sorted(self.account.outcome(answer)[1] for answer in answers)


def blue_green(kind: str, wait: int, **options: Any) -> dict[str, Any]:
    routing = {"Type": kind, "WaitIntervalInSeconds": wait, **options}
    return {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing}}


HALF = {"Type": "CAPACITY_PERCENT", "Value": 50}


@pytest.mark.parametrize(
    ("name", "policy"),
    [
        ("canary", blue_green("CANARY", 600, CanarySize={"Type": "INSTANCE_COUNT", "Value": 1})),
        ("linear", blue_green("LINEAR", 600, LinearStepSize=HALF)),
        ("rolling", {"RollingUpdatePolicy": {"MaximumBatchSize": HALF, "WaitIntervalInSeconds": 600}}),
    ],
)
def test_a_part_of_the_requests_goes_to_the_new_fleet_and_an_alarm_brings_all_back(
    account: Account, tmp_path: Path, name: str, policy: dict[str, Any]
) -> None:
    endpoint = Versions(account, name, tmp_path)
    endpoint.update(policy)
    baking = endpoint.baking()
    counts = (
        baking["ProductionVariants"][0]["CurrentInstanceCount"],
        baking["PendingDeploymentSummary"]["ProductionVariants"][0]["CurrentInstanceCount"],
    )
    assert counts == ((1, 1) if name == "rolling" else (2, 2))
    assert endpoint.serving() == [b"1", b"2"]
    found = endpoint.ring()
    assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("InService", name)
    assert f"alarms have been breached: {name}-alarm" in found["FailureReason"]
    assert found["ProductionVariants"][0]["CurrentInstanceCount"] == 2
    assert endpoint.serving() == [b"1", b"1"]
    account.delete(name)


@pytest.mark.parametrize(
    ("name", "policy"),
    [
        ("all-linear", blue_green("LINEAR", 0, LinearStepSize=HALF)),
        ("all-rolling", {"RollingUpdatePolicy": {"MaximumBatchSize": HALF, "WaitIntervalInSeconds": 0}}),
    ],
)
def test_step_by_step_all_requests_go_to_the_new_fleet(
    account: Account, tmp_path: Path, name: str, policy: dict[str, Any]
) -> None:
    endpoint = Versions(account, name, tmp_path)
    endpoint.update(policy)
    found = account.settled(name)
    assert (found["EndpointConfigName"], found.get("FailureReason")) == (f"{name}-2", None)
    assert endpoint.serving() == [b"2", b"2"]
    account.delete(name)


def test_a_rolling_update_whose_instances_do_not_start_leaves_the_old_fleet_whole(account: Account) -> None:
    account.deploy("unrolled", count=2)
    account.create_model("unrolled-2", account.push_program(), environment={"STARTS": "crash"})
    account.create_config("unrolled-2", "unrolled-2", count=2)
    account.client("sagemaker").update_endpoint(
        EndpointName="unrolled",
        EndpointConfigName="unrolled-2",
        DeploymentConfig={"RollingUpdatePolicy": {"MaximumBatchSize": HALF, "WaitIntervalInSeconds": 0}},
    )
    found = account.settled("unrolled")
    assert (found["EndpointConfigName"], found["FailureReason"]) == ("unrolled", CRASH)
    assert found["ProductionVariants"][0]["CurrentInstanceCount"] == 2
    account.delete("unrolled")


def test_a_step_beyond_half_of_the_instances_is_refused(account: Account, running: str) -> None:
    policy = blue_green("CANARY", 0, CanarySize={"Type": "CAPACITY_PERCENT", "Value": 60})
    message = refusal(
        account.client("sagemaker").update_endpoint,
        EndpointName=running,
        EndpointConfigName=running,
        DeploymentConfig=policy,
    )
    assert "CanarySize must be 0-50%" in message


def test_the_instance_type_of_a_scalable_target_is_not_changed(account: Account) -> None:
    account.deploy("typed")
    autoscaling, sagemaker = account.client("application-autoscaling"), account.client("sagemaker")
    target = {
        "ServiceNamespace": "sagemaker",
        "ResourceId": "endpoint/typed/variant/AllTraffic",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    }
    autoscaling.register_scalable_target(**target, MinCapacity=0, MaxCapacity=2)
    document = sagemaker.describe_endpoint_config(EndpointConfigName="typed")
    variants = [variant | {"InstanceType": "ml.m5.large"} for variant in document["ProductionVariants"]]
    sagemaker.create_endpoint_config(
        EndpointConfigName="typed-2",
        ProductionVariants=variants,
        AsyncInferenceConfig=document["AsyncInferenceConfig"],
    )
    update = {"EndpointName": "typed", "EndpointConfigName": "typed-2"}
    assert 'The variant(s) "[AllTraffic]" must be deregistered' in refusal(sagemaker.update_endpoint, **update)
    sagemaker.update_endpoint(EndpointName="typed", EndpointConfigName="typed")
    assert account.settled("typed")["EndpointStatus"] == "InService"
    autoscaling.deregister_scalable_target(**target)
    sagemaker.update_endpoint(**update)
    assert account.settled("typed")["EndpointConfigName"] == "typed-2"
    account.delete("typed")


def test_an_endpoint_is_scaled_to_more_to_none_and_back(account: Account) -> None:
    account.deploy("scaled")
    sagemaker = account.client("sagemaker")

    def scale(count: int) -> None:
        sagemaker.update_endpoint_weights_and_capacities(
            EndpointName="scaled",
            DesiredWeightsAndCapacities=[{"VariantName": "AllTraffic", "DesiredInstanceCount": count}],
        )
        [variant] = account.settled("scaled")["ProductionVariants"]
        assert (variant["CurrentInstanceCount"], variant["DesiredInstanceCount"]) == (count, count)

    scale(2)
    scale(0)
    waiting = account.invoke("scaled", {"do": "echo"})
    assert account.object(waiting["OutputLocation"]) is None
    scale(1)
    assert account.outcome(waiting)[0] == "Completed"
    with pytest.raises(ClientError, match="not present within endpoint"):
        sagemaker.update_endpoint_weights_and_capacities(
            EndpointName="scaled", DesiredWeightsAndCapacities=[{"VariantName": "Other", "DesiredInstanceCount": 1}]
        )
    account.delete("scaled")


def test_an_update_keeps_the_instance_count_when_told_to(account: Account) -> None:
    account.deploy("kept")
    sagemaker = account.client("sagemaker")
    sagemaker.update_endpoint_weights_and_capacities(
        EndpointName="kept", DesiredWeightsAndCapacities=[{"VariantName": "AllTraffic", "DesiredInstanceCount": 2}]
    )
    account.settled("kept")
    sagemaker.update_endpoint(EndpointName="kept", EndpointConfigName="kept", RetainAllVariantProperties=True)
    assert account.settled("kept")["ProductionVariants"][0]["CurrentInstanceCount"] == 2
    sagemaker.update_endpoint(EndpointName="kept", EndpointConfigName="kept")
    assert account.settled("kept")["ProductionVariants"][0]["CurrentInstanceCount"] == 1
    account.delete("kept")


def test_a_deleted_endpoint_leaves_no_instance(account: Account, cloud_dir: Path) -> None:
    before = set((cloud_dir / "instances").glob("i-*"))
    account.deploy("ended", count=2)
    folders = set((cloud_dir / "instances").glob("i-*")) - before
    assert len(folders) == 2
    ports = [json.loads((folder / "instance.json").read_text())["port"] for folder in folders]
    account.delete("ended")
    assert not any(folder.exists() for folder in folders)
    for port in ports:
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_requests_that_wait_when_their_endpoint_is_deleted_fail_visibly(account: Account) -> None:
    error, inbox = account.topic("deleted-error")
    account.deploy("deleted", topics=(error, error))
    account.client("sagemaker").update_endpoint_weights_and_capacities(
        EndpointName="deleted", DesiredWeightsAndCapacities=[{"VariantName": "AllTraffic", "DesiredInstanceCount": 0}]
    )
    account.settled("deleted")
    waiting = account.invoke("deleted", {"do": "echo"})
    account.delete("deleted")
    assert account.outcome(waiting)[0] == "Failed"
    assert "deleted" in inbox.result(waiting["InferenceId"])["failureReason"]

"""The life of endpoints, in a real local cloud with real instances."""

import json
import socket
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.localcloud.support import REGION, Account, digest, eventually, tar

PING = (
    "The primary container for production variant AllTraffic did not pass the ping health check. "
    "Please check CloudWatch logs for this endpoint."
)


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
    fast = {"Delay": 1, "MaxAttempts": 20}
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName="waited-for", WaiterConfig=fast)
    sagemaker.delete_endpoint(EndpointName="waited-for")
    sagemaker.get_waiter("endpoint_deleted").wait(EndpointName="waited-for", WaiterConfig=fast)


def test_a_container_that_cannot_start_fails_the_endpoint_at_once_with_its_cause_in_the_log(account: Account) -> None:
    account.deploy("crashes", environment={"STARTS": "crash"}, startup=3600)
    found = account.describe("crashes")
    assert (found["EndpointStatus"], found["FailureReason"]) == ("Failed", PING)
    log = account.logs("crashes")
    assert "Traceback" in log
    assert log.count("RuntimeError: the model cannot be loaded") == 3
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
    assert "label io.async-inference.runtime is missing" in account.describe("no-engine")["FailureReason"]


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


def test_an_update_that_fails_ends_in_service_on_the_old_config(account: Account, running: str) -> None:
    account.create_model("broken", account.push_program(), environment={"STARTS": "crash"})
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
    found = account.settled(running)
    assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("InService", running)
    assert found["FailureReason"] == PING
    assert account.outcome(account.invoke(running, {"do": "echo"}))[0] == "Completed"


def test_an_alarm_during_the_bake_brings_the_old_fleet_back(account: Account) -> None:
    account.deploy("baked", environment={"VERSION": "1"})
    account.client("cloudwatch").put_metric_alarm(
        AlarmName="baked-failures",
        Namespace="AWS/SageMaker",
        MetricName="InvocationFailures",
        Statistic="Sum",
        ComparisonOperator="GreaterThanThreshold",
        Threshold=0,
        Period=60,
        EvaluationPeriods=1,
    )
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

"""`--persist`, with a real local cloud that is killed and started again."""

import json
import os
import socket
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest
from botocore.exceptions import ClientError

from glue.errors import UsageError
from glue.localcloud import daemon
from glue.ports import free_port
from tests.localcloud.parity import end, kill
from tests.localcloud.support import REGION, Account, Inbox, eventually, full_disk, needs_full_disk, tar

ACCOUNT = "111122223333"
ALARM_STATE = {"StateValue", "StateReason", "StateReasonData", "StateUpdatedTimestamp", "StateTransitionedTimestamp"}
"""Follows from metrics, which are not kept: every full minute may change it."""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "state"
    end(tmp_path / "state")


def start(folder: Path, cache_dir: Path, speed: float = 1.0) -> Account:
    kept = folder.parent / "kept"
    port = None if kept.exists() else free_port()  # the usual one could be another cloud's when this one starts again
    status = daemon.up(folder, port, speed, cache_dir=cache_dir, persist=kept, exit_with=os.getpid())
    return Account(status.endpoint_url or "", ACCOUNT, folder.parent)


def described(account: Account) -> dict[str, Any]:
    """What clients see of resources of the kinds that the platform uses."""

    def client(name: str) -> Any:
        return account.client(name)

    s3, bucket = client("s3"), account.bucket
    versions = s3.list_object_versions(Bucket=bucket)
    iam, sns, sqs = client("iam"), client("sns"), client("sqs")
    topics = [topic["TopicArn"] for topic in sns.list_topics()["Topics"]]
    queues = sqs.list_queues().get("QueueUrls", [])
    functions = client("lambda").list_functions()["Functions"]
    place = {"ServiceNamespace": "sagemaker"}
    found = {
        "objects": [versions.get("Versions"), versions.get("DeleteMarkers")],
        "large": s3.head_object(Bucket=bucket, Key="large"),
        "policy": s3.get_bucket_policy(Bucket=bucket)["Policy"],
        "buckets": [one["Name"] for one in s3.list_buckets()["Buckets"]],
        "roles": iam.list_roles()["Roles"],
        "role policy": iam.get_role_policy(RoleName="execution", PolicyName="inline"),
        "keys": client("kms").list_keys()["Keys"],
        "topics": [sns.get_topic_attributes(TopicArn=topic)["Attributes"] for topic in topics],
        "subscriptions": sns.list_subscriptions()["Subscriptions"],
        "queues": queues,
        "repositories": client("ecr").describe_repositories()["repositories"],
        "images": client("ecr").list_images(repositoryName="tests/program")["imageIds"],
        "groups": [group["arn"] for group in client("logs").describe_log_groups()["logGroups"]],
        "alarms": _without(client("cloudwatch").describe_alarms()["MetricAlarms"], ALARM_STATE),
        "targets": client("application-autoscaling").describe_scalable_targets(**place)["ScalableTargets"],
        "policies": client("application-autoscaling").describe_scaling_policies(**place)["ScalingPolicies"],
        "functions": functions,
        "rules": client("events").list_rules()["Rules"],
        "model": client("sagemaker").describe_model(ModelName="kept"),
        "config": client("sagemaker").describe_endpoint_config(EndpointConfigName="kept"),
        "endpoint": {
            key: value for key, value in account.describe("kept").items() if key in {"CreationTime", "EndpointArn"}
        },
        "tags": client("sagemaker").list_tags(ResourceArn=account.describe("kept")["EndpointArn"])["Tags"],
    }
    document: dict[str, Any] = _without(json.loads(json.dumps(found, default=str)), {"ResponseMetadata"})
    return document


def _without(value: Any, names: set[str]) -> Any:
    if isinstance(value, dict):
        return {key: _without(item, names) for key, item in value.items() if key not in names}
    return [_without(item, names) for item in value] if isinstance(value, list) else value


def build(account: Account) -> None:
    """A resource of every kind that the platform uses."""
    s3, iam = account.client("s3"), account.client("iam")
    bucket = account.bucket
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    for content in (b"first", b"second"):
        s3.put_object(Bucket=bucket, Key="a name/with ümläut+%", Body=content, Metadata={"my_key": "x"})
    s3.put_object(Bucket=bucket, Key="gone", Body=b"")
    s3.delete_object(Bucket=bucket, Key="gone")
    url = s3.generate_presigned_url("put_object", {"Bucket": bucket, "Key": "by a signed URL"})
    with urlopen(Request(url, b"content", method="PUT")) as answer:  # noqa: S310 - the local cloud's
        assert answer.status == 200
    upload = s3.create_multipart_upload(Bucket=bucket, Key="large")["UploadId"]
    parts = [
        s3.upload_part(Bucket=bucket, Key="large", UploadId=upload, PartNumber=number, Body=bytes([number]) * size)
        for number, size in ((1, 6_000_000), (2, 10))
    ]
    listed = [{"PartNumber": number, "ETag": part["ETag"]} for number, part in enumerate(parts, start=1)]
    s3.complete_multipart_upload(Bucket=bucket, Key="large", UploadId=upload, MultipartUpload={"Parts": listed})
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{bucket}/*"}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps({**policy, "Statement": [{**statement, "Principal": "*"}]}))
    role = iam.create_role(RoleName="execution", AssumeRolePolicyDocument=json.dumps(policy))["Role"]["Arn"]
    iam.put_role_policy(RoleName="execution", PolicyName="inline", PolicyDocument=json.dumps(policy))
    key = account.client("kms").create_key()["KeyMetadata"]["KeyId"]
    account.client("kms").create_alias(AliasName="alias/kept", TargetKeyId=key)
    topic, _ = account.topic("kept")
    account.client("events").put_rule(Name="kept", ScheduleExpression="rate(1 hour)")
    code = {"ZipFile": zipped("def handler(event, context): pass")}
    account.client("lambda").create_function(
        FunctionName="kept", Runtime="python3.12", Role=role, Handler="code.handler", Code=code
    )
    account.client("cloudwatch").put_metric_alarm(
        AlarmName="kept",
        Namespace="AWS/SageMaker",
        MetricName="HasBacklogWithoutCapacity",
        Statistic="Average",
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        Threshold=1,
        Period=60,
        EvaluationPeriods=1,
    )
    account.put("model.tar.gz", tar({"code/inference.py": "x = 1\n"}))
    account.deploy("kept", topics=(topic, topic), container={"ModelDataUrl": f"s3://{bucket}/model.tar.gz"})
    arn = account.describe("kept")["EndpointArn"]
    account.client("sagemaker").add_tags(ResourceArn=arn, Tags=[{"Key": "a", "Value": "b"}])
    account.deploy("deleted")
    account.delete("deleted")
    autoscaling = account.client("application-autoscaling")
    place = {
        "ServiceNamespace": "sagemaker",
        "ResourceId": "endpoint/kept/variant/AllTraffic",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    }
    autoscaling.register_scalable_target(**place, MinCapacity=1, MaxCapacity=2)
    metric = {
        "MetricName": "ApproximateBacklogSizePerInstance",
        "Namespace": "AWS/SageMaker",
        "Dimensions": [{"Name": "EndpointName", "Value": "kept"}],
        "Statistic": "Average",
    }
    autoscaling.put_scaling_policy(
        **place,
        PolicyName="kept",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={"TargetValue": 5, "CustomizedMetricSpecification": metric},
    )


def zipped(code: str) -> bytes:
    import io
    import zipfile

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("code.py", code)
    return buffer.getvalue()


def test_what_was_answered_is_there_after_a_kill_and_endpoints_serve_again(folder: Path, cache_dir: Path) -> None:
    account = start(folder, cache_dir)
    build(account)
    account.client("sagemaker").update_endpoint_weights_and_capacities(
        EndpointName="kept", DesiredWeightsAndCapacities=[{"VariantName": "AllTraffic", "DesiredInstanceCount": 2}]
    )
    account.settled("kept")
    account.client("cloudwatch").set_alarm_state(
        AlarmName="kept", StateValue="ALARM", StateReason="A minute's metrics."
    )
    before = described(account)
    kill(folder)
    again = start(folder, cache_dir)
    assert again.url == account.url
    waiting = again.invoke("kept", {"do": "echo"})
    assert again.settled("kept")["ProductionVariants"][0]["CurrentInstanceCount"] == 2
    assert again.outcome(waiting)[0] == "Completed"
    again.client("s3").delete_object(
        Bucket=again.bucket, Key=waiting["OutputLocation"].partition(f"{again.bucket}/")[2]
    )
    after = described(again)
    assert {name for name in before if before[name] != after[name]} <= {"objects"}
    assert [one for one in after["objects"][0] if one in before["objects"][0]] == before["objects"][0]
    assert again.read(f"s3://{again.bucket}/large") == b"\x01" * 6_000_000 + b"\x02" * 10
    log = (folder / "cloud.log").read_text()
    assert "could not be repeated" not in log
    end(folder)
    third = described(start(folder, cache_dir))
    assert third["objects"] == after["objects"]


def test_a_folder_is_one_local_clouds_at_a_time(folder: Path, cache_dir: Path, tmp_path: Path) -> None:
    start(folder, cache_dir)
    with pytest.raises(UsageError, match="is used by another local cloud"):
        daemon.up(tmp_path / "other", cache_dir=cache_dir, persist=tmp_path / "kept")


def test_an_update_that_was_under_way_is_as_if_it_had_not_begun(folder: Path, cache_dir: Path) -> None:
    account = start(folder, cache_dir)
    account.deploy("cut-off")
    account.create_model("cut-off-2", account.push_program(), environment={"STARTS": "never_ready"})
    account.create_config("cut-off-2", "cut-off-2", startup=3600)
    account.client("sagemaker").update_endpoint(EndpointName="cut-off", EndpointConfigName="cut-off-2")
    kill(folder)
    again = start(folder, cache_dir)
    found = again.settled("cut-off")
    assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("InService", "cut-off")
    assert REGION in found["EndpointArn"]


BAKING = {
    "BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 3600}}
}


def test_what_is_under_way_when_a_cloud_ends_is_neither_done_nor_failed(folder: Path, cache_dir: Path) -> None:
    account = start(folder, cache_dir)
    account.deploy("baking")
    account.deploy("coming", environment={"STARTS": "never_ready"}, startup=3600, wait=False)
    account.create_config("baking-2", "baking")
    account.client("sagemaker").update_endpoint(
        EndpointName="baking", EndpointConfigName="baking-2", DeploymentConfig=BAKING
    )
    eventually(lambda: account.bakes("baking"), what="the bake")
    end(folder)
    start(folder, cache_dir)
    end(folder)  # while the instances of both are starting
    again = start(folder, cache_dir)
    assert again.describe("coming")["EndpointStatus"] == "Creating"
    found = again.settled("baking")
    assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("InService", "baking")
    assert "FailureReason" not in found


@needs_full_disk
def test_a_full_disk_refuses_what_cannot_be_kept_and_endpoints_go_on(
    folder: Path, cache_dir: Path, tmp_path: Path
) -> None:
    account = start(folder, cache_dir)
    account.deploy("serving")
    sagemaker = account.client("sagemaker")

    def resized(count: int) -> dict[str, Any]:
        sagemaker.update_endpoint_weights_and_capacities(
            EndpointName="serving",
            DesiredWeightsAndCapacities=[{"VariantName": "AllTraffic", "DesiredInstanceCount": count}],
        )
        return account.settled("serving")

    pid, journal = daemon.status(folder).pid, tmp_path / "kept" / "journal.jsonl"
    assert pid is not None
    with full_disk(journal.stat().st_size + 10, pid):
        with pytest.raises(ClientError, match="500"):
            account.put("no room", b"x")
        found = resized(2)
        assert (found["EndpointStatus"], found["ProductionVariants"][0]["CurrentInstanceCount"]) == ("InService", 2)
        account.create_endpoint("unkept", "serving")
        account.delete("unkept")
    assert "endpoint/serving is not kept as it is now: [Errno 28] No space left" in (folder / "cloud.log").read_text()
    place = account.put("room again", b"x")
    kill(folder)
    again = start(folder, cache_dir)
    assert again.read(place) == b"x"
    assert again.settled("serving")["ProductionVariants"][0]["CurrentInstanceCount"] == 1


def test_an_upload_that_breaks_off_makes_no_object(folder: Path, cache_dir: Path) -> None:
    account = start(folder, cache_dir)
    url = account.client("s3").generate_presigned_url("put_object", {"Bucket": account.bucket, "Key": "half"})
    with closing(HTTPConnection(urlsplit(account.url).netloc)) as connection:
        connection.putrequest("PUT", url.removeprefix(account.url))
        connection.putheader("Content-Length", "100000")
        connection.endheaders(b"x" * 50_000)
        connection.sock.shutdown(socket.SHUT_WR)
        assert connection.getresponse().status == 400
    assert account.object(f"s3://{account.bucket}/half") is None


def test_an_endpoint_comes_back_without_being_announced_again(folder: Path, cache_dir: Path) -> None:
    account = start(folder, cache_dir)
    success, _ = account.topic("kept-success")
    error, _ = account.topic("deleted-error")
    account.deploy("announced", topics=(success, error))
    account.client("sns").delete_topic(TopicArn=error)
    kill(folder)
    again = start(folder, cache_dir)
    assert again.settled("announced")["EndpointStatus"] == "InService"
    inbox = Inbox(again.client("sqs"), again.client("sqs").get_queue_url(QueueName="kept-success")["QueueUrl"])
    answer = again.invoke("announced", {"do": "echo"})
    inbox.result(answer["InferenceId"])
    assert [message["eventName"] for message in inbox.messages] == ["InferenceResult"]


def test_a_local_cloud_without_persist_starts_empty(folder: Path, cache_dir: Path) -> None:
    account = start(folder, cache_dir)
    assert account.bucket
    end(folder)
    status = daemon.up(folder, cache_dir=cache_dir)
    fresh = Account(status.endpoint_url or "", ACCOUNT, folder.parent)
    assert fresh.client("s3").list_buckets()["Buckets"] == []


def test_time_does_not_go_back_when_a_fast_local_cloud_is_started_again(folder: Path, cache_dir: Path) -> None:
    account = start(folder, cache_dir, speed=36_000)  # ten hours a second
    place = account.put("before", b"x")
    before = (account.object(place) or {})["LastModified"]
    account.deploy("fast", startup=3600)
    modified = account.describe("fast")["LastModifiedTime"].replace(microsecond=0)  # S3 tells seconds only
    assert before < modified
    end(folder)
    again = start(folder, cache_dir)
    place = again.put("after", b"x")
    assert (again.object(place) or {})["LastModified"] >= modified

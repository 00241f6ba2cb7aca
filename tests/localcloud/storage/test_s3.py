"""S3 in the local cloud, where moto falls short: races of conditional writes, odd keys, events for EventBridge."""

import io
import json
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from tests.localcloud.support import Account, eventually

ODD = ["100%.json", "a b+c.json", "<&>\"'.json", "平面図.json"]


@pytest.fixture
def bucket(account: Account) -> str:
    name = f"s3-{uuid.uuid4().hex[:12]}"
    account.client("s3").create_bucket(Bucket=name)
    account.client("s3").put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    return name


def put(account: Account, bucket: str, body: bytes, **condition: str) -> str | None:
    """Write `race` under a condition; its new ETag, None when somebody else was faster."""
    try:
        answer = account.client("s3").put_object(Bucket=bucket, Key="race", Body=body, **condition)
    except ClientError as error:
        if error.response["Error"]["Code"] != "PreconditionFailed":
            raise
        return None
    etag: str = answer["ETag"]
    return etag


@pytest.mark.parametrize("round_", range(5))
def test_of_many_conditional_writes_at_once_one_wins(account: Account, bucket: str, round_: int) -> None:
    bodies, others = ([f"{name} {round_} {n}".encode() for n in range(12)] for name in ("first", "second"))
    with ThreadPoolExecutor(12) as pool:
        [first] = [won for won in pool.map(lambda body: put(account, bucket, body, IfNoneMatch="*"), bodies) if won]
        [second] = [won for won in pool.map(lambda body: put(account, bucket, body, IfMatch=first), others) if won]
    assert account.client("s3").head_object(Bucket=bucket, Key="race")["ETag"] == second


def test_versions_of_odd_keys_are_listed_as_they_are(account: Account, bucket: str) -> None:
    s3 = account.client("s3")
    for key in ODD:
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    s3.delete_object(Bucket=bucket, Key=ODD[0])
    found = s3.list_object_versions(Bucket=bucket, MaxKeys=100)
    assert sorted(one["Key"] for one in found["Versions"]) == sorted(ODD)
    assert [one["Key"] for one in found["DeleteMarkers"]] == [ODD[0]]
    plain = s3.list_object_versions(Bucket=bucket, Prefix="100%")
    assert [one["Key"] for one in plain["Versions"]] == [ODD[0]]


def test_a_bucket_says_whether_it_tells_eventbridge(account: Account, bucket: str) -> None:
    s3 = account.client("s3")
    assert "EventBridgeConfiguration" not in s3.get_bucket_notification_configuration(Bucket=bucket)
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}})
    assert s3.get_bucket_notification_configuration(Bucket=bucket)["EventBridgeConfiguration"] == {}
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
    assert "EventBridgeConfiguration" not in s3.get_bucket_notification_configuration(Bucket=bucket)


def test_eventbridge_hears_of_an_object_what_aws_tells(account: Account, bucket: str) -> None:
    events, sqs, s3 = account.client("events"), account.client("sqs"), account.client("s3")
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}})
    queue = sqs.create_queue(QueueName=bucket)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {"source": ["aws.s3"], "detail": {"bucket": {"name": [bucket]}}}
    events.put_rule(Name=bucket, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=bucket, Targets=[{"Id": "1", "Arn": arn}])
    put_version = s3.put_object(Bucket=bucket, Key="a b+c%.json", Body=b"12345")
    s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "a b+c%.json"})
    upload = s3.create_multipart_upload(Bucket=bucket, Key="parts")["UploadId"]
    part = s3.upload_part(Bucket=bucket, Key="parts", UploadId=upload, PartNumber=1, Body=b"x")
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    s3.complete_multipart_upload(Bucket=bucket, Key="parts", UploadId=upload, MultipartUpload=parts)

    heard: dict[str, dict[str, Any]] = {}

    def look() -> bool:
        for message in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", []):
            event = json.loads(message["Body"])
            heard[event["detail"]["reason"]] = event
        return len(heard) == 3

    eventually(look, what="three events")
    assert {reason: event["detail-type"] for reason, event in heard.items()} == {
        "PutObject": "Object Created",
        "CopyObject": "Object Created",
        "CompleteMultipartUpload": "Object Created",
    }
    event = heard["PutObject"]
    assert (event["account"], event["region"]) == (account.id, "us-east-1")
    assert event["resources"] == [f"arn:aws:s3:::{bucket}"]
    about = event["detail"]["object"]
    assert (about["key"], about["size"], about["version-id"]) == ("a b+c%.json", 5, put_version["VersionId"])
    assert about["etag"] == put_version["ETag"].strip('"')
    assert event["time"].endswith("Z")
    assert heard["CompleteMultipartUpload"]["detail"]["object"]["key"] == "parts"


def test_a_copy_of_an_object_that_came_in_parts_can_be_read(account: Account, bucket: str) -> None:
    """As the copy that an endpoint reads of an upload: clients check what they read against its checksum."""
    s3 = account.client("s3")
    body = bytes(9 * 1024 * 1024)
    s3.upload_fileobj(io.BytesIO(body), bucket, "parts", Config=TransferConfig(multipart_threshold=5 * 1024 * 1024))
    s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": "parts"})
    assert s3.get_object(Bucket=bucket, Key="copy")["Body"].read() == body

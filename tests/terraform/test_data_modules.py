"""The modules that hold data, images and messages, all options on, applied to a running cloud and used there."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from glue.cloud import Cloud
from glue.terraform.runner import FLAG
from tests.localcloud.parity import local_cloud
from tests.localcloud.support import REGION, Account
from tests.terraform.conftest import Code, running_provider

ACCOUNT, CONSUMER = "111122223333", "444455556666"
LOGS, DATA = f"platform-{ACCOUNT}-{REGION}-logs", f"platform-{ACCOUNT}-{REGION}-dev-data"
ROOT = f"""
provider "aws" {{
  region              = "{REGION}"
  allowed_account_ids = ["{ACCOUNT}"]
  s3_use_path_style   = true
}}

module "kms" {{
  source = "../modules/kms"

  name                 = "platform-dev"
  description          = "Data, images and messages of platform-dev"
  account_id           = "{ACCOUNT}"
  deletion_window_days = 7
}}

module "access_logs" {{
  source = "../modules/storage"

  name                 = "{LOGS}"
  takes_access_logs_of = {{ account_id = "{ACCOUNT}", buckets = ["{DATA}"] }}
  expiry               = {{ days_by_prefix = {{ "" = 365 }}, noncurrent_days = 1 }}
  force_destroy        = true
}}

module "data" {{
  source = "../modules/storage"

  name               = "{DATA}"
  kms_key_arn        = module.kms.arn
  access_log_bucket  = module.access_logs.name
  reader_account_ids = ["{CONSUMER}"]
  force_destroy      = true

  expiry = {{
    days_by_prefix  = {{ "rooms/inputs/" = 30, "rooms/results/" = 90 }}
    noncurrent_days = 7
  }}
}}

module "repository" {{
  source = "../modules/ecr"

  name                 = "platform/rooms"
  consumer_account_ids = ["{CONSUMER}"]
  kms_key_arn          = module.kms.arn
  force_delete         = true
}}

module "notifications" {{
  source = "../modules/sns"

  name        = "platform-dev-rooms"
  account_id  = "{ACCOUNT}"
  kms_key_arn = module.kms.arn
  queue       = {{ visibility_timeout_seconds = 0, max_receives = 2 }}

  subscribers = {{
    emails = ["platform-team@example.com"]
    https  = ["https://example.com/results"]
  }}

  filter_policies = {{
    emails = jsonencode({{ invocationStatus = ["Failed"] }})
    queue = jsonencode({{
      invocationStatus  = ["Failed"]
      requestParameters = {{ endpointName = ["platform-dev-rooms"] }}
    }})
  }}
}}

output "all" {{
  value = {{
    key               = module.kms.arn
    success           = module.notifications.success_topic_arn
    error             = module.notifications.error_topic_arn
    queue             = module.notifications.queue
    dead_letter_queue = module.notifications.dead_letter_queue
  }}
}}
"""
OPTIONS = {"input": False}


@dataclass(frozen=True)
class Applied:
    """The modules on a cloud, and their outputs."""

    account: Account
    code: Code
    outputs: Any

    def messages(self, queue: str) -> list[Any]:
        """What the SNS messages in `queue` say, each received once and left there."""
        found = self.account.client("sqs").receive_message(
            QueueUrl=self.outputs[queue]["url"], MaxNumberOfMessages=10, WaitTimeSeconds=0
        )
        return [json.loads(json.loads(one["Body"])["Message"]) for one in found.get("Messages", [])]


@pytest.fixture(scope="module")
def applied(tmp_path_factory: pytest.TempPathFactory, initialised: Code) -> Iterator[Applied]:
    folder = tmp_path_factory.mktemp("cloud")
    with local_cloud(folder / "state", exit_with=os.getpid(), cache_dir=folder / "cache") as cloud:
        yield from _applied(Account(cloud.endpoint_url or "", ACCOUNT, folder), initialised)


def _applied(account: Account, initialised: Code) -> Iterator[Applied]:
    reached = Cloud("local", REGION, ACCOUNT, endpoint_url=account.url)
    there = Code(initialised.root, initialised.program, {**initialised.environment, **reached.variables()})
    (there.root / "data-modules").mkdir()
    (there.root / "data-modules" / "main.tf").write_text(ROOT)
    with running_provider(there) as code:
        for command, options in (("init", {}), ("apply", {"auto_approve": FLAG})):
            done = code.run("data-modules", command, **OPTIONS, **options)
            assert done.code == 0, done.output
        printed = code.run("data-modules", "output", json=FLAG)
        yield Applied(account, code, json.loads(printed.output)["all"]["value"])


def test_a_second_plan_changes_nothing(applied: Applied) -> None:
    planned = applied.code.run("data-modules", "plan", detailed_exitcode=FLAG, **OPTIONS)
    assert planned.code == 0, planned.output


def test_a_bucket_is_as_private_and_as_tidy_as_it_was_asked_to_be(applied: Applied) -> None:
    s3 = applied.account.client("s3")
    [encryption] = s3.get_bucket_encryption(Bucket=DATA)["ServerSideEncryptionConfiguration"]["Rules"]
    assert encryption["ApplyServerSideEncryptionByDefault"] == {
        "SSEAlgorithm": "aws:kms",
        "KMSMasterKeyID": applied.outputs["key"],
    }
    assert s3.get_bucket_versioning(Bucket=DATA)["Status"] == "Enabled"
    assert set(s3.get_public_access_block(Bucket=DATA)["PublicAccessBlockConfiguration"].values()) == {True}
    [ownership] = s3.get_bucket_ownership_controls(Bucket=DATA)["OwnershipControls"]["Rules"]
    assert ownership == {"ObjectOwnership": "BucketOwnerEnforced"}
    rules = {rule["ID"]: rule for rule in s3.get_bucket_lifecycle_configuration(Bucket=DATA)["Rules"]}
    assert rules["expire-rooms/inputs/"]["Filter"]["Prefix"] == "rooms/inputs/"
    assert rules["expire-rooms/inputs/"]["Expiration"]["Days"] == 30
    assert rules["clean-up"]["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"] == 7
    assert rules["clean-up"]["NoncurrentVersionExpiration"]["NoncurrentDays"] == 7


def test_logs_go_with_their_last_version(applied: Applied) -> None:
    rules = applied.account.client("s3").get_bucket_lifecycle_configuration(Bucket=LOGS)["Rules"]
    by_name = {rule["ID"]: rule for rule in rules}
    assert by_name["expire-everything"]["Expiration"] == {"Days": 365}
    assert by_name["clean-up"]["NoncurrentVersionExpiration"]["NoncurrentDays"] == 1


def test_access_to_a_bucket_is_logged_in_one_that_lets_s3_write(applied: Applied) -> None:
    s3 = applied.account.client("s3")
    assert s3.get_bucket_logging(Bucket=DATA)["LoggingEnabled"]["TargetBucket"] == LOGS
    policy = json.loads(s3.get_bucket_policy(Bucket=LOGS)["Policy"])
    [allowed] = [statement for statement in policy["Statement"] if statement["Effect"] == "Allow"]
    assert allowed["Principal"] == {"Service": "logging.s3.amazonaws.com"}
    assert allowed["Resource"] == f"arn:aws:s3:::{LOGS}/{DATA}/*"
    assert allowed["Condition"] == {
        "StringEquals": {"aws:SourceAccount": ACCOUNT},
        "ArnLike": {"aws:SourceArn": f"arn:aws:s3:::{DATA}"},
    }


def test_a_repository_is_immutable_scanned_encrypted_and_lets_the_other_account_pull(applied: Applied) -> None:
    ecr = applied.account.client("ecr")
    [repository] = ecr.describe_repositories()["repositories"]
    assert repository["imageTagMutability"] == "IMMUTABLE"
    assert repository["imageScanningConfiguration"] == {"scanOnPush": True}
    assert repository["encryptionConfiguration"] == {"encryptionType": "KMS", "kmsKey": applied.outputs["key"]}
    policy = json.loads(ecr.get_repository_policy(repositoryName="platform/rooms")["policyText"])
    [statement] = policy["Statement"]
    assert statement["Principal"] == {"AWS": f"arn:aws:iam::{CONSUMER}:root"}
    assert sorted(statement["Action"]) == [
        "ecr:BatchCheckLayerAvailability",
        "ecr:BatchGetImage",
        "ecr:GetDownloadUrlForLayer",
    ]
    lifecycle = json.loads(ecr.get_lifecycle_policy(repositoryName="platform/rooms")["lifecyclePolicyText"])
    assert [rule["selection"]["tagStatus"] for rule in lifecycle["rules"]] == ["untagged"]


def test_a_message_that_the_filter_lets_through_reaches_the_queue_and_becomes_a_dead_letter(applied: Applied) -> None:
    ours = {"requestParameters": {"endpointName": "platform-dev-rooms"}}
    theirs = {"requestParameters": {"endpointName": "another"}}
    for topic, message in (
        ("success", {"invocationStatus": "Completed", **ours}),
        ("error", {"invocationStatus": "Failed", **theirs}),
        ("error", {"eventName": "TestNotification"}),
        ("error", {"invocationStatus": "Failed", **ours}),
    ):
        applied.account.client("sns").publish(TopicArn=applied.outputs[topic], Message=json.dumps(message))
    for _ in range(2):
        assert applied.messages("queue") == [{"invocationStatus": "Failed", **ours}]
    assert applied.messages("queue") == []
    assert applied.messages("dead_letter_queue") == [{"invocationStatus": "Failed", **ours}]


def test_only_the_queue_may_send_dead_letters_and_only_the_topics_messages(applied: Applied) -> None:
    sqs = applied.account.client("sqs")
    attributes = sqs.get_queue_attributes(
        QueueUrl=applied.outputs["dead_letter_queue"]["url"], AttributeNames=["RedriveAllowPolicy", "Policy"]
    )["Attributes"]
    assert json.loads(attributes["RedriveAllowPolicy"])["sourceQueueArns"] == [applied.outputs["queue"]["arn"]]
    allowed, denied = json.loads(attributes["Policy"])["Statement"]
    assert sorted(allowed["Condition"]["ArnEquals"]["aws:SourceArn"]) == sorted(
        [applied.outputs["success"], applied.outputs["error"]]
    )
    assert (denied["Effect"], denied["Condition"]) == ("Deny", {"Bool": {"aws:SecureTransport": "false"}})


def test_a_destroy_leaves_nothing_behind(applied: Applied) -> None:
    done = applied.code.run("data-modules", "destroy", auto_approve=FLAG, **OPTIONS)
    assert done.code == 0, done.output
    client = applied.account.client
    left = {
        "buckets": client("s3").list_buckets()["Buckets"],
        "queues": client("sqs").list_queues().get("QueueUrls", []),
        "topics": client("sns").list_topics()["Topics"],
        "repositories": client("ecr").describe_repositories()["repositories"],
        "aliases": [one for one in client("kms").list_aliases()["Aliases"] if "platform" in one["AliasName"]],
    }
    assert {kind: found for kind, found in left.items() if found} == {}

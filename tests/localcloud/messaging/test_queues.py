"""Queues of SQS keep every attribute they are given."""

import json
from typing import Any

import pytest

from tests.localcloud.support import Account


@pytest.fixture
def sqs(account: Account) -> Any:
    return account.client("sqs")


def attributes(sqs: Any, url: str) -> dict[str, str]:
    found: dict[str, str] = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    return found


def test_a_queue_says_which_queues_may_send_it_their_dead_letters(sqs: Any) -> None:
    allowed = json.dumps({"redrivePermission": "byQueue", "sourceQueueArns": ["arn:aws:sqs:us-east-1:0:messages"]})
    url = sqs.create_queue(QueueName="dead-letters", Attributes={"RedriveAllowPolicy": allowed})["QueueUrl"]
    assert json.loads(attributes(sqs, url)["RedriveAllowPolicy"]) == json.loads(allowed)
    other = sqs.create_queue(QueueName="others")["QueueUrl"]
    assert "RedriveAllowPolicy" not in attributes(sqs, other)


def test_a_change_of_one_attribute_keeps_the_policy(sqs: Any) -> None:
    statement = {"Effect": "Deny", "Principal": "*", "Action": "sqs:*", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    url = sqs.create_queue(QueueName="messages", Attributes={"Policy": policy})["QueueUrl"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "7"})
    assert (attributes(sqs, url)["Policy"], attributes(sqs, url)["VisibilityTimeout"]) == (policy, "7")
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": ""})
    assert not attributes(sqs, url).get("Policy")


def test_a_redrive_policy_is_answered_as_it_was_set(sqs: Any) -> None:
    sqs.create_queue(QueueName="dead")
    policy = '{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:111122223333:dead","maxReceiveCount":2}'
    url = sqs.create_queue(QueueName="alive", Attributes={"RedrivePolicy": policy})["QueueUrl"]
    assert attributes(sqs, url)["RedrivePolicy"] == policy


@pytest.mark.parametrize("names", [["All"], ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]])
def test_messages_are_counted_when_somebody_asks(sqs: Any, names: list[str]) -> None:
    url = sqs.create_queue(QueueName=f"counted-{len(names)}")["QueueUrl"]
    for body in "abc":
        sqs.send_message(QueueUrl=url, MessageBody=body)
    sqs.receive_message(QueueUrl=url)
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    assert (found["ApproximateNumberOfMessages"], found["ApproximateNumberOfMessagesNotVisible"]) == ("2", "1")

"""Queues of SQS keep every attribute they are given, and no more than that."""

import json
from typing import Any

import pytest
from moto.sqs.models import Queue

from glue.localcloud.messaging import queues
from glue.localcloud.messaging.queues import HANDLES_KEPT
from tests.localcloud.support import REGION, Account


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


def test_a_message_may_be_deleted_again(sqs: Any) -> None:
    url = sqs.create_queue(QueueName="deleted-twice")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="once")
    [message] = sqs.receive_message(QueueUrl=url)["Messages"]
    for _ in range(2):
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    with pytest.raises(sqs.exceptions.ReceiptHandleIsInvalid):
        sqs.delete_message(QueueUrl=url, ReceiptHandle="never-received")


def test_a_queue_knows_only_the_newest_messages_that_it_deleted() -> None:
    queues.install()
    queue = Queue("busy", REGION, "111122223333")
    for number in range(3 * HANDLES_KEPT):
        queue.deleted_messages.update([f"handle-{number}"])
    known = [number for number in range(3 * HANDLES_KEPT) if f"handle-{number}" in queue.deleted_messages]
    assert known == list(range(2 * HANDLES_KEPT, 3 * HANDLES_KEPT))

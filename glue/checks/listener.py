"""Hearing an endpoint's notifications for a while: a queue of our own, subscribed to its topics, gone afterwards."""

import json
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from glue.cloud import Cloud
from glue.deployed import DeployedEndpoint
from glue.invocation.results import Notification, parse_notification
from glue.progress import Reporter

_LONG_POLL_SECONDS = 20
_KEEP_SECONDS = 3600


class Listener:
    """The queue's end: what was heard so far, by inference id."""

    def __init__(self, sqs: Any, queue_url: str) -> None:
        self._sqs = sqs
        self._queue_url = queue_url
        self._heard: dict[str, list[Notification]] = {}

    def wait_for(self, inference_ids: Iterable[str], topic_arn: str, seconds: float) -> Mapping[str, Notification]:
        """Notifications of `topic_arn` about `inference_ids`, as soon as all are there, or those after `seconds`."""
        wanted = set(inference_ids)
        deadline = time.monotonic() + seconds
        found = self._found(wanted, topic_arn)
        while found.keys() != wanted and (left := deadline - time.monotonic()) > 0:
            self._receive(min(_LONG_POLL_SECONDS, max(1, int(left))))
            found = self._found(wanted, topic_arn)
        return found

    def _found(self, wanted: set[str], topic_arn: str) -> dict[str, Notification]:
        heard = (one for name in wanted for one in self._heard.get(name, []))
        return {one.inference_id: one for one in heard if one.topic_arn == topic_arn}

    def _receive(self, seconds: int) -> None:
        answer = self._sqs.receive_message(
            QueueUrl=self._queue_url, MaxNumberOfMessages=10, WaitTimeSeconds=seconds, VisibilityTimeout=_KEEP_SECONDS
        )
        for message in answer.get("Messages", []):
            notification = parse_notification(message["Body"])
            if notification is not None:
                self._heard.setdefault(notification.inference_id, []).append(notification)


@contextmanager
def listening(cloud: Cloud, endpoint: DeployedEndpoint, reporter: Reporter) -> Iterator[Listener]:
    """A listener to both topics of `endpoint`. Queue and subscriptions are removed at the end, however it comes.

    Only these topics may send to the queue. What cannot be removed is named to `reporter`.

    Raises:
        ClientError: AWS refused to make them.
    """
    sqs, sns = cloud.client("sqs"), cloud.client("sns")
    topics = [endpoint.success_topic_arn, endpoint.error_topic_arn]
    name = f"{endpoint.name}-verify-{uuid.uuid4().hex[:8]}"
    with ExitStack() as cleanup:
        url = sqs.create_queue(
            QueueName=name,
            Attributes={"MessageRetentionPeriod": str(_KEEP_SECONDS)},
            tags={"managed-by": "glue", "purpose": "verify-endpoint"},
        )["QueueUrl"]
        cleanup.callback(_remove, f"queue {url}", partial(sqs.delete_queue, QueueUrl=url), reporter)
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": _policy(arn, topics)})
        for topic in topics:
            subscription = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, ReturnSubscriptionArn=True)
            found = subscription["SubscriptionArn"]
            cleanup.callback(
                _remove, f"subscription {found}", partial(sns.unsubscribe, SubscriptionArn=found), reporter
            )
        yield Listener(sqs, url)


def _policy(queue_arn: str, topic_arns: list[str]) -> str:
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue_arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic_arns}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _remove(what: str, work: Callable[[], object], reporter: Reporter) -> None:
    try:
        work()
    except (BotoCoreError, ClientError) as error:
        reporter.note(f"left behind: {what}: {error}")

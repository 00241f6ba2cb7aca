"""Deliveries of SNS: as on AWS, one that fails does not fail the publishing, and a topic keeps no message.

moto delivers within the Publish request and lets its failure through, and keeps every message for tests that look into
it. And it would call webhooks anywhere: an environment that is only tried here must not, so that only webhooks on this
machine are called.
https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html
"""

import logging
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from moto.sns.models import Subscription, Topic

_log = logging.getLogger(__name__)


def install() -> None:
    """Guard moto's deliveries; it has no setting for that."""
    deliver, publish_to_all = Subscription.publish, Topic.publish

    def publish(subscription: Any, *arguments: Any, **options: Any) -> None:
        if subscription.protocol in {"http", "https"} and not is_on_this_machine(subscription.endpoint):
            _log.info("not delivered to %s: only webhooks on this machine are called", subscription.endpoint)
            return
        try:
            deliver(subscription, *arguments, **options)
        except Exception as error:  # noqa: BLE001 - whatever a subscriber does is not the publisher's failure
            _log.warning("not delivered to %s: %s", subscription.endpoint, error)

    def publish_and_forget(topic: Any, *arguments: Any, **options: Any) -> str:
        message_id: str = publish_to_all(topic, *arguments, **options)
        topic.sent_notifications.clear()
        return message_id

    Subscription.publish = publish
    Topic.publish = publish_and_forget


def is_on_this_machine(url: str) -> bool:
    """Whether the host that `url` names is a loopback address."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False

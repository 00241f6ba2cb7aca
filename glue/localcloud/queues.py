"""Queues of SQS: `RedriveAllowPolicy` is an attribute, and a change of one attribute keeps the others.

moto knows no `RedriveAllowPolicy`, takes a queue's policy away when any other attribute is set, and answers a redrive
policy with blanks that nobody sent, which Terraform calls a change.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
"""

import json
from typing import Any

from moto.sqs.models import Queue

_REDRIVE_ALLOW_POLICY = "RedriveAllowPolicy"


def install() -> None:
    """Add to moto's queues what they lack; it has no setting for that."""
    if _REDRIVE_ALLOW_POLICY in Queue.BASE_ATTRIBUTES:
        return
    set_attributes, attributes = Queue._set_attributes, Queue.attributes.fget

    def set_some(queue: Any, attributes: dict[str, Any], now: float | None = None) -> None:
        set_attributes(queue, {"Policy": getattr(queue, "policy", None), **attributes}, now)

    def compact(queue: Any) -> dict[str, Any]:
        found: dict[str, Any] = attributes(queue)
        redrive = found.get("RedrivePolicy")
        return found | {"RedrivePolicy": json.dumps(json.loads(redrive), separators=(",", ":"))} if redrive else found

    Queue.BASE_ATTRIBUTES = [*Queue.BASE_ATTRIBUTES, _REDRIVE_ALLOW_POLICY]
    Queue.redrive_allow_policy = None
    Queue._set_attributes = set_some
    Queue.attributes = property(compact)

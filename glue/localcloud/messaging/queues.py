"""Queues of SQS: `RedriveAllowPolicy` is an attribute, a change of one keeps the others, sending is quick, and what was
deleted takes no memory.

moto knows no `RedriveAllowPolicy`, takes a queue's policy away when any other attribute is set, and answers a redrive
policy with blanks that nobody sent, which Terraform calls a change. It counts all waiting messages for each one that
is sent or received, because it makes all attributes where it needs one. And it keeps the receipt handles of all
messages that were ever deleted, so that they may be deleted once more.
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SetQueueAttributes.html
"""

import json
import threading
from collections import OrderedDict
from collections.abc import Iterable
from typing import Any

from moto.core.utils import camelcase_to_underscores
from moto.sqs.models import Queue, SQSBackend

_REDRIVE_ALLOW_POLICY = "RedriveAllowPolicy"
_COUNTS = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesDelayed",
    "ApproximateNumberOfMessagesNotVisible",
)
HANDLES_KEPT = 10_000
"""How many receipt handles of deleted messages a queue knows."""


class NewestHandles:
    """The receipt handles of the messages that a queue deleted last: those may be deleted again."""

    def __init__(self) -> None:
        self._handles: OrderedDict[str, None] = OrderedDict()
        self._lock = threading.Lock()

    def __contains__(self, handle: str) -> bool:
        return handle in self._handles

    def update(self, handles: Iterable[str]) -> None:
        """Add `handles`; the oldest go for them."""
        with self._lock:
            self._handles.update(dict.fromkeys(handles))
            while len(self._handles) > HANDLES_KEPT:
                self._handles.popitem(last=False)


def install() -> None:
    """Add to moto's queues what they lack; it has no setting for that."""
    if _REDRIVE_ALLOW_POLICY in Queue.BASE_ATTRIBUTES:
        return
    set_attributes, attributes = Queue._set_attributes, Queue.attributes.fget
    get_attributes, create = SQSBackend.get_queue_attributes, Queue.__init__

    def begin(queue: Any, *arguments: Any, **options: Any) -> None:
        create(queue, *arguments, **options)
        queue.deleted_messages = NewestHandles()

    def set_some(queue: Any, attributes: dict[str, Any], now: float | None = None) -> None:
        set_attributes(queue, {"Policy": getattr(queue, "policy", None), **attributes}, now)

    def compact(queue: Any) -> dict[str, Any]:
        found: dict[str, Any] = attributes(queue)
        redrive = found.get("RedrivePolicy")
        return found | {"RedrivePolicy": json.dumps(json.loads(redrive), separators=(",", ":"))} if redrive else found

    def counted_if_asked(backend: Any, queue_name: str, names: list[str] | None) -> dict[str, Any]:
        names = names or []
        queue = backend.get_queue(queue_name)
        found: dict[str, Any] = get_attributes(backend, queue_name, [name for name in names if name not in _COUNTS])
        counts = _COUNTS if "All" in names else [name for name in names if name in _COUNTS]
        return found | {name: getattr(queue, camelcase_to_underscores(name)) for name in counts}

    Queue.__init__ = begin
    Queue.BASE_ATTRIBUTES = [*(set(Queue.BASE_ATTRIBUTES) - set(_COUNTS)), _REDRIVE_ALLOW_POLICY]
    SQSBackend.get_queue_attributes = counted_if_asked
    Queue.redrive_allow_policy = None
    Queue._set_attributes = set_some
    Queue.attributes = property(compact)

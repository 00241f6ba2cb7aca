"""EventBridge as a way from S3 to functions: events as S3 sends them, and rules whose targets are functions.

moto sends S3's events with invented identities, does not say that a bucket sends them, and knows no function as a
target.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
"""

import copy
import itertools
import logging
import threading
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import moto.core.utils
from moto.events.models import Rule, events_backends
from moto.events.utils import EventTemplateParser
from moto.s3 import notifications
from moto.s3.responses import S3Response

from glue.localcloud.accounts import Scope
from glue.localcloud.clients import Clients
from glue.localcloud.functions import dead_letters
from glue.localcloud.functions.functions import Functions, UnknownFunctionError, UnrunnableError

_REASONS = {
    "s3:ObjectCreated:Put": "PutObject",
    "s3:ObjectCreated:Post": "POST Object",
    "s3:ObjectCreated:Copy": "CopyObject",
    "s3:ObjectCreated:CompleteMultipartUpload": "CompleteMultipartUpload",
    "s3:ObjectRemoved:Delete": "DeleteObject",
}
_CREATED = "s3:ObjectCreated:"
_sequence = itertools.count(time.time_ns())
_log = logging.getLogger(__name__)


def install(functions: Functions, clients: Clients) -> None:
    """Make moto's S3 and EventBridge do so; they have no setting for that."""
    send_to_other_targets, describe = Rule.send_to_targets, S3Response.get_bucket_notification

    def send_to_targets(rule: Any, original_event: dict[str, Any], transform_input: bool = True) -> None:
        if rule.state != "ENABLED" or not rule.event_pattern.matches_event(original_event):
            return
        for target in [one for one in rule.targets if _is_function(one)]:
            _invoke(functions, clients, rule, target, original_event)
        others = copy.copy(rule)
        others.targets = [one for one in rule.targets if not _is_function(one)]
        if others.targets:
            send_to_other_targets(others, original_event, transform_input)

    def send_event_bridge_message(account_id: str, bucket: Any, event_name: Any, key: Any) -> None:
        name = str(getattr(event_name, "value", event_name))
        _happened.changes = [*_changes(), _Change(account_id, bucket, name, key)]

    def get_bucket_notification(response: Any) -> Any:
        status, headers, body = describe(response)
        configuration = response.backend.get_bucket_notification_configuration(response.bucket_name)
        told = configuration is not None and configuration.event_bridge is not None
        return status, headers, _with_event_bridge(body) if told else body

    Rule.send_to_targets = send_to_targets
    S3Response.get_bucket_notification = get_bucket_notification
    notifications._send_event_bridge_message = send_event_bridge_message


@dataclass(frozen=True)
class _Change:
    """What happened to an object of moto's in the request that this thread answers."""

    account: str
    bucket: Any
    name: str
    key: Any

    @property
    def version(self) -> tuple[str, str | None]:
        """What identifies the object's version in its bucket."""
        return self.key.name, self.key.version_id


_happened = threading.local()


def _changes() -> list[_Change]:
    found: list[_Change] = getattr(_happened, "changes", [])
    return found


def deliver() -> None:
    """Send the events of the request that this thread has answered: only now has an object its type and its tags."""
    changes, _happened.changes = _changes(), []
    for change in _told(changes):
        event = object_event(change.account, change.bucket, change.name, change.key)
        bus = events_backends[change.account][change.bucket.region_name].event_buses["default"]
        for rule in list(bus.rules.values()):
            try:
                rule.send_to_targets(event, transform_input=False)
            except Exception:  # noqa: BLE001 - whoever listens, the upload itself went well
                _log.exception("rule %s", rule.arn)


def _told(changes: list[_Change]) -> list[_Change]:
    """Those that S3 tells: that an object was made in parts, or with tags, is one change, and several for moto."""
    made = {change.version: change for change in changes if change.name.startswith(_CREATED)}
    return [change for change in changes if made.get(change.version, change) is change]


def object_event(account: str, bucket: Any, name: str, key: Any) -> dict[str, Any]:
    """What S3 sends to EventBridge when the event `name` happens to the object `key` of `bucket` (moto's)."""
    about = {"key": key.name, "size": key.size, "etag": key.etag.strip('"'), "sequencer": f"{next(_sequence):018X}"}
    if bucket.is_versioned:
        about["version-id"] = key.version_id
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": notifications._detail_type(name),
        "source": "aws.s3",
        "account": account,
        "time": moto.core.utils.unix_time(),  # which moto writes out for its own targets
        "region": bucket.region_name,
        "resources": [bucket.arn],
        "detail": {
            "version": "0",
            "bucket": {"name": bucket.name},
            "object": about,
            "request-id": uuid.uuid4().hex[:16].upper(),
            "requester": account,
            "source-ip-address": "127.0.0.1",
            "reason": _REASONS.get(name, name.removeprefix("s3:")),
        },
    }


def _with_event_bridge(document: str) -> str:
    """moto's notification configuration, which says that EventBridge is told by an element that is empty."""
    end = "</NotificationConfiguration>"
    told = f"<EventBridgeConfiguration/>{end}"
    return document.replace(end, told) if end in document else f"{document.removesuffix('/>')}>{told}"


def _is_function(target: dict[str, Any]) -> bool:
    return str(target["Arn"]).split(":")[2] == "lambda"


def _invoke(functions: Functions, clients: Clients, rule: Any, target: dict[str, Any], event: dict[str, Any]) -> None:
    """Hand `event` to the function of `target`; one that cannot be reached makes a dead letter."""
    arn = target["Arn"]
    scope = Scope(arn.split(":")[4], arn.split(":")[3])
    sent = _transformed(target, event)
    try:
        functions.submit(scope, arn, sent)
    except (UnknownFunctionError, UnrunnableError) as error:
        queue = target.get("DeadLetterConfig", {}).get("Arn")
        if queue is None:
            _log.warning("rule %s: not delivered to %s: %s", rule.arn, arn, error)
            return
        attributes = dead_letters.of_rule(rule.arn, arn, "RESOURCE_NOT_FOUND", str(error) or "none")
        dead_letters.send(clients, Scope(rule.account_id, rule.region_name), queue, event, attributes)


def _transformed(target: dict[str, Any], event: dict[str, Any]) -> Any:
    """The event as the target gets it, with its time as EventBridge writes it."""
    moment = event.get("time")
    if isinstance(moment, int | float):
        event = event | {"time": f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%dT%H:%M:%SZ}"}
    if "InputTransformer" not in target:
        return {name: value for name, value in event.items() if name != "ingestion-time"}
    transformer = target["InputTransformer"]
    return EventTemplateParser.parse(
        input_template=transformer.get("InputTemplate"),
        input_paths_map=transformer.get("InputPathsMap", {}),
        event=event,
    )

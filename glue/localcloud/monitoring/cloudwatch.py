"""What moto's CloudWatch lacks: alarms begin without a state and keep theirs when they are changed, DescribeAlarms
filters by name and state at once, and what happens to an alarm is in its history.

moto owns alarms and metrics. https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
"""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from moto.cloudwatch.models import Alarm, CloudWatchBackend
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.responses import ActionResult
from moto.core.utils import utcnow

from glue.localcloud.accounts import Scope

_PAGE = 100

StateSet = Callable[[Scope, Any, str], None]
"""Told of each state that SetAlarmState set: where, the alarm, and its former state."""


def install(state_set: StateSet) -> None:
    """Put it right; moto has no settings for that."""
    put, remove, describe = (
        CloudWatchBackend.put_metric_alarm,
        CloudWatchBackend.delete_alarms,
        CloudWatchResponse.describe_alarms,
    )
    set_state = CloudWatchBackend.set_alarm_state

    def put_metric_alarm(backend: Any, name: str, *arguments: Any, **options: Any) -> Any:
        former = backend.alarms.get(name)
        alarm = put(backend, name, *arguments, **options)
        _begin(alarm, former)
        record(backend, alarm, "ConfigurationUpdate", f'Alarm "{name}" {"updated" if former else "created"}')
        return alarm

    def delete_alarms(backend: Any, alarm_names: list[str]) -> None:
        for alarm in [backend.alarms[name] for name in alarm_names if name in backend.alarms]:
            record(backend, alarm, "ConfigurationUpdate", f'Alarm "{alarm.name}" deleted')
        remove(backend, alarm_names)

    def set_alarm_state(backend: Any, alarm_name: str, *arguments: Any) -> None:
        alarm = backend.alarms.get(alarm_name)
        former = alarm.state_value if alarm else ""
        reason = alarm.state_reason if alarm else ""
        set_state(backend, alarm_name, *arguments)
        if alarm.state_value != former:
            record_state(backend, alarm, former, reason)
            state_set(Scope(backend.account_id, backend.region_name), alarm, former)

    def describe_alarms(response: Any) -> Any:
        result = describe(response).result
        names, state = response._get_param("AlarmNames", []), response._get_param("StateValue")
        return ActionResult(
            {
                kind: [
                    alarm
                    for alarm in alarms
                    if (not names or alarm.name in names) and (not state or alarm.state_value == state)
                ]
                for kind, alarms in result.items()
            }
        )

    CloudWatchBackend.put_metric_alarm = put_metric_alarm
    CloudWatchBackend.delete_alarms = delete_alarms
    CloudWatchBackend.set_alarm_state = set_alarm_state
    CloudWatchResponse.describe_alarms = describe_alarms
    CloudWatchResponse.describe_alarm_history = _describe_alarm_history


def change_state(backend: Any, alarm: Any, state: str, reason: str, data: dict[str, Any]) -> None:
    """Put an alarm into another state."""
    former, former_reason = alarm.state_value, alarm.state_reason
    alarm.update_state(reason, json.dumps(data), state)
    record_state(backend, alarm, former, former_reason)


def record_state(backend: Any, alarm: Any, former: str, former_reason: str) -> None:
    """Put the state that an alarm has now into its history."""
    alarm.state_transitioned_timestamp = alarm.state_updated_timestamp
    states = {
        "version": "1.0",
        "oldState": {"stateValue": former, "stateReason": former_reason},
        "newState": {"stateValue": alarm.state_value, "stateReason": alarm.state_reason},
    }
    record(backend, alarm, "StateUpdate", f"Alarm updated from {former} to {alarm.state_value}", states)


def record(backend: Any, alarm: Any, kind: str, summary: str, data: dict[str, Any] | None = None) -> None:
    """Put something that happened to an alarm into its history."""
    _history(backend).append(
        {
            "AlarmName": alarm.name,
            "AlarmType": "CompositeAlarm" if alarm.rule is not None else "MetricAlarm",
            "Timestamp": utcnow(),
            "HistoryItemType": kind,
            "HistorySummary": summary,
            "HistoryData": json.dumps(data or {"version": "1.0", "type": summary.rpartition(" ")[2].capitalize()}),
        }
    )


def _begin(alarm: Alarm, former: Alarm | None) -> None:
    if former is None:
        alarm.state_value = "INSUFFICIENT_DATA"
        alarm.state_transitioned_timestamp = alarm.state_updated_timestamp
        return
    for name in ("value", "reason", "reason_data", "updated_timestamp", "transitioned_timestamp"):
        setattr(alarm, f"state_{name}", getattr(former, f"state_{name}"))


def _history(backend: Any) -> list[dict[str, Any]]:
    if not hasattr(backend, "local_cloud_history"):
        backend.local_cloud_history = []  # kept on moto's own object, one for each account and region
    items: list[dict[str, Any]] = backend.local_cloud_history
    return items


def _describe_alarm_history(response: Any) -> Any:
    """DescribeAlarmHistory: newest first, unless asked otherwise."""
    asked = response._get_params()
    start, end = _naive(asked.get("StartDate")), _naive(asked.get("EndDate"))
    items = [
        item
        for item in _history(response.cloudwatch_backend)
        if asked.get("AlarmName") in {None, item["AlarmName"]}
        and asked.get("HistoryItemType") in {None, item["HistoryItemType"]}
        and (start is None or item["Timestamp"] >= start)
        and (end is None or item["Timestamp"] <= end)
    ]
    if asked.get("ScanBy", "TimestampDescending") == "TimestampDescending":
        items.reverse()
    first = int(asked.get("NextToken") or 0)
    last = first + int(asked.get("MaxRecords") or _PAGE)
    page = {"AlarmHistoryItems": items[first:last]}
    return ActionResult(page | ({"NextToken": str(last)} if last < len(items) else {}))


def _naive(moment: datetime | None) -> datetime | None:
    return moment.replace(tzinfo=None) if moment else None

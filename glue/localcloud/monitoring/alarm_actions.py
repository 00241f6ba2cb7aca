"""What an alarm does when it changes its state: notifications, and scaling policies set off.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-actions.html
"""

import json
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC
from functools import cache
from typing import Any

import botocore.session
from botocore.exceptions import BotoCoreError, ClientError
from moto.cloudwatch.models import cloudwatch_backends

from glue.localcloud.accounts import Scope
from glue.localcloud.clients import Clients
from glue.localcloud.monitoring.alarm_evaluation import Evaluated, aws_time
from glue.localcloud.monitoring.cloudwatch import record

_log = logging.getLogger(__name__)

Document = dict[str, Any]


class AlarmActions:
    """Carries out the actions of alarms. Notifications go out in the background: no subscriber holds up an alarm."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="alarm-actions")

    def changed(self, scope: Scope, alarm: Any, former: str) -> None:
        """Notify of a change of state."""
        for action in enabled_actions(alarm):
            if ":sns:" in action:
                # The documents are made now: the alarm may have changed again when they are sent.
                subject = f'{alarm.state_value}: "{alarm.name}" in {_region_name(scope.region)}'
                message = notification(scope, alarm, former)
                self._threads.submit(self._notify, scope, alarm, action, subject, message)
            elif not is_scaling_policy(action):
                _log.warning("alarm %s: the local cloud does not carry out the action %s", alarm.name, action)

    def _notify(self, scope: Scope, alarm: Any, topic: str, subject: str, message: Document) -> None:
        backend = cloudwatch_backends[scope.account][scope.region]
        try:
            sns = self._clients.get(Scope(scope.account, topic.split(":")[3]), "sns")
            sns.publish(TopicArn=topic, Subject=subject[:100], Message=json.dumps(message))
        except (ClientError, BotoCoreError) as error:
            _log.warning("alarm %s: notification to %s failed: %s", alarm.name, topic, error)
            record(backend, alarm, "Action", f"Failed to execute action {topic}")
        else:
            record(backend, alarm, "Action", f"Successfully executed action {topic}")


def enabled_actions(alarm: Any) -> Sequence[str]:
    """The actions of the state that an alarm is in; none when they are disabled."""
    if not alarm.actions_enabled:
        return ()
    actions: dict[str, Sequence[str]] = {
        "ALARM": alarm.alarm_actions,
        "OK": alarm.ok_actions,
        "INSUFFICIENT_DATA": alarm.insufficient_data_actions,
    }
    return actions[alarm.state_value]


def policies_set_off(evaluated: Evaluated) -> list[str]:
    """The scaling policies that an alarm sets off: every minute that it stays in a state, not only on its change."""
    return [
        action.partition(":createdBy/")[0] for action in enabled_actions(evaluated.alarm) if is_scaling_policy(action)
    ]


def is_scaling_policy(action: str) -> bool:
    """Whether an action is the ARN of a scaling policy of Application Auto Scaling."""
    return ":autoscaling:" in action and ":scalingPolicy:" in action


def notification(scope: Scope, alarm: Any, former: str) -> Document:
    """The message that CloudWatch publishes to a topic."""
    return {
        "AlarmName": alarm.name,
        "AlarmDescription": alarm.description,
        "AWSAccountId": scope.account,
        "AlarmConfigurationUpdatedTimestamp": aws_time(alarm.configuration_updated_timestamp.replace(tzinfo=UTC)),
        "NewStateValue": alarm.state_value,
        "NewStateReason": alarm.state_reason,
        "StateChangeTime": aws_time(alarm.state_updated_timestamp.replace(tzinfo=UTC)),
        "Region": _region_name(scope.region),
        "AlarmArn": alarm.alarm_arn,
        "OldStateValue": former,
        "OKActions": list(alarm.ok_actions),
        "AlarmActions": list(alarm.alarm_actions),
        "InsufficientDataActions": list(alarm.insufficient_data_actions),
        "Trigger": {
            "MetricName": alarm.metric_name,
            "Namespace": alarm.namespace,
            "StatisticType": "ExtendedStatistic" if alarm.extended_statistic else "Statistic",
            "Statistic": alarm.extended_statistic or (alarm.statistic or "").upper(),
            "Unit": alarm.unit,
            "Dimensions": [{"value": one.value, "name": one.name} for one in alarm.dimensions],
            "Period": alarm.period,
            "EvaluationPeriods": alarm.evaluation_periods,
            "DatapointsToAlarm": alarm.datapoints_to_alarm or alarm.evaluation_periods,
            "ComparisonOperator": alarm.comparison_operator,
            "Threshold": alarm.threshold,
            "TreatMissingData": alarm.treat_missing_data or "missing",
            "EvaluateLowSampleCountPercentile": alarm.evaluate_low_sample_count_percentile or "",
        },
    }


@cache
def _region_name(region: str) -> str:
    """The name that AWS writes for a region: `US East (N. Virginia)`."""
    for partition in botocore.session.get_session().get_data("endpoints")["partitions"]:
        if region in partition["regions"]:
            name: str = partition["regions"][region]["description"]
            return name
    return region

"""Scaling policies of moto's Application Auto Scaling: what they say, and the alarms that target tracking makes."""

from typing import Any

from moto.cloudwatch.models import cloudwatch_backends
from moto.moto_api._internal import mock_random

from glue.localcloud.accounts import Scope
from glue.localcloud.monitoring.metrics import NAMESPACE
from glue.localcloud.protocol import AwsError
from glue.scaling import step_scaling, target_tracking
from glue.scaling.alarms import AlarmRule
from glue.scaling.cooldowns import Policy
from glue.scaling.step_scaling import Adjustment, Step, StepScaling
from glue.scaling.target_tracking import TargetTracking

Document = dict[str, Any]


def policy_of(policy: Any) -> Policy:
    """What a policy of moto's says.

    Raises:
        AwsError: it lacks what such a policy needs.
    """
    steps = policy.step_scaling_policy_configuration
    if steps is not None:
        if "AdjustmentType" not in steps:
            raise AwsError("ValidationException", "AdjustmentType is required for a step scaling policy.")
        return StepScaling(
            policy.policy_name,
            Adjustment(steps["AdjustmentType"]),
            [
                Step(
                    step["ScalingAdjustment"],
                    step.get("MetricIntervalLowerBound"),
                    step.get("MetricIntervalUpperBound"),
                )
                for step in steps.get("StepAdjustments", [])
            ],
            cooldown=steps.get("Cooldown", step_scaling.DEFAULT_COOLDOWN),
            least_change=steps.get("MinAdjustmentMagnitude", 0),
        )
    tracking = policy.target_tracking_scaling_policy_configuration
    return TargetTracking(
        policy.policy_name,
        float(tracking["TargetValue"]),
        scale_in_cooldown=tracking.get("ScaleInCooldown", target_tracking.DEFAULT_COOLDOWN),
        scale_out_cooldown=tracking.get("ScaleOutCooldown", target_tracking.DEFAULT_COOLDOWN),
        scales_in=not tracking.get("DisableScaleIn", False),
    )


def make_alarms(scope: Scope, policy: Any) -> None:
    """Give a target tracking policy its two alarms; a policy of another kind has none.

    Raises:
        AwsError: the policy lacks something, or tracks what the local cloud cannot.
    """
    rules = policy_of(policy)
    if not isinstance(rules, TargetTracking):
        return
    action = f"{policy.policy_arn}:createdBy/{mock_random.uuid4()}"
    watched = _watched(policy)
    backend = cloudwatch_backends[scope.account][scope.region]
    alarms = {"AlarmHigh": rules.high_alarm}
    if rules.scales_in:
        alarms["AlarmLow"] = rules.low_alarm
    policy.alarms = [
        backend.put_metric_alarm(
            name=f"TargetTracking-{policy.resource_id}-{kind}-{mock_random.uuid4()}",
            description=f"DO NOT EDIT OR DELETE. For TargetTrackingScaling policy {action}.",
            alarm_actions=[action],
            **_settings(rule),
            **watched,
        )
        for kind, rule in alarms.items()
    ]


def _settings(rule: AlarmRule) -> Document:
    return {
        "comparison_operator": rule.comparison,
        "evaluation_periods": rule.evaluation_periods,
        "period": rule.period,
        "threshold": rule.threshold,
    }


def _watched(policy: Any) -> Document:
    """The metric of a target tracking policy, as an alarm names it.

    Raises:
        AwsError: it is a metric math expression, or a predefined metric of something else than a variant.
    """
    tracking = policy.target_tracking_scaling_policy_configuration
    custom = tracking.get("CustomizedMetricSpecification")
    if custom is not None:
        if "Metrics" in custom:
            raise AwsError("ValidationException", "The local cloud tracks metrics, not metric math (Metrics).")
        return {
            "namespace": custom["Namespace"],
            "metric_name": custom["MetricName"],
            "dimensions": custom.get("Dimensions", []),
            "statistic": custom["Statistic"],
            "unit": custom.get("Unit"),
        }
    predefined = tracking.get("PredefinedMetricSpecification", {}).get("PredefinedMetricType")
    if predefined != "SageMakerVariantInvocationsPerInstance":
        raise AwsError("ValidationException", f"The local cloud does not track the predefined metric {predefined}.")
    _, endpoint, _, variant = policy.resource_id.split("/")
    named = {"EndpointName": endpoint, "VariantName": variant}
    return {
        "namespace": NAMESPACE,
        "metric_name": "InvocationsPerInstance",
        "dimensions": [{"Name": name, "Value": value} for name, value in named.items()],
        "statistic": "Sum",
    }

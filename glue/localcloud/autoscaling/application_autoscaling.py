"""What moto's Application Auto Scaling lacks: tags of scalable targets, policies that keep their ARN when they are
changed and have alarms of their own, schedules that are checked, scaling activities.

moto owns targets, policies and scheduled actions.
https://docs.aws.amazon.com/autoscaling/application/APIReference/API_Operations.html
"""

from typing import Any

from moto.applicationautoscaling.models import FakeApplicationAutoscalingPolicy, applicationautoscaling_backends

from glue.localcloud.accounts import Scope
from glue.localcloud.autoscaling.scaling import DIMENSION, place_of
from glue.localcloud.autoscaling.scaling_activities import Activities
from glue.localcloud.autoscaling.scaling_policies import make_alarms
from glue.localcloud.clock import Clock
from glue.localcloud.protocol import AwsError, Call, Document, Service
from glue.localcloud.sagemaker.store import BadTokenError, page
from glue.scaling.schedules import Schedule, ScheduleError

_TAG_LIMIT = 50
_PAGE = 50
_PLACE = ("ServiceNamespace", "ResourceId", "ScalableDimension")


class ScalingApi:
    """The operations of Application Auto Scaling that the local cloud answers; moto has the rest."""

    def __init__(self, activities: Activities, clock: Clock) -> None:
        self._activities = activities
        self._clock = clock

    def service(self) -> Service:
        """The operations, ready to be served."""
        return Service(
            "application-autoscaling",
            {
                "RegisterScalableTarget": register_scalable_target,
                "DeregisterScalableTarget": deregister_scalable_target,
                "PutScalingPolicy": put_scaling_policy,
                "PutScheduledAction": self.put_scheduled_action,
                "DescribeScalingActivities": self.describe_scaling_activities,
                "TagResource": tag_resource,
                "UntagResource": untag_resource,
                "ListTagsForResource": list_tags_for_resource,
            },
        )

    def put_scheduled_action(self, call: Call) -> None:
        """moto's, once the schedule was understood; its time is that of the local clock."""
        params, backend = call.params, _backend(call)
        _registered(call)
        place = {name: params[name] for name in _PLACE}
        found = [
            action
            for action in backend.scheduled_actions
            if place_of(action) == place and action.scheduled_action_name == params["ScheduledActionName"]
        ]
        expression = params.get("Schedule") or (found[0].schedule if found else "")
        timezone = params.get("Timezone") or (found[0].timezone if found else None)
        try:
            Schedule(expression, self._clock.now(), timezone=timezone or "UTC")
        except ScheduleError as error:
            raise AwsError("ValidationException", f"Invalid schedule: {error}") from error
        backend.put_scheduled_action(
            params["ServiceNamespace"],
            expression,
            timezone,
            params["ScheduledActionName"],
            params["ResourceId"],
            params["ScalableDimension"],
            params.get("StartTime"),
            params.get("EndTime"),
            params.get("ScalableTargetAction"),
        )
        if not found:
            backend.scheduled_actions[-1].creation_time = self._clock.now().timestamp()

    def describe_scaling_activities(self, call: Call) -> Document:
        """What was scaled, newest first. What was not scaled is in the local cloud's log only."""
        place = {name: call.params[name] for name in _PLACE if name in call.params}
        found = [activity.document() for activity in self._activities.of(call.scope, place)]
        try:
            shown, following = page(found, call.params.get("NextToken"), call.params.get("MaxResults", _PAGE))
        except BadTokenError as error:
            raise AwsError("InvalidNextTokenException", f"The next token supplied was invalid: {error}") from error
        return {"ScalingActivities": shown} | ({"NextToken": following} if following else {})


def register_scalable_target(call: Call) -> Document:
    """moto's, with the tags it drops and the service-linked role that AWS fills in."""
    params = call.params
    low, high = params.get("MinCapacity"), params.get("MaxCapacity")
    if low is not None and high is not None and low > high:
        raise AwsError("ValidationException", "Maximum capacity cannot be less than minimum capacity")
    target = _backend(call).register_scalable_target(
        params["ServiceNamespace"],
        params["ResourceId"],
        params["ScalableDimension"],
        min_capacity=low,
        max_capacity=high,
        role_arn=params.get("RoleARN") or _service_linked_role(call.scope, params["ServiceNamespace"]),
        suspended_state=params.get("SuspendedState"),
    )
    _set_tags(target, params.get("Tags") or {})
    return {"ScalableTargetARN": target.arn}


def deregister_scalable_target(call: Call) -> None:
    """moto's, which leaves policies, their alarms and scheduled actions behind.

    https://docs.aws.amazon.com/autoscaling/application/APIReference/API_DeregisterScalableTarget.html
    """
    backend, params = _backend(call), call.params
    place = {name: params[name] for name in _PLACE}
    backend.deregister_scalable_target(*place.values())
    for policy in [policy for policy in backend.policies.values() if place_of(policy) == place]:
        backend.delete_scaling_policy(policy.policy_name, *place.values())
    backend.scheduled_actions[:] = [action for action in backend.scheduled_actions if place_of(action) != place]


def put_scaling_policy(call: Call) -> Document:
    """moto's, which gives a policy a new ARN with every change: alarms that name it as their action would lose it.

    A target tracking policy for a variant has two alarms, which are made anew when it is changed.
    """
    params, backend = call.params, _backend(call)
    _registered(call)
    place = tuple(params[name] for name in _PLACE)
    key = FakeApplicationAutoscalingPolicy.formulate_key(*place, params["PolicyName"])
    former = backend.policies.get(key)
    policy = backend.put_scaling_policy(
        params["PolicyName"],
        *place,
        policy_type=params.get("PolicyType"),
        policy_body=params.get("StepScalingPolicyConfiguration")
        or params.get("TargetTrackingScalingPolicyConfiguration"),
    )
    if former is not None:
        policy.policy_arn, policy.creation_time = former.policy_arn, former.creation_time
    if params["ScalableDimension"] == DIMENSION:
        try:
            make_alarms(call.scope, policy)
        except AwsError:
            backend.policies.pop(key) if former is None else backend.policies.update({key: former})
            raise
        if former is not None:
            former.delete_alarms(call.scope.account, call.scope.region)
    alarms = [{"AlarmName": alarm.name, "AlarmARN": alarm.alarm_arn} for alarm in policy.alarms]
    return {"PolicyARN": policy.policy_arn, "Alarms": alarms}


def tag_resource(call: Call) -> None:
    """Set tags, 50 in all at most."""
    _set_tags(_target(call), call.params["Tags"])


def untag_resource(call: Call) -> None:
    """Remove tags; one that is not there is no error."""
    tags = _tags(_target(call))
    for key in call.params["TagKeys"]:
        tags.pop(key, None)


def list_tags_for_resource(call: Call) -> Document:
    """All tags of a target."""
    return {"Tags": dict(_tags(_target(call)))}


def _backend(call: Call) -> Any:
    return applicationautoscaling_backends[call.scope.account][call.scope.region]


def _registered(call: Call) -> None:
    """Refuse what belongs to a scalable target that is not registered."""
    namespace, resource, dimension = (call.params[name] for name in _PLACE)
    if resource not in _backend(call).targets.get(dimension, {}):
        raise AwsError(
            "ObjectNotFoundException",
            f"No scalable target registered for service namespace: {namespace}, resource ID: {resource}, "
            f"scalable dimension: {dimension}",
        )


def _target(call: Call) -> Any:
    arn = call.params["ResourceARN"]
    for targets in _backend(call).targets.values():
        for target in targets.values():
            if target.arn == arn:
                return target
    raise AwsError("ResourceNotFoundException", f"No scalable target found for resource ARN: {arn}")


def _tags(target: Any) -> dict[str, str]:
    if not hasattr(target, "local_cloud_tags"):
        target.local_cloud_tags = {}  # kept on moto's own object, so that they go when it goes
    tags: dict[str, str] = target.local_cloud_tags
    return tags


def _set_tags(target: Any, tags: dict[str, str]) -> None:
    known = _tags(target)
    if len(known.keys() | tags.keys()) > _TAG_LIMIT:
        raise AwsError("TooManyTagsException", f"A resource can have {_TAG_LIMIT} tags at most.")
    known.update(tags)


def _service_linked_role(scope: Scope, namespace: str) -> str | None:
    if namespace != "sagemaker":
        return None
    path = "aws-service-role/sagemaker.application-autoscaling.amazonaws.com"
    return f"arn:aws:iam::{scope.account}:role/{path}/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"

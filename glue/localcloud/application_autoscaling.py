"""What moto's Application Auto Scaling lacks and Terraform's provider cannot do without: tags of scalable targets, and
scaling policies that keep their ARN when they are changed.

moto owns targets and policies. https://docs.aws.amazon.com/autoscaling/application/APIReference/API_TagResource.html
"""

from typing import Any

from moto.applicationautoscaling.models import FakeApplicationAutoscalingPolicy, applicationautoscaling_backends

from glue.localcloud.accounts import Scope
from glue.localcloud.protocol import AwsError, Call, Document, Service

_TAG_LIMIT = 50


def autoscaling_service() -> Service:
    """The operations of Application Auto Scaling that the local cloud answers; moto has the rest."""
    return Service(
        "application-autoscaling",
        {
            "RegisterScalableTarget": register_scalable_target,
            "PutScalingPolicy": put_scaling_policy,
            "TagResource": tag_resource,
            "UntagResource": untag_resource,
            "ListTagsForResource": list_tags_for_resource,
        },
    )


def register_scalable_target(call: Call) -> Document:
    """moto's, with the tags it drops and the service-linked role that AWS fills in."""
    target = applicationautoscaling_backends[call.scope.account][call.scope.region].register_scalable_target(
        call.params["ServiceNamespace"],
        call.params["ResourceId"],
        call.params["ScalableDimension"],
        min_capacity=call.params.get("MinCapacity"),
        max_capacity=call.params.get("MaxCapacity"),
        role_arn=call.params.get("RoleARN") or _service_linked_role(call.scope, call.params["ServiceNamespace"]),
        suspended_state=call.params.get("SuspendedState"),
    )
    _set_tags(target, call.params.get("Tags") or {})
    return {"ScalableTargetARN": target.arn}


def put_scaling_policy(call: Call) -> Document:
    """moto's, which gives a policy a new ARN with every change: alarms that name it as their action would lose it."""
    params = call.params
    backend = applicationautoscaling_backends[call.scope.account][call.scope.region]
    place = (params["ServiceNamespace"], params["ResourceId"], params["ScalableDimension"])
    former = backend.policies.get(FakeApplicationAutoscalingPolicy.formulate_key(*place, params["PolicyName"]))
    policy = backend.put_scaling_policy(
        params["PolicyName"],
        *place,
        policy_type=params.get("PolicyType"),
        policy_body=params.get("StepScalingPolicyConfiguration")
        or params.get("TargetTrackingScalingPolicyConfiguration"),
    )
    if former is not None:
        policy.policy_arn, policy.creation_time = former.policy_arn, former.creation_time
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


def _target(call: Call) -> Any:
    arn = call.params["ResourceARN"]
    for targets in applicationautoscaling_backends[call.scope.account][call.scope.region].targets.values():
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

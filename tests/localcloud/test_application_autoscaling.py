from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.localcloud.support import REGION, Account

TARGET = {"ServiceNamespace": "sagemaker", "ScalableDimension": "sagemaker:variant:DesiredInstanceCount"}


def register(account: Account, name: str, **options: Any) -> str:
    arn: str = account.client("application-autoscaling").register_scalable_target(
        **TARGET, ResourceId=f"endpoint/{name}/variant/AllTraffic", MinCapacity=0, MaxCapacity=3, **options
    )["ScalableTargetARN"]
    return arn


def test_a_target_keeps_the_tags_it_is_registered_with(account: Account) -> None:
    arn = register(account, "tagged", Tags={"team": "platform"})
    client = account.client("application-autoscaling")
    client.tag_resource(ResourceARN=arn, Tags={"stage": "test"})
    assert client.list_tags_for_resource(ResourceARN=arn)["Tags"] == {"team": "platform", "stage": "test"}
    client.untag_resource(ResourceARN=arn, TagKeys=["team", "unknown"])
    assert client.list_tags_for_resource(ResourceARN=arn)["Tags"] == {"stage": "test"}


def test_a_target_without_tags_has_none_and_the_service_linked_role(account: Account) -> None:
    arn = register(account, "bare")
    client = account.client("application-autoscaling")
    assert client.list_tags_for_resource(ResourceARN=arn)["Tags"] == {}
    [target] = client.describe_scalable_targets(
        ServiceNamespace="sagemaker", ResourceIds=["endpoint/bare/variant/AllTraffic"]
    )["ScalableTargets"]
    assert (target["MinCapacity"], target["MaxCapacity"]) == (0, 3)
    assert target["RoleARN"].endswith("/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint")


def test_tags_go_with_their_target(account: Account) -> None:
    arn = register(account, "gone", Tags={"a": "b"})
    client = account.client("application-autoscaling")
    client.deregister_scalable_target(**TARGET, ResourceId="endpoint/gone/variant/AllTraffic")
    with pytest.raises(ClientError) as error:
        client.list_tags_for_resource(ResourceARN=arn)
    assert error.value.response["Error"]["Code"] == "ResourceNotFoundException"
    assert register(account, "gone") != arn


def test_more_than_fifty_tags_are_refused(account: Account) -> None:
    arn = register(account, "many", Tags={"first": ""})
    with pytest.raises(ClientError) as error:
        account.client("application-autoscaling").tag_resource(
            ResourceARN=arn, Tags={f"tag{number}": "" for number in range(50)}
        )
    assert error.value.response["Error"]["Code"] == "TooManyTagsException"


def test_an_unknown_target_is_named(account: Account) -> None:
    arn = f"arn:aws:application-autoscaling:{REGION}:{account.id}:scalable-target/none"
    with pytest.raises(ClientError, match="none"):
        account.client("application-autoscaling").list_tags_for_resource(ResourceARN=arn)


def test_a_policy_that_is_changed_keeps_its_arn(account: Account) -> None:
    register(account, "scaled")
    client = account.client("application-autoscaling")
    place = {**TARGET, "ResourceId": "endpoint/scaled/variant/AllTraffic", "PolicyName": "wake"}
    arns = []
    for cooldown in (60, 30):
        steps = [{"MetricIntervalLowerBound": 0.0, "ScalingAdjustment": 1}]
        configuration = {"AdjustmentType": "ChangeInCapacity", "Cooldown": cooldown, "StepAdjustments": steps}
        answer = client.put_scaling_policy(
            **place, PolicyType="StepScaling", StepScalingPolicyConfiguration=configuration
        )
        arns.append(answer["PolicyARN"])
    [policy] = client.describe_scaling_policies(
        ServiceNamespace="sagemaker", ResourceId="endpoint/scaled/variant/AllTraffic"
    )["ScalingPolicies"]
    assert arns == [policy["PolicyARN"]] * 2
    assert policy["StepScalingPolicyConfiguration"]["Cooldown"] == 30

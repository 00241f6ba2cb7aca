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


def tracking(target: float = 5.0, **changes: Any) -> dict[str, Any]:
    metric = {
        "Namespace": "AWS/SageMaker",
        "MetricName": "ApproximateBacklogSizePerInstance",
        "Statistic": "Average",
        "Dimensions": [{"Name": "EndpointName", "Value": "tracked"}],
    }
    return {"TargetValue": target, "CustomizedMetricSpecification": metric} | changes


def put_tracking(account: Account, name: str, **configuration: Any) -> list[dict[str, Any]]:
    """Put a target tracking policy; the alarms that it has."""
    answer = account.client("application-autoscaling").put_scaling_policy(
        **TARGET,
        ResourceId=f"endpoint/{name}/variant/AllTraffic",
        PolicyName="track",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration=tracking(**configuration),
    )
    client = account.client("cloudwatch")
    names = [alarm["AlarmName"] for alarm in answer["Alarms"]]
    alarms: list[dict[str, Any]] = client.describe_alarms(AlarmNames=names)["MetricAlarms"] if names else []
    assert sorted(alarm["AlarmArn"] for alarm in alarms) == sorted(alarm["AlarmARN"] for alarm in answer["Alarms"])
    return alarms


def alarms_of(account: Account, name: str) -> list[dict[str, Any]]:
    prefix = f"TargetTracking-endpoint/{name}/"
    found: list[dict[str, Any]] = account.client("cloudwatch").describe_alarms(AlarmNamePrefix=prefix)["MetricAlarms"]
    return found


def refused(action: Any, **params: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as error:
        action(**params)
    found = error.value.response["Error"]
    return found["Code"], found["Message"]


def test_target_tracking_makes_its_two_alarms_and_deletes_them(account: Account) -> None:
    register(account, "tracked")
    high, low = put_tracking(account, "tracked")
    for alarm, kind, comparison, threshold, periods in (
        (high, "AlarmHigh", "GreaterThanThreshold", 5.0, 3),
        (low, "AlarmLow", "LessThanThreshold", 4.5, 15),
    ):
        assert alarm["AlarmName"].startswith(f"TargetTracking-endpoint/tracked/variant/AllTraffic-{kind}-")
        assert alarm["AlarmDescription"].startswith("DO NOT EDIT OR DELETE. For TargetTrackingScaling policy arn:aws:")
        assert (alarm["ComparisonOperator"], alarm["Threshold"]) == (comparison, threshold)
        assert (alarm["EvaluationPeriods"], alarm["Period"], alarm["Statistic"]) == (periods, 60, "Average")
        assert alarm["MetricName"] == "ApproximateBacklogSizePerInstance"
        assert ":policyName/track:createdBy/" in alarm["AlarmActions"][0]
    [policy] = account.client("application-autoscaling").describe_scaling_policies(
        ServiceNamespace="sagemaker", ResourceId="endpoint/tracked/variant/AllTraffic"
    )["ScalingPolicies"]
    assert [alarm["AlarmName"] for alarm in policy["Alarms"]] == [high["AlarmName"], low["AlarmName"]]
    account.client("application-autoscaling").delete_scaling_policy(
        **TARGET, ResourceId="endpoint/tracked/variant/AllTraffic", PolicyName="track"
    )
    assert alarms_of(account, "tracked") == []


def test_a_changed_target_has_changed_alarms_and_no_other(account: Account) -> None:
    register(account, "retracked")
    put_tracking(account, "retracked")
    high, low = put_tracking(account, "retracked", target=10.0)
    assert (high["Threshold"], low["Threshold"]) == (10.0, 9.0)
    assert len(alarms_of(account, "retracked")) == 2
    [only] = put_tracking(account, "retracked", DisableScaleIn=True)
    assert "AlarmHigh" in only["AlarmName"]
    assert alarms_of(account, "retracked") == [only]


def test_a_target_takes_its_policies_their_alarms_and_its_schedule_along(account: Account) -> None:
    register(account, "whole")
    put_tracking(account, "whole")
    client = account.client("application-autoscaling")
    place = {**TARGET, "ResourceId": "endpoint/whole/variant/AllTraffic"}
    bounds = {"MinCapacity": 1}
    client.put_scheduled_action(
        **place, ScheduledActionName="day", Schedule="cron(0 8 ? * MON-FRI *)", ScalableTargetAction=bounds
    )
    assert len(client.describe_scheduled_actions(ServiceNamespace="sagemaker")["ScheduledActions"]) == 1
    client.deregister_scalable_target(**place)
    assert alarms_of(account, "whole") == []
    named = {"ServiceNamespace": "sagemaker", "ResourceId": place["ResourceId"]}
    assert client.describe_scaling_policies(**named)["ScalingPolicies"] == []
    assert client.describe_scheduled_actions(**named)["ScheduledActions"] == []


def test_what_has_no_target_or_no_sense_is_refused(account: Account) -> None:
    client = account.client("application-autoscaling")
    register(account, "sensible")
    place = {**TARGET, "ResourceId": "endpoint/sensible/variant/AllTraffic"}
    nowhere = {**TARGET, "ResourceId": "endpoint/nowhere/variant/AllTraffic"}
    code, message = refused(client.put_scheduled_action, **nowhere, ScheduledActionName="a", Schedule="rate(1 hour)")
    assert code == "ObjectNotFoundException"
    assert message.startswith(
        "No scalable target registered for service namespace: sagemaker, resource ID: endpoint/now"
    )
    steps = {"PolicyName": "p", "PolicyType": "StepScaling"}
    assert refused(client.put_scaling_policy, **nowhere, **steps)[0] == "ObjectNotFoundException"
    code, message = refused(client.put_scheduled_action, **place, ScheduledActionName="a", Schedule="rate(1 week)")
    assert (code, message.startswith("Invalid schedule: rate(1 week)")) == ("ValidationException", True)
    code, message = refused(client.register_scalable_target, **place, MinCapacity=3, MaxCapacity=1)
    assert (code, message) == ("ValidationException", "Maximum capacity cannot be less than minimum capacity")
    math = tracking(CustomizedMetricSpecification={"Metrics": [{"Id": "m", "Expression": "1"}]})
    tracked = {"PolicyName": "p", "PolicyType": "TargetTrackingScaling"}
    code, message = refused(
        client.put_scaling_policy, **place, **tracked, TargetTrackingScalingPolicyConfiguration=math
    )
    assert (code, "metric math" in message) == ("ValidationException", True)
    named = {"ServiceNamespace": "sagemaker", "ResourceId": place["ResourceId"]}
    assert client.describe_scaling_policies(**named)["ScalingPolicies"] == []
    code, _ = refused(client.describe_scaling_activities, ServiceNamespace="sagemaker", NextToken="made up")
    assert code == "InvalidNextTokenException"

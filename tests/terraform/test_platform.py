"""Both roots on a running cloud: applied, planned again, changed in every way that matters, and destroyed."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tftest

from glue.cloud import Cloud
from glue.localcloud import daemon
from glue.ports import free_port
from glue.terraform.protection import destructions
from tests.localcloud.parity import kill, local_cloud
from tests.localcloud.support import REGION, Account, tar
from tests.terraform.conftest import PLATFORM, REGISTRY, Code, running_provider
from tests.terraform.deployments import (
    ACCOUNT,
    ARTIFACTS,
    COMMON,
    Platform,
    Root,
    alive,
    deployable,
    image,
    merged,
    tagged,
)

ROOMS = 'module.{}["rooms"]'
ENDPOINT = f"{ROOMS.format('endpoint')}.aws_sagemaker_endpoint.this"


def artifact(account: Account, version: int) -> str:
    """Where in S3 the model artifact `version` lies."""
    key = f"location_detector/{version:064x}/model.tar.gz"
    account.client("s3").put_object(Bucket=ARTIFACTS, Key=key, Body=tar({"config.json": json.dumps(version)}))
    return f"s3://{ARTIFACTS}/{key}"


def variables(account: Account) -> dict[str, Any]:
    """An environment dev with one endpoint that runs version 1."""
    return {
        **COMMON,
        "environment": "dev",
        "owner": "platform-team@example.com",
        "force_destroy": True,
        "notifications": {"emails": ["platform-team@example.com"]},
        "alarm_recipients": {"emails": ["on-call@example.com"]},
        "budget_usd": 200,
        "endpoints": {
            "rooms": {
                "workload": "location_detector",
                "instance_type": "ml.m5.xlarge",
                "image": image(account, 1),
                "model": {"source": "archive", "uri": artifact(account, 1)},
                "environment": {},
                "timeouts": {"server": 600, "startup": 600, "model_download": 900, "invocation": 300},
                "max_concurrent_invocations": 2,
                "autoscaling": {
                    "min": 0,
                    "max": 3,
                    "backlog_per_instance": 2,
                    "scale_in_cooldown": 300,
                    "scale_out_cooldown": 60,
                },
            }
        },
    }


def options(folder: Path) -> dict[str, Any]:
    """The local cloud's, whose state outlives it. It is started again: the usual port could be another cloud's then."""
    return {"exit_with": os.getpid(), "cache_dir": folder / "cache", "persist": folder / "kept"}


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    folder = tmp_path_factory.mktemp("cloud")
    with local_cloud(folder / "state", port=free_port(), **options(folder)) as cloud:
        yield Account(cloud.endpoint_url or "", ACCOUNT, folder)


@pytest.fixture(scope="module")
def there(account: Account, initialised: Code) -> Iterator[Code]:
    """The code, with one provider for all runs against the cloud."""
    account.client("s3").create_bucket(Bucket="state")
    reached = Cloud("local", REGION, ACCOUNT, endpoint_url=account.url)
    code = Code(initialised.root, initialised.program, {**initialised.environment, **reached.variables()})
    with running_provider(code) as running:
        yield running


@pytest.fixture(scope="module")
def registry(there: Code) -> Root:
    made = deployable(
        there, REGISTRY, "registry", {**COMMON, "force_destroy": True, "workloads": ["location_detector"]}
    )
    made.apply()
    return made


@pytest.fixture(scope="module")
def platform(account: Account, there: Code, registry: Root) -> Platform:
    """The environment dev, applied on the registry."""
    made = Platform(account, deployable(there, PLATFORM, "dev", variables(account)))
    made.first_steps = made.apply()
    return made


@pytest.fixture(scope="module")
def neighbour(account: Account, there: Code, platform: Platform) -> Platform:
    """Another environment in the same account, with an endpoint of the same key."""
    made = Platform(account, deployable(there, PLATFORM, "qa", merged(variables(account), {"environment": "qa"})))
    made.apply()
    return made


def keys(platform: Platform) -> list[str]:
    """The keys that policies of the endpoint's role allow, policy by policy."""
    iam = platform.account.client("iam")
    [role] = [one["RoleName"] for one in iam.list_roles()["Roles"] if one["RoleName"].startswith(platform.endpoint)]
    statements = [
        statement
        for name in iam.list_role_policies(RoleName=role)["PolicyNames"]
        for statement in iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]["Statement"]
    ]
    return [statement["Resource"] for statement in statements if statement["Sid"] == "UseKey"]


def test_a_second_plan_changes_nothing(platform: Platform, registry: Root) -> None:
    assert registry.plan() == {}
    assert platform.plan() == {}


def test_a_local_cloud_that_was_killed_has_all_that_was_applied_when_it_is_started_again(
    platform: Platform, registry: Root
) -> None:
    folder = platform.account.folder
    facts = platform.facts()
    kill(folder / "state")
    again = daemon.up(folder / "state", **options(folder))
    assert again.endpoint_url == platform.account.url
    assert registry.plan() == {}
    assert platform.plan() == {}
    assert platform.outcome(b'{"do": "echo"}')[1] == "Completed"
    platform.account.settled(platform.endpoint)
    found = platform.facts()
    for each in (facts, found):
        del each["endpoint"]["LastModifiedTime"]  # new instances were started
    assert found == facts


def test_the_container_gets_the_environment_that_the_model_has(platform: Platform) -> None:
    answer, status, body = platform.outcome(b'{"do": "environment"}')
    assert status == "Completed"
    assert answer["OutputLocation"].startswith(f"s3://platform-{ACCOUNT}-{REGION}-dev-data/rooms/results/")
    environment = json.loads(body)["environ"]
    expected = {"SAGEMAKER_MODEL_SERVER_TIMEOUT": "600", "SAGEMAKER_MAX_CONCURRENT_INVOCATIONS": "2"}
    assert expected.items() <= environment.items()


def test_the_role_has_its_policy_before_the_model_and_the_endpoint_its_log_group(platform: Platform) -> None:
    steps = platform.first_steps
    model = steps.index(f"create {ROOMS.format('model')}.aws_sagemaker_model.this")
    endpoint = steps.index(f"create {ROOMS.format('endpoint')}.aws_sagemaker_endpoint.this")
    assert steps.index(f"create {ROOMS.format('model')}.aws_iam_role_policy.this") < model < endpoint
    assert steps.index(f"create {ROOMS.format('endpoint')}.aws_cloudwatch_log_group.this") < endpoint


def test_another_image_is_a_new_revision_and_the_former_goes_last(platform: Platform) -> None:
    before, second = platform.names(), image(platform.account, 2)
    with platform.never_missing():
        steps = platform.apply(image=second)
    update = steps.index(f"update {ENDPOINT}")
    for module, kind in (("model", "aws_sagemaker_model"), ("endpoint", "aws_sagemaker_endpoint_configuration")):
        address = f"{ROOMS.format(module)}.{kind}.this"
        assert steps.index(f"create {address}") < update < steps.index(f"delete {address}")
    after = platform.names()
    assert {kind: len(names) for kind, names in after.items()} == {"models": 1, "configs": 1, "policies": 1}
    assert all(set(before[kind]).isdisjoint(names) for kind, names in after.items())
    assert platform.account.describe(platform.endpoint)["EndpointConfigName"] == after["configs"][0]
    assert platform.plan(image=second) == {}


def test_another_artifact_is_a_new_revision_of_the_same_endpoint(platform: Platform) -> None:
    second = {"model": {"uri": artifact(platform.account, 2)}}
    with platform.never_missing():
        steps = platform.apply(**second)
    assert [step for step in steps if step.endswith(ENDPOINT)] == [f"update {ENDPOINT}"]
    [model] = platform.names()["models"]
    container = platform.account.client("sagemaker").describe_model(ModelName=model)["PrimaryContainer"]
    assert container["ModelDataUrl"] == second["model"]["uri"]
    assert platform.plan(**second) == {}


def test_an_update_that_is_rolled_back_fails_and_keeps_what_runs(platform: Platform) -> None:
    before = platform.names()
    for _ in range(2):  # applying the same once more must not remove what runs either
        with platform.never_missing(), pytest.raises(tftest.TerraformTestError) as refusal:
            platform.apply(environment={"STARTS": "crash"})
        assert "has rolled the update back" in " ".join(str(refusal.value.cmd_error).replace("│", " ").split())
        kept = platform.names()
        assert all(set(names) < set(kept[kind]) for kind, names in before.items())
        assert platform.account.describe(platform.endpoint)["EndpointConfigName"] == before["configs"][0]
    # Back to the content that still runs: a new revision beside both.
    platform.apply()
    assert {len(names) for names in platform.names().values()} == {1}
    assert platform.outcome(b'{"do": "echo"}')[1] == "Completed"
    assert platform.plan() == {}


def test_the_scaling_bounds_change_in_place(platform: Platform) -> None:
    changed = {"autoscaling": {"min": 1, "max": 5, "backlog_per_instance": 4, "scale_out_cooldown": 30}}
    with platform.never_missing():
        assert {step.split()[0] for step in platform.apply(**changed)} == {"update"}
    [target] = platform.facts()["targets"]
    assert (target["MinCapacity"], target["MaxCapacity"]) == (1, 5)
    assert platform.plan(**changed) == {}


def test_schedules_own_the_bounds_until_the_last_one_is_gone(platform: Platform) -> None:
    client = platform.account.client("application-autoscaling")
    variant = f"endpoint/{platform.endpoint}/variant/AllTraffic"
    ours = {"ServiceNamespace": "sagemaker", "ResourceId": variant}
    day = {"schedule": "at(2099-01-01T07:00:00)", "timezone": "Europe/Berlin", "min": 0, "max": 5}
    scheduled = {"autoscaling": {"schedules": {"day": day}}}
    steps = platform.apply(**scheduled)
    target = f"{ROOMS.format('autoscaling')}.aws_appautoscaling_target"
    assert steps.index(f"delete {target}.this[0]") < steps.index(f"create {target}.scheduled[0]")
    [action] = client.describe_scheduled_actions(**ours)["ScheduledActions"]
    assert (action["Schedule"], action["Timezone"]) == ("at(2099-01-01T07:00:00)", "Europe/Berlin")
    assert action["ScalableTargetAction"] == {"MinCapacity": 0, "MaxCapacity": 5}
    # What the schedule does when its time has come.
    client.register_scalable_target(
        **ours, ScalableDimension=action["ScalableDimension"], **action["ScalableTargetAction"]
    )
    assert platform.plan(**scheduled) == {}
    platform.apply()
    [registered] = client.describe_scalable_targets(ServiceNamespace="sagemaker", ResourceIds=[variant])[
        "ScalableTargets"
    ]
    assert (registered["MinCapacity"], registered["MaxCapacity"]) == (0, 3)
    assert client.describe_scheduled_actions(**ours)["ScheduledActions"] == []
    assert len(client.describe_scaling_policies(**ours)["ScalingPolicies"]) == 2
    assert platform.plan() == {}


@pytest.mark.parametrize(("strategy", "size"), [("canary", "CanarySize"), ("linear", "LinearStepSize")])
def test_an_update_in_steps_on_two_instances_is_accepted(platform: Platform, strategy: str, size: str) -> None:
    in_steps = {
        "initial_instance_count": 2,
        "deployment": {"strategy": strategy, "step_percent": 50, "step_interval_seconds": 1},
        "environment": {"STEPS": strategy},
    }
    with platform.never_missing():
        steps = platform.apply(**in_steps)
    assert f"update {ENDPOINT}" in steps
    described = platform.account.describe(platform.endpoint)
    routing = described["LastDeploymentConfig"]["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"]
    assert routing["Type"] == strategy.upper()
    assert routing[size] == {"Type": "CAPACITY_PERCENT", "Value": 50}
    assert platform.plan(**in_steps) == {}


def test_people_are_told_of_alarms_and_of_the_budget(platform: Platform) -> None:
    platform.apply()
    client = platform.account.client
    topic = f"arn:aws:sns:{REGION}:{ACCOUNT}:platform-dev-alarms"
    [told] = client("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert (told["Protocol"], told["Endpoint"]) == ("email", "on-call@example.com")
    body = client("cloudwatch").get_dashboard(DashboardName=f"{platform.endpoint}-{REGION}")["DashboardBody"]
    [shown] = [one["properties"]["alarms"] for one in json.loads(body)["widgets"] if one["type"] == "alarm"]
    names = [arn.rpartition(":")[2] for arn in shown]
    alarms = client("cloudwatch").describe_alarms(AlarmNames=names)["MetricAlarms"]
    assert sorted(alarm["AlarmArn"] for alarm in alarms) == sorted(shown)
    assert len(shown) == 9
    assert all(alarm["AlarmActions"] == alarm["OKActions"] == [topic] for alarm in alarms)
    [notification, _] = client("budgets").describe_notifications_for_budget(
        AccountId=ACCOUNT, BudgetName=f"platform-dev-{REGION}"
    )["Notifications"]
    subscribers = client("budgets").describe_subscribers_for_notification(
        AccountId=ACCOUNT, BudgetName=f"platform-dev-{REGION}", Notification=notification
    )["Subscribers"]
    assert [one["Address"] for one in subscribers] == [topic]


def test_thresholds_and_the_budget_change_in_place(platform: Platform) -> None:
    changed = {"budget_usd": 300, "endpoints": {"rooms": {"alarms": {"failures": 9, "oldest_request_minutes": 30}}}}
    assert {step.split()[0] for step in platform.root.apply(**changed)} == {"update"}
    assert platform.root.plan(**changed) == {}


def test_the_scalable_target_leaves_before_the_instance_type_changes(platform: Platform) -> None:
    with platform.never_missing():
        steps = platform.apply(instance_type="ml.c5.large")
    target = f"{ROOMS.format('autoscaling')}.aws_appautoscaling_target.this[0]"
    update = steps.index(f"update {ENDPOINT}")
    assert steps.index(f"delete {target}") < update < steps.index(f"create {target}")
    assert platform.plan(instance_type="ml.c5.large") == {}


@pytest.mark.parametrize("cure", ["ml.c5.large", "ml.m5.xlarge"])
def test_a_rolled_back_change_of_the_instance_type_says_that_nothing_scales_until_either_type_is_applied(
    platform: Platform, cure: str
) -> None:
    platform.apply()
    before = platform.facts()
    with platform.never_missing(), pytest.raises(tftest.TerraformTestError) as refusal:
        platform.apply(instance_type="ml.c5.large", environment={"STARTS": "crash"})
    said = " ".join(str(refusal.value.cmd_error).replace("│", " ").split())
    assert "has rolled the update back" in said
    assert "it does not scale, not even from zero, until an apply succeeds" in said
    assert platform.facts()["targets"] == []
    platform.apply(instance_type=cure)
    after = platform.facts()
    bounds = [(one["MinCapacity"], one["MaxCapacity"]) for one in after["targets"]]
    assert bounds == [(one["MinCapacity"], one["MaxCapacity"]) for one in before["targets"]] == [(0, 3)]
    assert {one["PolicyType"] for one in after["policies"]} == {"StepScaling", "TargetTrackingScaling"}
    [wake] = [one["PolicyARN"] for one in after["policies"] if one["PolicyType"] == "StepScaling"]
    name = f"{platform.endpoint}-has-backlog-without-capacity"
    [alarm] = platform.account.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
    assert alarm["AlarmActions"] == [wake]
    assert platform.plan(instance_type=cure) == {}


def test_a_change_of_concurrency_keeps_the_endpoint(platform: Platform) -> None:
    changed = {"max_concurrent_invocations": 4, "environment": {"A": "b"}}
    with platform.never_missing():
        steps = platform.apply(**changed)
    assert [step for step in steps if step.endswith(ENDPOINT)] == [f"update {ENDPOINT}"]
    assert platform.plan(**changed) == {}


def test_topics_change_in_place(platform: Platform) -> None:
    """Who hears of results, what messages carry, and the key that encrypts them."""
    topics = [f'{ROOMS.format("notifications")}.aws_sns_topic.this["{name}"]' for name in ("success", "error")]
    changed = {
        "notifications": {"emails": ["on-call@example.com"]},
        "kms": {"create": True},
        "endpoints": {"rooms": {"include_response_in_notifications": True}},
    }
    before = set(platform.facts()["topics"])
    with platform.never_missing():
        steps = platform.root.apply(**changed)
    assert {step for step in steps if step.endswith((ENDPOINT, *topics))} == {
        f"update {address}" for address in (ENDPOINT, *topics)
    }
    after = platform.facts()["topics"]
    assert set(after) == before
    assert all(":key/" in topic["KmsMasterKeyId"] for topic in after.values())
    addresses = {
        one["Endpoint"]
        for arn in after
        for one in platform.account.client("sns").list_subscriptions_by_topic(TopicArn=arn)["Subscriptions"]
    }
    assert addresses == {"on-call@example.com"}
    assert platform.root.plan(**changed) == {}


def test_the_former_key_is_allowed_until_the_endpoint_has_left_it(platform: Platform) -> None:
    kms = platform.account.client("kms")
    former, later = ({"create": False, "key_arn": kms.create_key()["KeyMetadata"]["Arn"]} for _ in range(2))
    platform.root.apply(kms=former)
    policy = f"{ROOMS.format('model')}.aws_iam_role_policy.this"
    with platform.never_missing(), pytest.raises(tftest.TerraformTestError):
        platform.root.apply(kms=later, endpoints={"rooms": {"environment": {"STARTS": "crash"}}})
    assert sorted(keys(platform)) == sorted([former["key_arn"], later["key_arn"]])
    with platform.never_missing():
        steps = platform.root.apply(kms=later)
    assert f"update {policy}" not in steps
    update = steps.index(f"update {ENDPOINT}")
    assert steps.index(f"create {policy}") < update < steps.index(f"delete {policy}")
    assert keys(platform) == [later["key_arn"]]
    assert platform.root.plan(kms=later) == {}
    platform.apply()
    for key in (former, later):
        kms.schedule_key_deletion(KeyId=key["key_arn"].rpartition("/")[2], PendingWindowInDays=7)


def test_an_endpoint_that_is_replaced_scales_again(platform: Platform) -> None:
    ends_slowly = {"environment": {"STARTS": "tidy"}}
    without_alarms = {"deployment": {"rollback_alarms": False}, **ends_slowly}
    steps = platform.replace(**without_alarms)
    assert steps.index(f"delete {ENDPOINT}") < steps.index(f"create {ENDPOINT}")
    facts = platform.facts()
    assert (len(facts["targets"]), len(facts["policies"])) == (1, 2)
    assert platform.plan(**without_alarms) == {}
    platform.replace()


def test_what_protection_covers_is_found_in_a_real_plan(platform: Platform) -> None:
    """Another environment's name is another name of bucket and endpoint."""
    found = destructions(platform.root.document(environment="other"))
    assert {(one.address, one.action, one.replace_paths) for one in found} == {
        (ENDPOINT, "replace", ("name",)),
        ("module.data.aws_s3_bucket.this", "replace", ("bucket",)),
    }


def test_a_change_of_one_environment_leaves_its_neighbour_in_the_account_alone(
    platform: Platform, neighbour: Platform
) -> None:
    before = platform.facts()
    with platform.never_missing():
        neighbour.apply(max_concurrent_invocations=3)
    assert platform.facts() == before
    assert platform.plan() == {}


def test_a_destroyed_environment_leaves_nothing_of_its_tag_and_its_neighbour_serving(
    platform: Platform, neighbour: Platform
) -> None:
    assert tagged(platform.account, platform.environment)
    before = neighbour.facts()
    with neighbour.never_missing():
        platform.root.destroy()
    assert tagged(platform.account, platform.environment) == []
    assert neighbour.facts() == before
    assert neighbour.outcome(b'{"do": "echo"}')[1] == "Completed"
    assert neighbour.plan(max_concurrent_invocations=3) == {}


def test_when_all_is_destroyed_the_account_is_empty(neighbour: Platform, registry: Root) -> None:
    neighbour.root.destroy()
    registry.destroy()
    client = neighbour.account.client
    left = {
        "endpoints": client("sagemaker").list_endpoints()["Endpoints"],
        "configs": client("sagemaker").list_endpoint_configs()["EndpointConfigs"],
        "models": client("sagemaker").list_models()["Models"],
        "topics": client("sns").list_topics()["Topics"],
        "subscriptions": client("sns").list_subscriptions()["Subscriptions"],
        "queues": client("sqs").list_queues().get("QueueUrls", []),
        "functions": client("lambda").list_functions()["Functions"],
        "rules": client("events").list_rules()["Rules"],
        "log groups": client("logs").describe_log_groups()["logGroups"],
        "alarms": client("cloudwatch").describe_alarms()["MetricAlarms"],
        "dashboards": client("cloudwatch").list_dashboards()["DashboardEntries"],
        "roles": client("iam").list_roles()["Roles"],
        "repositories": client("ecr").describe_repositories()["repositories"],
        "targets": client("application-autoscaling").describe_scalable_targets(ServiceNamespace="sagemaker")[
            "ScalableTargets"
        ],
        "policies": client("application-autoscaling").describe_scaling_policies(ServiceNamespace="sagemaker")[
            "ScalingPolicies"
        ],
        "keys": [key for key in client("kms").list_keys()["Keys"] if alive(neighbour.account, key["KeyId"])],
        "scheduled actions": client("application-autoscaling").describe_scheduled_actions(ServiceNamespace="sagemaker")[
            "ScheduledActions"
        ],
        "budgets": client("budgets").describe_budgets(AccountId=ACCOUNT).get("Budgets"),
        "buckets": [one for one in client("s3").list_buckets()["Buckets"] if one["Name"] != "state"],
    }
    assert {kind: found for kind, found in left.items() if found} == {}

"""Both roots on a running cloud: applied, planned again, changed in every way that matters, and destroyed."""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import tftest

from glue.cloud import Cloud
from glue.localcloud import daemon
from tests.localcloud.support import PROGRAM, REGION, Account, tar
from tests.terraform.conftest import PLATFORM, REGISTRY, Code, running_provider

ACCOUNT = "111122223333"
ENDPOINT = "platform-dev-rooms"
ROOMS = 'module.{}["rooms"]'
BACKEND = {"bucket": "state", "region": REGION, "use_lockfile": "true", "use_path_style": "true"}
COMMON = {"region": REGION, "account_id": ACCOUNT, "name_prefix": "platform", "s3_use_path_style": True}

_STEP = re.compile(r"^(\S+?)(?: \(deposed object \w+\))?: (Creating|Modifying|Destroying)\.\.\.", re.MULTILINE)


def merged(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """`base` with `changes` put over it, mapping by mapping."""
    return base | {
        key: merged(base[key], value) if isinstance(value, dict) and isinstance(base.get(key), dict) else value
        for key, value in changes.items()
    }


@dataclass
class Root:
    """A root module on a cloud, with its variables."""

    terraform: tftest.TerraformTest
    variables: dict[str, Any]
    file: Path

    def _write(self, changes: dict[str, Any]) -> dict[str, Any]:
        self.file.write_text(json.dumps(merged(self.variables, changes)))
        return {"tf_var_file": str(self.file)}

    def plan(self, **changes: Any) -> dict[str, str]:
        """What would happen: "create", "update", "delete" or a replacement's two, by address."""
        planned = self.terraform.plan(output=True, **self._write(changes))
        return {
            address: ",".join(change["change"]["actions"])
            for address, change in planned.resource_changes.items()
            if change["change"]["actions"] not in (["no-op"], ["read"])
        }

    def apply(self, **changes: Any) -> list[str]:
        """Apply; the steps as they began: `create module.x.y`, `update …`, `delete …`."""
        log = self.terraform.apply(**self._write(changes))
        words = {"Creating": "create", "Modifying": "update", "Destroying": "delete"}
        return [f"{words[word]} {address}" for address, word in _STEP.findall(log)]

    def destroy(self) -> None:
        """Destroy everything."""
        self.terraform.destroy(**self._write({}))


@dataclass
class Platform:
    """An environment with one endpoint."""

    account: Account
    registry: Root
    root: Root
    first_steps: list[str] = field(default_factory=list)

    def image(self, version: int) -> str:
        """An image of the serving program for tests; each version has a digest of its own."""
        program = f"{PROGRAM.read_text()}\nVERSION = {version}\n"
        return self.account.push_image(
            {"opt/program/program.py": program, "opt/program/requirements.lock": "# nothing\n"},
            repository="platform/location_detector",
            entrypoint=["python", "-m", "program"],
            labels={"io.async-inference.runtime": "process"},
        )

    def plan(self, **endpoint: Any) -> dict[str, str]:
        return self.root.plan(endpoints={"rooms": endpoint})

    def apply(self, **endpoint: Any) -> list[str]:
        return self.root.apply(endpoints={"rooms": endpoint})

    def outcome(self, content: bytes) -> tuple[dict[str, Any], str, bytes]:
        """Send a request by way of the endpoint's own inputs; the answer, how it ended, and the result's content."""
        bucket, key = f"platform-{ACCOUNT}-{REGION}-dev-data", "rooms/inputs/request.json"
        self.account.client("s3").put_object(Bucket=bucket, Key=key, Body=content)
        answer: dict[str, Any] = self.account.client("sagemaker-runtime").invoke_endpoint_async(
            EndpointName=ENDPOINT, InputLocation=f"s3://{bucket}/{key}"
        )
        return answer, *self.account.outcome(answer)

    def names(self) -> dict[str, list[str]]:
        """The names of all revisions there are."""
        sagemaker, iam = self.account.client("sagemaker"), self.account.client("iam")
        roles = [role["RoleName"] for role in iam.list_roles()["Roles"] if role["RoleName"].startswith(ENDPOINT)]
        return {
            "models": [model["ModelName"] for model in sagemaker.list_models()["Models"]],
            "configs": [
                config["EndpointConfigName"] for config in sagemaker.list_endpoint_configs()["EndpointConfigs"]
            ],
            "policies": [name for role in roles for name in iam.list_role_policies(RoleName=role)["PolicyNames"]],
        }


def deployable(code: Code, folder: str, variables: dict[str, Any]) -> Root:
    terraform = tftest.TerraformTest(str(code.root / folder), binary=str(code.program))
    terraform.env = code.environment_of(folder)
    terraform.setup(init_vars={**BACKEND, "key": f"{folder}.tfstate"}, cleanup_on_exit=False)
    return Root(terraform, variables, code.root / "data" / f"{Path(folder).name}.tfvars.json")


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    folder = tmp_path_factory.mktemp("cloud")
    cloud = daemon.up(folder / "state", exit_with=os.getpid(), cache_dir=folder / "cache")
    assert cloud.endpoint_url
    yield Account(cloud.endpoint_url, ACCOUNT, folder)
    daemon.down(folder / "state")


@pytest.fixture(scope="module")
def platform(account: Account, initialised: Code) -> Iterator[Platform]:
    """Both roots, applied: an endpoint that runs version 1."""
    account.client("s3").create_bucket(Bucket="state")
    reached = Cloud("local", REGION, ACCOUNT, endpoint_url=account.url)
    there = Code(initialised.root, initialised.program, {**initialised.environment, **reached.variables()})
    with running_provider(there) as code:
        registry = deployable(code, REGISTRY, {**COMMON, "force_destroy": True, "workloads": ["location_detector"]})
        registry.apply()
        key = f"location_detector/{'0' * 64}/model.tar.gz"
        bucket = f"platform-{ACCOUNT}-{REGION}-artifacts"
        account.client("s3").put_object(Bucket=bucket, Key=key, Body=tar({"config.json": "{}"}))
        made = Platform(account, registry, deployable(code, PLATFORM, {}))
        made.root.variables = {
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
                    "image": made.image(1),
                    "model": {"source": "archive", "uri": f"s3://{bucket}/{key}"},
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
        made.first_steps = made.apply()
        yield made


def test_a_second_plan_changes_nothing(platform: Platform) -> None:
    assert platform.registry.plan() == {}
    assert platform.plan() == {}


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
    before = platform.names()
    steps = platform.apply(image=platform.image(2))
    update = steps.index(f"update {ROOMS.format('endpoint')}.aws_sagemaker_endpoint.this")
    for module, kind in (("model", "aws_sagemaker_model"), ("endpoint", "aws_sagemaker_endpoint_configuration")):
        address = f"{ROOMS.format(module)}.{kind}.this"
        assert steps.index(f"create {address}") < update < steps.index(f"delete {address}")
    after = platform.names()
    assert {kind: len(names) for kind, names in after.items()} == {"models": 1, "configs": 1, "policies": 1}
    assert all(set(before[kind]).isdisjoint(names) for kind, names in after.items())
    described = platform.account.describe(ENDPOINT)
    assert described["EndpointConfigName"] == after["configs"][0]
    assert platform.plan(image=platform.image(2)) == {}


def test_an_update_that_is_rolled_back_fails_and_keeps_what_runs(platform: Platform) -> None:
    platform.apply()
    before = platform.names()
    for _ in range(2):  # applying the same once more must not remove what runs either
        with pytest.raises(tftest.TerraformTestError) as refusal:
            platform.apply(environment={"STARTS": "crash"})
        assert "has rolled the update back" in " ".join(str(refusal.value.cmd_error).replace("│", " ").split())
        kept = platform.names()
        assert all(set(names) < set(kept[kind]) for kind, names in before.items())
        assert platform.account.describe(ENDPOINT)["EndpointConfigName"] == before["configs"][0]
    # Back to the content that still runs: a new revision beside both.
    platform.apply()
    assert {len(names) for names in platform.names().values()} == {1}
    assert platform.outcome(b'{"do": "echo"}')[1] == "Completed"
    assert platform.plan() == {}


def test_the_scaling_bounds_change_in_place(platform: Platform) -> None:
    changed = {"autoscaling": {"min": 1, "max": 5, "backlog_per_instance": 4, "scale_out_cooldown": 30}}
    assert {step.split()[0] for step in platform.apply(**changed)} == {"update"}
    [target] = platform.account.client("application-autoscaling").describe_scalable_targets(
        ServiceNamespace="sagemaker"
    )["ScalableTargets"]
    assert (target["MinCapacity"], target["MaxCapacity"]) == (1, 5)
    assert platform.plan(**changed) == {}


def test_the_scalable_target_leaves_before_the_instance_type_changes(platform: Platform) -> None:
    steps = platform.apply(instance_type="ml.c5.large")
    target = f"{ROOMS.format('autoscaling')}.aws_appautoscaling_target.this[0]"
    update = steps.index(f"update {ROOMS.format('endpoint')}.aws_sagemaker_endpoint.this")
    assert steps.index(f"delete {target}") < update < steps.index(f"create {target}")
    assert platform.plan(instance_type="ml.c5.large") == {}


def test_an_endpoint_that_is_replaced_scales_again(platform: Platform) -> None:
    without_alarms = {"deployment": {"rollback_alarms": False}}
    steps = platform.apply(**without_alarms)
    endpoint = f"{ROOMS.format('endpoint')}.aws_sagemaker_endpoint.this"
    assert steps.index(f"delete {endpoint}") < steps.index(f"create {endpoint}")
    autoscaling = platform.account.client("application-autoscaling")
    assert len(autoscaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]) == 1
    assert len(autoscaling.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"]) == 2
    assert platform.plan(**without_alarms) == {}


def test_a_change_of_configuration_keeps_the_endpoint(platform: Platform) -> None:
    platform.apply()
    changed = {"max_concurrent_invocations": 4, "include_response_in_notifications": True, "environment": {"A": "b"}}
    steps = platform.apply(**changed)
    endpoint = f"{ROOMS.format('endpoint')}.aws_sagemaker_endpoint.this"
    assert f"update {endpoint}" in steps
    assert f"delete {endpoint}" not in steps
    assert platform.plan(**changed) == {}


def test_a_destroy_leaves_nothing_behind(platform: Platform) -> None:
    for root in (platform.root, platform.registry):
        root.destroy()
    client = platform.account.client
    left = {
        "endpoints": client("sagemaker").list_endpoints()["Endpoints"],
        "topics": client("sns").list_topics()["Topics"],
        "log groups": client("logs").describe_log_groups()["logGroups"],
        "alarms": client("cloudwatch").describe_alarms()["MetricAlarms"],
        "roles": [role for role in client("iam").list_roles()["Roles"] if ENDPOINT in role["RoleName"]],
        "repositories": client("ecr").describe_repositories()["repositories"],
        "targets": client("application-autoscaling").describe_scalable_targets(ServiceNamespace="sagemaker")[
            "ScalableTargets"
        ],
        "buckets": [one for one in client("s3").list_buckets()["Buckets"] if one["Name"] != "state"],
    }
    assert {kind: found for kind, found in left.items() if found} == {}
    assert {kind: names for kind, names in platform.names().items() if names} == {}

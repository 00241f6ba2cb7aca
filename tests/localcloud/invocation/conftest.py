"""Endpoints of the test program, deployed on a real local cloud the way Terraform would."""

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from glue.checks.subject import Subject
from glue.cloud import Cloud
from glue.deployed import DeployedEndpoint
from glue.profiles.models import Autoscaling, Endpoint, Timeouts
from glue.releases import EndpointRelease
from glue.workloads.golden import load_cases
from tests.localcloud.support import REGION, Account

TIMEOUTS = Timeouts(server=300, startup=600, model_download=600, invocation=20)
SERVER_VARIABLES = ("SAGEMAKER_MODEL_SERVER_TIMEOUT", "MODEL_SERVER_TIMEOUT", "TS_DEFAULT_RESPONSE_TIMEOUT")
PROFILE = Endpoint(
    workload="program",
    instance_type="ml.m5.xlarge",
    timeouts=TIMEOUTS,
    max_concurrent_invocations=8,
    autoscaling=Autoscaling(min=1, max=1, backlog_per_instance=1.0, scale_in_cooldown=1, scale_out_cooldown=1),
)

ECHO = {"do": "echo", "rooms": [{"area": 100}]}
REFUSE = {"do": "refuse", "status": 415, "message": "not an image"}


@dataclass(frozen=True)
class Deployed:
    """An endpoint, what was declared about it, and the cloud it runs in."""

    cloud: Cloud
    account: Account
    subject: Subject

    @property
    def endpoint(self) -> DeployedEndpoint:
        return self.subject.deployed


Deploy = Callable[..., Deployed]


@pytest.fixture(scope="session")
def deploy(account: Account, tmp_path_factory: pytest.TempPathFactory) -> Deploy:
    """Makes an endpoint: `environment` goes over the model's own, `topics` are those that its configuration has."""
    cases = load_cases(golden_folder(tmp_path_factory.mktemp("golden")))
    cloud = Cloud("local", REGION, account.id, endpoint_url=account.url)

    def make(environment: dict[str, str] | None = None, topics: tuple[str, ...] = ("Success", "Error")) -> Deployed:
        name = f"program-{uuid.uuid4().hex[:6]}"
        image = account.push_program()
        account.create_model(name, image, environment=dict.fromkeys(SERVER_VARIABLES, "300") | (environment or {}))
        arns = {kind: account.client("sns").create_topic(Name=f"{name}-{kind}")["TopicArn"] for kind in TOPICS}
        account.client("sagemaker").create_endpoint_config(
            EndpointConfigName=name,
            ProductionVariants=[_variant(name)],
            AsyncInferenceConfig=_async_config(account, name, {f"{kind}Topic": arns[kind] for kind in topics}),
        )
        account.create_endpoint(name, name)
        _register(account, name)
        deployed = DeployedEndpoint(
            name=name,
            arn=account.describe(name)["EndpointArn"],
            config_name=name,
            variant_name="AllTraffic",
            data_bucket=account.bucket,
            input_prefix=f"{name}/inputs/",
            success_topic_arn=arns["Success"],
            error_topic_arn=arns["Error"],
            timeouts=TIMEOUTS,
        )
        release = EndpointRelease(image=image, workload="program", workload_version="1.0.0", module_version="1")
        return Deployed(cloud, account, Subject("program", PROFILE, release, deployed, cases))

    return make


TOPICS = ("Success", "Error")


def _variant(model: str) -> dict[str, Any]:
    return {
        "VariantName": "AllTraffic",
        "ModelName": model,
        "InstanceType": "ml.m5.xlarge",
        "InitialInstanceCount": 1,
        "ModelDataDownloadTimeoutInSeconds": TIMEOUTS.model_download,
        "ContainerStartupHealthCheckTimeoutInSeconds": TIMEOUTS.startup,
    }


def scalable(endpoint: str) -> dict[str, Any]:
    """What of an endpoint scales, as Application Auto Scaling names it."""
    return {
        "ServiceNamespace": "sagemaker",
        "ResourceId": f"endpoint/{endpoint}/variant/AllTraffic",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    }


def _register(account: Account, endpoint: str) -> None:
    client, bounds = account.client("application-autoscaling"), PROFILE.autoscaling
    client.register_scalable_target(**scalable(endpoint), MinCapacity=bounds.min, MaxCapacity=bounds.max)
    policies: dict[str, dict[str, Any]] = {
        "StepScaling": {
            "AdjustmentType": "ChangeInCapacity",
            "StepAdjustments": [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}],
        },
        "TargetTrackingScaling": {
            "TargetValue": bounds.backlog_per_instance,
            "CustomizedMetricSpecification": {
                "Namespace": "AWS/SageMaker",
                "MetricName": "ApproximateBacklogSizePerInstance",
                "Statistic": "Average",
                "Dimensions": [{"Name": "EndpointName", "Value": endpoint}],
            },
        },
    }
    for kind, settings in policies.items():
        client.put_scaling_policy(
            **scalable(endpoint), PolicyName=kind, PolicyType=kind, **{f"{kind}PolicyConfiguration": settings}
        )


def _async_config(account: Account, name: str, topics: dict[str, str]) -> dict[str, Any]:
    return {
        "ClientConfig": {"MaxConcurrentInvocationsPerInstance": 8},
        "OutputConfig": {
            "S3OutputPath": f"s3://{account.bucket}/{name}/results/",
            "S3FailurePath": f"s3://{account.bucket}/{name}/failures/",
            "NotificationConfig": topics,
        },
    }


def golden_folder(folder: Path) -> Path:
    """A request that the program answers within the tolerance, and one that it refuses."""
    good, bad = folder / "good", folder / "refused"
    good.mkdir()
    (good / "request.json").write_text(json.dumps(ECHO))
    (good / "expected.json").write_text(json.dumps(ECHO).replace("100", "101.5"))
    (good / "case.yaml").write_text(
        "description: a request that is answered\n"
        "request: {file: request.json, content_type: application/json, accept: application/json}\n"
        "expect: {outcome: success, body: expected.json, tolerance: {absolute: 2}}\n"
    )
    bad.mkdir()
    (bad / "request.json").write_text(json.dumps(REFUSE))
    (bad / "case.yaml").write_text(
        "description: a request that is refused\n"
        "request: {file: request.json, content_type: application/json}\n"
        "expect: {outcome: failure, status: 415, message: not an image}\n"
    )
    return folder


@pytest.fixture(scope="session")
def program(deploy: Deploy) -> Deployed:
    """An endpoint as it should be."""
    return deploy()


@pytest.fixture
def order(tmp_path: Path) -> Callable[..., Path]:
    """Writes a request that tells the program what to do."""

    def write(name: str, **fields: Any) -> Path:
        file = tmp_path / name
        file.write_text(json.dumps(fields))
        return file

    return write

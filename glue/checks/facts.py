"""What is really there: facts about a deployed endpoint, read back from AWS."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from glue.cloud import Cloud
from glue.errors import FailedError


@dataclass(frozen=True)
class Identity:
    """Whose credentials are in use."""

    account_id: str
    arn: str


@dataclass(frozen=True)
class EndpointFacts:
    """DescribeEndpoint. `resolved_images` are those that the variant's instances run. No status: no such endpoint."""

    status: str | None
    config_name: str | None = None
    failure_reason: str | None = None
    resolved_images: tuple[str, ...] = ()


@dataclass(frozen=True)
class ModelFacts:
    """DescribeEndpointConfig and DescribeModel of one variant. Timeouts in seconds, None where SageMaker decides."""

    model_name: str
    image: str | None
    source: str | None
    environment: Mapping[str, str]
    startup: int | None
    model_download: int | None


@dataclass(frozen=True)
class ScalingFacts:
    """What Application Auto Scaling knows of a variant. No `bounds`: it is no scalable target and stays as it is."""

    bounds: tuple[int, int] | None
    policies: frozenset[str] = frozenset()
    """The types of its policies."""


def identity(cloud: Cloud) -> Identity:
    """Who we are (GetCallerIdentity)."""
    answer = cloud.client("sts").get_caller_identity()
    return Identity(answer["Account"], answer["Arn"])


def endpoint_facts(cloud: Cloud, name: str, variant: str) -> EndpointFacts:
    """The endpoint `name` and what its `variant` runs."""
    try:
        found = cloud.client("sagemaker").describe_endpoint(EndpointName=name)
    except ClientError as error:
        # DescribeEndpoint answers a missing endpoint with a ValidationException, "Could not find endpoint …".
        if error.response["Error"]["Code"] in {"ValidationException", "ResourceNotFound"}:
            return EndpointFacts(None)
        raise
    return EndpointFacts(
        status=found["EndpointStatus"],
        config_name=found.get("EndpointConfigName"),
        failure_reason=found.get("FailureReason"),
        resolved_images=tuple(
            image.get("ResolvedImage", "")
            for summary in found.get("ProductionVariants", [])
            if summary["VariantName"] == variant
            for image in summary.get("DeployedImages", [])
        ),
    )


def model_facts(cloud: Cloud, config_name: str, variant: str) -> ModelFacts:
    """What `variant` of the endpoint configuration `config_name` runs.

    Raises:
        FailedError: it has no such variant.
    """
    client = cloud.client("sagemaker")
    variants = client.describe_endpoint_config(EndpointConfigName=config_name)["ProductionVariants"]
    found = next((one for one in variants if one["VariantName"] == variant), None)
    if found is None:
        raise FailedError(f"endpoint configuration {config_name} has no variant {variant}")
    model = client.describe_model(ModelName=found["ModelName"])
    container: Mapping[str, Any] = model.get("PrimaryContainer") or next(iter(model.get("Containers", [])), {})
    uncompressed = container.get("ModelDataSource", {}).get("S3DataSource", {}).get("S3Uri")
    return ModelFacts(
        model_name=found["ModelName"],
        image=container.get("Image"),
        source=container.get("ModelDataUrl") or uncompressed,
        environment=container.get("Environment", {}),
        startup=found.get("ContainerStartupHealthCheckTimeoutInSeconds"),
        model_download=found.get("ModelDataDownloadTimeoutInSeconds"),
    )


def scaling_facts(cloud: Cloud, name: str, variant: str) -> ScalingFacts:
    """How `variant` of the endpoint `name` scales."""
    client, resource = cloud.client("application-autoscaling"), f"endpoint/{name}/variant/{variant}"
    targets = client.describe_scalable_targets(ServiceNamespace="sagemaker", ResourceIds=[resource])["ScalableTargets"]
    if not targets:
        return ScalingFacts(None)
    policies = client.describe_scaling_policies(ServiceNamespace="sagemaker", ResourceId=resource)["ScalingPolicies"]
    bounds = targets[0]["MinCapacity"], targets[0]["MaxCapacity"]
    return ScalingFacts(bounds, frozenset(policy["PolicyType"] for policy in policies))

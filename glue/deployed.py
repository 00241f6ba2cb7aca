"""What Terraform says it deployed: an endpoint's outputs, checked."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from glue.errors import FailedError, UsageError
from glue.profiles.models import Timeouts
from glue.validation import explain


class DeployedTrigger(BaseModel):
    """What makes requests of uploads to an endpoint: where it listens, and where it says what it did."""

    model_config = ConfigDict(frozen=True)

    upload_prefix: str
    suffixes: list[str]
    receipt_prefix: str
    log_group: str


class DeployedEndpoint(BaseModel):
    """One value of the platform layer's output `endpoints`. Outputs that nobody here reads are let through."""

    model_config = ConfigDict(frozen=True)

    name: str
    arn: str
    config_name: str
    variant_name: str
    data_bucket: str
    input_prefix: str
    success_topic_arn: str
    error_topic_arn: str
    timeouts: Timeouts
    trigger: DeployedTrigger | None = None


def deployed_endpoints(outputs: Mapping[str, Any], environment: str) -> dict[str, DeployedEndpoint]:
    """The endpoints in `outputs`, the platform outputs of `environment` as plain data, by key.

    Raises:
        FailedError: nothing is deployed, or an output is missing.
    """
    found = outputs.get("endpoints")
    if not found:
        raise FailedError(
            "nothing is deployed: Terraform has no endpoints in its outputs", hints=[f"glue apply --env {environment}"]
        )
    return {key: _endpoint(key, data, environment) for key, data in sorted(found.items())}


def choose_endpoint(endpoints: Mapping[str, DeployedEndpoint], key: str | None) -> str:
    """`key` when it is one of `endpoints`; without it the only one there is.

    Raises:
        UsageError: no such endpoint, or several and none chosen.
    """
    allowed = ", ".join(sorted(endpoints))
    if key is None and len(endpoints) > 1:
        raise UsageError(f"--endpoint: not given, and there are several: allowed is one of {allowed}")
    chosen = key if key is not None else next(iter(endpoints))
    if chosen not in endpoints:
        raise UsageError(f"--endpoint {chosen}: no such endpoint: allowed is one of {allowed}")
    return chosen


def _endpoint(key: str, data: Any, environment: str) -> DeployedEndpoint:
    try:
        return DeployedEndpoint.model_validate(data)
    except ValidationError as error:
        location, sentence = next(explain(error, DeployedEndpoint))
        where = ".".join(map(str, ("endpoints", key, *location)))
        raise FailedError(
            f"Terraform's output {where}: {sentence}",
            hints=[f"apply with this version of glue: glue apply --env {environment}"],
        ) from error

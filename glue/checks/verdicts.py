"""What the facts mean: each check's verdict as a pure function."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from glue.checks.facts import EndpointFacts, Identity, ModelFacts, ScalingFacts
from glue.evidence import GoldenResult
from glue.invocation.results import Notification
from glue.profiles.models import TIMEOUT_FLOORS, Endpoint

SERVER_TIMEOUT_VARIABLES = ("SAGEMAKER_MODEL_SERVER_TIMEOUT", "MODEL_SERVER_TIMEOUT", "TS_DEFAULT_RESPONSE_TIMEOUT")
"""The container's variables that must carry the server timeout in seconds: our own server's and other servers'."""


SCALING_POLICIES = {"TargetTrackingScaling": "follows the backlog", "StepScaling": "leaves zero"}
"""The types of the policies that an endpoint must have, and what each is there for."""


@dataclass(frozen=True)
class Finding:
    """A verdict, a sentence about it, and the values it rests on."""

    verdict: Literal["pass", "fail", "skip"]
    message: str
    measured: Mapping[str, Any] = field(default_factory=dict)


def passed(message: str, **measured: Any) -> Finding:
    """All is as it should be."""
    return Finding("pass", message, measured)


def failed(message: str, **measured: Any) -> Finding:
    """Something is not."""
    return Finding("fail", message, measured)


def account_region(who: Identity, arns: Iterable[str], *, account_id: str, region: str) -> Finding:
    """The credentials' account, and account and region of the deployed endpoints' `arns`, are the profile's."""
    measured = {"account_id": who.account_id, "region": region, "identity": who.arn}
    if who.account_id != account_id:
        return failed(
            f"the credentials belong to account {who.account_id}, the profile says {account_id}: "
            "use credentials of that account",
            **measured,
        )
    for arn in arns:
        place = tuple(arn.split(":")[3:5])
        if place != (region, account_id):
            return failed(f"{arn} lies elsewhere: the profile says {region} in account {account_id}", **measured)
    return passed(f"account {account_id}, region {region}", **measured)


def endpoint_in_service(found: EndpointFacts, *, name: str, config_name: str) -> Finding:
    """The endpoint serves, with the configuration `config_name` that Terraform planned.

    An update that SageMaker rolls back ends InService on the former configuration: the status alone proves nothing.
    """
    measured = {"status": found.status, "config_name": found.config_name}
    if found.status is None:
        return failed(f"there is no endpoint {name}: apply first", **measured)
    cause = f": {found.failure_reason}" if found.failure_reason else ""
    if found.status != "InService":
        return failed(f"{name} is {found.status}, not InService{cause}", **measured)
    if found.config_name != config_name:
        return failed(
            f"{name} runs configuration {found.config_name}, Terraform planned {config_name}: "
            f"the update was rolled back or undone{cause}",
            **measured,
        )
    return passed(f"InService on {config_name}", **measured)


def image_digest(endpoint: EndpointFacts, model: ModelFacts, *, image: str | None) -> Finding:
    """The model's image and the one that the instances run are the release's, digest by digest."""
    resolved = sorted(set(endpoint.resolved_images))
    measured = {"model_image": model.image, "resolved_images": resolved}
    if image is None or model.image != image:
        return failed(f"model {model.model_name} names image {model.image}, the release {image}", **measured)
    if not resolved:
        return failed("the endpoint does not say which image its instances run", **measured)
    digest = _digest(image)
    strangers = [one for one in resolved if _digest(one) != digest]
    if strangers:
        return failed(f"the instances run {', '.join(strangers)}, the release has {image}", **measured)
    return passed(digest, **measured)


def model_artifact(model: ModelFacts, *, uri: str | None) -> Finding:
    """The model's data source is the release's artifact; `uri` is None for a model that lies in the image."""
    measured = {"model_name": model.model_name, "source": model.source}
    if model.source != uri:
        wanted = uri or "none: the model lies in the image"
        return failed(f"model {model.model_name} loads {model.source}, the release says {wanted}", **measured)
    return passed(uri or "bundled in the image", **measured)


def timeouts(model: ModelFacts, *, endpoint: Endpoint) -> Finding:
    """The deployed timeouts are the profile's, and at or above their floors unless the profile allows short ones."""
    wanted = endpoint.timeouts
    deployed = {name: ("server", _seconds(model.environment.get(name))) for name in SERVER_TIMEOUT_VARIABLES} | {
        "ContainerStartupHealthCheckTimeoutInSeconds": ("startup", model.startup),
        "ModelDataDownloadTimeoutInSeconds": ("model_download", model.model_download),
    }
    measured = {name: value for name, (_, value) in deployed.items()}
    problems = []
    for name, (kind, value) in deployed.items():
        declared = getattr(wanted, kind)
        if value != declared:
            problems.append(f"{name} is {_or_unset(value)}, the profile's timeouts.{kind} is {declared} s")
        elif declared < TIMEOUT_FLOORS[kind] and not endpoint.allow_short_timeouts:
            problems.append(f"{name} is {declared} s, below the floor of {TIMEOUT_FLOORS[kind]} s")
    if problems:
        return failed("; ".join(problems), **measured)
    text = f"server {wanted.server} s, startup {wanted.startup} s, model download {wanted.model_download} s"
    return passed(text, **measured)


def scaling(found: ScalingFacts, *, name: str, endpoint: Endpoint) -> Finding:
    """The endpoint is a scalable target with the profile's bounds, unless a schedule sets them, and has its policies.

    An update to another instance type that SageMaker rolls back leaves an endpoint without any of them.
    """
    measured = {"bounds": found.bounds and list(found.bounds), "policies": sorted(found.policies)}
    if found.bounds is None:
        return failed(
            f"{name} does not scale: it is no scalable target, keeps the instances that it has and leaves zero no "
            "more: apply",
            **measured,
        )
    missing = [f"{kind}, which {what}" for kind, what in SCALING_POLICIES.items() if kind not in found.policies]
    if missing:
        return failed(f"{name} has no policy of type {' and none of type '.join(missing)}: apply", **measured)
    wanted = endpoint.autoscaling.min, endpoint.autoscaling.max
    if found.bounds != wanted and not endpoint.autoscaling.schedules:
        return failed(
            "{} has {} to {} instances, the profile says {} to {}".format(name, *found.bounds, *wanted), **measured
        )
    return passed("{} to {} instances".format(*found.bounds), **measured)


def all_golden(results: Sequence[GoldenResult]) -> Finding:
    """Every golden request was answered as expected."""
    wrong = [result for result in results if result.verdict != "pass"]
    measured = {"cases": len(results), "failed": [result.case for result in wrong]}
    if wrong:
        lines = "\n".join(f"{result.case}: {result.message}" for result in wrong)
        return failed(f"{len(wrong)} of {len(results)} golden requests got another answer:\n{lines}", **measured)
    return passed(f"{len(results)} golden requests answered as expected", **measured)


def announced(
    inference_ids: Sequence[str], heard: Mapping[str, Notification], *, topic: str, status: str, seconds: float
) -> Finding:
    """Each request of `inference_ids` was announced on `topic`, with `status`, within `seconds`."""
    measured = {"topic": topic, "requests": len(inference_ids), "notifications": len(heard)}
    silent = [name for name in inference_ids if name not in heard]
    if silent:
        return failed(
            f"no notification on {topic} about {', '.join(silent)} within {seconds:g} s: "
            "is it the topic of the endpoint's configuration, and may the endpoint's role publish to it?",
            **measured,
        )
    wrong = [f"{name} as {one.status}" for name, one in heard.items() if one.status != status]
    if wrong:
        return failed(f"{topic} announced {', '.join(wrong)}, not as {status}", **measured)
    return passed(f"{len(heard)} announced on {topic.rpartition(':')[2]}", **measured)


def _digest(image: str) -> str:
    return image.rpartition("@")[2]


def _seconds(value: str | None) -> int | None:
    return int(value) if value is not None and value.isascii() and value.isdigit() else None


def _or_unset(value: int | None) -> str:
    return "not set" if value is None else f"{value} s"

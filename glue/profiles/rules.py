"""Rules across the fields of a profile, each a sentence about data: nothing here touches a file or a network."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from glue.profiles.models import MAX_DEPLOYMENT_WAIT, TIMEOUT_FLOORS, Endpoint, Profile

WRITTEN_FOLDERS = ("inputs", "results", "failures", "receipts")
"""What the platform itself writes below `<endpoint>/` of the data bucket."""

MAX_TRIGGERED_NAME = 56
"""Characters of an endpoint's name that leave room for `-uploads` in the 64 of a Lambda function's."""

SERVER_VARIABLES = {
    "MODEL_SERVER_TIMEOUT": "timeouts.server",
    "MODEL_SERVER_WORKERS": "workers",
    "SAGEMAKER_MAX_CONCURRENT_INVOCATIONS": "max_concurrent_invocations",
    "SAGEMAKER_MODEL_SERVER_TIMEOUT": "timeouts.server",
    "SAGEMAKER_MODEL_SERVER_TIMEOUT_SECONDS": "timeouts.server",
    "SAGEMAKER_MODEL_SERVER_WORKERS": "workers",
    "TS_DEFAULT_RESPONSE_TIMEOUT": "timeouts.server",
    "TS_DEFAULT_WORKERS_PER_MODEL": "workers",
}
"""Variables of the container that follow from a field of the endpoint."""

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Violation:
    """A rule that a profile breaks: the field it is about, and what is allowed."""

    path: Path
    message: str


def violations(profile: Profile) -> list[Violation]:
    """Every rule that `profile` breaks, in the order of its fields."""
    return [*_profile_rules(profile), *(v for key in profile.endpoints for v in _endpoint_rules(profile, key))]


def _profile_rules(profile: Profile) -> Iterator[Violation]:
    if profile.kms.create and profile.kms.key_arn:
        yield Violation(("kms", "key_arn"), "set with `create: true`: allowed is one of them")
    if profile.deletion_protection and profile.force_destroy:
        yield Violation(("force_destroy",), "true with `deletion_protection: true`: allowed is one of them")
    if profile.notifications.filter_policies.queue and profile.notifications.queue is None:
        yield Violation(("notifications", "filter_policies", "queue"), "set without `queue`: allowed beside a queue")
    if profile.account_id in profile.consumer_account_ids:
        yield Violation(("consumer_account_ids",), f"{profile.account_id} is this account: list other accounts only")
    yield from _replication_rules(profile)
    yield from _expiry_rules(profile)
    if profile.environment == "prod":
        yield from _prod_rules(profile)


def _replication_rules(profile: Profile) -> Iterator[Violation]:
    places = [(one.region, one.account_id or profile.account_id) for one in profile.image_replication]
    for region, account in places:
        if (region, account) == (profile.region, profile.account_id):
            yield Violation(
                ("image_replication",), f"{region} is where images are pushed: allowed are other regions or accounts"
            )
    if len(set(places)) < len(places):
        given = ", ".join(f"{region} {account}" for region, account in places)
        yield Violation(("image_replication",), f"{given}: allowed is each region of an account once")


def _expiry_rules(profile: Profile) -> Iterator[Violation]:
    days = profile.data_expiry_days
    if days is None or days.others is None:
        return
    for kind in ("inputs", "uploads", "results", "failures"):
        kept: int | None = getattr(days, kind)
        if kept is None or kept > days.others:
            yield Violation(
                ("data_expiry_days", "others"),
                f"{days.others} holds for every object, of whose times S3 takes the shortest: allowed is what is not "
                f"shorter than any kind, and {kind} {'stays' if kept is None else f'has {kept}'}",
            )


def _prod_rules(profile: Profile) -> Iterator[Violation]:
    if not profile.deletion_protection:
        yield Violation(("deletion_protection",), "false: prod must be protected, set true")
    if profile.force_destroy:
        yield Violation(("force_destroy",), "true: prod must not delete buckets that hold data, set false")
    if not profile.kms.enabled:
        yield Violation(("kms",), "no key: prod must encrypt with its own, set `create: true` or `key_arn`")
    if profile.access_log_retention_days is None:
        yield Violation(("access_log_retention_days",), "nothing: prod must log access to its buckets, set days")
    if not (profile.told_of_alarms.emails or profile.told_of_alarms.https):
        yield Violation(("alarm_recipients",), "nobody: prod must tell somebody of alarms, set `emails` or `https`")
    for key, endpoint in profile.endpoints.items():
        at: Path = ("endpoints", key)
        if not endpoint.deployment.rollback_alarms:
            yield Violation((*at, "deployment", "rollback_alarms"), "false: prod must roll back on alarms, set true")
        if not endpoint.alarms.enabled:
            yield Violation((*at, "alarms", "enabled"), "false: prod must be watched, set true")


def _endpoint_rules(profile: Profile, key: str) -> Iterator[Violation]:
    endpoint = profile.endpoints[key]
    at: Path = ("endpoints", key)
    for name in endpoint.environment.keys() & SERVER_VARIABLES.keys():
        yield Violation(
            (*at, "environment", name), f"set by hand: allowed is `{SERVER_VARIABLES[name]}`, which sets it"
        )
    yield from _timeout_rules(endpoint, at)
    scaling = endpoint.autoscaling
    if scaling.min > scaling.max:
        yield Violation((*at, "autoscaling", "min"), f"{scaling.min} is above max: allowed is 0 to {scaling.max}")
    for name, schedule in scaling.schedules.items():
        if schedule.min > schedule.max:
            where = (*at, "autoscaling", "schedules", name, "min")
            yield Violation(where, f"{schedule.min} is above max: allowed is 0 to {schedule.max}")
    yield from _deployment_rules(endpoint, (*at, "deployment"))
    yield from _trigger_rules(profile, key)
    name = f"{profile.name_prefix}-{profile.environment}-{key}"
    if len(name) > 63:
        yield Violation(
            at, f"{name!r} has {len(name)} characters: allowed are SageMaker's 63 for prefix, environment, key"
        )
    elif profile.notifications.queue and len(name) > 53:
        yield Violation(at, f"{name!r} has {len(name)} characters: allowed are 53, so that its queues have SQS's 80")


def _trigger_rules(profile: Profile, key: str) -> Iterator[Violation]:
    trigger, prefix = profile.endpoints[key].trigger, profile.upload_prefix(key)
    if trigger is None or prefix is None:
        return
    at: Path = ("endpoints", key, "trigger")
    if len(set(trigger.suffixes)) < len(trigger.suffixes):
        yield Violation((*at, "suffixes"), f"{', '.join(trigger.suffixes)}: allowed is each suffix once")
    for other in profile.endpoints:
        for folder in WRITTEN_FOLDERS:
            if _overlap(prefix, f"{other}/{folder}/"):
                yield Violation(
                    (*at, "prefix"),
                    f"{prefix} overlaps with {other}/{folder}/, which the platform writes: each upload would make "
                    f"another; allowed are other folders such as {key}/uploads/",
                )
        theirs = profile.upload_prefix(other)
        if other != key and theirs is not None and _overlap(prefix, theirs):
            yield Violation(
                (*at, "prefix"), f"{prefix} overlaps with {theirs} of endpoint {other}: an upload has one endpoint"
            )
    name = f"{profile.name_prefix}-{profile.environment}-{key}"
    if len(name) > MAX_TRIGGERED_NAME:
        yield Violation(
            at,
            f"the endpoint's name {name} has {len(name)} characters: allowed are {MAX_TRIGGERED_NAME} with a trigger, "
            "whose function is named after it",
        )


def _overlap(one: str, other: str) -> bool:
    """Whether a key can begin with both."""
    return one.startswith(other) or other.startswith(one)


def _deployment_rules(endpoint: Endpoint, at: Path) -> Iterator[Violation]:
    deployment, instances = endpoint.deployment, endpoint.autoscaling.min
    if deployment.strategy != "all_at_once" and instances * deployment.step_percent < 100:
        needed = math.ceil(100 / deployment.step_percent)
        yield Violation(
            (*at, "strategy"),
            f"{deployment.strategy} moves {deployment.step_percent}% of {instances} instances, less than one: "
            f"allowed with `autoscaling.min` from {needed}, or with `all_at_once`",
        )
    if deployment.strategy == "linear" and deployment.step_percent < 10:
        yield Violation((*at, "step_percent"), f"{deployment.step_percent}: allowed with linear is 10 to 50")
    if deployment.wait_seconds > MAX_DEPLOYMENT_WAIT:
        yield Violation(
            (*at, "bake_seconds"),
            f"an update waits {deployment.wait_seconds} s in its steps and its bake: "
            f"allowed is up to {MAX_DEPLOYMENT_WAIT} s in all",
        )


def _timeout_rules(endpoint: Endpoint, at: Path) -> Iterator[Violation]:
    timeouts = endpoint.timeouts
    if endpoint.allow_short_timeouts and not endpoint.short_timeouts_reason:
        yield Violation((*at, "allow_short_timeouts"), "true without a reason: say why in `short_timeouts_reason`")
    if not endpoint.allow_short_timeouts:
        for name, floor in TIMEOUT_FLOORS.items():
            value = getattr(timeouts, name)
            if value < floor:
                yield Violation(
                    (*at, "timeouts", name),
                    f"{value} s is below the floor: allowed is {floor} to 3600 "
                    "(or set `allow_short_timeouts: true` with a `short_timeouts_reason`)",
                )
    if timeouts.invocation > timeouts.server:
        yield Violation(
            (*at, "timeouts", "invocation"),
            f"{timeouts.invocation} s is above the server's own timeout: allowed is 1 to {timeouts.server}",
        )

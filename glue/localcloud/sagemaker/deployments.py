"""How an update moves from the old fleet to the new one: the steps of a `DeploymentConfig`. Pure.

https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails.html
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Document = dict[str, Any]

_CANARY_MOST = 50
_LINEAR_LEAST, _LINEAR_MOST = 10, 50
_ROLLING_LEAST, _ROLLING_MOST = 5, 50


@dataclass(frozen=True)
class Plan:
    """The way of one update. Times in seconds.

    `steps` are the portions of the new fleet that take requests, one after the other, the last being 1; the same
    portion of the old fleet takes none. After each the alarms are watched for `bake`. When `rolling`, instances are
    started and ended with the steps, else the whole new fleet stands beside the old one, which ends `termination_wait`
    after the last bake. `limit` is the longest that all may take, None without one.
    """

    steps: tuple[float, ...] = (1.0,)
    bake: int = 0
    termination_wait: int = 0
    limit: int | None = None
    rolling: bool = False
    alarms: tuple[str, ...] = ()


def plan(deployment: Document | None, instances: int) -> Plan:
    """The plan of a `DeploymentConfig` (all at once without one) for a fleet of `instances`."""
    given = deployment or {}
    alarms = tuple(alarm["AlarmName"] for alarm in given.get("AutoRollbackConfiguration", {}).get("Alarms", []))
    if rolling := given.get("RollingUpdatePolicy"):
        return Plan(
            _even(_portion(rolling["MaximumBatchSize"], instances)),
            rolling["WaitIntervalInSeconds"],
            limit=rolling.get("MaximumExecutionTimeoutInSeconds"),
            rolling=True,
            alarms=alarms,
        )
    policy = given.get("BlueGreenUpdatePolicy", {})
    routing = policy.get("TrafficRoutingConfiguration", {"Type": "ALL_AT_ONCE"})
    steps: tuple[float, ...] = (1.0,)
    if routing["Type"] == "CANARY":
        steps = tuple(dict.fromkeys((_portion(routing["CanarySize"], instances), 1.0)))
    elif routing["Type"] == "LINEAR":
        steps = _even(_portion(routing["LinearStepSize"], instances))
    return Plan(
        steps,
        routing.get("WaitIntervalInSeconds", 0),
        policy.get("TerminationWaitInSeconds", 0),
        policy.get("MaximumExecutionTimeoutInSeconds"),
        alarms=alarms,
    )


def share(count: int, portion: float) -> int:
    """How many of `count` instances a portion is; some, if any is asked for."""
    return min(count, math.ceil(round(count * portion, 6)))


def faults_of(deployment: Document, instances: int) -> Iterator[str]:
    """What the service model cannot say of a `DeploymentConfig`: sizes out of bounds or missing, two policies at once.

    The bounds are those of the API reference; how AWS words its refusals is not documented.
    """
    if "BlueGreenUpdatePolicy" in deployment and "RollingUpdatePolicy" in deployment:
        yield "Only one update policy should be used in the deployment configuration."
    if rolling := deployment.get("RollingUpdatePolicy"):
        size = rolling["MaximumBatchSize"]
        yield from _out_of_bounds("MaximumBatchSize", size, instances, _ROLLING_LEAST, _ROLLING_MOST)
    routing = deployment.get("BlueGreenUpdatePolicy", {}).get("TrafficRoutingConfiguration", {})
    for kind, name, least in (("CANARY", "CanarySize", 0), ("LINEAR", "LinearStepSize", _LINEAR_LEAST)):
        if routing.get("Type") != kind:
            continue
        if name not in routing:
            yield f"{name} must be specified for traffic routing of type {kind}."
        else:
            most = _CANARY_MOST if kind == "CANARY" else _LINEAR_MOST
            yield from _out_of_bounds(name, routing[name], instances, least, most)


def _out_of_bounds(name: str, size: Document, instances: int, least: int, most: int) -> Iterator[str]:
    percent = size["Value"] if size["Type"] == "CAPACITY_PERCENT" else 100 * size["Value"] / max(1, instances)
    if not least <= percent <= most:
        yield f"{name} must be {least}-{most}% of the variant's total instance count, {instances}."


def _portion(size: Document, instances: int) -> float:
    """A `CapacitySize` as a portion that makes up whole instances."""
    value: int = size["Value"]
    count = value if size["Type"] == "INSTANCE_COUNT" else math.ceil(instances * value / 100)
    return min(1.0, max(1, count) / max(1, instances))


def _even(portion: float) -> tuple[float, ...]:
    number = math.ceil(round(1 / portion, 6))
    return (*(min(1.0, portion * step) for step in range(1, number)), 1.0)

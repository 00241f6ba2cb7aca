"""Scaling of variants: brings policies, alarms and schedules before `glue.scaling`, and carries out what it decides."""

import logging
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from moto.applicationautoscaling.models import applicationautoscaling_backends

from glue.localcloud.accounts import Scope
from glue.localcloud.autoscaling.scaling_activities import Activities, Activity
from glue.localcloud.autoscaling.scaling_policies import policy_of
from glue.localcloud.clock import Clock
from glue.localcloud.monitoring.alarm_actions import policies_set_off
from glue.localcloud.monitoring.alarm_evaluation import Evaluated
from glue.localcloud.sagemaker.endpoint import Endpoint
from glue.localcloud.sagemaker.endpoints import Endpoints
from glue.scaling.cooldowns import Cooldowns, Policy
from glue.scaling.decisions import Bounds, Trigger, decide
from glue.scaling.schedules import Schedule

DIMENSION = "sagemaker:variant:DesiredInstanceCount"

_log = logging.getLogger(__name__)


@dataclass
class _Progress:
    """What the scaler remembers of one scalable target."""

    cooldowns: Cooldowns = field(default_factory=Cooldowns)
    held: tuple[str, ...] = ()
    bounds: Bounds | None = None


class Scaler:
    """Acts once a minute, for the scalable targets of all accounts."""

    def __init__(self, endpoints: Endpoints, activities: Activities, clock: Clock) -> None:
        self._endpoints = endpoints
        self._activities = activities
        self._clock = clock
        self._progress: dict[str, _Progress] = defaultdict(_Progress)  # by the target's ARN

    def act(self, evaluated: Sequence[Evaluated], since: datetime, now: datetime) -> None:
        """Carry out the scheduled actions that became due after `since`, then what the alarms set off."""
        triggered: dict[str, list[Evaluated]] = defaultdict(list)
        for one in evaluated:
            for policy in policies_set_off(one):
                triggered[policy].append(one)
        for account, regions in list(applicationautoscaling_backends.items()):
            for region, backend in list(regions.items()):
                for target in list(backend.targets.get(DIMENSION, {}).values()):
                    scope = Scope(account, region)
                    self._run_schedules(scope, backend, target, since, now)
                    current = self._current(scope, target)
                    if current is not None and not self._keep_bounds(current):
                        self._follow(current, backend, triggered, now)

    def _current(self, scope: Scope, target: Any) -> "_Current | None":
        """The variant that is a scalable target; None when it cannot be scaled now."""
        _, name, _, variant = target.resource_id.split("/")
        endpoint = self._endpoints.get(scope, name)
        if endpoint is None or endpoint.status != "InService" or endpoint.fleet is None:
            return None
        found = (one.desired for one in endpoint.fleet.variants if one.name == variant)
        return next((_Current(scope, target, endpoint, variant, capacity) for capacity in found), None)

    def _keep_bounds(self, current: "_Current") -> bool:
        """Bring a capacity into bounds that are new; whether it had to be."""
        progress, bounds = self._progress[current.target.arn], bounds_of(current.target)
        if progress.bounds == bounds:
            return False
        capacity = bounds.clamp(current.capacity)
        if capacity == current.capacity:
            progress.bounds = bounds
            return False
        end = "minimum" if capacity > current.capacity else "maximum"
        self._set(current, capacity, f"{end} capacity was set to {capacity}")
        return True

    def _follow(
        self, current: "_Current", backend: Any, triggered: Mapping[str, Sequence[Evaluated]], now: datetime
    ) -> None:
        """Do what the alarms that went off ask for."""
        progress, bounds = self._progress[current.target.arn], bounds_of(current.target)
        policies = {policy.policy_arn: policy_of(policy) for policy in _policies(backend, current.target)}
        triggers = list(_triggers(policies, triggered))
        found = decide(triggers, current.capacity, bounds, progress.cooldowns, now, policies=policies.values())
        if found.trigger is not None:
            self._set(current, found.capacity, _cause(found.trigger), found.trigger)
        elif found.held != progress.held:
            progress.held = found.held
            for reason in found.held:
                _log.info("scaling of %s stays at %d: %s", current.target.resource_id, found.capacity, reason)

    def _run_schedules(self, scope: Scope, backend: Any, target: Any, since: datetime, now: datetime) -> None:
        if (target.suspended_state or {}).get("ScheduledScalingSuspended"):
            return
        for action in list(backend.scheduled_actions):
            if place_of(action) != place_of(target) or not schedule_of(action).due(since, now):
                continue
            wanted = action.scalable_target_action or {}
            target.update(wanted.get("MinCapacity"), wanted.get("MaxCapacity"), None)
            set_to = [f"{end} capacity to {wanted[key]}" for end, key in _ENDS if wanted.get(key) is not None]
            described = f"Setting {' and '.join(set_to)}"
            cause = f"scheduled action name {action.scheduled_action_name} was triggered"
            _log.info("scaling of %s: %s: %s", target.resource_id, described, cause)
            activity = self._activities.add(Activity(scope, place_of(target), described, cause, now))
            activity.end(now, "Successful", f"Successfully {described.replace('Setting', 'set', 1)}")

    def _set(self, current: "_Current", capacity: int, cause: str, trigger: Trigger | None = None) -> None:
        if not self._endpoints.begin(current.endpoint, "Updating"):
            return  # somebody else was faster: the next minute decides anew
        described = f"Setting desired instance count to {capacity}."
        activity = Activity(current.scope, place_of(current.target), described, cause, self._clock.now())
        self._activities.add(activity)
        _log.info(
            "scaling of %s: %d -> %d instances: %s", current.target.resource_id, current.capacity, capacity, cause
        )
        progress = self._progress[current.target.arn]
        former = progress.cooldowns

        def cool(completed: datetime) -> None:
            if trigger is not None:
                progress.cooldowns = former.after(trigger.policy, current.capacity, capacity, completed)

        def settle() -> None:
            now, reason = self._clock.now(), current.endpoint.failure_reason
            told = f"set desired instance count to {capacity}."
            if reason:
                progress.cooldowns = former
                activity.end(now, "Failed", f"Failed to {told} Reason: {reason}")
            else:
                cool(now)
                activity.end(now, "Successful", f"Successfully {told} Change successfully fulfilled by sagemaker.")

        cool(activity.started)  # at once, so that no minute falls between the end of the change and its cooldown
        wanted = [{"VariantName": current.variant, "DesiredInstanceCount": capacity}]
        self._endpoints.run(current.endpoint, lambda: current.endpoint.resize(wanted), settle)


@dataclass(frozen=True)
class _Current:
    """A variant that is a scalable target, and its desired instance count."""

    scope: Scope
    target: Any
    endpoint: Endpoint
    variant: str
    capacity: int


_ENDS = (("min", "MinCapacity"), ("max", "MaxCapacity"))


def place_of(target: Any) -> dict[str, str]:
    """What names a scalable target, or anything that belongs to one."""
    return {
        "ServiceNamespace": target.service_namespace,
        "ResourceId": target.resource_id,
        "ScalableDimension": target.scalable_dimension,
    }


def bounds_of(target: Any) -> Bounds:
    """The bounds of a scalable target of moto's."""
    suspended = target.suspended_state or {}
    return Bounds(
        target.min_capacity,
        target.max_capacity,
        scales_in=not suspended.get("DynamicScalingInSuspended"),
        scales_out=not suspended.get("DynamicScalingOutSuspended"),
    )


def schedule_of(action: Any) -> Schedule:
    """The schedule of a scheduled action of moto's.

    Raises:
        ScheduleError: it has none that can be understood.
    """
    created = datetime.fromtimestamp(action.creation_time, UTC)
    times = (action.start_time, action.end_time)
    start, end = (None if moment is None else datetime.fromtimestamp(moment, UTC) for moment in times)
    return Schedule(action.schedule, start or created, end, action.timezone or "UTC")


def _policies(backend: Any, target: Any) -> list[Any]:
    return [policy for policy in list(backend.policies.values()) if place_of(policy) == place_of(target)]


def _triggers(policies: Mapping[str, Policy], triggered: Mapping[str, Sequence[Evaluated]]) -> Iterator[Trigger]:
    for arn, policy in policies.items():
        for one in triggered.get(arn, ()):
            if one.watch is not None and one.newest is not None:
                yield Trigger(policy, one.alarm.name, one.newest, one.watch.rule.threshold)


def _cause(trigger: Trigger) -> str:
    return f"monitor alarm {trigger.alarm} in state ALARM triggered policy {trigger.policy.name}"

"""An update on its way: requests move from the old fleet to the new one by a plan, or back when it goes wrong."""

import threading
from collections.abc import Callable, Sequence

from glue.localcloud.clock import Clock
from glue.localcloud.sagemaker.deployments import Plan
from glue.localcloud.sagemaker.fleet import Fleet

_ALARM_PAUSE = 1.0


class Rollout:
    """Moves the requests of an endpoint from `old` to `new`.

    `ringing` finds the first of the alarms that is in the state ALARM; `entered` is told the variant status at each
    stage; `ending` is set when the endpoint ends.
    """

    def __init__(
        self,
        plan: Plan,
        old: Fleet,
        new: Fleet,
        *,
        clock: Clock,
        ending: threading.Event,
        ringing: Callable[[Sequence[str]], str | None],
        entered: Callable[[str], None],
    ) -> None:
        self._plan = plan
        self._old = old
        self._new = new
        self._clock = clock
        self._ending = ending
        self._ringing = ringing
        self._entered = entered
        self._limit = clock.deadline(plan.limit) if plan.limit is not None else None

    def run(self) -> str | None:
        """Take all steps; None when the new fleet has all requests, else the reason why it must not.

        Raises:
            DeploymentError: an instance of the new fleet did not start.
        """
        for step in self._plan.steps:
            self._entered("ActivatingTraffic")
            if self._plan.rolling:
                self._new.provision(step)
            self._new.enable(step)
            self._old.enable(1 - step)
            if self._plan.rolling:
                self._old.provision(1 - step)
            self._entered("Baking")
            if reason := self._bake():
                return reason
        return None

    def undo(self) -> None:
        """Give all requests back to the old fleet.

        Raises:
            DeploymentError: an instance that a rolling update had ended did not start again.
        """
        self._new.enable(0)
        self._old.enable(1)
        self._old.provision(1)

    def _bake(self) -> str | None:
        bake = self._clock.deadline(self._plan.bake)
        while not bake.passed and not self._ending.is_set():
            self._clock.pause(self._ending, min(_ALARM_PAUSE, bake.remaining))
            if alarm := self._ringing(self._plan.alarms):
                return f"One or more configured alarms have been breached: {alarm}"
            if self._limit is not None and self._limit.passed:
                return f"The deployment took longer than MaximumExecutionTimeoutInSeconds, {self._plan.limit}."
        return None

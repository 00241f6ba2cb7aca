"""moto's own timestamps, made to follow the local cloud's clock."""

from types import SimpleNamespace

import moto.core.utils

from glue.localcloud.clock import Clock


def follow(clock: Clock) -> None:
    """From now on, moto's services take the time from `clock`.

    moto has no setting for it. Its services import `utcnow` by name, so this comes before any of them is imported.
    """
    moto.core.utils.utcnow = lambda: clock.now().replace(tzinfo=None)

    import moto.applicationautoscaling.models as autoscaling  # noqa: PLC0415 - which takes its time from elsewhere

    autoscaling.time = SimpleNamespace(time=lambda: clock.now().timestamp())

"""The server's state, derived from what its workers do: it cannot say anything else than the truth."""

from collections.abc import Iterable
from enum import StrEnum


class State(StrEnum):
    """State of one worker, and of the server as a whole (where `draining` is the server's alone)."""

    STARTING = "starting"  # the process is being started, or waits to be started again
    LOADING = "loading"  # it imports the handler and runs model_fn
    WARMING = "warming"  # it runs model_warmup_fn
    READY = "ready"  # it waits for a request
    BUSY = "busy"  # it runs one; for the server: every slot is taken
    DRAINING = "draining"
    FAILED = "failed"


SERVING = frozenset({State.READY, State.BUSY})
"""States in which `/ping` answers 200. Busy is one of them: SageMaker sends no more requests at once than the
endpoint's concurrency, and would replace an instance whose health check fails while it works."""

_PROGRESS = (State.STARTING, State.LOADING, State.WARMING)


def overall(workers: Iterable[State], *, active: int, slots: int, draining: bool, failed: bool) -> State:
    """State of a server with these `workers`, of whose `slots` for requests `active` are taken."""
    if failed:
        return State.FAILED
    if draining:
        return State.DRAINING
    states = set(workers)
    if states & SERVING:
        return State.BUSY if active >= slots else State.READY
    return max(states & set(_PROGRESS), key=_PROGRESS.index, default=State.STARTING)

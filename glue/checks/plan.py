"""Checks in order: each timed, reported, and skipped when what it rests on did not pass."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from glue.checks.verdicts import Finding, failed
from glue.errors import GlueError
from glue.evidence import Check
from glue.progress import Reporter


@dataclass(frozen=True)
class Planned:
    """A check to be made, unless one of the checks that it `requires` (by id) did not pass."""

    id: str
    run: Callable[[], Finding]
    requires: tuple[str, ...] = ()


def execute(
    planned: Iterable[Planned], reporter: Reporter, *, endpoint: str | None = None, before: Iterable[Check] = ()
) -> Iterator[Check]:
    """The checks' outcomes, one by one. `before` are outcomes that the plan may require.

    What AWS refuses, and any other failure of ours, is a failed check and ends no other.
    """
    verdicts = {check.id: check.verdict for check in before}
    for one in planned:
        reporter.step(f"{endpoint}: {one.id}" if endpoint else one.id)
        started = time.monotonic()
        missing = [name for name in one.requires if verdicts.get(name) != "pass"]
        finding = Finding("skip", f"{', '.join(missing)} did not pass") if missing else _guarded(one.run)
        seconds = round(time.monotonic() - started, 3)
        reporter.note(f"{finding.verdict}: {finding.message}")
        verdicts[one.id] = finding.verdict
        yield Check(
            id=one.id,
            endpoint=endpoint,
            verdict=finding.verdict,
            message=finding.message,
            measured=dict(finding.measured),
            seconds=seconds,
        )


def _guarded(run: Callable[[], Finding]) -> Finding:
    try:
        return run()
    except GlueError as error:
        return failed(error.message)
    except (BotoCoreError, ClientError) as error:
        return failed(f"AWS refused: {error}")

"""What every local cloud has to show when its tests are done: its answers, and the page that tells who gives them."""

import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from botocore.session import get_session

from glue.localcloud import daemon
from tests.conftest import ROOT
from tests.localcloud.support import eventually

PAGE = ROOT / "docs" / "local-cloud.md"
_ROW = re.compile(r"\| (?P<services>[a-z0-9-]+) \| (?P<operations>[^|]+) \| (?P<who>ours|extended|moto) \|")
_NOTE = re.compile(r"first request for ([a-z0-9-]+)\.(\w+), answered by (\w+)$", re.MULTILINE)
_BROKEN = re.compile(r"the answer of (\S+) breaks AWS's service model: (.+)$", re.MULTILINE)
KNOWN_BREACHES = {
    "budgets.DescribeBudgets: ['unknown member nextToken']",
    "events.ListRules: ['unknown member Rules.CreatedBy']",
    (
        "lambda.GetFunctionCodeSigningConfig: "
        """["Value null at 'codeSigningConfigArn' failed to satisfy constraint: Member must not be null"]"""
    ),
}
"""What answers of moto have that AWS's do not, as the page says."""

_ANSWERERS = {"glue": {"ours", "extended"}, "moto": {"extended", "moto"}}


@contextmanager
def local_cloud(folder: Path, **options: Any) -> Iterator[daemon.Status]:
    """A local cloud of `folder`, started with the options of `daemon.up`; its answers are judged when it has ended."""
    try:
        yield daemon.up(folder, **options)
    finally:
        daemon.down(folder)
    judge_answers(folder)


def end(folder: Path) -> bool:
    """End the local cloud of `folder`, whose answers are judged; whether one ran. The next one begins its log anew."""
    ran = daemon.down(folder)
    judge_answers(folder)
    return ran


def kill(folder: Path) -> None:
    """End the local cloud of `folder` without a chance to write anything; what it answered until then is judged."""
    pid = daemon.status(folder).pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not daemon.status(folder).running, what="the death of the local cloud")
    daemon.down(folder)
    judge_answers(folder)


def judge_answers(folder: Path) -> None:
    """Whatever a local cloud was asked, by whichever client: its answers keep to the service models and to our page."""
    file = folder / "cloud.log"
    log = file.read_text(encoding="utf-8") if file.exists() else ""  # a run may have ended before it started one
    broken = {f"{answer}: {what}" for answer, what in _BROKEN.findall(log)} - KNOWN_BREACHES
    assert not broken, "\n".join(sorted(broken))
    assert undocumented(log, documented(PAGE.read_text(encoding="utf-8"))) == []


def documented(page: str) -> dict[tuple[str, str], set[str]]:
    """Who answers what, by service and operation, as the table of the page says.

    Raises:
        ValueError: a service has no such operation.
    """
    found: dict[tuple[str, str], set[str]] = {}
    for row in _ROW.finditer(page):
        service = row["services"]
        known = get_session().get_service_model(service).operation_names
        for operation in row["operations"].split(", "):
            if operation not in known:
                raise ValueError(f"{service} has no operation {operation}")
            found.setdefault((service, operation), set()).add(row["who"])
    return found


def undocumented(log: str, page: dict[tuple[str, str], set[str]]) -> list[str]:
    """The operations that a local cloud answered in another way than the page says, or that it does not list."""
    return [
        f"{service}.{operation} was answered by {who}, listed as {sorted(listed) or 'nothing'}: docs/local-cloud.md"
        for service, operation, who in sorted(set(_NOTE.findall(log)))
        if not (listed := page.get((service, operation), set())) & _ANSWERERS[who]
    ]

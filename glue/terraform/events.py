"""Terraform's machine-readable output (`-json`) as data.

Source: https://developer.hashicorp.com/terraform/internals/machine-readable-ui
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Action = Literal["create", "update", "replace", "delete", "read", "move", "import", "remove", "noop"]

CHANGING: tuple[Action, ...] = ("create", "update", "replace", "delete", "import", "move", "remove")


@dataclass(frozen=True)
class Change:
    """What a plan would do to one resource."""

    address: str
    action: Action
    reason: str | None = None


@dataclass(frozen=True)
class Diagnostic:
    """An error or a warning of Terraform."""

    severity: str
    summary: str
    detail: str = ""
    address: str | None = None

    def __str__(self) -> str:
        where = f"{self.address}: " if self.address else ""
        return "\n".join(part for part in (f"{where}{self.summary}", self.detail.strip()) if part)


@dataclass(frozen=True)
class Outcome:
    """What a run of Terraform said, and its exit code."""

    exit_code: int
    changes: tuple[Change, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    outputs: dict[str, Any] = field(default_factory=dict)

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """The diagnostics that are errors."""
        return tuple(one for one in self.diagnostics if one.severity == "error")


def parse_event(line: str) -> dict[str, Any]:
    """One line of output as an event; a line that is none (a crash, a plug-in's print) becomes a plain message."""
    try:
        event = json.loads(line)
    except json.JSONDecodeError:
        event = None
    return event if isinstance(event, dict) else {"type": "log", "@message": line.rstrip()}


def planned_change(event: Mapping[str, Any]) -> Iterator[Change]:
    """The change that a `planned_change` event tells of; none if nothing would be changed."""
    change = event["change"]
    if change["action"] in CHANGING:
        yield Change(change["resource"]["addr"], change["action"], change.get("reason"))


def outcome(events: Iterable[dict[str, Any]], exit_code: int) -> Outcome:
    """The events of a whole run, gathered."""
    changes: list[Change] = []
    diagnostics: list[Diagnostic] = []
    outputs: dict[str, Any] = {}
    for event in events:
        match event.get("type"):
            case "planned_change":
                changes.extend(planned_change(event))
            case "diagnostic":
                found = event["diagnostic"]
                diagnostics.append(
                    Diagnostic(found["severity"], found["summary"], found.get("detail", ""), found.get("address"))
                )
            case "outputs":
                outputs = {name: value["value"] for name, value in event["outputs"].items() if "value" in value}
    return Outcome(exit_code, tuple(changes), tuple(diagnostics), outputs)

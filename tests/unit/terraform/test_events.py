"""Terraform's output as data, and a plan in words."""

from typing import Any

from glue.terraform.events import Change, outcome, parse_event
from glue.terraform.summary import counts, summarize


def planned(address: str, action: str, reason: str | None = None) -> dict[str, Any]:
    change: dict[str, Any] = {"resource": {"addr": address}, "action": action}
    return {"type": "planned_change", "change": change | ({"reason": reason} if reason else {})}


def test_changes_diagnostics_and_outputs_are_gathered() -> None:
    events: list[dict[str, Any]] = [
        planned("a.x", "create"),
        planned("data.y", "read"),
        {"type": "diagnostic", "diagnostic": {"severity": "error", "summary": "no", "detail": "why", "address": "a.x"}},
        {"type": "outputs", "outputs": {"name": {"value": "v", "type": "string"}, "planned": {"action": "create"}}},
    ]
    found = outcome(events, 1)
    assert found.changes == (Change("a.x", "create"),)
    assert [str(error) for error in found.errors] == ["a.x: no\nwhy"]
    assert found.outputs == {"name": "v"}


def test_a_line_that_is_no_event_becomes_a_message() -> None:
    assert parse_event("panic: oh\n") == {"type": "log", "@message": "panic: oh"}
    assert parse_event("[1]")["type"] == "log"


def test_a_summary_counts_and_names_all_that_is_replaced_or_destroyed() -> None:
    changes = [
        Change("a.new", "create"),
        Change("a.changed", "update"),
        Change("a.other", "replace", "cannot_update"),
        Change("a.gone", "delete"),
    ]
    assert summarize(changes).splitlines() == [
        "1 to add, 1 to change, 1 to replace, 1 to destroy",
        "  destroy  a.gone",
        "  replace  a.other  (cannot update)",
    ]
    assert counts(changes) == {"add": 1, "change": 1, "replace": 1, "destroy": 1}


def test_a_plan_without_changes_says_so() -> None:
    assert "no change" in summarize([])

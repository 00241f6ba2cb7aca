"""Terraform's events, told to a person as they happen."""

from collections.abc import Callable
from typing import Any

from glue.progress import Reporter
from glue.terraform.events import Change, planned_change
from glue.terraform.summary import summarize

_DONE = {"create": "created", "update": "changed", "delete": "destroyed", "import": "imported"}


def narrate(reporter: Reporter, *, plans: bool) -> Callable[[dict[str, Any]], None]:
    """A listener that reports what Terraform does: each finished resource, and how long it took.

    With `plans`, also the summary of the plan that it is going to apply.
    """
    started: set[str] = set()
    changes: list[Change] = []

    def listen(event: dict[str, Any]) -> None:
        hook = event.get("hook", {})
        address = hook.get("resource", {}).get("addr", "")
        match event.get("type"):
            case "refresh_start":
                reporter.progress(f"reading {address}", 0, None)
            case "planned_change":
                changes.extend(planned_change(event))
            case "change_summary" if plans and event["changes"]["operation"] == "plan":
                for line in summarize(changes).splitlines():
                    reporter.note(line)
            case "apply_start":
                started.add(address)
            case "apply_progress":
                reporter.progress(f"waiting for {', '.join(sorted(started)[:3])}", hook.get("elapsed_seconds", 0), None)
            case "apply_complete" if hook.get("action") != "read":
                started.discard(address)
                action = _DONE.get(hook.get("action", ""), hook.get("action", ""))
                reporter.note(f"{action} {address} ({hook.get('elapsed_seconds', 0):g} s)")
            case "apply_errored":
                started.discard(address)
                reporter.note(f"failed {address}")
            case _:
                pass

    return listen

"""Terraform's events, told to a person as they happen."""

from collections.abc import Callable
from typing import Any

from glue.progress import Reporter

_DONE = {"create": "created", "update": "changed", "delete": "destroyed", "import": "imported"}


def narrate(reporter: Reporter) -> Callable[[dict[str, Any]], None]:
    """A listener that reports what Terraform does: each finished resource, and how long it took."""
    started: dict[str, str] = {}

    def listen(event: dict[str, Any]) -> None:
        hook = event.get("hook", {})
        address = hook.get("resource", {}).get("addr", "")
        match event.get("type"):
            case "refresh_start":
                reporter.progress(f"reading {address}", 0, None)
            case "apply_start":
                started[address] = hook.get("action", "")
            case "apply_progress":
                names = ", ".join(sorted(started)[:3])
                reporter.progress(f"waiting for {names}", hook.get("elapsed_seconds", 0), None)
            case "apply_complete" if hook.get("action") == "read":
                pass
            case "apply_complete":
                started.pop(address, None)
                action = _DONE.get(hook.get("action", ""), hook.get("action", ""))
                reporter.note(f"{action} {address} ({hook.get('elapsed_seconds', 0):g} s)")
            case "apply_errored":
                started.pop(address, None)
                reporter.note(f"failed {address}")
            case _:
                pass

    return listen

"""A plan in words: how much it changes, and by name all that it replaces or destroys."""

from collections import Counter
from collections.abc import Sequence

from glue.terraform.events import Change

_WORDS = {
    "create": "add",
    "import": "import",
    "update": "change",
    "move": "move",
    "replace": "replace",
    "remove": "forget",
    "delete": "destroy",
}
NAMED = ("replace", "delete", "remove")


def counts(changes: Sequence[Change]) -> dict[str, int]:
    """How many resources are added, changed, replaced and destroyed (and, if any, imported, moved, forgotten)."""
    found = Counter(_WORDS[change.action] for change in changes)
    return {
        word: found[word] for word in _WORDS.values() if found[word] or word in {"add", "change", "replace", "destroy"}
    }


def summarize(changes: Sequence[Change]) -> str:
    """The summary that `plan` shows and `apply` repeats."""
    if not changes:
        return "no change: what runs is what the profile and the release say"
    head = ", ".join(f"{count} to {word}" for word, count in counts(changes).items())
    named = [
        f"  {_WORDS[change.action]:<8} {change.address}{_because(change)}"
        for change in sorted(changes, key=lambda change: (change.action, change.address))
        if change.action in NAMED
    ]
    return "\n".join([head, *named])


def _because(change: Change) -> str:
    return f"  ({change.reason.replace('_', ' ')})" if change.reason else ""

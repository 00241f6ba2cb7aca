"""SageMaker's models, endpoint configs and tags, in memory, by account and region; and how lists of them are cut."""

import base64
import binascii
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from glue.localcloud.accounts import Scope

Document = dict[str, Any]
Item = TypeVar("Item")


class BadTokenError(ValueError):
    """A `NextToken` that no list operation gave out."""


@dataclass(frozen=True)
class Definition:
    """A model or an endpoint config: immutable. `document` is what was sent to create it, without its tags."""

    name: str
    arn: str
    created: datetime
    document: Document

    @classmethod
    def of(cls, kept: Document) -> "Definition":
        """The definition of `as_document`."""
        return cls(kept["name"], kept["arn"], datetime.fromisoformat(kept["created"]), kept["document"])

    def as_document(self) -> Document:
        """It, as JSON."""
        return {"name": self.name, "arn": self.arn, "created": self.created.isoformat(), "document": self.document}


class Definitions:
    """Definitions of one kind. `kind` is the word in their ARNs, `title` the one in AWS's messages."""

    def __init__(self, kind: str, title: str) -> None:
        self.kind = kind
        self.title = title
        self._by_scope: dict[Scope, dict[str, Definition]] = {}
        self._lock = threading.Lock()

    def arn(self, scope: Scope, name: str) -> str:
        """The ARN of a definition of this kind."""
        return scope.arn("sagemaker", f"{self.kind}/{name}")

    def add(self, scope: Scope, definition: Definition) -> bool:
        """Keep a definition; False when its name is taken."""
        with self._lock:
            known = self._by_scope.setdefault(scope, {})
            return known.setdefault(definition.name, definition) is definition

    def get(self, scope: Scope, name: str) -> Definition | None:
        """The definition of that name."""
        return self._by_scope.get(scope, {}).get(name)

    def remove(self, scope: Scope, name: str) -> Definition | None:
        """Forget a definition; what it was."""
        with self._lock:
            return self._by_scope.get(scope, {}).pop(name, None)

    def all(self, scope: Scope) -> list[Definition]:
        """Every definition of the scope."""
        return list(self._by_scope.get(scope, {}).values())


class Tags:
    """Tags by ARN, for the resources that exist."""

    def __init__(self) -> None:
        self._by_arn: dict[str, dict[str, str]] = {}

    def create(self, arn: str, tags: Sequence[Document]) -> None:
        """A resource came into being, with these tags."""
        self._by_arn[arn] = {tag["Key"]: tag["Value"] for tag in tags}

    def drop(self, arn: str) -> None:
        """The resource is gone."""
        self._by_arn.pop(arn, None)

    def of(self, arn: str) -> dict[str, str] | None:
        """The tags of a resource, to be changed in place; None when there is no such resource."""
        return self._by_arn.get(arn)


def page(items: Sequence[Item], token: str | None, size: int) -> tuple[list[Item], str | None]:
    """The part of a list that `token` names, and the token of the next one; None at the end.

    Raises:
        BadTokenError: `token` is not one of ours.
    """
    try:
        start = int(base64.urlsafe_b64decode(token.encode()).decode()) if token else 0
    except (ValueError, binascii.Error) as error:
        raise BadTokenError(token) from error
    end = start + size
    following = base64.urlsafe_b64encode(str(end).encode()).decode() if end < len(items) else None
    return list(items[start:end]), following


@dataclass(frozen=True)
class Listed:
    """What the list operations sort and filter by."""

    name: str
    created: datetime
    modified: datetime
    status: str


def select(items: Sequence[Item], params: Document, described: Callable[[Item], Listed]) -> list[Item]:
    """The items that a List operation asks for, in the order it asks for (newest first by default)."""
    keys: dict[str, Callable[[Item], Any]] = {
        "Name": lambda item: described(item).name,
        "CreationTime": lambda item: described(item).created,
        "Status": lambda item: described(item).status,
    }
    sort_by = keys[params.get("SortBy", "CreationTime")]
    descending = params.get("SortOrder", "Descending") == "Descending"
    return sorted((item for item in items if _wanted(described(item), params)), key=sort_by, reverse=descending)


def _wanted(item: Listed, params: Document) -> bool:
    moments = {"CreationTime": item.created, "LastModifiedTime": item.modified}
    return (
        params.get("NameContains", "").lower() in item.name.lower()
        and params.get("StatusEquals") in {None, item.status}
        and all(moment.timestamp() < params.get(f"{name}Before", float("inf")) for name, moment in moments.items())
        and all(moment.timestamp() > params.get(f"{name}After", 0) for name, moment in moments.items())
    )

"""Pydantic's findings in words a user can act on."""

from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

Location = tuple[str | int, ...]


def explain(error: ValidationError, model: type[BaseModel]) -> Iterator[tuple[Location, str]]:
    """Each mistake of `error` as its place in the input and a sentence: the value found and what is allowed."""
    for item in error.errors(include_url=False):
        location = tuple(part for part in item["loc"] if part != "[key]")
        yield location, _sentence(item, location, model)


def dotted(location: Location) -> str:
    """`location` as users write it: `endpoints.detector.timeouts`."""
    return ".".join(map(str, location)) or "(the whole file)"


def _sentence(item: Any, location: Location, model: type[BaseModel]) -> str:
    kind = item["type"]
    if kind == "extra_forbidden":
        allowed = sorted(_fields(model, location[:-1]))
        return f"unknown key: allowed is one of {', '.join(allowed)}"
    if kind == "missing":
        return "missing: it must be given"
    found = item["input"]
    shown = repr(found) if isinstance(found, str | int | float | bool) or found is None else f"a {type(found).__name__}"
    return f"{shown}: {item['msg'][0].lower()}{item['msg'][1:]}"


def _fields(model: type[BaseModel], location: Location) -> set[str]:
    """The keys allowed at `location` below `model`."""
    current: type[BaseModel] | None = model
    annotation: Any = model
    for part in location:
        field = current.model_fields.get(str(part)) if current else None
        annotation = field.annotation if field else annotation
        current = _model_in(annotation)
    return set(current.model_fields) if current else set()


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in get_args(annotation):
        found = _model_in(argument)
        if found:
            return found
    return None

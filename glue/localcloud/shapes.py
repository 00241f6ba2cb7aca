"""Parameters checked against botocore's service model, with the sentences that AWS answers.

botocore's own validator knows types and required members only; the model also carries lengths, ranges, patterns and
enums, which AWS enforces on its side.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

import regex  # type: ignore[import-untyped] # the models' patterns are Java's: \p{L}, \z

JUDGE_SETTING = "GLUE_LOCAL_JUDGE"
"""With any value in its environment, a local cloud judges the answers of moto as well as its own."""

_JAVA_ASTRAL_PLANES = r"\uD800\uDC00-\uDBFF\uDFFF"

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "character": (str,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "boolean": (bool,),
    "blob": (str, bytes),
    "timestamp": (int, float, str, datetime),
    "list": (list,),
    "map": (Mapping,),
    "structure": (Mapping,),
}


class MalformedInputError(ValueError):
    """A value has another JSON type than the model says: AWS's SerializationException."""


def validation_message(shape: Any, params: Mapping[str, Any]) -> str | None:
    """The message of AWS's ValidationException for the parameters of an operation; None when they are sound.

    Raises:
        MalformedInputError: a value of the wrong JSON type.
    """
    found = list(violations(shape, params, ""))
    if not found:
        return None
    plural = "error" if len(found) == 1 else "errors"
    return f"{len(found)} validation {plural} detected: " + "; ".join(found)


def output_violations(shape: Any, document: Mapping[str, Any]) -> list[str]:
    """What an answer has that its operation's output shape does not allow: members, types, constraints, lacks."""
    if shape is None:
        return [f"unknown member {name}" for name in document]
    try:
        return [*_unknown_members(shape, document, ""), *violations(shape, document, "")]
    except MalformedInputError as error:
        return [str(error)]


def _unknown_members(shape: Any, value: Any, path: str) -> Iterator[str]:
    if shape.type_name == "structure" and isinstance(value, Mapping):
        for name, item in value.items():
            if name not in shape.members:
                yield f"unknown member {path}{name}"
            else:
                yield from _unknown_members(shape.members[name], item, f"{path}{name}.")
    elif shape.type_name == "list" and isinstance(value, list):
        for item in value:
            yield from _unknown_members(shape.member, item, path)


def violations(shape: Any, value: Any, path: str) -> Iterator[str]:
    """Each constraint of `shape` that `value` at `path` does not satisfy, as AWS words it."""
    kind = shape.type_name
    allowed = _TYPES[kind]
    right_type = isinstance(value, allowed) and not (isinstance(value, bool) and bool not in allowed)
    if not right_type:
        raise MalformedInputError(f"{path or 'request'}: expected {kind}, found {type(value).__name__}")
    yield from (f"{_subject(value, path)}: {broken}" for broken in _broken(shape, value))
    if kind == "structure":
        yield from _structure(shape, value, path)
    elif kind == "list":
        for position, item in enumerate(value, start=1):
            yield from violations(shape.member, item, f"{path}.{position}.member")
    elif kind == "map":
        for key, item in value.items():
            yield from violations(shape.key, key, f"{path}.key")
            yield from violations(shape.value, item, f"{path}.{key}.value")


def _structure(shape: Any, value: Mapping[str, Any], path: str) -> Iterator[str]:
    for name, member in shape.members.items():
        below = f"{path}.{_lower(name)}" if path else _lower(name)
        if value.get(name) is not None:
            yield from violations(member, value[name], below)
        elif name in shape.required_members:
            yield f"Value null at '{below}' failed to satisfy constraint: Member must not be null"


def _broken(shape: Any, value: Any) -> Iterator[str]:
    limits = shape.metadata
    measured = "length" if isinstance(value, str | bytes | list | Mapping) else "value"
    size = len(value) if measured == "length" else value
    if shape.type_name not in {"timestamp", "boolean", "structure"}:
        if "min" in limits and size < limits["min"]:
            yield f"Member must have {measured} greater than or equal to {limits['min']}"
        if "max" in limits and size > limits["max"]:
            yield f"Member must have {measured} less than or equal to {limits['max']}"
    if isinstance(value, str) and shape.type_name == "string":
        if "pattern" in limits and not _compiled(limits["pattern"]).fullmatch(value):
            yield f"Member must satisfy regular expression pattern: {limits['pattern']}"
        if "enum" in limits and value not in limits["enum"]:
            yield f"Member must satisfy enum value set: [{', '.join(limits['enum'])}]"


def _subject(value: Any, path: str) -> str:
    return f"Value '{value}' at '{path}' failed to satisfy constraint"


def _lower(name: str) -> str:
    return name[:1].lower() + name[1:]


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> Any:
    return regex.compile(pattern.replace(_JAVA_ASTRAL_PLANES, r"\U00010000-\U0010FFFF"))

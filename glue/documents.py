"""Strict YAML documents: data together with the line of every key, duplicate keys refused."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from glue.errors import UsageError
from glue.validation import Location, dotted, explain

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True)
class Document:
    """A YAML mapping and where each of its values was written."""

    file: Path
    data: dict[str, Any]
    lines: dict[Location, int]

    def line_of(self, location: Location) -> int | None:
        """The line of `location` or of its nearest ancestor below the top, counted from 1."""
        for length in range(len(location), 0, -1):
            line = self.lines.get(location[:length])
            if line is not None:
                return line
        return None


def read_document(file: Path) -> Document:
    """Read `file`, a YAML mapping.

    Raises:
        UsageError: the file is missing, unreadable, not YAML, not a mapping, or names a key twice.
    """
    try:
        text = file.read_text(encoding="utf-8")
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except FileNotFoundError:
        raise UsageError(f"{file}: no such file") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file}: cannot be read: {error}") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{file}:{mark.line + 1}" if mark else str(file)
        problem = getattr(error, "problem", None) or str(error)
        raise UsageError(f"{where}: not valid YAML: {problem}") from error
    except ValueError as error:  # such as a timestamp that is no date
        raise UsageError(f"{file}: not valid YAML: {error}") from error
    if not isinstance(node, yaml.MappingNode) or not isinstance(data, dict):
        raise UsageError(f"{file}: expected `key: value` lines, found {type(data).__name__}")
    lines: dict[Location, int] = {}
    _index(file, node, (), lines)
    return Document(file, data, lines)


def parse(document: Document, model: type[Model]) -> Model:
    """The data of `document` as a `model`.

    Raises:
        UsageError: it breaks the model's schema; the message lists every mistake with its line.
    """
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        raise refusal(document, list(explain(error, model))) from error


def refusal(document: Document, problems: Sequence[tuple[Location, str]]) -> UsageError:
    """The error that names each of `problems` (a place and a sentence) with its line in `document`."""
    lines = []
    for location, sentence in problems:
        line = document.line_of(location)
        where = f"{document.file}:{line}" if line else str(document.file)
        lines.append(f"{where}: {dotted(location)}: {sentence}")
    return UsageError("\n".join(lines))


def _index(file: Path, node: yaml.Node, at: Location, lines: dict[Location, int]) -> None:
    if isinstance(node, yaml.MappingNode):
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode) or key_node.tag == "tag:yaml.org,2002:merge":
                raise UsageError(f"{file}:{line}: a merge key or a mapping as key: allowed are plain words")
            location = (*at, key_node.value)
            if location in lines:
                path = ".".join(map(str, location))
                raise UsageError(f"{file}:{line}: {path}: given twice (first on line {lines[location]})")
            lines[location] = line
            _index(file, value_node, location, lines)
    elif isinstance(node, yaml.SequenceNode):
        for position, item in enumerate(node.value):
            lines[*at, position] = item.start_mark.line + 1
            _index(file, item, (*at, position), lines)

"""The README of each Terraform module: its own words above a note, and below it what follows from the code."""

import json
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hcl2

NOTE = "<!-- From here on written by docs/generate.py: change the code, not this part. -->"
EXAMPLE = Path("examples/complete/main.tf")


@dataclass(frozen=True)
class Variable:
    """An input as its block declares it. `type` and `default` are HCL expressions; a required input has no default."""

    name: str
    description: str
    type: str
    default: str | None
    validations: int


@dataclass(frozen=True)
class Output:
    """An output as its block declares it."""

    name: str
    description: str


def pages(modules: Path) -> Mapping[Path, str]:
    """The README of each module of the folder `modules`, as it should be.

    Raises:
        FileNotFoundError: a module lacks its README, its example, or one of its files.
    """
    return {folder / "README.md": _page(folder) for folder in sorted(modules.iterdir()) if folder.is_dir()}


def variables(folder: Path) -> list[Variable]:
    """The inputs of the module in `folder`, in the order of its `variables.tf`."""
    return [
        Variable(
            name,
            _text(body.get("description", "")),
            expression(body.get("type", "any")),
            expression(body["default"]) if "default" in body else None,
            len(body.get("validation", [])),
        )
        for name, body in _blocks(folder / "variables.tf", "variable")
    ]


def outputs(folder: Path) -> list[Output]:
    """The outputs of the module in `folder`, in the order of its `outputs.tf`."""
    return [Output(name, _text(body.get("description", ""))) for name, body in _blocks(folder / "outputs.tf", "output")]


def layout(kind: str) -> str:
    """The type `kind` with each field of an object on a line of its own."""
    written: list[str] = []
    brackets: list[str] = []
    for token in kind.replace("{}", "\0"):
        match token:
            case "{":
                brackets.append(token)
                written.append("{\n" + "  " * brackets.count("{"))
            case "}":
                brackets.pop()
                written.append("\n" + "  " * brackets.count("{") + "}")
            case "(" | "[":
                brackets.append(token)
                written.append(token)
            case ")" | "]":
                brackets.pop()
                written.append(token)
            case "," if brackets[-1:] == ["{"]:
                written.append("\n" + "  " * brackets.count("{"))
            case " " if written and written[-1][-1:] in {" ", "\n"}:
                pass
            case _:
                written.append(token)
    return "".join(written).replace("\0", "{}")


def expression(value: Any) -> str:
    """A value as python-hcl2 hands it over, as HCL on one line."""
    if isinstance(value, str):
        return value.removeprefix("${").removesuffix("}") if value.startswith("${") else value
    if isinstance(value, list):
        return f"[{', '.join(map(expression, value))}]"
    if isinstance(value, Mapping):
        fields = ", ".join(f"{key} = {expression(item)}" for key, item in value.items() if key != "__is_block__")
        return f"{{ {fields} }}" if fields else "{}"
    return json.dumps(value)


def _page(folder: Path) -> str:
    own_words = (folder / "README.md").read_text(encoding="utf-8").split(NOTE)[0].rstrip()
    return "\n".join([own_words, "", NOTE, *_example(folder), *_inputs(folder), *_outputs(folder)]) + "\n"


def _example(folder: Path) -> Iterator[str]:
    yield from ("", "## Example", "", f"`{EXAMPLE}`:", "")
    yield from ("```hcl", (folder / EXAMPLE).read_text(encoding="utf-8").rstrip(), "```")


def _inputs(folder: Path) -> Iterator[str]:
    yield from ("", "## Inputs")
    for one in variables(folder):
        given = "required" if one.default is None else f"default `{one.default}`"
        short = "{" not in one.type
        kind = f"`{one.type}`, {given}" if short else given.capitalize()
        yield from ("", f"### `{one.name}`", "", f"{kind}.", "", one.description)
        if not short:
            yield from ("", "```hcl", layout(one.type), "```")


def _outputs(folder: Path) -> Iterator[str]:
    yield from ("", "## Outputs", "", "| output | what it is |", "|---|---|")
    for one in outputs(folder):
        yield f"| `{one.name}` | {' '.join(one.description.split())} |".replace("||", r"\|\|")


def _blocks(file: Path, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    with file.open(encoding="utf-8") as stream:
        document = hcl2.load(stream)
    for block in document.get(kind, []):
        for name, body in block.items():
            yield name.strip('"'), body


def _text(literal: str) -> str:
    """What a string literal says: quoted, or an indented heredoc (which the parser hands over quoted)."""
    if literal.startswith('"<<'):
        lines = literal.strip('"').splitlines()
        return textwrap.dedent("\n".join(lines[1:-1]))
    return str(json.loads(literal)) if literal.startswith('"') else literal

"""Writes the pages that follow from the code: `python -m docs.generate`, or `--check` to see that they are current."""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import typer
import typer.main

from docs import module_pages
from glue.cli import commands  # noqa: F401 - importing it registers them
from glue.cli.app import app
from glue.profiles.models import Profile

ROOT = Path(__file__).resolve().parent.parent
_DECISIONS = ROOT / "docs" / "decisions"
_PROFILE_PAGE = """\
An environment is `envs/<environment>.yaml` with `envs/defaults.yaml` merged under it; `endpoint_defaults` of the
defaults is merged under each endpoint. Unknown keys, wrong types and keys given twice are errors that name file and
line. `glue env show --env dev` prints a profile with its defaults, `glue env validate` checks all of them."""
_WIDTH = 80
_NOTE = "<!-- Written by docs/generate.py: change the code, not this page. -->"


def main() -> int:
    """Write the pages; with `--check`, name those that are not current and exit 1."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 if a page is not current")
    check = parser.parse_args().check
    pages = {
        ROOT / "docs" / "commands.md": "\n".join(_commands()) + "\n",
        ROOT / "docs" / "profiles.md": "\n".join(_profiles()) + "\n",
        _DECISIONS / "README.md": "\n".join(_decisions()) + "\n",
        **module_pages.pages(ROOT / "modules"),
    }
    stale = [file for file, text in pages.items() if not _is(file, text)]
    if check:
        for file in stale:
            print(f"{file.relative_to(ROOT)} is not current\n  try: make fix", file=sys.stderr)
        return 1 if stale else 0
    for file in stale:
        file.write_text(pages[file], encoding="utf-8")
    return 0


def _is(file: Path, text: str) -> bool:
    return file.is_file() and file.read_text(encoding="utf-8") == text


def _commands() -> Iterator[str]:
    yield from ("# Commands", _NOTE, "")
    yield "Exit codes: 0 fine; 1 a check or a deployment failed; 2 wrong usage or configuration; 3 something missing."
    root = typer.main.get_command(app)
    yield from _command(typer.Context(root, info_name="glue", terminal_width=_WIDTH))


def _command(context: typer.Context) -> Iterator[str]:
    children: Mapping[str, Any] = getattr(context.command, "commands", {})
    for name, child in sorted(children.items()):
        yield from _command(typer.Context(child, info_name=name, parent=context, terminal_width=_WIDTH))
    if not children:
        yield from ("", f"## {context.command_path}", "", "```", context.command.get_help(context), "```")


def _decisions() -> Iterator[str]:
    yield from (
        "# Decisions",
        _NOTE,
        "",
        "Why things are as they are: context, decision and consequences on a page each.",
        "",
    )
    for file in sorted(_DECISIONS.glob("[0-9]*.md")):
        title = file.read_text(encoding="utf-8").partition("\n")[0].removeprefix("# ")
        yield f"{title.partition('. ')[0]}. [{title.partition('. ')[2]}]({file.name})"


def _profiles() -> Iterator[str]:
    schema = Profile.model_json_schema()
    yield from ("# Environment profiles", _NOTE, "")
    yield _PROFILE_PAGE
    parts = {name: part for name, part in schema["$defs"].items() if "properties" in part}
    sections = {"Profile": schema, **parts}
    for name in ["Profile", "Endpoint", *sorted(sections.keys() - {"Profile", "Endpoint"})]:
        yield from (
            "",
            f"## {name}",
            "",
            sections[name]["description"],
            "",
            "| field | what it is | type | default |",
            "|---|---|---|---|",
        )
        required = sections[name].get("required", [])
        for field, described in sections[name]["properties"].items():
            default = "required" if field in required else f"`{_default(described)}`"
            yield f"| `{field}` | {described['description']} | {_type(described)} | {default} |"


def _default(described: Mapping[str, Any]) -> str:
    value = described.get("default")
    if isinstance(value, dict) and value:
        return "see there"
    return "none" if value is None else json.dumps(value).strip('"')


def _type(described: Mapping[str, Any]) -> str:
    """A JSON schema in a few words."""
    match described:
        case {"$ref": "#/$defs/JsonValue"}:
            words = "anything"
        case {"$ref": reference}:
            name = reference.rsplit("/", 1)[-1]
            words = f"[{name}](#{name.lower()})"
        case {"anyOf": choices}:
            words = " or ".join(_type(one) for one in choices)
        case {"enum": values}:
            words = "one of " + ", ".join(f"`{value}`" for value in values)
        case {"type": "array", "items": items}:
            words = f"list of {_type(items)}"
        case {"type": "object", "additionalProperties": values}:
            words = f"mapping to {_type(values)}"
        case {"type": "object", "patternProperties": patterns}:
            words = " or ".join(f"mapping of `{pattern}` to {_type(value)}" for pattern, value in patterns.items())
        case {"type": "null"}:
            words = "nothing"
        case _:
            words = f"{described['type']}{_limits(described)}"
    return words


def _limits(described: Mapping[str, Any]) -> str:
    low = described.get("minimum", described.get("exclusiveMinimum"))
    high = described.get("maximum")
    if low is not None and high is not None:
        word = "above " if "exclusiveMinimum" in described else ""
        return f", {word}{low} to {high}"
    pattern = described.get("pattern")
    return f" matching `{pattern}`".replace("|", "\\|") if pattern else ""


if __name__ == "__main__":
    sys.exit(main())

"""`glue demo`: the whole way once, on the local cloud."""

from pathlib import Path
from typing import Annotated

import typer

from glue.cli.app import app
from glue.cli.output import JsonOption, Progress, console, emit, table


@app.command()
def demo(
    keep: Annotated[bool, typer.Option("--keep", help="Leave the local cloud running.")] = False,
    out: Annotated[Path, typer.Option(help="Where the answer goes.")] = Path("out/demo"),
    as_json: JsonOption = False,
) -> None:
    """From nothing to a verified endpoint on the local cloud, and its answer to a blueprint.

    Example: glue demo --keep
    """
    from rich.console import Group

    from glue.demo import rooms
    from glue.demo.scenario import run
    from glue.project import find_project

    with Progress() as progress:
        found = run(find_project(), out, progress, keep=keep)
    document = {
        "result": str(found.result_file),
        "overlay": str(found.overlay),
        "room_count": found.result["room_count"],
        "verdict": found.verdict,
    }
    columns = ["room", "area (pixels)", "box (pixels)", "corners", "confidence"]
    text = Group(
        table(f"{found.result['room_count']} rooms in {found.blueprint.name}", columns, rooms.rows(found.result)),
        f"answer   {found.result_file}",
        f"overlay  {found.overlay}",
        f"verdict  {found.verdict}",
    )
    emit(document, text, as_json=as_json)
    console(stderr=True).print(_next(running=found.running))
    if found.verdict != "pass":
        raise typer.Exit(1)


def _next(*, running: bool) -> str:
    if running:
        lines = [
            "The local cloud is still running. Try next:",
            "  .venv/bin/glue local status",
            "  .venv/bin/glue invoke FILE.png --env local --wait --out out",
            "  make plan ENV=local      (no change)",
            "  .venv/bin/glue local down",
        ]
    else:
        lines = [
            "Nothing is left running. Try next:",
            "  make demo KEEP=1         the same, and the local cloud stays up",
            "  .venv/bin/glue --help    all commands",
            "  envs/dev.yaml            what an environment on AWS looks like",
        ]
    return "\n".join(lines)

"""`glue local`: the local cloud of this checkout."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from glue.cli.app import app
from glue.cli.output import JsonOption, Progress, emit, table

if TYPE_CHECKING:
    from rich.console import RenderableType

    from glue.localcloud.daemon import Status

commands = typer.Typer(no_args_is_help=True, help="Start, watch and stop the local cloud.")
app.add_typer(commands, name="local")


@commands.command()
def up(
    port: Annotated[int | None, typer.Option(help="Listen there (default: 4599, or any free port).")] = None,
    speed: Annotated[float, typer.Option(help="Seconds of its clock in one of this machine's.")] = 1.0,
    persist: Annotated[
        Path | None, typer.Option(help="Keep S3 objects and resources in this folder (default: in memory only).")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Start the local cloud in the background; returns when it answers.

    Example: glue local up && glue apply --env local --layer registry
    """
    from dataclasses import asdict

    from glue.localcloud import daemon
    from glue.project import find_project

    with Progress() as progress:
        progress.step("starting the local cloud")
        status = daemon.up(find_project().local_cloud_dir, port, speed, persist=persist)
    emit(asdict(status), _told(status), as_json=as_json)


@commands.command()
def down(as_json: JsonOption = False) -> None:
    """Stop the local cloud and all it runs. What it held in memory only is gone.

    Example: glue local down
    """
    from glue.localcloud import daemon
    from glue.project import find_project

    stopped = daemon.down(find_project().local_cloud_dir)
    emit({"stopped": stopped}, "stopped" if stopped else "it was not running", as_json=as_json)


@commands.command()
def status(as_json: JsonOption = False) -> None:
    """Show whether the local cloud runs, where, its endpoints and the alarms that went off.

    Example: glue local status --json
    """
    from dataclasses import asdict

    from glue.localcloud import daemon
    from glue.project import find_project

    found = daemon.status(find_project().local_cloud_dir)
    emit(asdict(found), _told(found), as_json=as_json)


@commands.command()
def logs(
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Wait for more, until it ends.")] = False,
) -> None:
    """Print the log of the local cloud and of the instances it runs.

    Example: glue local logs --follow
    """
    from glue.localcloud import daemon
    from glue.project import find_project

    for line in daemon.logs(find_project().local_cloud_dir, follow):
        typer.echo(line)


def _told(status: "Status") -> "RenderableType":
    from rich.console import Group

    if not status.running:
        return "not running (start it: glue local up)"
    head = f"running at {status.endpoint_url}, account {status.account_id}, process {status.pid}"
    parts: list[RenderableType] = [head]
    for title, found in (("endpoints", status.endpoints), ("alarms in the state ALARM", status.alarms)):
        if found:
            columns = list(found[0])
            parts.append(table(title, columns, [[one.get(column, "") for column in columns] for one in found]))
    return Group(*parts)

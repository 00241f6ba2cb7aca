"""`glue local fault`: one thing that goes wrong in the local cloud of this checkout."""

from typing import TYPE_CHECKING, Annotated

import typer

from glue.cli.local import commands
from glue.cli.output import JsonOption, emit, table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import RenderableType

faults = typer.Typer(no_args_is_help=True, help="Make one thing go wrong in the local cloud, for tests and to learn.")
commands.add_typer(faults, name="fault")


@faults.command("list")
def list_faults(as_json: JsonOption = False) -> None:
    """Show what can be made to go wrong, what will be seen of it, and what goes wrong now.

    Example: glue local fault list
    """
    from rich.console import Group

    from glue.localcloud.fault_injection import faults_client
    from glue.localcloud.fault_injection.faults import KINDS
    from glue.project import find_project

    active = faults_client.active(find_project().local_cloud_dir)
    kinds = [
        {"kind": kind.name, "what": kind.what, "seen": kind.seen, "options": sorted(kind.options)}
        for kind in KINDS.values()
    ]
    columns = ["kind", "what goes wrong", "what you will see", "options"]
    rows = [[kind["kind"], kind["what"], kind["seen"], ", ".join(kind["options"])] for kind in kinds]
    text = Group(table("What can go wrong", columns, rows), _faults_told(active))
    emit({"kinds": kinds, "active": active}, text, as_json=as_json)


@faults.command("start")
def start_fault(
    kind: Annotated[str, typer.Argument(help="What goes wrong; glue local fault list shows the kinds.")],
    *,
    endpoint: Annotated[str | None, typer.Option(help="Only for this endpoint (default: all).")] = None,
    duration: Annotated[
        str | None,
        typer.Option("--for", help="How long, such as 60s or 5m of the local clock (default: until stopped)."),
    ] = None,
    probability: Annotated[float | None, typer.Option(help="Strike a request with this chance (default: 1).")] = None,
    count: Annotated[int | None, typer.Option(help="Strike so often, or kill so many.")] = None,
    seconds: Annotated[float | None, typer.Option(help="How slow the start is, or how far the clock jumps.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Make one thing go wrong in the running local cloud.

    Example: glue local fault start kill-instance --endpoint demo-local-detector

    Example: glue local fault start s3-error --for 60s --probability 0.3
    """
    from glue.localcloud.fault_injection import faults_client
    from glue.project import find_project

    order = {"kind": kind, "endpoint": endpoint, "probability": probability, "count": count, "seconds": seconds}
    started = faults_client.start(find_project().local_cloud_dir, order, duration)
    emit(started, _faults_told([started]), as_json=as_json)


@faults.command("stop")
def stop_faults(
    which: Annotated[str | None, typer.Argument(help="A fault's number or kind (default: all).")] = None,
    as_json: JsonOption = False,
) -> None:
    """End faults. What they struck is not undone.

    Example: glue local fault stop s3-error
    """
    from glue.localcloud.fault_injection import faults_client
    from glue.project import find_project

    stopped = faults_client.stop(find_project().local_cloud_dir, which)
    emit({"stopped": stopped}, _faults_told(stopped, "none was active"), as_json=as_json)


def _faults_told(faults: "Sequence[Mapping[str, object]]", none: str = "nothing goes wrong now") -> "RenderableType":
    if not faults:
        return none
    columns = list(faults[0])
    return table(None, columns, [["" if one[name] is None else one[name] for name in columns] for one in faults])

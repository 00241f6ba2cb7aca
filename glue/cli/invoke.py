"""`glue invoke`: send files to an endpoint."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from glue.cli.app import app
from glue.cli.output import EnvOption, JsonOption, Progress, emit, table

if TYPE_CHECKING:
    from rich.console import RenderableType

    from glue.invocation import Batch, Result

DEFAULT_OUT = Path("out")


@app.command()
def invoke(
    files: Annotated[list[Path], typer.Argument(help="The files to send, a request each.", show_default=False)],
    *,
    env: EnvOption,
    endpoint: Annotated[
        str | None, typer.Option("--endpoint", help="The endpoint's key in the profile (default: the only one).")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait for the answers and fetch them.")] = False,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder for the answers (default: out). Needs --wait.")
    ] = None,
    timeout: Annotated[
        float | None,
        typer.Option("--timeout", min=1, help="Seconds to wait (default: as long as the endpoint's timeouts allow)."),
    ] = None,
    ttl: Annotated[
        int | None,
        typer.Option("--ttl", min=60, max=21600, help="Seconds a request may wait in the queue (default: 21600)."),
    ] = None,
    content_type: Annotated[
        str | None, typer.Option("--content-type", "-t", help="Media type of all files (default: by suffix).")
    ] = None,
    accept: Annotated[str | None, typer.Option("--accept", help="Media type of the answers.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Send files to an endpoint; without --wait, say where the results will be.

    An endpoint with a trigger takes uploads too: put an object under its prefix, and find a receipt beside the results.

    Example: glue invoke plan.png --env dev --wait --out results
    """
    from glue.cli.context import load_context
    from glue.deployed import choose_endpoint
    from glue.errors import UsageError
    from glue.invocation import EndpointClient, body_name, invoke_all, patience, payloads
    from glue.terraform.endpoints import read_deployed

    if not wait and (out is not None or timeout is not None):
        option = "--out" if out is not None else "--timeout"
        raise UsageError(f"{option} without --wait: only those who wait get answers", hints=["add --wait"])
    to_send = payloads(files, content_type=content_type, accept=accept)
    folder = _usable(out or DEFAULT_OUT) if wait else DEFAULT_OUT
    context = load_context(env)
    with Progress() as progress:
        endpoints = read_deployed(context.project, context.profile, context.cloud, progress)
    deployed = endpoints[choose_endpoint(endpoints, endpoint)]
    seconds = (timeout or patience(deployed, len(to_send))) if wait else None
    with Progress() as progress, EndpointClient(deployed, context.cloud) as client:
        count = "1 file" if len(to_send) == 1 else f"{len(to_send)} files"
        progress.step(f"sending {count} to {deployed.name}" + (f", waiting up to {seconds:g} s" if seconds else ""))
        batch = invoke_all(
            client,
            to_send,
            wait_seconds=seconds,
            ttl_seconds=ttl,
            reporter=progress,
            on_completed=lambda result: client.fetch(result, folder / body_name(result)),
        )
    emit(
        {"endpoint": deployed.name, "results": [one.document() for one in batch.results]}, _text(batch), as_json=as_json
    )
    _exit(batch, waited=wait)


def _usable(folder: Path) -> Path:
    """`folder`, which is one or can become one."""
    from glue.errors import UsageError

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--out {folder}: cannot be made a folder: {error.strerror}") from error
    return folder


def _text(batch: "Batch") -> "RenderableType":
    from rich.console import Group
    from rich.text import Text

    rows = [
        (one.payload.file, one.inference_id or "-", one.status.value, _seconds(one.answer_seconds))
        for one in batch.results
    ]
    parts: list[RenderableType] = [table(None, ["file", "inference id", "status", "seconds"], rows)]
    parts += [Text(f"{one.payload.file}: {_what(one)}") for one in batch.results]
    if batch.interrupted:
        parts.append(Text("interrupted: requests under way go on, and their results will be as listed"))
    return Group(*parts)


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def _what(result: "Result") -> str:
    """Where the result is or will be, or why there is none."""
    from glue.invocation.results import cause

    if result.body is not None:
        return str(result.body)
    if result.reason:
        return cause(result.reason)
    places = [place for place in (result.output_location, result.failure_location) if place]
    return " or ".join(places) if places else "never sent"


def _exit(batch: "Batch", *, waited: bool) -> None:
    from glue.invocation import Status

    if batch.interrupted:
        raise typer.Exit(130)
    fine = Status.COMPLETED if waited else Status.UNDER_WAY
    if any(result.status is not fine for result in batch.results):
        raise typer.Exit(1)

"""`glue verify-endpoint`: does the deployed environment do what its release promises?"""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from glue.cli.app import app
from glue.cli.output import EnvOption, JsonOption, Progress, console, emit, table

if TYPE_CHECKING:
    from rich.console import RenderableType

    from glue.checks.verification import Kept
    from glue.evidence import Evidence

_STYLES = {"pass": "green", "fail": "bold red", "skip": "yellow"}


@app.command("verify-endpoint")
def verify_endpoint(
    env: EnvOption,
    endpoint: Annotated[
        str | None,
        typer.Option("--endpoint", help="Check only this one, by its key in the profile (default: all of them)."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Check what is deployed against the release, with real requests; store the evidence that promotion demands.

    Example: glue verify-endpoint --env dev
    """
    from glue.checks import keep, subjects, verify
    from glue.cli.context import load_context
    from glue.errors import UsageError
    from glue.releases import read_release, require_complete
    from glue.terraform.endpoints import read_deployed

    context = load_context(env)
    profile, cloud = context.profile, context.cloud
    keys = sorted(profile.endpoints) if endpoint is None else [endpoint]
    if endpoint is not None and endpoint not in profile.endpoints:
        raise UsageError(f"--endpoint {endpoint}: allowed is one of {', '.join(sorted(profile.endpoints))}")
    release = require_complete(read_release(cloud.releases_dir, env), profile)
    with Progress() as progress:
        deployed = read_deployed(context.project, profile, cloud, progress)
        chosen = subjects(context.project, profile, release, deployed, keys)
        evidence = verify(profile, release, chosen, cloud, progress)
    if not as_json:
        console().print(_table(evidence))
    # Evidence is about a whole release: a look at one endpoint of several proves nothing about the others.
    kept = keep(profile, cloud, evidence) if set(keys) == set(profile.endpoints) else None
    emit(_document(evidence, kept), _conclusion(evidence, kept), as_json=as_json)
    if evidence.verdict != "pass":
        raise typer.Exit(1)


def _document(evidence: "Evidence", kept: "Kept | None") -> dict[str, Any]:
    stored = {"location": kept.uri, "sha256": kept.sha256, "file": str(kept.file)} if kept else None
    return evidence.model_dump(mode="json") | {"evidence": stored}


def _table(evidence: "Evidence") -> "RenderableType":
    from rich.text import Text

    several = len({check.endpoint for check in evidence.checks if check.endpoint}) > 1
    rows = [
        (
            f"{check.endpoint}: {check.id}" if several and check.endpoint else check.id,
            Text(check.verdict, _STYLES[check.verdict]),
            check.message,
            f"{check.seconds:.1f}",
        )
        for check in evidence.checks
    ]
    return table(None, ["check", "verdict", "what was found", "seconds"], rows)


def _conclusion(evidence: "Evidence", kept: "Kept | None") -> "RenderableType":
    from rich.text import Text

    lines = (
        [f"evidence {kept.uri}", f"sha256   {kept.sha256}", f"copy     {kept.file}"]
        if kept
        else ["no evidence was stored: that takes all endpoints of the environment"]
    )
    verdict = Text(evidence.verdict, _STYLES[evidence.verdict])
    return Text("\n").join([*map(Text, lines), Text("verdict  ") + verdict])

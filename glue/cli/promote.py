"""`glue promote`: a release that one environment has proved becomes another's."""

from typing import Annotated

import typer

from glue.cli.app import app
from glue.cli.output import JsonOption, Progress, emit


@app.command()
def promote(
    origin: Annotated[str, typer.Option("--from", help="The environment that has verified the release.")],
    target: Annotated[str, typer.Option("--to", help="The environment that gets it.")],
    as_json: JsonOption = False,
) -> None:
    """Copy a release, unchanged, to another environment. Demands the evidence that it works where it comes from.

    Example: glue promote --from dev --to staging
    """
    from dataclasses import asdict

    from rich.text import Text

    from glue import promotion
    from glue.cli.context import load_context

    sides = [promotion.Side(context.profile, context.cloud) for context in map(load_context, (origin, target))]
    with Progress() as progress:
        done = promotion.promote(sides[0], sides[1], progress)
    document = {
        "from": origin,
        "to": target,
        "release": done.release.digest,
        "evidence": done.evidence,
        "changes": [asdict(change) for change in done.changes],
    }
    short = done.release.digest[:12]
    lines = [
        f"{change.endpoint}  {change.field}: {change.old or '-'} -> {change.new or '-'}" for change in done.changes
    ]
    if lines:
        text = "\n".join([f"release {short} for {target}", *lines])
    else:
        text = f"nothing to promote: {target} has release {short} already"
    emit(document, Text(text), as_json=as_json)

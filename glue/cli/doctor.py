"""`glue doctor`: what is missing, and how to get it."""

from typing import Annotated

import typer

from glue.cli.app import app
from glue.cli.output import JsonOption, Progress, emit, table


@app.command()
def doctor(
    env: Annotated[str | None, typer.Option("--env", "-e", help="Also look at this environment's account.")] = None,
    fix: Annotated[
        bool, typer.Option("--fix", help="Bring what can be brought: Terraform, a provider mirror.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Look for what is missing on this machine or in an account, and say how to get it. Exit code 3 when something is.

    Example: glue doctor --env dev
    """
    from dataclasses import asdict

    from rich.console import Group
    from rich.text import Text

    from glue.doctor import examine, repair
    from glue.project import find_project

    project = find_project()
    if fix:
        with Progress() as progress:
            repair(project, progress)
    findings = list(examine(project, env))
    styles = {"ok": "green", "warning": "yellow", "missing": "red"}
    rows = [(Text(f.verdict, styles[f.verdict]), f.id, f.message, f.remedy or "") for f in findings]
    missing = [f.id for f in findings if f.verdict == "missing"]
    closing = f"missing: {', '.join(missing)}" if missing else "nothing is missing"
    document = {"ok": not missing, "findings": [asdict(finding) for finding in findings]}
    emit(document, Group(table(None, ["", "what", "found", "remedy"], rows), closing), as_json=as_json)
    if missing:
        raise typer.Exit(3)

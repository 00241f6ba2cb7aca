"""`glue env`: what the environments look like."""

from typing import Annotated, Any

import typer

from glue.cli.app import app
from glue.cli.output import EnvOption, JsonOption, emit, table

commands = typer.Typer(no_args_is_help=True, help="Show and check environment profiles.")
app.add_typer(commands, name="env")


@commands.command("list")
def list_(as_json: JsonOption = False) -> None:
    """List the environments.

    Example: glue env list
    """
    from glue.profiles import load_profiles
    from glue.project import find_project
    from glue.releases import read_release

    project = find_project()
    rows: list[dict[str, Any]] = []
    for name, profile in load_profiles(project.envs_dir).items():
        release = read_release(project.envs_dir, name)
        rows.append(
            {
                "environment": name,
                "cloud": profile.cloud,
                "account_id": profile.account_id,
                "region": profile.region,
                "endpoints": sorted(profile.endpoints),
                "release": release.digest if release else None,
            }
        )
    columns = ["environment", "cloud", "account", "region", "endpoints", "release"]
    text = table(
        None,
        columns,
        [
            (
                r["environment"],
                r["cloud"],
                r["account_id"],
                r["region"],
                ", ".join(r["endpoints"]),
                _short(r["release"]),
            )
            for r in rows
        ],
    )
    emit(rows, text, as_json=as_json)


def _short(digest: str | None) -> str:
    return digest[:12] if digest else "none yet"


@commands.command()
def show(env: EnvOption, as_json: JsonOption = False) -> None:
    """Show a profile with its defaults merged in.

    Example: glue env show --env dev
    """
    import yaml
    from rich.text import Text

    data = _document(env)
    emit(data, Text(yaml.safe_dump(data, sort_keys=False).rstrip()), as_json=as_json)


@commands.command()
def validate(
    env: Annotated[list[str] | None, typer.Option("--env", "-e", help="Only these (default: all).")] = None,
    as_json: JsonOption = False,
) -> None:
    """Check profiles: schema, limits and the rules across fields.

    Example: glue env validate
    """
    from glue.errors import UsageError
    from glue.profiles import environment_names, load_profile
    from glue.project import find_project
    from glue.workloads import workload_names

    project = find_project()
    names = env or environment_names(project.envs_dir)
    workloads = workload_names(project.workloads_dir)
    mistakes = {}
    for name in names:
        try:
            load_profile(project.envs_dir, name, workloads=workloads)
        except UsageError as error:
            mistakes[name] = error.message
    if mistakes and not as_json:
        raise UsageError("\n".join(mistakes.values()))
    document = {name: {"valid": name not in mistakes, "mistakes": mistakes.get(name)} for name in names}
    emit(document, f"{len(names)} valid: {', '.join(names)}", as_json=as_json)
    if mistakes:
        raise typer.Exit(2)


@commands.command()
def diff(
    first: Annotated[str, typer.Argument(help="An environment.")],
    second: Annotated[str, typer.Argument(help="The one to compare it with.")],
    as_json: JsonOption = False,
) -> None:
    """Show the fields in which two environments differ.

    Example: glue env diff dev staging
    """
    one, other = _flat(_document(first)), _flat(_document(second))
    rows = [(key, one.get(key), other.get(key)) for key in sorted(one | other) if one.get(key) != other.get(key)]
    document = [{"field": field, first: a, second: b} for field, a, b in rows]
    shown = [(field, "-" if a is None else a, "-" if b is None else b) for field, a, b in rows]
    emit(document, table(None, ["field", first, second], shown), as_json=as_json)


def _document(environment: str) -> dict[str, Any]:
    from glue.profiles import load_profile
    from glue.profiles.models import document
    from glue.project import find_project

    return dict(document(load_profile(find_project().envs_dir, environment)))


def _flat(data: Any, at: str = "") -> dict[str, Any]:
    """`data` as one level of dotted keys."""
    if isinstance(data, dict) and data:
        return {
            key: value for name, item in data.items() for key, value in _flat(item, f"{at}.{name}".lstrip(".")).items()
        }
    return {at: data}

"""`glue render | plan | apply | destroy | output`: an environment's infrastructure."""

from typing import TYPE_CHECKING, Annotated

import typer

from glue.cli.app import app
from glue.cli.output import EnvOption, JsonOption, Progress, confirm, emit

if TYPE_CHECKING:
    from glue.progress import Reporter
    from glue.terraform.deployment import Deployment, PlanRecord

LayerOption = Annotated[
    str, typer.Option("--layer", "-l", help="registry (shared by the account's environments) or platform.")
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


@app.command()
def render(env: EnvOption, layer: LayerOption = "platform", as_json: JsonOption = False) -> None:
    """Print the files that Terraform reads, made from the profile and the release.

    Example: glue render --env dev
    """
    from rich.text import Text

    from glue.progress import Silent

    rendered = {file.name: text for file, text in _deployment(env, layer, Silent()).render().items()}
    emit(rendered, Text("\n".join(f"# {name}\n{text}" for name, text in rendered.items())), as_json=as_json)


@app.command()
def plan(
    env: EnvOption,
    layer: LayerOption = "platform",
    destroy: Annotated[bool, typer.Option("--destroy", help="Plan the removal of everything.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show what an apply would do, and keep the plan for it.

    Example: glue plan --env dev
    """
    with Progress() as progress:
        record = _deployment(env, layer, progress).plan(destroy=destroy)
    _show(record, as_json=as_json)


@app.command()
def apply(env: EnvOption, layer: LayerOption = "platform", yes: YesOption = False, as_json: JsonOption = False) -> None:
    """Apply exactly the plan that was shown; without one, plan and ask first.

    Example: glue plan --env dev && glue apply --env dev
    """
    with Progress() as progress:
        deployment = _deployment(env, layer, progress)
        record = deployment.saved_plan()
        if record is None and not yes:
            record = deployment.plan()
            _show(record, as_json=False, stderr=True)
            _ask(record, "Apply this plan?", yes=False)
        outputs = deployment.carry_out(record) if record else deployment.plan_and_apply().outputs
    emit(outputs, f"the {layer} layer of {env} is what its profile and its release say", as_json=as_json)


@app.command()
def destroy(
    env: EnvOption, layer: LayerOption = "platform", yes: YesOption = False, as_json: JsonOption = False
) -> None:
    """Remove what a layer made, after showing it and asking.

    Example: glue destroy --env dev
    """
    from glue.errors import FailedError

    with Progress() as progress:
        deployment = _deployment(env, layer, progress)
        if deployment.profile.deletion_protection:
            raise FailedError(
                f"environment {env} has deletion protection",
                hints=["set deletion_protection: false in its profile and apply that first"],
            )
        record = deployment.plan(destroy=True)
        _show(record, as_json=False, stderr=True)
        _ask(record, f"Destroy all of this in {env}?", yes=yes)
        deployment.carry_out(record)
    emit({"destroyed": len(record.changes)}, f"destroyed the {layer} layer of {env}", as_json=as_json)


@app.command()
def output(env: EnvOption, layer: LayerOption = "platform", as_json: JsonOption = False) -> None:
    """Print what a layer made: names, addresses, digests.

    Example: glue output --env dev --json
    """
    import yaml
    from rich.text import Text

    with Progress() as progress:
        outputs = _deployment(env, layer, progress).outputs()
    text = yaml.safe_dump(outputs, sort_keys=False).rstrip() if outputs else f"nothing yet: glue apply --env {env}"
    emit(outputs, Text(text), as_json=as_json)


def _ask(record: "PlanRecord", question: str, *, yes: bool) -> None:
    """Go on only with the user's consent; a plan that changes nothing needs none."""
    if not (record.empty or yes or confirm(question, otherwise="--yes does it unasked")):
        raise typer.Exit(1)


def _show(record: "PlanRecord", *, as_json: bool, stderr: bool = False) -> None:
    from rich.text import Text

    from glue.cli.output import console
    from glue.terraform.summary import counts, summarize

    if stderr:
        console(stderr=True).print(Text(summarize(record.changes)))
        return
    document = record.model_dump(mode="json") | {"counts": counts(record.changes)}
    emit(document, Text(summarize(record.changes)), as_json=as_json)


def _deployment(env: str, layer: str, reporter: "Reporter") -> "Deployment":
    from glue.cli.context import load_context
    from glue.errors import UsageError
    from glue.terraform.deployment import Deployment
    from glue.terraform.layers import Layer

    if layer not in list(Layer):
        raise UsageError(f"--layer {layer}: allowed is {' or '.join(Layer)}")
    context = load_context(env)
    return Deployment(context.project, context.profile, context.cloud, Layer(layer), reporter)

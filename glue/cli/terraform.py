"""`glue render | plan | apply | destroy | output`: an environment's infrastructure."""

from typing import TYPE_CHECKING, Annotated

import typer

from glue.cli.app import app
from glue.cli.output import EnvOption, JsonOption, Progress, confirm, emit, say

if TYPE_CHECKING:
    from glue.progress import Reporter
    from glue.terraform.deployment import Deployment
    from glue.terraform.plan_record import PlanRecord

LayerOption = Annotated[
    str, typer.Option("--layer", "-l", help="registry (shared by the account's environments) or platform.")
]
AllowOption = Annotated[
    list[str] | None,
    typer.Option(
        "--allow-destroy",
        metavar="ADDRESS",
        help="Let this one go although the environment has deletion protection; can be given again.",
    ),
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
    allow_destroy: AllowOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what an apply would do, and keep the plan for it.

    Fails when the plan would destroy a bucket, key, repository or endpoint of an environment with deletion protection.

    Example: glue plan --env dev
    """
    from glue.errors import FailedError

    with Progress() as progress:
        deployment = _deployment(env, layer, progress)
        record = deployment.plan(destroy=destroy)
        deployment.note_unused(record, allow_destroy or ())
    try:
        deployment.require_allowed(record, allow_destroy or ())
    except FailedError as error:
        _show(record, as_json=as_json, details=error.details)
        say(error)  # standard output has its one document
        raise typer.Exit(error.exit_code) from None
    _show(record, as_json=as_json)


@app.command()
def apply(
    env: EnvOption,
    layer: LayerOption = "platform",
    yes: YesOption = False,
    allow_destroy: AllowOption = None,
    as_json: JsonOption = False,
) -> None:
    """Apply exactly the plan that was shown; without one, plan and ask first.

    Stops when that would destroy a bucket, key, repository or endpoint of an environment with deletion protection.

    Example: glue plan --env dev && glue apply --env dev
    """
    allowed = allow_destroy or []
    with Progress() as progress:
        deployment = _deployment(env, layer, progress)
        record = deployment.saved_plan()
        if record is None and not yes:
            record = deployment.plan()
            _show(record, as_json=False, stderr=True)
            deployment.require_allowed(record, allowed)
            _ask(record, "Apply this plan?", yes=False)
        if record:
            outputs = deployment.carry_out(record, allow_destroy=allowed)
        else:
            outputs = deployment.plan_and_apply(allow_destroy=allowed)
    emit(outputs, f"the {layer} layer of {env} is what its profile and its release say", as_json=as_json)


@app.command()
def destroy(
    env: EnvOption,
    layer: LayerOption = "platform",
    yes: YesOption = False,
    allow_destroy: AllowOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove what a layer made, after showing it and asking.

    Stops when the environment has deletion protection and not every protected address is allowed to go.

    Example: glue destroy --env dev
    """
    allowed = allow_destroy or []
    with Progress() as progress:
        deployment = _deployment(env, layer, progress)
        record = deployment.plan(destroy=True)
        _show(record, as_json=False, stderr=True)
        deployment.require_allowed(record, allowed)
        _ask(record, f"Destroy all of this in {env}?", yes=yes)
        deployment.carry_out(record, allow_destroy=allowed)
    emit({"destroyed": len(record.changes)}, f"destroyed the {layer} layer of {env}", as_json=as_json)


@app.command("import")
def import_(
    env: EnvOption,
    address: Annotated[str, typer.Argument(help="The resource's address in the code, quoted for the shell.")],
    identifier: Annotated[str, typer.Argument(help="What its import is called in the provider's documentation.")],
    layer: LayerOption = "platform",
    as_json: JsonOption = False,
) -> None:
    """Put what exists into the state: what a run that was killed had made, or somebody by hand.

    Example: glue import --env dev module.data.aws_s3_bucket.this my-bucket
    """
    with Progress() as progress:
        _deployment(env, layer, progress).adopt(address, identifier)
    emit({"address": address, "identifier": identifier}, f"imported {identifier} as {address}", as_json=as_json)


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


def _show(
    record: "PlanRecord", *, as_json: bool, stderr: bool = False, details: dict[str, object] | None = None
) -> None:
    from rich.text import Text

    from glue.cli.output import console
    from glue.terraform.summary import counts, summarize

    if stderr:
        console(stderr=True).print(Text(summarize(record.changes)))
        return
    document = record.model_dump(mode="json") | {"counts": counts(record.changes), "stopped": []} | (details or {})
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

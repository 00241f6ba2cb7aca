"""`glue image`: the images that endpoints run."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from glue.cli.app import app
from glue.cli.output import EnvOption, JsonOption, Progress, emit, table
from glue.cli.registry import EndpointOption, releaser
from glue.durations import BUILD_SECONDS, OBSERVE_SECONDS, TRANSFER_SECONDS

if TYPE_CHECKING:
    from rich.console import RenderableType

    from glue.cli.context import Context
    from glue.imagechecks import Gate, Verification

commands = typer.Typer(no_args_is_help=True, help="Build, verify, push, list and trace images.")
app.add_typer(commands, name="image")


class Kind(StrEnum):
    """What an image holds."""

    CONTAINER = "container"
    PROCESS = "process"


WorkloadArgument = Annotated[str, typer.Argument(help="A folder of container/workloads.")]
BaseOption = Annotated[
    str | None,
    typer.Option("--base", help="A base image in place of the pinned one.", envvar="GLUE_BASE_IMAGE"),
]
BundledOption = Annotated[bool, typer.Option("--bundled", help="Put the model into the image.")]
ObserveOption = Annotated[
    float, typer.Option("--observe", min=0, help="Seconds for which the running container is watched.")
]
BuildTimeoutOption = Annotated[float, typer.Option("--timeout", min=1, help="Seconds after which a build is ended.")]


@commands.command()
def build(  # noqa: PLR0917 - options
    workload: WorkloadArgument,
    kind: Annotated[
        Kind, typer.Option("--kind", help="process: no operating system and no engine, for the local cloud only.")
    ] = Kind.CONTAINER,
    bundled: BundledOption = False,
    base: BaseOption = None,
    timeout: BuildTimeoutOption = BUILD_SECONDS,
    out: Annotated[
        Path | None, typer.Option("--out", help="A process image's folder (default: below .glue/images).")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Build a workload's image, with its bill of materials.

    Example: glue image build location_detector
    """
    from rich.text import Text

    from glue.project import find_project
    from glue.workloads import load_workload

    project = find_project()
    chosen = load_workload(project.workloads_dir, workload)
    if kind is Kind.PROCESS:
        from glue import images

        folder = out or project.work_dir / "images" / workload
        with Progress() as progress:
            made = images.build_process_image(chosen, project.serving_dir, progress)
            images.write_layout(made, folder)
        size = sum(len(layer.data) for layer in made.layers)
        document = {"folder": str(folder), "tag": made.tag, "digest": made.digest, "size": size}
    else:
        from glue.engines import find_engine
        from glue.images.building import build as build_container

        with Progress() as progress:
            built = build_container(
                chosen, project, find_engine(), progress, bundled=bundled, base=base, seconds=timeout
            )
        document = {
            "image": built.reference,
            "tag": built.tag,
            "id": built.image.id,
            "size": built.image.size,
            "sbom": str(built.sbom),
        }
    emit(document, Text("\n".join(f"{name:<7} {value}" for name, value in document.items())), as_json=as_json)


@commands.command()
def verify(
    workload: WorkloadArgument,
    image: Annotated[
        str | None, typer.Option("--image", help="An image of the engine (default: the last that was built here).")
    ] = None,
    against: Annotated[
        str | None,
        typer.Option("--against", help="An image to compare sizes with (default: the last pushed before it)."),
    ] = None,
    observe: ObserveOption = OBSERVE_SECONDS,
    as_json: JsonOption = False,
) -> None:
    """Run an image as SageMaker will, with its golden requests, and judge what is seen. Nothing is pushed.

    Example: glue image verify location_detector
    """
    from glue.engines import find_engine
    from glue.errors import UsageError
    from glue.imagechecks import Patience, Subject, former_image, keep
    from glue.imagechecks import verify as verify_image
    from glue.images.building import image_folder, last_built
    from glue.project import find_project
    from glue.workloads import load_workload

    project = find_project()
    chosen = load_workload(project.workloads_dir, workload)
    engine = find_engine(to_run=True)
    reference = image or last_built(project, workload)
    if reference is None:
        raise UsageError(f"no image of {workload} was built here", hints=[f"glue image build {workload}"])
    found = engine.inspect(reference)
    former = against or former_image(engine, workload, found)
    with Progress() as progress:
        verification = verify_image(Subject(found, chosen, former), engine, progress, Patience(observe=observe))
    keep(image_folder(project, workload), verification)
    emit(verification.model_dump(mode="json"), _report(verification), as_json=as_json)
    if verification.verdict != "pass":
        raise typer.Exit(1)


@commands.command()
def push(  # noqa: PLR0917 - options
    env: EnvOption,
    endpoint: EndpointOption = None,
    kind: Annotated[
        Kind | None, typer.Option("--kind", help="Default: process on the local cloud, container elsewhere.")
    ] = None,
    base: BaseOption = None,
    observe: ObserveOption = OBSERVE_SECONDS,
    timeout: BuildTimeoutOption = BUILD_SECONDS,
    transfer_timeout: Annotated[
        float, typer.Option("--transfer-timeout", min=1, help="Seconds after which a push or a pull is ended.")
    ] = TRANSFER_SECONDS,
    as_json: JsonOption = False,
) -> None:
    """Build, verify and push the images of an environment, and write their digests into its release.

    Example: glue image push --env dev
    """
    from rich.text import Text

    from glue.cli.context import load_context
    from glue.releasing import chosen_endpoints

    context = load_context(env)
    keys = chosen_endpoints(context.profile, endpoint)
    process = kind is Kind.PROCESS or (kind is None and context.cloud.runs_process_images)
    with Progress() as progress:
        gate = None if process else _gate(context, progress, observe, base, (timeout, transfer_timeout))
        release = releaser(context, progress).push_images(keys, gate)
    pushed = {key: release.endpoints[key].image for key in keys}
    document = {"release": release.digest, "endpoints": pushed}
    emit(document, Text("\n".join(f"{key}  {image}" for key, image in pushed.items())), as_json=as_json)


@commands.command(name="list")
def list_images(env: EnvOption, as_json: JsonOption = False) -> None:
    """List the images that an environment's registry has, newest first, and which of them are released.

    Example: glue image list --env dev
    """
    from glue.cli.context import load_context
    from glue.images.listing import listed
    from glue.progress import mebibytes
    from glue.releases import read_release

    context = load_context(env)
    with Progress() as progress:
        registry = releaser(context, progress).registry
    release = read_release(context.cloud.releases_dir, context.profile.environment)
    found = listed(registry.repositories, release, context.cloud)
    document = {"environment": env, "images": [image.document for image in found]}
    rows = [
        (
            one.workload,
            ", ".join(one.tags),
            one.digest,
            f"{mebibytes(one.size)} MiB",
            one.pushed,
            ", ".join(one.released),
        )
        for one in found
    ]
    columns = ("workload", "tags", "digest", "size", "pushed", "released for")
    emit(document, table(f"images of {env}", columns, rows), as_json=as_json)


@commands.command()
def trace(env: EnvOption, as_json: JsonOption = False) -> None:
    """Follow each endpoint's image from the sources to the running instances, digest by digest.

    Example: glue image trace --env dev
    """
    from glue.cli.context import load_context
    from glue.images.tracing import trace_environment

    context = load_context(env)
    with Progress() as progress:
        chains = trace_environment(context.project, context.profile, context.cloud, progress)
    document = {"environment": env, "endpoints": {key: chain.document for key, chain in chains.items()}}
    rows = [
        (key, one.name, one.verdict, one.value, one.message) for key, chain in chains.items() for one in chain.links
    ]
    emit(document, table(f"images of {env}", ("endpoint", "link", "", "is", "that means"), rows), as_json=as_json)
    if any(chain.broken for chain in chains.values()):
        raise typer.Exit(1)


def _gate(
    context: "Context", progress: Progress, observe: float, base: str | None, seconds: tuple[float, float]
) -> "Gate":
    """What makes, verifies and pushes container images; an engine is looked for before anything else is done."""
    from glue.engines import find_engine
    from glue.imagechecks import Gate, Patience

    scan, patience = context.profile.image_scan, Patience(observe=observe)
    return Gate(context.project, context.cloud, find_engine(to_run=True), progress, scan, patience, base, *seconds)


def _report(verification: "Verification") -> "RenderableType":
    rows = [(check.verdict, check.id, check.message, f"{check.seconds:.1f} s") for check in verification.checks]
    title = f"{verification.workload} {verification.workload_version}: {verification.summary}"
    return table(title, ("", "check", "found", "took"), rows)

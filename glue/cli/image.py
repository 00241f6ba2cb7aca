"""`glue image`: the images that endpoints run."""

from pathlib import Path
from typing import Annotated

import typer

from glue.cli.app import app
from glue.cli.output import EnvOption, JsonOption, Progress, emit
from glue.cli.registry import EndpointOption, releaser

commands = typer.Typer(no_args_is_help=True, help="Build and push images.")
app.add_typer(commands, name="image")


@commands.command()
def build(
    workload: Annotated[str, typer.Argument(help="A folder of container/workloads.")],
    out: Annotated[Path | None, typer.Option("--out", help="A folder (default: below .glue/images).")] = None,
    as_json: JsonOption = False,
) -> None:
    """Build a workload's image, without a container engine, and write it as an OCI image layout.

    Example: glue image build location_detector --out image
    """
    from rich.text import Text

    from glue import images
    from glue.project import find_project
    from glue.workloads import load_workload

    project = find_project()
    folder = out or project.work_dir / "images" / workload
    with Progress() as progress:
        made = images.build(load_workload(project.workloads_dir, workload), project.serving_dir, progress)
        images.write_layout(made, folder)
    size = sum(len(layer.data) for layer in made.layers)
    document = {"folder": str(folder), "tag": made.tag, "digest": made.digest, "size": size}
    lines = [f"folder  {folder}", f"tag     {made.tag}", f"digest  {made.digest}", f"size    {size} bytes"]
    emit(document, Text("\n".join(lines)), as_json=as_json)


@commands.command()
def push(env: EnvOption, endpoint: EndpointOption = None, as_json: JsonOption = False) -> None:
    """Build and push the images of an environment, and write their digests into its release.

    Example: glue image push --env dev
    """
    from rich.text import Text

    from glue.cli.context import load_context
    from glue.releasing import chosen_endpoints

    context = load_context(env)
    keys = chosen_endpoints(context.profile, endpoint)
    with Progress() as progress:
        release = releaser(context, progress).push_images(keys)
    pushed = {key: release.endpoints[key].image for key in keys}
    document = {"release": release.digest, "endpoints": pushed}
    emit(document, Text("\n".join(f"{key}  {image}" for key, image in pushed.items())), as_json=as_json)

"""`glue artifact`: model artifacts, from a workload's folder to S3."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from glue.cli.app import app
from glue.cli.output import EnvOption, JsonOption, Progress, emit, table
from glue.cli.registry import EndpointOption, releaser

if TYPE_CHECKING:
    from glue.artifacts import Packed, Verification

commands = typer.Typer(no_args_is_help=True, help="Pack, verify and push model artifacts.")
app.add_typer(commands, name="artifact")

PythonOption = Annotated[
    str,
    typer.Option(
        "--python",
        help="The interpreter that imports the handler, such as that of an environment with its requirements "
        "(default: glue's own).",
        show_default=False,
    ),
]


@commands.command()
def pack(
    workload: Annotated[str, typer.Argument(help="A folder of container/workloads.")],
    out: Annotated[Path | None, typer.Option("--out", help="The archive (default: below .glue/artifacts).")] = None,
    python: PythonOption = sys.executable,
    as_json: JsonOption = False,
) -> None:
    """Pack a workload's model.tar.gz and verify it. The same files give the same archive, byte for byte.

    Example: glue artifact pack location_detector --out model.tar.gz
    """
    from glue.artifacts.packing import ARCHIVE
    from glue.project import find_project
    from glue.releasing import artifact_dir, pack_verified
    from glue.workloads import load_workload

    project = find_project()
    with Progress() as progress:
        loaded = load_workload(project.workloads_dir, workload)
        file = out or artifact_dir(project, workload) / ARCHIVE
        packed, verification = pack_verified(project, loaded, "archive", file, progress, python=python)
    _emit(verification, packed, as_json=as_json)


@commands.command()
def verify(
    what: Annotated[str, typer.Argument(metavar="FILE|WORKLOAD", help="An archive, or a workload to pack and verify.")],
    python: PythonOption = sys.executable,
    as_json: JsonOption = False,
) -> None:
    """Check that an artifact is sound and that its handler can be imported. This runs the handler's top-level code.

    A workload is verified in the form in which it would be pushed: an archive, or plain files above 100 MB.
    What others have packed is looked at first with `glue artifact inspect`, which runs nothing.

    Example: glue artifact verify model.tar.gz
    """
    import tempfile

    from glue.artifacts import form_of
    from glue.errors import UsageError
    from glue.project import find_project
    from glue.releasing import pack_verified, verify_archive
    from glue.workloads import load_workload, workload_names

    project = find_project()
    names = workload_names(project.workloads_dir)
    packed = None
    with Progress() as progress, tempfile.TemporaryDirectory(prefix="glue-artifact-") as scratch:
        if Path(what).is_file():
            verification = verify_archive(project, Path(what), progress, python=python)
        elif what in names:
            loaded = load_workload(project.workloads_dir, what)
            out = Path(scratch) / loaded.name
            packed, verification = pack_verified(project, loaded, form_of(loaded), out, progress, python=python)
        else:
            raise UsageError(f"{what}: no such file, and no workload: allowed is a file or one of {', '.join(names)}")
    _emit(verification, packed, as_json=as_json)


@commands.command()
def inspect(
    file: Annotated[Path, typer.Argument(help="An archive, whoever has packed it.")],
    as_json: JsonOption = False,
) -> None:
    """Read an archive from end to end without extracting it or running anything of it, and list what it holds.

    Refused are members that lead outside, links, devices, what unpacks to too much, and an archive without a handler.
    Pickles are listed as risks: whoever loads one runs what it says.

    Example: glue artifact inspect model.tar.gz
    """
    from rich.console import Group
    from rich.text import Text

    from glue.artifacts import inspect as inspect_archive

    with Progress() as progress:
        found = inspect_archive(file, progress)
    document = {
        "file": str(found.file),
        "sha256": found.sha256,
        "size": found.size,
        "risks": list(found.risks),
        "manifest": [entry.model_dump(mode="json") for entry in found.manifest],
    }
    rows = [(entry.path, entry.size, entry.sha256[:12]) for entry in found.manifest]
    listing = table(f"{found.file}\nsha256 {found.sha256}", ["file", "bytes", "sha256"], rows)
    emit(document, Group(listing, *(Text(f"risk: {risk}") for risk in found.risks)), as_json=as_json)


@commands.command()
def push(
    env: EnvOption,
    endpoint: EndpointOption = None,
    python: PythonOption = sys.executable,
    as_json: JsonOption = False,
) -> None:
    """Pack, verify and push the model artifacts of an environment, and write them into its release.

    Above 100 MB a model is pushed as plain files, unless the profile's `model.source` says otherwise. An upload that
    was interrupted goes on where it broke off when the command is run again.

    Example: glue artifact push --env dev
    """
    from rich.text import Text

    from glue.cli.context import load_context
    from glue.releasing import chosen_endpoints, with_artifacts

    context = load_context(env)
    keys = with_artifacts(context.profile, chosen_endpoints(context.profile, endpoint))
    with Progress() as progress:
        release = releaser(context, progress).push_artifacts(keys, python=python)
    pushed = {key: artifact for key in keys if (artifact := release.endpoints[key].artifact)}
    document = {
        "release": release.digest,
        "endpoints": {key: artifact.model_dump(mode="json") for key, artifact in pushed.items()},
    }
    lines = [f"{key}  {artifact.uri}  version {artifact.version_id}" for key, artifact in pushed.items()]
    emit(document, Text("\n".join(lines)), as_json=as_json)


def _emit(verification: "Verification", packed: "Packed | None", *, as_json: bool) -> None:
    """Print what was verified; `packed`: and how it was packed, unless somebody else has done that."""
    document: dict[str, Any] = {
        "file": str(verification.file),
        "sha256": verification.sha256,
        "size": verification.size,
        "functions": list(verification.functions),
        "risks": list(verification.risks),
        "warnings": list(verification.warnings),
        "manifest": [entry.model_dump(mode="json") for entry in verification.manifest],
    }
    if packed is not None:
        document |= {"form": packed.form, "saved_seconds": packed.saved_seconds}
    title = f"{verification.file}\nsha256 {verification.sha256}, functions {', '.join(verification.functions)}"
    rows = [(entry.path, entry.size, entry.sha256[:12]) for entry in verification.manifest]
    emit(document, table(title, ["file", "bytes", "sha256"], rows), as_json=as_json)

"""How the time of a plan grows with an environment's endpoints, and what glue adds to it.

For each number of endpoints, `glue plan` of a new environment on the local cloud, against bare `terraform plan` of the
same root, with the same variables, provider and state, initialised before. Each runs in turn; a run of each before does
not count. With `--applied`, the environment is applied first: a plan then reads all that there is. Each endpoint
is then a server on this machine.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from glue.cloud import cloud_of
from glue.profiles import load_profile
from glue.progress import Silent
from glue.project import Project
from glue.releases import read_release, require_complete, write_release
from glue.terraform.deployment import Deployment
from glue.terraform.layers import Layer
from glue.terraform.mirrors import cli_configuration

ROOT = Path(__file__).resolve().parent.parent
GLUE = Path(sys.executable).with_name("glue")
SIZES = (1, 10, 50)
_FIRST = "location-detector"


@dataclass(frozen=True)
class Row:
    """Medians of one number of endpoints."""

    endpoints: int
    changes: int
    glue_seconds: float
    terraform_seconds: float
    ratio: float
    """The median of the ratios pair by pair."""


def main() -> int:
    """Print one line for each number of endpoints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="numbers of endpoints (default: 1 10 50)")
    parser.add_argument("--runs", type=int, default=3, help="pairs that count for each size (default: %(default)s)")
    parser.add_argument("--applied", action="store_true", help="plan an environment that is applied")
    arguments = parser.parse_args()
    with _project() as project:
        rows = [_measure(project, size, arguments.runs, applied=arguments.applied) for size in arguments.sizes]
    first = rows[0]
    print("endpoints  changes   glue plan  terraform plan   ratio   growth of glue plan")
    for row in rows:
        growth = row.glue_seconds / first.glue_seconds
        print(
            f"{row.endpoints:9}  {row.changes:7}  {row.glue_seconds:8.1f} s  {row.terraform_seconds:12.1f} s"
            f"  {row.ratio:6.2f}  {growth:6.2f} x"
        )
    return 0


@contextmanager
def _project() -> Iterator[Project]:
    """A project with this checkout's code and a local cloud of its own, whose registry holds image and artifact."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name in ("terraform", "modules", "container"):
            (root / name).symlink_to(ROOT / name)
        shutil.copytree(ROOT / "envs", root / "envs", ignore=shutil.ignore_patterns("*.release.json"))
        memory = ROOT / ".glue" / "plugin-mirror"
        if memory.is_file():
            (root / ".glue").mkdir()
            shutil.copy(memory, root / ".glue")
        try:
            _glue(root, "local", "up")
            _glue(root, "apply", "--layer", "registry", "--yes")
            _glue(root, "image", "push")
            _glue(root, "artifact", "push")
            yield Project(root)
        finally:
            _glue(root, "local", "down")


def _measure(project: Project, size: int, runs: int, *, applied: bool) -> Row:
    deployment = _with_endpoints(project, size)
    if applied:
        _glue(project.root, "apply", "--yes")
    counted = [(_planned_by_glue(project), _planned_bare(project, deployment)) for _ in range(runs + 1)][1:]
    by_glue, bare = zip(*counted, strict=True)
    record = deployment.saved_plan()
    return Row(
        size,
        len(record.changes) if record else 0,
        statistics.median(by_glue),
        statistics.median(bare),
        statistics.median(one / other for one, other in counted),
    )


def _with_endpoints(project: Project, size: int) -> Deployment:
    """The platform layer of an environment with `size` endpoints that run the same image and artifact."""
    file = project.envs_dir / "local.yaml"
    first = load_profile(project.envs_dir, "local")
    document: dict[str, Any] = yaml.safe_load(file.read_text())
    keys = [_FIRST, *(f"{_FIRST}-{number:02}" for number in range(2, size + 1))]
    document["endpoints"] = {key: deepcopy(document["endpoints"][_FIRST]) for key in keys}
    file.write_text(yaml.dump(document))
    profile = load_profile(project.envs_dir, "local")
    cloud = cloud_of(profile, project)
    release = require_complete(read_release(cloud.releases_dir, "local"), first)
    entries = dict.fromkeys(keys, release.endpoints[_FIRST])
    write_release(cloud.releases_dir, release.model_copy(update={"endpoints": entries}))
    return Deployment(project, profile, cloud, Layer.PLATFORM, Silent())


def _planned_by_glue(project: Project) -> float:
    return _seconds([str(GLUE), "plan"], cwd=project.root, environment=_environment(project.root))


def _planned_bare(project: Project, deployment: Deployment) -> float:
    """Bare Terraform with what glue has rendered and initialised, its plan saved beside glue's."""
    files = deployment.files
    environment = {**os.environ, **deployment.cloud.variables(), "TF_DATA_DIR": str(files.data_dir)}
    mirror = cli_configuration(project)
    if mirror:
        environment["TF_CLI_CONFIG_FILE"] = str(mirror)
    plan = files.folder / "bare.tfplan"
    words = ["terraform", "plan", "-input=false", f"-var-file={files.variables}", f"-out={plan}"]
    return _seconds(words, cwd=files.root_module, environment=environment)


def _glue(root: Path, *arguments: str) -> None:
    subprocess.run([GLUE, *arguments], env=_environment(root), check=True, capture_output=True)


def _environment(root: Path) -> dict[str, str]:
    return {**os.environ, "GLUE_PROJECT": str(root), "GLUE_ENV": "local"}


def _seconds(words: Sequence[str], *, cwd: Path, environment: dict[str, str]) -> float:
    started = time.perf_counter()
    subprocess.run(words, cwd=cwd, env=environment, check=True, capture_output=True)
    return time.perf_counter() - started


if __name__ == "__main__":
    sys.exit(main())

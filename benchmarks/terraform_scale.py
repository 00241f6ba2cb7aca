"""How the time of a plan grows with an environment's endpoints, and what glue adds to it.

For each number of endpoints, `glue plan` of a new environment on the local cloud, against bare `terraform plan` of the
same root, with the same variables, provider and state, initialised before. Each runs in turn; a run of each before does
not count. With `--applied`, the environment is applied first: a plan then reads all that there is. Each endpoint
is then a server on this machine.
"""

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from projects import GLUE, fresh_project, glue, of_glue, of_terraform

from glue.cloud import cloud_of
from glue.profiles import load_profile
from glue.progress import Silent
from glue.project import Project
from glue.releases import read_release, require_complete, write_release
from glue.terraform.deployment import Deployment
from glue.terraform.layers import Layer

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
    with _released_project() as project:
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
def _released_project() -> Iterator[Project]:
    """A project whose local cloud's registry holds image and artifact."""
    with fresh_project() as project:
        glue(project, "local", "up")
        glue(project, "apply", "--layer", "registry", "--yes")
        glue(project, "image", "push")
        glue(project, "artifact", "push")
        yield project


def _measure(project: Project, size: int, runs: int, *, applied: bool) -> Row:
    deployment = _with_endpoints(project, size)
    if applied:
        glue(project, "plan")  # the one of the size before is still there, and no longer of this profile
        glue(project, "apply", "--yes")
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
    return _seconds([str(GLUE), "plan"], cwd=project.root, environment=of_glue(project))


def _planned_bare(project: Project, deployment: Deployment) -> float:
    """Bare Terraform with what glue has rendered and initialised, its plan saved beside glue's."""
    files = deployment.files
    environment = of_terraform(project, deployment.cloud, files.data_dir)
    plan = files.folder / "bare.tfplan"
    words = ["terraform", "plan", "-input=false", f"-var-file={files.variables}", f"-out={plan}"]
    return _seconds(words, cwd=files.root_module, environment=environment)


def _seconds(words: Sequence[str], *, cwd: Path, environment: dict[str, str]) -> float:
    started = time.perf_counter()
    subprocess.run(words, cwd=cwd, env=environment, check=True, capture_output=True)
    return time.perf_counter() - started


if __name__ == "__main__":
    sys.exit(main())

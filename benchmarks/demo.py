"""How long the demonstration takes, as a ratio to bare `terraform init` and `terraform apply` of the same two roots.

Both run on a local cloud of their own, with nothing initialised before. The demonstration does all that lies between
and after besides: it starts the cloud, packs, pushes, infers and verifies.
"""

import argparse
import statistics
import subprocess
import sys
import time

from projects import fresh_project, glue, of_terraform

from glue.cloud import cloud_of
from glue.profiles import load_profile
from glue.progress import Silent
from glue.project import Project
from glue.terraform.deployment import Deployment
from glue.terraform.layers import Layer

LIMIT = 1.5


def main() -> int:
    """Print the ratio beside the limit that it should keep; with `--strict`, exit 1 when it does not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3, help="pairs that count (default: %(default)s)")
    parser.add_argument("--strict", action="store_true", help="exit 1 when the ratio is above the limit")
    arguments = parser.parse_args()
    runs = arguments.runs
    pairs = [(_demonstration(), _bare()) for _ in range(runs)]
    demos, bares = zip(*pairs, strict=True)
    ratio = statistics.median(demo / bare for demo, bare in pairs)
    print(f"glue demo                               {statistics.median(demos):6.1f} s (median of {runs})")
    print(f"terraform init + apply, two bare roots  {statistics.median(bares):6.1f} s")
    print(f"ratio                                   {ratio:6.2f}    (limit {LIMIT})")
    return int(arguments.strict and ratio > LIMIT)


def _demonstration() -> float:
    with fresh_project() as project:
        started = time.perf_counter()
        glue(project, "demo", "--out", str(project.root / "out"))
        return time.perf_counter() - started


def _bare() -> float:
    with fresh_project() as project:
        glue(project, "local", "up")
        glue(project, "plan", "--layer", "registry")  # makes the state bucket and the files
        seconds = _init_and_apply(project, Layer.REGISTRY)
        glue(project, "image", "push")
        glue(project, "artifact", "push")
        return seconds + _init_and_apply(project, Layer.PLATFORM)


def _init_and_apply(project: Project, layer: Layer) -> float:
    profile = load_profile(project.envs_dir, "local")
    cloud = cloud_of(profile, project)
    deployment = Deployment(project, profile, cloud, layer, Silent())
    for file, text in deployment.render().items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    environment = of_terraform(project, cloud, deployment.files.folder / "bare")
    started = time.perf_counter()
    for arguments in (
        ["init", "-input=false", f"-backend-config={deployment.files.backend}"],
        ["apply", "-input=false", "-auto-approve", f"-var-file={deployment.files.variables}"],
    ):
        subprocess.run(
            ["terraform", *arguments],
            cwd=deployment.files.root_module,
            env=environment,
            check=True,
            stdout=subprocess.DEVNULL,
        )
    return time.perf_counter() - started


if __name__ == "__main__":
    sys.exit(main())

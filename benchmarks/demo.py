"""How long the demonstration takes, as a ratio to bare `terraform init` and `terraform apply` of the same two roots.

Both run on a local cloud of their own, with nothing initialised before. The demonstration does all that lies between
and after besides: it starts the cloud, packs, pushes, infers and verifies.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from glue.cloud import cloud_of
from glue.profiles import load_profile
from glue.progress import Silent
from glue.project import Project
from glue.terraform.deployment import Deployment
from glue.terraform.layers import Layer
from glue.terraform.mirrors import cli_configuration

LIMIT = 1.5
ROOT = Path(__file__).resolve().parent.parent
GLUE = Path(sys.executable).with_name("glue")


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


@contextmanager
def _fresh_project() -> Iterator[Project]:
    """A project with this checkout's code and nothing made yet; its local cloud is stopped at the end."""
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
            yield Project(root)
        finally:
            _glue(root, "local", "down")


def _demonstration() -> float:
    with _fresh_project() as project:
        started = time.perf_counter()
        _glue(project.root, "demo", "--out", str(project.root / "out"))
        return time.perf_counter() - started


def _bare() -> float:
    with _fresh_project() as project:
        _glue(project.root, "local", "up")
        _glue(project.root, "plan", "--env", "local", "--layer", "registry")  # makes the state bucket and the files
        seconds = _init_and_apply(project, Layer.REGISTRY)
        _glue(project.root, "image", "push", "--env", "local")
        _glue(project.root, "artifact", "push", "--env", "local")
        return seconds + _init_and_apply(project, Layer.PLATFORM)


def _init_and_apply(project: Project, layer: Layer) -> float:
    profile = load_profile(project.envs_dir, "local")
    cloud = cloud_of(profile, project)
    deployment = Deployment(project, profile, cloud, layer, Silent())
    for file, text in deployment.render().items():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    mirror = cli_configuration(project)
    environment = {**os.environ, **cloud.variables(), "TF_DATA_DIR": str(deployment.files.folder / "bare")}
    if mirror:
        environment["TF_CLI_CONFIG_FILE"] = str(mirror)
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


def _glue(root: Path, *arguments: str) -> None:
    subprocess.run([GLUE, *arguments], env={**os.environ, "GLUE_PROJECT": str(root)}, check=True, capture_output=True)


if __name__ == "__main__":
    sys.exit(main())

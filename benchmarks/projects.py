"""Projects of their own with this checkout's code, in which a benchmark plans and applies on a local cloud."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from glue.cloud import Cloud
from glue.project import Project
from glue.terraform.mirrors import cli_configuration

ROOT = Path(__file__).resolve().parent.parent
GLUE = Path(sys.executable).with_name("glue")


@contextmanager
def fresh_project() -> Iterator[Project]:
    """A project with nothing made yet; its local cloud is stopped at the end."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name in ("terraform", "modules", "container"):
            (root / name).symlink_to(ROOT / name)
        shutil.copytree(ROOT / "envs", root / "envs", ignore=shutil.ignore_patterns("*.release.json"))
        memory = ROOT / ".glue" / "plugin-mirror"
        if memory.is_file():
            (root / ".glue").mkdir()
            shutil.copy(memory, root / ".glue")
        project = Project(root)
        try:
            yield project
        finally:
            glue(project, "local", "down")


def glue(project: Project, *arguments: str) -> None:
    """Run glue in `project`, on its local environment."""
    subprocess.run([GLUE, *arguments], env=of_glue(project), check=True, capture_output=True)


def of_glue(project: Project) -> dict[str, str]:
    """The environment variables with which glue works in `project`."""
    return {**os.environ, "GLUE_PROJECT": str(project.root), "GLUE_ENV": "local"}


def of_terraform(project: Project, cloud: Cloud, data_dir: Path) -> dict[str, str]:
    """The environment variables with which bare Terraform does what glue has it do, its own files in `data_dir`."""
    environment = {**os.environ, **cloud.variables(), "TF_DATA_DIR": str(data_dir)}
    mirror = cli_configuration(project)
    return environment | ({"TF_CLI_CONFIG_FILE": str(mirror)} if mirror else {})

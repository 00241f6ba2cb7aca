"""Where things lie in a checkout: the one place that knows its folders."""

import os
from dataclasses import dataclass
from pathlib import Path

from glue.errors import UsageError

ROOT_SETTING = "GLUE_PROJECT"


@dataclass(frozen=True)
class Project:
    """A checkout. Everything that glue writes on its own lies in `work_dir`, which git ignores."""

    root: Path

    @property
    def envs_dir(self) -> Path:
        """Profiles and committed releases."""
        return self.root / "envs"

    @property
    def terraform_dir(self) -> Path:
        """The Terraform root modules, a folder a layer."""
        return self.root / "terraform"

    @property
    def workloads_dir(self) -> Path:
        """A folder a workload."""
        return self.root / "container" / "workloads"

    @property
    def serving_dir(self) -> Path:
        """The serving program's project: its `pyproject.toml` and the package `serving`."""
        return self.root / "container" / "serving"

    @property
    def dockerfile(self) -> Path:
        """How every workload's image is built."""
        return self.root / "container" / "Dockerfile"

    @property
    def work_dir(self) -> Path:
        """Plans, rendered files, tools and caches of this checkout."""
        return self.root / ".glue"

    @property
    def local_cloud_dir(self) -> Path:
        """The state and logs of this checkout's local cloud."""
        return self.work_dir / "local"

    @property
    def tools_dir(self) -> Path:
        """Programs that `glue doctor --install` brought."""
        return self.work_dir / "tools"

    @property
    def environments_dir(self) -> Path:
        """Rendered files, plans and run logs, a folder an environment."""
        return self.work_dir / "environments"


def find_project(start: Path | None = None) -> Project:
    """The project around `start` (the current folder), or the one that `GLUE_PROJECT` names.

    Raises:
        UsageError: no folder from here upwards holds `envs/` and `terraform/`.
    """
    setting = os.environ.get(ROOT_SETTING)
    first = Path(setting) if setting else (start or Path.cwd())
    for folder in (first.resolve(), *([] if setting else first.resolve().parents)):
        if (folder / "envs").is_dir() and (folder / "terraform").is_dir():
            return Project(folder)
    where = f"{ROOT_SETTING}={setting}" if setting else str(first)
    raise UsageError(
        f"{where}: not inside a project (a folder with envs/ and terraform/)",
        hints=[f"change into the checkout, or set {ROOT_SETTING} to its folder"],
    )

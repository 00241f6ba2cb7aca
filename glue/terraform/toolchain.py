"""Which Terraform (or OpenTofu) runs: found, and checked to be new enough."""

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from glue.errors import MissingError, UsageError
from glue.project import Project

TERRAFORM_SETTING = "GLUE_TERRAFORM"
MINIMUM = {"terraform": (1, 11, 0), "tofu": (1, 10, 0)}
"""The first versions whose S3 backend locks without a table (`use_lockfile`) for good."""


@dataclass(frozen=True)
class Toolchain:
    """A program that is Terraform, by path, with its product name (terraform or tofu) and version."""

    path: Path
    product: str
    version: str

    @property
    def registry(self) -> str:
        """The host that provider addresses without one mean. OpenTofu's builds are not Terraform's."""
        return "registry.opentofu.org" if self.product == "tofu" else "registry.terraform.io"


def find_terraform(project: Project) -> Path | None:
    """The program to run: the one that `GLUE_TERRAFORM` names, else the project's own, else the first on PATH.

    Raises:
        UsageError: the setting names no program.
    """
    setting = os.environ.get(TERRAFORM_SETTING)
    if setting:
        found = shutil.which(setting)
        if not found:
            raise UsageError(f"{TERRAFORM_SETTING}={setting}: no such program: allowed is a name on PATH or a path")
        return Path(found)
    own = project.tools_dir / "terraform"
    if own.is_file():
        return own
    on_path = shutil.which("terraform") or shutil.which("tofu")
    return Path(on_path) if on_path else None


def toolchain(project: Project) -> Toolchain:
    """The Terraform that runs.

    Raises:
        MissingError: there is none, it does not run, or it is too old.
    """
    path = find_terraform(project)
    if path is None:
        raise MissingError("Terraform is missing", hints=["make setup  (brings a pinned one into the project)"])
    try:
        answer = subprocess.run(
            [path, "version", "-json"], capture_output=True, check=True, timeout=30, env=_quiet_environment()
        ).stdout
        version = str(json.loads(answer)["terraform_version"])
    except (OSError, subprocess.SubprocessError, ValueError, KeyError) as error:
        raise MissingError(f"{path} does not answer as Terraform does: {error}") from error
    product = "tofu" if "tofu" in path.name else "terraform"
    minimum = MINIMUM[product]
    if _numbers(version) < minimum:
        wanted = ".".join(map(str, minimum))
        raise MissingError(f"{path} is {product} {version}: needed is {wanted} or newer", hints=["make setup"])
    return Toolchain(path, product, version)


def _quiet_environment() -> dict[str, str]:
    return {**os.environ, "CHECKPOINT_DISABLE": "1"}


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])

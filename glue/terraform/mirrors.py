"""Where Terraform's providers come from: the registry, or a mirror on this machine where the registry is out of reach.

Source: https://developer.hashicorp.com/terraform/cli/config/config-file#provider-installation
"""

import os
from collections.abc import Iterable
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from glue.errors import UsageError
from glue.files import write_atomically
from glue.project import Project
from glue.rendering.hcl import string

MIRROR_SETTING = "TF_PLUGIN_MIRROR"
_REGISTRY = "https://registry.terraform.io/.well-known/terraform.json"
_PROVIDER = "registry.terraform.io/hashicorp/aws"
_USUAL_PARENTS = (Path("/usr/share/terraform"), Path("/usr/local/share/terraform"), Path("/opt"), Path("/srv"))


def mirror(project: Project) -> Path | None:
    """The mirror to use: what `TF_PLUGIN_MIRROR` names, else what was remembered; None means the registry.

    Raises:
        UsageError: the setting names no folder.
    """
    setting = os.environ.get(MIRROR_SETTING)
    if setting:
        if not Path(setting).is_dir():
            raise UsageError(f"{MIRROR_SETTING}={setting}: no such folder: allowed is a provider mirror's folder")
        return Path(setting).resolve()
    try:
        remembered = Path(_memory(project).read_text(encoding="utf-8").strip())
    except FileNotFoundError:
        return None
    return remembered if remembered.is_dir() else None


def remember(project: Project, folder: Path) -> None:
    """Use the mirror `folder` from now on, unless the setting says otherwise."""
    write_atomically(_memory(project), f"{folder}\n")


def fallback_mirror() -> Path | None:
    """A mirror in a usual place where one is needed: when the registry does not answer."""
    return None if registry_answers() else find_mirror()


def registry_answers(*, timeout_seconds: float = 5) -> bool:
    """Whether the public registry can be reached."""
    try:
        with urlopen(_REGISTRY, timeout=timeout_seconds) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


def find_mirror(parents: Iterable[Path] | None = None) -> Path | None:
    """A filesystem mirror with the AWS provider in a usual place: one of `parents`, or a folder right below one."""
    for parent in parents if parents is not None else (*_USUAL_PARENTS, Path.home() / ".terraform.d"):
        try:
            candidates = [parent, *sorted(folder for folder in parent.iterdir() if folder.is_dir())]
        except OSError:
            continue
        for folder in candidates:
            if any((folder / _PROVIDER).glob("*")):
                return folder
    return None


def cli_configuration(project: Project) -> Path | None:
    """A Terraform CLI configuration that takes providers from the mirror; None where the registry is used."""
    folder = mirror(project)
    if folder is None:
        return None
    file = project.work_dir / "terraform.rc"
    text = f"provider_installation {{\n  filesystem_mirror {{\n    path = {string(str(folder))}\n  }}\n}}\n"
    if not file.is_file() or file.read_text(encoding="utf-8") != text:
        write_atomically(file, text)
    return file


def _memory(project: Project) -> Path:
    return project.work_dir / "plugin-mirror"

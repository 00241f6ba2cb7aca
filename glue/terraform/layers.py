"""The layers that are applied in order, and where the files of each lie."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from glue.cloud import Cloud
from glue.profiles import Profile
from glue.project import Project


class Layer(StrEnum):
    """A Terraform root module. The registry is shared by an account's environments, a platform belongs to one."""

    REGISTRY = "registry"
    PLATFORM = "platform"


@dataclass(frozen=True)
class LayerFiles:
    """The files of one layer of one environment in the checkout."""

    layer: Layer
    root_module: Path
    folder: Path

    @property
    def data_dir(self) -> Path:
        """Terraform's own folder (`TF_DATA_DIR`)."""
        return self.folder / "terraform"

    @property
    def variables(self) -> Path:
        """The rendered variables."""
        return self.folder / "terraform.tfvars"

    @property
    def backend(self) -> Path:
        """The rendered backend configuration."""
        return self.folder / "backend.hcl"

    @property
    def plan(self) -> Path:
        """Terraform's saved plan."""
        return self.folder / "plan.tfplan"

    @property
    def plan_record(self) -> Path:
        """What the saved plan was made of, and what it would do."""
        return self.folder / "plan.json"

    @property
    def lock(self) -> Path:
        """Held by a run for as long as glue or its Terraform lives."""
        return self.folder / "run.lock"

    def log(self, command: str) -> Path:
        """The machine-readable output of the latest run of `command`."""
        return self.folder / f"{command}.jsonl"


def layer_files(project: Project, cloud: Cloud, environment: str, layer: Layer) -> LayerFiles:
    """The files of `layer` of `environment` in `cloud`."""
    return LayerFiles(layer, project.terraform_dir / layer, cloud.environments_dir / environment / layer)


def state_key(profile: Profile, layer: Layer) -> str:
    """The key of the layer's state below the state prefix: one registry for an account, one platform an environment."""
    if layer is Layer.REGISTRY:
        return f"registry/{profile.name_prefix}.tfstate"
    return f"platform/{profile.environment}.tfstate"

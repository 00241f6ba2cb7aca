"""What is known of a saved plan."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from glue.terraform.events import Change
from glue.terraform.layers import Layer
from glue.terraform.protection import Destruction


class PlanRecord(BaseModel):
    """What a saved plan was made of and what it would do: kept beside it so that `apply` applies what was shown."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    environment: str
    layer: Layer
    destroy: bool
    created: datetime
    inputs: str
    """sha256 of the rendered variables, the backend configuration and the Terraform code."""
    plan: str
    """sha256 of the saved plan."""
    changes: tuple[Change, ...]
    protected: tuple[Destruction, ...]
    """What it would destroy although the environment has deletion protection: applied only if each is allowed."""
    empty: bool
    """Whether applying it would change nothing at all, outputs included."""

"""Profiles and releases as Terraform's input files."""

from glue.rendering.files import backend_config, tfvars
from glue.rendering.variables import platform_variables, registry_variables

__all__ = ["backend_config", "platform_variables", "registry_variables", "tfvars"]

"""What the commands that push share: the registry of the environment's account."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from glue.cli.context import Context
    from glue.progress import Reporter
    from glue.releasing import Releaser

EndpointOption = Annotated[
    str | None, typer.Option("--endpoint", help="Only this endpoint, by its key in the profile (default: all).")
]


def releaser(context: "Context", reporter: "Reporter") -> "Releaser":
    """What makes entries of the environment's release, with the registry that Terraform made.

    Raises:
        UsageError: there is no registry yet.
    """
    from glue.releasing import Registry, Releaser
    from glue.terraform.deployment import Deployment
    from glue.terraform.layers import Layer

    outputs = Deployment(context.project, context.profile, context.cloud, Layer.REGISTRY, reporter).outputs()
    registry = Registry.of(outputs, context.profile)
    return Releaser(context.project, context.profile, context.cloud, registry, reporter)

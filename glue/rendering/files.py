"""The files that Terraform reads, rendered from templates that can only print HCL."""

from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from glue.cloud import Cloud
from glue.profiles import Profile
from glue.rendering.hcl import expression


class _Identifier(str):
    """A word that may stand in HCL as it is."""

    __slots__ = ()


def _identifier(word: str) -> _Identifier:
    if not word.isascii() or not word.isidentifier():
        raise ValueError(f"{word!r}: not an HCL identifier")
    return _Identifier(word)


def _finalize(value: Any) -> str:
    return value if isinstance(value, _Identifier) else expression(value)


def _environment() -> Environment:
    # `finalize` runs on the result of every {{ … }}: a template cannot forget to escape.
    environment = Environment(
        loader=PackageLoader("glue.rendering"),
        finalize=_finalize,
        undefined=StrictUndefined,
        autoescape=False,  # noqa: S701 - the output is HCL, and `finalize` escapes it
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["identifier"] = _identifier
    return environment


def tfvars(variables: Mapping[str, Any]) -> str:
    """`terraform.tfvars` with `variables`, JSON data by name.

    Raises:
        ValueError: a name that is no identifier, or a value that HCL cannot hold.
    """
    return _environment().get_template("terraform.tfvars.j2").render(variables=variables)


def backend_config(profile: Profile, cloud: Cloud, *, state_key: str) -> str:
    """The S3 backend's configuration of one layer; `state_key` is the state object's key below the profile's prefix."""
    return (
        _environment()
        .get_template("backend.hcl.j2")
        .render(
            bucket=profile.state_bucket,
            key=f"{profile.state.key_prefix}/{state_key}",
            region=profile.region,
            path_style=cloud.path_style,
        )
    )

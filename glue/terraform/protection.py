"""What a plan would destroy of what an environment with deletion protection protects: a rule on the plan's document.

Source: https://developer.hashicorp.com/terraform/internals/json-format#plan-representation and #change-representation
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from glue.errors import FailedError

PROTECTED = {
    "aws_s3_bucket": "bucket",
    "aws_s3_directory_bucket": "bucket",
    "aws_kms_key": "key",
    "aws_kms_external_key": "key",
    "aws_kms_replica_key": "key",
    "aws_kms_replica_external_key": "key",
    "aws_ecr_repository": "ECR repository",
    "aws_sagemaker_endpoint": "endpoint",
}
"""Types of resources that hold what nobody can bring back, or that clients call; and the word for each."""

_HARMLESS = frozenset({"no-op", "create", "read", "update", "forget"})
"""Actions after which the object that was there still is. Whatever else Terraform may come to name is not trusted."""


class Destruction(BaseModel):
    """A protected object that a plan would destroy."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    address: str
    """As Terraform writes it; an object that a former replacement left behind ends with `(deposed object <key>)`."""
    kind: str
    action: Literal["delete", "replace"]
    reason: str | None = None
    """Terraform's own, such as `delete_because_each_key`."""
    replace_paths: tuple[str, ...] = ()
    """The arguments that cannot be changed in place, such as `bucket` or `production_variants[0].variant_name`."""

    def __str__(self) -> str:
        verb = "destroy" if self.action == "delete" else "replace"
        if self.replace_paths:
            why = f"not changed in place: {', '.join(self.replace_paths)}"
        else:
            why = (self.reason or "").replace("_", " ")
        return f"{verb} {self.kind} {self.address}" + (f"  ({why})" if why else "")


class _Change(BaseModel):
    actions: tuple[str, ...]
    replace_paths: tuple[tuple[str | int, ...], ...] = ()


class _ResourceChange(BaseModel):
    address: str
    type: str
    change: _Change
    deposed: str | None = None
    action_reason: str | None = None


class _Plan(BaseModel):
    format_version: str
    resource_changes: tuple[_ResourceChange, ...] = ()


def destructions(plan: Mapping[str, Any]) -> tuple[Destruction, ...]:
    """All protected objects that `plan` (what `terraform show -json` prints of it) would delete or replace.

    Raises:
        FailedError: the document is none of format 1, so that nothing can be said of it.
    """
    try:
        document = _Plan.model_validate(plan)
    except ValidationError as error:
        raise FailedError(f"Terraform's plan is not understood: {error}") from error
    if document.format_version.split(".")[0] != "1":
        raise FailedError(f"Terraform's plan has format {document.format_version}: understood is 1")
    return tuple(
        _destruction(one)
        for one in document.resource_changes
        if one.type in PROTECTED and not _HARMLESS.issuperset(one.change.actions)
    )


def require_allowed(found: Sequence[Destruction], allowed: Iterable[str], *, where: str) -> None:
    """Go on only when each of `found` is allowed by its exact address.

    Raises:
        FailedError: some are not. Its message names them, its `details` have them as `stopped`.
    """
    stopped = [one for one in found if one.address not in set(allowed)]
    if stopped:
        raise FailedError(
            "\n".join([f"{where} has deletion protection, and this plan would", *(f"  {one}" for one in stopped)]),
            hints=[
                "change it back, or allow each by its address, quoted for the shell: --allow-destroy 'ADDRESS'",
                "to remove everything: set deletion_protection: false in the profile, apply that, then destroy",
            ],
            details={"stopped": [one.model_dump(mode="json") for one in stopped]},
        )


def unused(found: Sequence[Destruction], allowed: Iterable[str]) -> list[str]:
    """Which of the `allowed` addresses the plan destroys nothing protected of: mistyped, or done by an earlier run."""
    return [address for address in allowed if address not in {one.address for one in found}]


def _destruction(change: _ResourceChange) -> Destruction:
    return Destruction(
        address=f"{change.address} (deposed object {change.deposed})" if change.deposed else change.address,
        kind=PROTECTED[change.type],
        action="replace" if "create" in change.change.actions else "delete",
        reason=change.action_reason,
        replace_paths=tuple(_path(steps) for steps in change.change.replace_paths),
    )


def _path(steps: Iterable[str | int]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps).removeprefix(".")

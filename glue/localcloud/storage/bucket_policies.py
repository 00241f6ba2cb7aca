"""Conditions of bucket policies, which moto takes to be never met: it would refuse everything under a TLS-only policy.

The local cloud speaks plain HTTP on the loopback device and stands for an endpoint with TLS, so that
`aws:SecureTransport` is true. Statements with any other condition are left out of account.
"""

import json
from fnmatch import fnmatchcase
from typing import Any

from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.s3.models import FakeBucket
from moto.s3.utils import LOGGING_SERVICE_PRINCIPAL

_CONTEXT = {"aws:securetransport": "true"}


def install() -> None:
    """Make moto's S3 judge by the statements that apply; it has no setting for that."""

    def get_permission(bucket: Any, action: str, resource: str) -> Any:
        if bucket.policy is None:
            return PermissionResult.NEUTRAL
        return IAMPolicy(applicable(bucket.policy.decode())).is_action_permitted(action, resource)

    FakeBucket.get_permission = get_permission
    FakeBucket._log_permissions_enabled_policy = staticmethod(lets_logs_in)


def lets_logs_in(target_bucket: Any, target_prefix: str | None) -> bool:
    """Whether the policy of `target_bucket` lets S3 write access logs below `target_prefix`.

    moto's own answer fails on a statement for everybody, such as "TLS only".
    """
    if target_bucket.policy is None:
        return False
    log = f"arn:{target_bucket.partition}:s3:::{target_bucket.name}/{target_prefix or ''}log"
    return any(
        statement["Effect"] == "Allow"
        and isinstance(statement["Principal"], dict)
        and LOGGING_SERVICE_PRINCIPAL in _list(statement["Principal"].get("Service"))
        and "s3:PutObject" in _list(statement["Action"])
        and any(fnmatchcase(log, resource) for resource in _list(statement["Resource"]))
        for statement in _list(json.loads(target_bucket.policy.decode()).get("Statement", []))
    )


def applicable(policy: str) -> str:
    """The policy without the statements whose conditions are not met, and without the conditions that are."""
    document: dict[str, Any] = json.loads(policy)
    applying = [statement for statement in _list(document.get("Statement", [])) if _met(statement.get("Condition", {}))]
    without = [{key: value for key, value in one.items() if key != "Condition"} for one in applying]
    return json.dumps(document | {"Statement": without})


def _met(conditions: dict[str, dict[str, Any]]) -> bool:
    return all(
        operator == "Bool" and _CONTEXT.get(key.lower()) in _values(expected)
        for operator, keys in conditions.items()
        for key, expected in keys.items()
    )


def _values(expected: Any) -> set[str]:
    return {str(value).lower() for value in _list(expected)}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]

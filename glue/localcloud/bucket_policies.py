"""Conditions of bucket policies, which moto takes to be never met: it would refuse everything under a TLS-only policy.

The local cloud speaks plain HTTP on the loopback device and stands for an endpoint with TLS, so that
`aws:SecureTransport` is true. Statements with any other condition are left out of account.
"""

import json
from typing import Any

from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.s3.models import FakeBucket

_CONTEXT = {"aws:securetransport": "true"}


def install() -> None:
    """Make moto's S3 judge by the statements that apply; it has no setting for that."""

    def get_permission(bucket: Any, action: str, resource: str) -> Any:
        if bucket.policy is None:
            return PermissionResult.NEUTRAL
        return IAMPolicy(applicable(bucket.policy.decode())).is_action_permitted(action, resource)

    FakeBucket.get_permission = get_permission


def applicable(policy: str) -> str:
    """The policy without the statements whose conditions are not met, and without the conditions that are."""
    document: dict[str, Any] = json.loads(policy)
    statements = document.get("Statement", [])
    every = statements if isinstance(statements, list) else [statements]
    applying = [statement for statement in every if _met(statement.get("Condition", {}))]
    without = [{key: value for key, value in one.items() if key != "Condition"} for one in applying]
    return json.dumps(document | {"Statement": without})


def _met(conditions: dict[str, dict[str, Any]]) -> bool:
    return all(
        operator == "Bool" and _CONTEXT.get(key.lower()) in _values(expected)
        for operator, keys in conditions.items()
        for key, expected in keys.items()
    )


def _values(expected: Any) -> set[str]:
    return {str(value).lower() for value in (expected if isinstance(expected, list) else [expected])}

"""Endpoints that could not be made because the former one of their name is still being deleted.

What replaces an endpoint deletes it first: a first deployment that failed, rollback alarms that come or go. Terraform's
provider takes one that is being deleted for gone, and SageMaker refuses to make it anew until it is:
https://github.com/hashicorp/terraform-provider-aws/issues/40080
"""

from collections.abc import Sequence
from typing import Any

from botocore.exceptions import ClientError, WaiterError

from glue.progress import Reporter
from glue.terraform.adoption import existing_endpoint
from glue.terraform.events import Diagnostic

_WAIT = {"Delay": 5, "MaxAttempts": 240}
"""Seconds between two looks, and how often: 20 minutes in all. How long SageMaker takes is not documented."""


def still_there(errors: Sequence[Diagnostic]) -> tuple[str, ...]:
    """The names of the endpoints that exist already; none when anything else has failed too."""
    names = [existing_endpoint(error) for error in errors]
    return tuple(name for name in names if name) if all(names) else ()


def wait_until_gone(sagemaker: Any, names: Sequence[str], reporter: Reporter) -> bool:
    """Wait for the end of endpoints; whether all are gone. Unless all are being deleted, none is waited for."""
    if not {_status(sagemaker, name) for name in names} <= {"Deleting", None}:
        return False
    for name in names:
        reporter.step(f"waiting until SageMaker has deleted the former endpoint {name}")
        try:
            sagemaker.get_waiter("endpoint_deleted").wait(EndpointName=name, WaiterConfig=_WAIT)
        except WaiterError as error:
            reporter.note(f"the former endpoint {name} does not go: {error}")
            return False
    return True


def _status(sagemaker: Any, name: str) -> str | None:
    """The status of an endpoint; None when there is none."""
    try:
        status: str = sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "ValidationException":
            raise
        return None
    return status

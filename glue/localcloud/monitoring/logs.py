"""What moto's CloudWatch Logs lacks: changing the key of a log group that is there already.

moto owns the log groups. https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_AssociateKmsKey.html
"""

from typing import Any

from moto.logs.models import logs_backends

from glue.localcloud.protocol import AwsError, Call, Service


def logs_service() -> Service:
    """The operations of CloudWatch Logs that the local cloud answers; moto has the rest."""
    return Service(
        "logs",
        {"AssociateKmsKey": associate_kms_key, "DisassociateKmsKey": disassociate_kms_key},
        validation_code="InvalidParameterException",
    )


def associate_kms_key(call: Call) -> None:
    """Encrypt what comes from now on with another key."""
    _group(call).kms_key_id = call.params["kmsKeyId"]


def disassociate_kms_key(call: Call) -> None:
    """Encrypt what comes from now on with the service's own key."""
    _group(call).kms_key_id = None


def _group(call: Call) -> Any:
    name = call.params.get("logGroupName") or _name(call.params.get("resourceIdentifier", ""))
    group = logs_backends[call.scope.account][call.scope.region].groups.get(name)
    if group is None:
        raise AwsError("ResourceNotFoundException", "The specified log group does not exist.")
    return group


def _name(identifier: str) -> str:
    """The group's name in `arn:…:log-group:<name>`, which may end with `:*`."""
    return identifier.partition(":log-group:")[2].removesuffix(":*")

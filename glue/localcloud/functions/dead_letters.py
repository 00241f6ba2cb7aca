"""Dead letters: events as they came, with what went wrong as attributes of the message."""

import json
import logging
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from glue.localcloud.accounts import Scope
from glue.localcloud.clients import Clients

_MESSAGE_LIMIT = 1024
_log = logging.getLogger(__name__)


def of_function(request_id: str, message: str) -> dict[str, str | int]:
    """The attributes of what Lambda has given up: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html."""
    return {"RequestID": request_id, "ErrorCode": 200, "ErrorMessage": message[:_MESSAGE_LIMIT] or "none"}


def of_rule(rule_arn: str, target_arn: str, code: str, message: str) -> dict[str, str | int]:
    """The attributes of what EventBridge has given up: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html."""
    return {
        "RULE_ARN": rule_arn,
        "TARGET_ARN": target_arn,
        "ERROR_CODE": code,
        "ERROR_MESSAGE": message,
        "RETRY_ATTEMPTS": 0,
    }


def send(clients: Clients, scope: Scope, target_arn: str, event: Any, attributes: Mapping[str, str | int]) -> bool:
    """Send `event` to the queue or topic `target_arn`; whether that could be done."""
    described = {
        name: {"DataType": "Number" if isinstance(value, int) else "String", "StringValue": str(value)}
        for name, value in attributes.items()
    }
    body = json.dumps(event)
    service, name = target_arn.split(":")[2], target_arn.rsplit(":", maxsplit=1)[-1]
    client = clients.get(scope, service)
    try:
        if service == "sqs":
            url = client.get_queue_url(QueueName=name)["QueueUrl"]
            client.send_message(QueueUrl=url, MessageBody=body, MessageAttributes=described)
        else:
            client.publish(TopicArn=target_arn, Message=body, MessageAttributes=described)
    except (BotoCoreError, ClientError) as error:
        _log.warning("a dead letter was not sent to %s: %s", target_arn, error)
        return False
    return True

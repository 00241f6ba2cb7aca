"""The SNS messages of asynchronous inference, as documents.

https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-check-predictions.html
"""

import base64
from datetime import datetime
from typing import IO, Any

from glue.localcloud.sagemaker.invocation import AsyncRequest, Completed, Outcome

RESPONSE_LIMIT = 128 * 1024
"""Bytes of a response that a notification may carry."""

SUCCESS_TOPIC = "SUCCESS_NOTIFICATION_TOPIC"
ERROR_TOPIC = "ERROR_NOTIFICATION_TOPIC"

Document = dict[str, Any]


def result_message(request: AsyncRequest, outcome: Outcome, *, region: str, now: datetime, include: bool) -> Document:
    """What is published when `request` ended with `outcome`; with `include`, a response that is small goes along."""
    message = _envelope(region, now, "InferenceResult") | {
        "receivedTime": timestamp(request.received),
        "requestParameters": _request_parameters(request),
        "inferenceId": request.inference_id,
    }
    if isinstance(outcome, Completed):
        response: Document = {"contentType": outcome.content_type}
        if request.output_location:
            response["outputLocation"] = request.output_location
        message |= {"invocationStatus": "Completed", "responseParameters": response}
    else:
        message |= {"invocationStatus": "Failed", "failureReason": outcome.reason}
        if request.failure_location:
            message["failureLocation"] = request.failure_location
    if include:
        message["responseBody"] = _response_body(outcome.body)
    return message


def test_message(*, region: str, now: datetime) -> Document:
    """What is published to both topics when an endpoint is created or updated."""
    return _envelope(region, now, "TestNotification")


def timestamp(moment: datetime) -> str:
    """ISO 8601 in UTC with milliseconds, as AWS writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def _envelope(region: str, now: datetime, event: str) -> Document:
    return {
        "awsRegion": region,
        "eventTime": timestamp(now),
        "eventVersion": "1.0",
        "eventSource": "aws:sagemaker",
        "eventName": event,
    }


def _request_parameters(request: AsyncRequest) -> Document:
    given = {
        "contentType": request.content_type,
        "accept": request.accept,
        "endpointName": request.endpoint,
        "inputLocation": request.input_location,
    }
    return {name: value for name, value in given.items() if value is not None}


def _response_body(body: bytes | IO[bytes] | None) -> Document:
    if not isinstance(body, bytes):
        return {"message": f"The response is larger than {RESPONSE_LIMIT} bytes and is not included."}
    return {"content": base64.b64encode(body).decode(), "message": "", "encoding": "BASE64"}

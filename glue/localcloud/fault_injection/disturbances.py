"""Faults that strike requests for the local cloud's own services: answered with an error, or not at all."""

import contextlib
import json
import socket
from typing import Any

from werkzeug.wrappers import Response

from glue.localcloud.accounts import Credential
from glue.localcloud.fault_injection.faults import Faults

READ = frozenset({"sagemaker", "sns"})
"""The services of whose requests the body is looked at."""

_ASYNC_INVOCATIONS = "/async-invocations"
_APP_ID_LENGTH = 50  # the SDKs' limit

_S3_ERROR = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    "<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
)
_SNS_ERROR = (
    '<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Error><Type>Receiver</Type>'
    "<Code>InternalError</Code><Message>A fault of the local cloud.</Message></Error></ErrorResponse>"
)


def application_id(endpoint: str) -> str:
    """What the SDKs in the instances of `endpoint` put into their user agent (`AWS_SDK_UA_APP_ID`)."""
    return endpoint[:_APP_ID_LENGTH]


def disturbed(faults: Faults, request: Any, credential: Credential, body: bytes) -> Response | None:
    """The answer that a fault gives in place of the service, if one strikes. `body` is needed of `READ` only."""
    if _is_cut_off(faults, request):
        return _hang_up(request)
    if credential.service == "s3":
        return Response(_S3_ERROR, 503, mimetype="application/xml") if faults.strikes("s3-error") else None
    if credential.service == "sns" and b"Action=Publish" in body:
        return Response(_SNS_ERROR, 500, mimetype="text/xml") if faults.strikes("sns-error") else None
    if credential.service == "sagemaker" and faults.strikes("throttling", _endpoint_of(request.path, body)):
        document = {"__type": "ThrottlingException", "message": "Rate exceeded"}
        headers = {"x-amzn-ErrorType": "ThrottlingException"}
        return Response(json.dumps(document), 400, headers, mimetype="application/json")
    return None


def _endpoint_of(path: str, body: bytes) -> str | None:
    if path.endswith(_ASYNC_INVOCATIONS):
        return path.removesuffix(_ASYNC_INVOCATIONS).rpartition("/")[2]
    with contextlib.suppress(ValueError, AttributeError):
        named = json.loads(body).get("EndpointName")
        return named if isinstance(named, str) else None
    return None


def _is_cut_off(faults: Faults, request: Any) -> bool:
    agent = request.headers.get("User-Agent", "")
    of_instances = [word.removeprefix("app/") for word in agent.split() if word.startswith("app/")]
    if not of_instances:
        return False
    cuts = [fault for fault in faults.all() if fault["kind"] == "network-cut"]
    return any(cut["endpoint"] is None or application_id(cut["endpoint"]) in of_instances for cut in cuts)


def _hang_up(request: Any) -> Response:
    """End the connection without an answer."""
    connection = request.environ.get("werkzeug.socket")
    if connection is not None:
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
    return Response(status=503)

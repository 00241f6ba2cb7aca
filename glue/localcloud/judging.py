"""Whether an answer is one that AWS's service model describes: members, types, required ones, patterns, enums.

Answers that are made here are judged always. Those of moto are read as clients read them, which takes time: only when
the setting `GLUE_LOCAL_JUDGE` is there, as in the tests. What is found is noted in the log.
"""

import json
import logging
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from botocore.model import OperationModel, OperationNotFoundError
from botocore.parsers import ResponseParserError, create_parser
from moto.core.utils import get_service_model
from werkzeug.wrappers import Response

from glue.localcloud.operations import FORM
from glue.localcloud.shapes import JUDGE_SETTING, output_violations

_log = logging.getLogger(__name__)

Environ = dict[str, Any]
Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


def judges_moto() -> bool:
    """Whether the answers of moto are judged."""
    return bool(os.environ.get(JUDGE_SETTING))


def judge(service: str, operation: OperationModel, document: Mapping[str, Any]) -> None:
    """Note what AWS would not answer."""
    if broken := output_violations(operation.output_shape, document):
        _log.error("the answer of %s.%s breaks AWS's service model: %s", service, operation.name, broken)


def judged(application: Application, environ: Environ, service: str, operation_name: str) -> Response:
    """What `application` answers to a request for an operation, after it was judged."""
    response: Response = Response.from_app(application, environ)
    try:
        operation = get_service_model(service).operation_model(operation_name)
    except OperationNotFoundError:
        return response
    if response.status_code < 300:
        try:
            judge(service, operation, _document(operation, _protocol(environ, operation), response))
        except (ResponseParserError, ValueError) as error:
            _log.error("the answer of %s.%s breaks AWS's service model: %s", service, operation_name, error)
    return response


def _protocol(environ: Environ, operation: OperationModel) -> str:
    """The protocol of a request, and so of its answer: several services are spoken to in more than one."""
    if "HTTP_X_AMZ_TARGET" in environ:
        return "json"
    if "HTTP_SMITHY_PROTOCOL" in environ:
        return "smithy-rpc-v2-cbor"
    spoken = operation.service_model.metadata
    if environ.get("CONTENT_TYPE", "").startswith(FORM) and "query" in spoken["protocols"]:
        return "query"
    protocol: str = spoken["protocol"]
    return protocol


def _document(operation: OperationModel, protocol: str, response: Response) -> dict[str, Any]:
    """What an answer says. JSON is taken as it is: a client would leave out what it does not know."""
    if protocol == "json":
        found = json.loads(response.get_data() or b"{}") or {}
        if not isinstance(found, dict):
            raise ValueError(f"expected an object, found {type(found).__name__}")
        return found
    streamed = operation.has_streaming_output
    answer = {
        "status_code": response.status_code,
        "headers": {name.lower(): value for name, value in response.headers.items()},
        "body": b"" if streamed else response.get_data(),
    }
    parsed: dict[str, Any] = create_parser(protocol).parse(answer, operation.output_shape)
    left_out = {"ResponseMetadata", operation.output_shape.serialization.get("payload") if streamed else None}
    return {name: value for name, value in parsed.items() if name not in left_out}

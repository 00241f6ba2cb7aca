"""AWS's wire protocols, spoken by moto's parsers and serialisers from botocore's service models.

The only module that touches that part of moto; an operation of ours is a plain function from `Call` to a document.
"""

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from moto.core.exceptions import ServiceException
from moto.core.parse import PROTOCOL_PARSERS
from moto.core.request import Request
from moto.core.routing import get_service_router
from moto.core.serialize import XFormedAttributePicker, get_serializer_class
from moto.core.utils import get_service_model
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from glue.localcloud.accounts import Scope
from glue.localcloud.judging import judge
from glue.localcloud.shapes import MalformedInputError, validation_message

Document = dict[str, Any]


@dataclass(frozen=True)
class Call:
    """One request for an operation: who asks where, and with which parameters (as the service model names them)."""

    scope: Scope
    params: Document


class AwsError(ServiceException):  # type: ignore[misc]
    """An error that AWS answers: its code and its message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)


class NotOursError(Exception):
    """The operation is ours, the resource it names is not: moto answers."""


@dataclass(frozen=True)
class Service:
    """The operations of one service that the local cloud answers itself.

    `validation_code` is the service's error code for parameters that break the model.
    """

    name: str
    operations: Mapping[str, Callable[[Call], Document | None]]
    validation_code: str = "ValidationException"
    _model: Any = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_model", get_service_model(self.name))
        unknown = set(self.operations) - set(self._model.operation_names)
        if unknown:
            raise ValueError(f"{self.name} has no operation {', '.join(sorted(unknown))}")

    def match(self, request: Request) -> tuple[Any, Document] | None:
        """The operation of ours that `request` asks for, with its URI parameters; None when it is not one of ours."""
        try:
            operation, uri = get_service_router(self.name).match(request)
        except (NotFound, NotImplementedError):
            return None
        return (operation, uri) if operation.name in self.operations else None

    def answer(self, request: Request, operation: Any, uri: Document, scope: Scope) -> Response:
        """Parse, check, carry out and answer one request.

        Raises:
            NotOursError: moto has to answer.
        """
        try:
            params = self._parse(request, operation, uri)
            message = validation_message(operation.input_shape, params)
            if message:
                raise AwsError(self.validation_code, message)
            result: Any = self.operations[operation.name](Call(scope, params)) or {}
        except MalformedInputError as error:
            result = AwsError("SerializationException", str(error))
        except ServiceException as error:
            result = error
        serializer = get_serializer_class(self.name, self._model.protocol)
        answer = serializer(operation_model=operation, value_picker=XFormedAttributePicker()).serialize(result)
        if not isinstance(result, ServiceException):
            judge(
                self.name, operation, result if self._model.protocol != "json" else json.loads(answer["body"] or b"{}")
            )
        status = _told_status(operation, result) or answer["status_code"]
        headers = {**answer["headers"], "x-amzn-RequestId": str(uuid.uuid4())}
        return Response(answer["body"], status=status, headers=headers)

    def _parse(self, request: Request, operation: Any, uri: Document) -> Document:
        if self._model.protocol == "json":
            return _json_object(request.get_data())
        parser = PROTOCOL_PARSERS[self._model.protocol](operation)
        try:
            parsed: Document = parser.parse(
                {
                    "method": request.method,
                    "values": request.values,
                    "headers": request.headers,
                    "body": request.get_data(),
                    "url_path": request.path,
                    "url_params": uri,
                }
            )
        except ValueError as error:
            raise MalformedInputError(str(error)) from error
        return parsed


def _told_status(operation: Any, result: Any) -> int | None:
    """The HTTP status that a result names itself, which moto's serialisers leave out."""
    if operation.output_shape is None or not isinstance(result, dict):
        return None
    named = (
        name
        for name, shape in operation.output_shape.members.items()
        if shape.serialization.get("location") == "statusCode"
    )
    return next((result.get(name) for name in named), None)


def _json_object(body: bytes) -> Document:
    try:
        document = json.loads(body or b"{}")
    except ValueError as error:
        raise MalformedInputError(f"request: not JSON: {error}") from error
    if not isinstance(document, dict):
        raise MalformedInputError("request: expected structure")
    return document

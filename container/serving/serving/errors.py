"""Errors with an HTTP status.

A handler may raise the classes for the client's fault. It does not have to import them: any exception with an integer
`status_code` of 400 to 499 is answered with that status (see `client_status`).
"""

from http import HTTPStatus

_MAX_CODE = 100


class ClientGone(Exception):  # noqa: N818 - not an error of anybody's
    """The client hung up before its request was answered."""


class ServingError(Exception):
    """An answer other than success. Its text is sent to the client as `error.message`."""

    status_code: int = 500
    code: str = "internal_error"

    def __init_subclass__(cls, *, status: int | None = None, code: str | None = None) -> None:
        if status is not None:
            cls.status_code = status
        if code is not None:
            cls.code = code


class BadRequest(ServingError, status=400, code="bad_request"):  # noqa: N818 - named as HTTP names it
    """The request cannot be understood (400)."""


class NotAcceptable(ServingError, status=406, code="not_acceptable"):  # noqa: N818
    """The answer cannot be given in a media type that the client accepts (406)."""


class RequestTimeout(ServingError, status=408, code="request_timeout"):  # noqa: N818
    """The client did not send the whole body in time (408)."""


class PayloadTooLarge(ServingError, status=413, code="payload_too_large"):  # noqa: N818
    """The body is larger than the server or the handler takes (413)."""


class UnsupportedMediaType(ServingError, status=415, code="unsupported_media_type"):  # noqa: N818
    """The body's media type is none that is understood (415)."""


class UnprocessableEntity(ServingError, status=422, code="unprocessable_entity"):  # noqa: N818
    """The body is well-formed, yet what it says cannot be processed (422)."""


class HandlerFailed(ServingError, status=500, code="handler_error"):  # noqa: N818
    """The handler raised something that is not the client's fault (500)."""


class Unserializable(ServingError, status=500, code="unserializable_result"):  # noqa: N818
    """The handler's result cannot be written in the response's media type (500)."""


class WorkerDied(ServingError, status=500, code="worker_died"):  # noqa: N818
    """The worker process ended while it ran the request (500)."""


class StorageFailed(ServingError, status=500, code="storage_error"):  # noqa: N818
    """A large body could not be put into a temporary file (500)."""


class Unavailable(ServingError, status=503, code="unavailable"):  # noqa: N818
    """The server cannot take the request now; the client may try again (503). Its code is the server's state."""

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code


class TimedOut(ServingError, status=504, code="timeout"):  # noqa: N818
    """The handler ran longer than the timeout (504)."""


class HandlerError(Exception):
    """The handler is missing, incomplete or has functions of the wrong shape: the server must not start."""


class SettingsError(Exception):
    """Environment variables with values that are not allowed. `problems` has one sentence for each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def client_status(error: BaseException) -> tuple[int, str] | None:
    """Status and code to answer when `error` says that the client is at fault; None when it does not say so."""
    status = getattr(error, "status_code", None)
    if not isinstance(status, int) or isinstance(status, bool) or not 400 <= status <= 499:
        return None
    code = getattr(error, "code", None)
    return int(status), code[:_MAX_CODE] if isinstance(code, str) and code else _code_of(status)


def _code_of(status: int) -> str:
    try:
        return HTTPStatus(status).phrase.lower().replace(" ", "_").replace("-", "_")
    except ValueError:
        return "client_error"

"""Errors with an HTTP status.

A handler may raise the classes for the client's fault. It does not have to import them: any exception with an integer
`status_code` of 400 to 499 is answered with that status (see `client_status`).
"""

from http import HTTPStatus


class ClientGone(Exception):  # noqa: N818 - not an error of anybody's
    """The client hung up before its request was answered."""


class ServingError(Exception):
    """An answer other than success. Its text is sent to the client as `error.message`."""

    status_code: int = 500
    code: str = "internal_error"


class BadRequest(ServingError):  # noqa: N818 - named as HTTP names it
    """The request cannot be understood (400)."""

    status_code = 400
    code = "bad_request"


class NotAcceptable(ServingError):  # noqa: N818
    """The answer cannot be given in a media type that the client accepts (406)."""

    status_code = 406
    code = "not_acceptable"


class RequestTimeout(ServingError):  # noqa: N818
    """The client did not send the whole body in time (408)."""

    status_code = 408
    code = "request_timeout"


class PayloadTooLarge(ServingError):  # noqa: N818
    """The body is larger than the server or the handler takes (413)."""

    status_code = 413
    code = "payload_too_large"


class UnsupportedMediaType(ServingError):  # noqa: N818
    """The body's media type is none that is understood (415)."""

    status_code = 415
    code = "unsupported_media_type"


class UnprocessableEntity(ServingError):  # noqa: N818
    """The body is well-formed, yet what it says cannot be processed (422)."""

    status_code = 422
    code = "unprocessable_entity"


class HandlerFailed(ServingError):  # noqa: N818
    """The handler raised something that is not the client's fault (500)."""

    code = "handler_error"


class Unserializable(ServingError):  # noqa: N818
    """The handler's result cannot be written in the response's media type (500)."""

    code = "unserializable_result"


class WorkerDied(ServingError):  # noqa: N818
    """The worker process ended while it ran the request (500)."""

    code = "worker_died"


class StorageFailed(ServingError):  # noqa: N818
    """A large body could not be put into a temporary file (500)."""

    code = "storage_error"


class Unavailable(ServingError):  # noqa: N818
    """The server cannot take the request now; the client may try again (503)."""

    status_code = 503

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code


class TimedOut(ServingError):  # noqa: N818
    """The handler ran longer than the timeout (504)."""

    status_code = 504
    code = "timeout"


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
    return int(status), code if isinstance(code, str) and code else _code_of(status)


def _code_of(status: int) -> str:
    try:
        return HTTPStatus(status).phrase.lower().replace(" ", "_").replace("-", "_")
    except ValueError:
        return "client_error"

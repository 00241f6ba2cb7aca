"""Errors with the HTTP status the server answers them with."""


class RequestError(Exception):
    """The client's fault: the request cannot be answered as it is.

    The server reads `status_code` (400..499); the message is one sentence for the client.
    """

    def __init__(self, status_code: int, message: str) -> None:
        super().__init__(message)
        self.status_code = status_code


class ConfigError(Exception):
    """The model's configuration is wrong: the message names the file, the field, the value and what is allowed."""

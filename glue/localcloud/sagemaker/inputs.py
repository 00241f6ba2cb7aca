"""The input of a request: an object in S3 that is read while the container takes it, or what came with the request."""

import io
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from glue.localcloud.accounts import Scope
from glue.localcloud.clients import Clients
from glue.localcloud.sagemaker.invocation import AsyncRequest
from glue.s3_uris import split_s3_uri

LARGEST = 1024 * 1024 * 1024
"""Bytes of the largest input, AWS's "1 GB".

https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference.html
"""

_CHUNK = 64 * 1024


class InputError(Exception):
    """An input that cannot be had. The message is the request's failure reason."""


class Input:
    """The `size` bytes of `stream`, in pieces. `location` is for messages."""

    def __init__(self, stream: Any, size: int, location: str) -> None:
        self.size = size
        self._stream = stream
        self._location = location

    def __iter__(self) -> Iterator[bytes]:
        """The pieces.

        Raises:
            InputError: it breaks off.
        """
        try:
            while piece := self._stream.read(_CHUNK):
                yield piece
        except (BotoCoreError, OSError) as error:
            raise _failed(self._location, str(error)) from error

    def close(self) -> None:
        """Read no more of it."""
        self._stream.close()


def open_input(clients: Clients, scope: Scope, request: AsyncRequest, largest: int = LARGEST) -> Input:
    """The input of `request`; to be closed.

    Raises:
        InputError: there is no such object, it cannot be read, or it is larger than `largest`.
    """
    location = request.input_location
    if location is None:
        body = request.body or b""
        return Input(io.BytesIO(body), len(body), "of the request")
    try:
        bucket, key = split_s3_uri(location)
        found = clients.get(scope, "s3").get_object(Bucket=bucket, Key=key)
    except (ValueError, ClientError, BotoCoreError) as error:
        raise _failed(location, str(error)) from error
    opened = Input(found["Body"], found["ContentLength"], location)
    if opened.size > largest:
        opened.close()
        raise _failed(location, f"it has {opened.size} bytes, the most are {largest}")
    return opened


def _failed(location: str, cause: str) -> InputError:
    return InputError(f"ClientError: Could not download the input {location}: {cause}")

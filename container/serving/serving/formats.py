"""Bodies for handlers without `input_fn` or `output_fn`: JSON, CSV and NPY, as in SageMaker's toolkit.

numpy is imported only when a body needs it, and never unpickles.
"""

import functools
import importlib
import io
import json
import math
import mimetypes
import re
import tokenize
from typing import Any

from serving import payloads
from serving.errors import BadRequest, HandlerFailed, NotAcceptable, Unserializable, UnsupportedMediaType
from serving.payloads import Payload

JSON = "application/json"
CSV = "text/csv"
NPY = "application/x-npy"
SUPPORTED = (JSON, CSV, NPY)
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
TEXTS = frozenset({JSON, CSV})
"""Media types whose bodies handlers get as `str`; all others come as `bytes`."""


def guess(file_name: str) -> str:
    """The media type that a file's name says."""
    if file_name.endswith(".npy"):
        return NPY
    return mimetypes.guess_type(file_name)[0] or "application/octet-stream"


@functools.lru_cache(256)
def media_type(value: str) -> str:
    """`value` without parameters, in lower case: `Text/CSV; header=absent` is `text/csv`."""
    return value.partition(";")[0].strip().lower()


def body_of(payload: Payload, content_type: str) -> str | bytes:
    """What a handler gets for a request's body, which is taken.

    Raises:
        BadRequest: the media type is one of text, but the body is not UTF-8.
    """
    if media_type(content_type) not in TEXTS:
        return payloads.take(payload)
    try:
        return payloads.take_text(payload)
    except UnicodeDecodeError as error:
        raise BadRequest(
            f"the body is {media_type(content_type)} but not UTF-8: {error.reason} at byte {error.start}"
        ) from None


@functools.lru_cache(256)
def concrete(accept: str, default: str) -> str:
    """The first media type in an Accept header that is not a pattern, else `default`."""
    return next((name for name in map(media_type, accept.split(",")) if name and "*" not in name), default)


@functools.lru_cache(256)
def negotiate(accept: str, default: str) -> str:
    """The first supported media type that an Accept header asks for; `default` where it takes anything.

    Raises:
        NotAcceptable: it asks for none that is supported.
    """
    for wanted in map(media_type, accept.split(",")):
        if wanted == "*/*":
            return default
        for name in SUPPORTED:
            if wanted == name or (wanted.endswith("/*") and name.startswith(wanted[:-1])):
                return name
    raise NotAcceptable(f"cannot answer with {accept!r}; supported: {', '.join(SUPPORTED)}")


def decode(body: str | bytes, content_type: str) -> Any:
    """The value in `body`: an array, or for a JSON document that is not a list what `json.loads` gives.

    A JSON list becomes an array where numpy is installed and stays a list where it is not.

    Raises:
        BadRequest: the body is not what its media type says.
        UnsupportedMediaType: the media type is none of `SUPPORTED`.
        HandlerFailed: numpy is needed and not installed.
    """
    name = media_type(content_type)
    if name == JSON:
        return _decode_json(body)
    if name == CSV and isinstance(body, str):
        return _decode_csv(body)
    if name == NPY and isinstance(body, bytes):
        return _decode_npy(body)
    raise UnsupportedMediaType(f"cannot read a body of type {content_type!r}; supported: {', '.join(SUPPORTED)}")


def encode(value: Any, content_type: str) -> str | bytes:
    """`value` written as `content_type`.

    Raises:
        Unserializable: it cannot be written so.
        HandlerFailed: numpy is needed and not installed.
    """
    name = media_type(content_type)
    try:
        if name == JSON:
            return json.dumps(value, default=_plain)
        if name == CSV:
            text = io.StringIO()
            _numpy("to write text/csv").savetxt(text, value, delimiter=",", fmt="%s")
            return text.getvalue()
        if name == NPY:
            buffer = io.BytesIO()
            _numpy("to write application/x-npy").save(buffer, value, allow_pickle=False)
            return buffer.getvalue()
    except (TypeError, ValueError, RecursionError) as error:
        raise Unserializable(f"a result of type {_type_name(value)} cannot be written as {name}: {error}") from error
    raise Unserializable(
        f"a result of type {_type_name(value)} cannot be written as {content_type!r}: return bytes or str, or use "
        f"one of {', '.join(SUPPORTED)}"
    )


def _decode_json(body: str | bytes) -> Any:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"the body is not JSON: {error}") from None
    if not isinstance(value, list):
        return value
    try:
        numpy = _numpy("")
    except HandlerFailed:
        return value
    try:
        return numpy.array(value)
    except ValueError as error:
        raise BadRequest(f"the body's JSON list is not an array: {error}") from None


def _decode_csv(body: str) -> Any:
    # NumPy, like the toolkit, takes what follows a # for a comment.
    if not any(line.partition("#")[0].strip() for line in body.split("\n")):
        raise BadRequest("the body is empty: text/csv needs at least one row")
    read = functools.partial(_numpy("to read text/csv").genfromtxt, delimiter=",", encoding="utf-8")
    try:
        try:
            return read(io.StringIO(body), dtype=None)
        except TypeError:  # NumPy 2.4 fails to turn a column of numbers into one of text when it meets the first text
            return read(io.StringIO(body), dtype=str)
    except ValueError as error:
        raise BadRequest(f"the body is not CSV: {error}") from None


def _decode_npy(body: bytes) -> Any:
    numpy_format = _numpy("to read application/x-npy").lib.format
    try:
        _check_size(body, numpy_format)
        return numpy_format.read_array(io.BytesIO(body), allow_pickle=False)
    except (ValueError, EOFError, SyntaxError, TypeError, OverflowError, tokenize.TokenError) as error:
        raise BadRequest(f"the body is not NPY, or holds pickled objects: {error}") from None


def _check_size(body: bytes, numpy_format: Any) -> None:
    """Refuse an array that is larger than its body before memory is taken for it."""
    stream = io.BytesIO(body)
    version = numpy_format.read_magic(stream)
    # The third version differs from the second in the names of fields only.
    read = numpy_format.read_array_header_1_0 if version[0] == 1 else numpy_format.read_array_header_2_0
    shape, _, dtype = read(stream)
    size, left = math.prod(shape) * dtype.itemsize, len(body) - stream.tell()
    if size > left and not dtype.hasobject:
        raise ValueError(f"its array has {size} bytes, of which there are {left}")


def _plain(value: Any) -> Any:
    """What JSON can hold in place of an array, a tensor or one of their numbers."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{_type_name(value)} is not JSON serializable")


def _numpy(purpose: str) -> Any:
    try:
        return importlib.import_module("numpy")
    except ModuleNotFoundError:
        raise HandlerFailed(
            f"numpy is not installed, but needed {purpose} for a handler without its own function"
        ) from None


def _type_name(value: Any) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")


def header_name(value: str) -> str:
    """`value`, which a handler wants as the name of a header of the response, in lower case.

    Raises:
        Unserializable: it is no name (https://www.rfc-editor.org/rfc/rfc9110#name-field-names).
    """
    if not isinstance(value, str) or not _TOKEN.fullmatch(value):
        raise Unserializable(f"{value!r} cannot be the name of a header: letters, digits and !#$%&'*+-.^_`|~ only")
    return value.lower()


def header_text(value: str) -> str:
    """`value`, which a handler wants in a header of the response.

    Raises:
        Unserializable: a header cannot hold it.
    """
    if not isinstance(value, str) or not value.isascii() or not value.isprintable():
        raise Unserializable(f"{value!r} cannot be in a header of the response: printable ASCII characters only")
    return value

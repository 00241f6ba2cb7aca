"""Faults of the running local cloud, from outside its process. Standard library only."""

import json
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from glue.errors import FailedError, MissingError, UsageError
from glue.localcloud.fault_injection.faults import FaultError, parse_duration
from glue.localcloud.state import StateDir

Document = dict[str, Any]

_PATH = "/_localcloud/faults"
_TIMEOUT = 30.0


def start(state_dir: Path, order: Document, duration: str | None = None) -> Document:
    """Start the fault that `order` describes, for `duration` ("60s") on the local clock; the fault.

    Raises:
        UsageError: the local cloud refuses it, or `duration` is none.
        MissingError: no local cloud runs.
    """
    given = {option: value for option, value in order.items() if value is not None}
    try:
        given |= {"for": parse_duration(duration)} if duration else {}
    except FaultError as error:
        raise UsageError(str(error)) from error
    [fault] = _ask(state_dir, "POST", _PATH, given)
    return fault


def stop(state_dir: Path, which: str | None = None) -> list[Document]:
    """End the fault of that number, those of that kind, or all; what was ended.

    Raises:
        MissingError: no local cloud runs.
    """
    return _ask(state_dir, "DELETE", _PATH + (f"?which={quote(which)}" if which else ""))


def active(state_dir: Path) -> list[Document]:
    """The faults that are active; none when no local cloud runs."""
    return _ask(state_dir, "GET", _PATH) if StateDir(state_dir.resolve()).read() else []


def _ask(state_dir: Path, method: str, path: str, body: Document | None = None) -> list[Document]:
    document = StateDir(state_dir.resolve()).read()
    if document is None:
        raise MissingError("the local cloud is not running", hints=["start it: glue local up"])
    connection = HTTPConnection(urlsplit(document["endpoint_url"]).netloc, timeout=_TIMEOUT)
    try:
        connection.request(method, path, json.dumps(body), {"Content-Type": "application/json"})
        response = connection.getresponse()
        answer: Document = json.loads(response.read())
    except (OSError, HTTPException, ValueError) as error:
        raise FailedError(f"the local cloud did not answer: {error}") from error
    finally:
        connection.close()
    if response.status == 400:
        raise UsageError(answer["message"], hints=["glue local fault list shows the kinds and what they take"])
    faults: list[Document] = answer["faults"]
    return faults

"""Which operation a request asks for, and a note in the log of each when it is answered first.

The notes say what clients really use: the tests compare them with the page that tells who answers what.
"""

import logging
import re
from collections.abc import Mapping
from typing import Any

from moto.core.request import Request
from moto.core.routing import get_service_router
from werkzeug.exceptions import NotFound

FORM = "application/x-www-form-urlencoded"

_SERVICES = {"monitoring": "cloudwatch", "tagging": "resourcegroupstaggingapi"}
"""Service models by signing name, where the two differ."""

REST = frozenset({"s3", "lambda"})
"""The services of moto's whose requests name no operation: method, path and query do."""

_log = logging.getLogger(__name__)


class Operations:
    """The operations that were answered so far."""

    def __init__(self) -> None:
        self._seen: set[tuple[str, str, str]] = set()

    def note(self, service: str, operation: str, answered_by: str) -> None:
        """Log that `operation` of the service model `service` was answered, once for each who answered it."""
        seen = (service, operation, answered_by)
        if seen not in self._seen:
            self._seen.add(seen)
            _log.info("first request for %s.%s, answered by %s", *seen)


def asked_of_moto(request: Request, signing_name: str, form: bytes) -> tuple[str, str] | None:
    """Service model and operation of a request that is signed for `signing_name`; None when it names none.

    `form` is the body of one that is a form.
    """
    service = _SERVICES.get(signing_name, signing_name)
    if signing_name not in REST:
        operation = named_operation(request.environ, form)
        return (service, operation) if operation else None
    try:
        return service, get_service_router(service).match(request)[0].name
    except NotFound:
        return None


def named_operation(environ: Mapping[str, Any], start: bytes) -> str | None:
    """The operation that a request names in its target header, its form or its path; None for those of REST."""
    if target := environ.get("HTTP_X_AMZ_TARGET"):
        name: str = target.rpartition(".")[2]
        return name
    if match := re.search(r"/service/\w+/operation/(\w+)", environ["PATH_INFO"]):
        return match[1]
    if environ.get("CONTENT_TYPE", "").startswith(FORM):
        found = re.search(rb"(?:^|&)Action=(\w+)", start)
        return found[1].decode() if found else None
    return None

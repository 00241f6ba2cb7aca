"""What the local cloud answers about itself, below `/_localcloud/`: its state, and its faults."""

import json
import logging
import random
import sys
from collections.abc import Callable
from typing import Any

from werkzeug.wrappers import Request, Response

from glue.localcloud.clock import Clock
from glue.localcloud.fault_injection.faults import Fault, FaultError, Faults
from glue.localcloud.sagemaker.endpoint import Endpoint
from glue.localcloud.sagemaker.endpoints import Endpoints

PREFIX = "/_localcloud/"
STATUS_PATH = f"{PREFIX}status"
FAULTS_PATH = f"{PREFIX}faults"

Document = dict[str, Any]
_JSON = "application/json"
_log = logging.getLogger(__name__)


class Admin:
    """Answers people and `glue local`. The server listens on this machine only."""

    def __init__(self, endpoints: Endpoints, faults: Faults, clock: Clock, status: Callable[[], Document]) -> None:
        self._endpoints = endpoints
        self._faults = faults
        self._clock = clock
        self._status = status

    def answer(self, request: Request) -> Response | None:
        """The answer; None when the path is none of its own."""
        if request.path == STATUS_PATH:
            return _json(self._status())
        if request.path != FAULTS_PATH:
            return None
        try:
            return _json({"faults": self._change(request)})
        except FaultError as error:
            return _json({"message": str(error)}, 400)

    def _change(self, request: Request) -> list[Document]:
        if request.method == "POST":
            if request.mimetype != _JSON:  # which no web page can send here unasked
                raise FaultError(f"content type {request.mimetype!r}: allowed is {_JSON}")
            try:
                order = json.loads(request.get_data())
            except ValueError as error:
                raise FaultError(f"not JSON: {error}") from error
            if not isinstance(order, dict):
                raise FaultError("expected an object")
            return [self._start(order).document(self._clock.elapsed())]
        if request.method == "DELETE":
            ended = self._faults.stop(request.args.get("which"))
            self._endpoints.suffer()
            return [fault.document(self._clock.elapsed()) for fault in ended]
        return self._faults.all()

    def _start(self, order: Document) -> Fault:
        name = order.get("endpoint")
        named = [endpoint for endpoint in self._endpoints.all() if name in {None, endpoint.name}]
        if name is not None and not named:
            known = ", ".join(sorted({endpoint.name for endpoint in self._endpoints.all()})) or "none"
            raise FaultError(f"endpoint {name!r}: there are {known}")
        instances = [instance for endpoint in named for instance in endpoint.instances if instance.ready]
        if order.get("kind") == "disk-full":
            _check_disks(named)
        nothing = "kill-instance: no instance is ready"
        if order.get("kind") == "kill-instance" and not instances:
            raise FaultError(nothing)
        fault = self._faults.start(order)
        _log.info("fault %s", fault)
        if fault.kind == "kill-instance":
            fault.struck = sum(
                instance.kill() for instance in random.sample(instances, len(instances))[: fault.left or 1]
            )
            if not fault.struck:
                raise FaultError(nothing)
        elif fault.kind == "clock-jump":
            self._clock.jump(fault.seconds)
        self._endpoints.suffer()
        return fault


def _check_disks(endpoints: list[Endpoint]) -> None:
    """Refuse a full disk where it would not be one."""
    if sys.platform != "linux":
        raise FaultError("disk-full needs Linux")
    beyond = [one.name for one in endpoints if any(not instance.can_fill_disk for instance in one.instances)]
    if beyond:
        raise FaultError(
            f"disk-full: {', '.join(beyond)} runs in containers, whose disk is the engine's; "
            "allowed is an endpoint (--endpoint) that runs a process image"
        )


def _json(document: Document, status: int = 200) -> Response:
    return Response(json.dumps(document), status, mimetype=_JSON)

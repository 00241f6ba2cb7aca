"""All endpoints of the local cloud: found by name, changed in the background, looked after once a second."""

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any

from glue.localcloud.accounts import Scope
from glue.localcloud.sagemaker.endpoint import IN_PROGRESS, Endpoint
from glue.localcloud.sagemaker.fleet import Platform
from glue.localcloud.sagemaker.store import Definition

_TICK = 1.0

Document = dict[str, Any]
_log = logging.getLogger(__name__)


class Endpoints:
    """All endpoints. Every change runs in a thread of its own; its caller sees the state in between."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._by_scope: dict[Scope, dict[str, Endpoint]] = {}
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self.on_change: Callable[[Document], None] = lambda _: None
        threading.Thread(target=self._tick, name="expiry", daemon=True).start()

    def get(self, scope: Scope, name: str) -> Endpoint | None:
        """The endpoint of that name."""
        return self._by_scope.get(scope, {}).get(name)

    def all(self, scope: Scope | None = None) -> list[Endpoint]:
        """Every endpoint, of one scope or of all."""
        with self._lock:
            scopes = [self._by_scope.get(scope, {})] if scope else list(self._by_scope.values())
            return [endpoint for endpoints in scopes for endpoint in endpoints.values()]

    def add(
        self, scope: Scope, name: str, config: Definition, containers: Mapping[str, Document], role: str
    ) -> Endpoint | None:
        """A new endpoint in state Creating; None when its name is taken."""
        with self._lock:
            known = self._by_scope.setdefault(scope, {})
            if name in known:
                return None
            known[name] = Endpoint(
                self._platform, scope, name, config=config, containers=containers, role=role, changed=self.changed
            )
            return known[name]

    def changed(self, endpoint: Endpoint, **more: Any) -> None:
        """Tell whoever keeps endpoints that one is another now; with `more` than it knows of itself."""
        try:
            self.on_change(endpoint.document() | more)
        except OSError as error:  # such as a full disk: it serves all the same
            _log.error("%s is not kept as it is now: %s", endpoint.arn, error)

    def restore(self, document: Document) -> Endpoint:
        """The endpoint of `Endpoint.document`, without instances until `resume`."""
        scope = Scope(document["account"], document["region"])
        found = self._by_scope.setdefault(scope, {}).get(document["name"])
        config = Definition.of(document["config"])
        endpoint = found or self.add(scope, document["name"], config, document["containers"], document["role"])
        assert endpoint is not None  # noqa: S101 - it was not there
        endpoint.restore(document)
        return endpoint

    def resume(self) -> None:
        """Start the instances of all restored endpoints. Those that were in service take requests meanwhile."""
        for endpoint in self.all():
            if endpoint.status != "Failed":
                endpoint.status = "Creating" if endpoint.status == "Creating" else "SystemUpdating"
                self.run(endpoint, endpoint.create)

    def begin(self, endpoint: Endpoint, status: str) -> bool:
        """Put an endpoint into a state of transition; False when it is in one already."""
        with self._lock:
            if endpoint.status in IN_PROGRESS:
                return False
            endpoint.status = status
            endpoint.modified = self._platform.clock.now()
            if status == "Updating":
                endpoint.failure_reason = None
            return True

    def scalable_targets(self, scope: Scope, resources: list[str]) -> list[str]:
        """Those of the resources ("endpoint/name/variant/name") that Application Auto Scaling scales."""
        client = self._platform.clients.get(scope, "application-autoscaling")
        found = client.describe_scalable_targets(ServiceNamespace="sagemaker", ResourceIds=resources)
        return [target["ResourceId"] for target in found["ScalableTargets"]]

    def run(self, endpoint: Endpoint, *steps: Callable[[], None]) -> None:
        """Carry out a transition in the background, step by step."""

        def work() -> None:
            try:
                for step in steps:
                    step()
            except Exception:  # noqa: BLE001 - a defect of ours must not leave an endpoint in transition for ever
                _log.exception("endpoint %s", endpoint.arn)
                endpoint.failure_reason = "InternalServerError: the local cloud failed; see its log"
                endpoint.status = "Failed"

        threading.Thread(target=work, name=f"endpoint-{endpoint.name}", daemon=True).start()

    def remove(self, endpoint: Endpoint) -> None:
        """Forget an endpoint that was deleted."""
        with self._lock:
            self._by_scope[endpoint.scope].pop(endpoint.name, None)

    def close(self, grace: float) -> None:
        """End all endpoints at once, without outcomes: the local cloud ends, and its memory with it."""
        self._closing.set()
        threads = [threading.Thread(target=endpoint.stop, args=(grace,), daemon=True) for endpoint in self.all()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def suffer(self) -> None:
        """Make lasting faults come true for the instances of all, or end them."""
        for endpoint in self.all():
            endpoint.suffer()

    def _tick(self) -> None:
        while not self._platform.clock.pause(self._closing, _TICK):
            for endpoint in self.all():
                try:
                    endpoint.expire_requests()
                    endpoint.suffer()
                except Exception:  # noqa: BLE001 - the other endpoints, and this one's next second, need the thread
                    _log.exception("endpoint %s", endpoint.arn)

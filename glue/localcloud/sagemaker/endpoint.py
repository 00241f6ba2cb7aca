"""The life of an endpoint: Creating, InService, Updating, Failed, Deleting.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DescribeEndpoint.html
"""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from glue.localcloud.accounts import Scope
from glue.localcloud.compute.instances import Instance
from glue.localcloud.sagemaker import deployments, notifications
from glue.localcloud.sagemaker.errors import DeploymentError, refused_topic
from glue.localcloud.sagemaker.fleet import Fleet, Platform
from glue.localcloud.sagemaker.invocation import AsyncRequest, Outcome, failed
from glue.localcloud.sagemaker.request_queue import RequestQueue
from glue.localcloud.sagemaker.rollout import Rollout
from glue.localcloud.sagemaker.store import Definition

Document = dict[str, Any]
_log = logging.getLogger(__name__)

IN_SERVICE = frozenset({"InService", "Updating", "RollingBack", "SystemUpdating", "UpdateRollbackFailed"})
"""The states in which an endpoint takes requests."""

IN_PROGRESS = frozenset({"Creating", "Updating", "RollingBack", "SystemUpdating", "Deleting"})
"""The states in which an endpoint refuses to be changed or deleted."""

_TOLD_AT_ONCE = 4


class Endpoint:
    """One endpoint: its state, its queue, the fleet that serves and the one that is coming."""

    def __init__(
        self,
        platform: Platform,
        scope: Scope,
        name: str,
        *,
        config: Definition,
        containers: Mapping[str, Document],
        role: str,
        changed: Callable[["Endpoint"], None],
    ) -> None:
        """`containers` and `role` are those of the models of `config`; `changed` is told of every state that lasts."""
        self.scope = scope
        self.name = name
        self.arn = scope.arn("sagemaker", f"endpoint/{name}")
        self.config = config
        self.containers = containers
        self.role = role
        self.status = "Creating"
        self.failure_reason: str | None = None
        self.created = self.modified = platform.clock.now()
        self.deployment_config: Document | None = None
        self.queue = RequestQueue()
        self.fleet: Fleet | None = None
        self.pending: Fleet | None = None
        self.pending_since: datetime | None = None
        self.pending_status = "Creating"
        self._platform = platform
        self._changed = changed
        self._sizes: dict[str, tuple[int, float]] = {}
        self._retiring: set[Fleet] = set()
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._telling = ThreadPoolExecutor(_TOLD_AT_ONCE, thread_name_prefix=f"tell-{name}")

    @property
    def async_config(self) -> Document | None:
        """The AsyncInferenceConfig in force; None for an endpoint that answers at once."""
        return self.config.document.get("AsyncInferenceConfig")

    @property
    def instances(self) -> list[Instance]:
        """All instances, of the fleet that serves, of one that is coming and of those that are going."""
        return [instance for fleet in self._fleets() for instance in fleet.instances]

    @property
    def instance_count(self) -> int:
        """Instances in service."""
        return sum(len(variant.workers) for variant in self.fleet.variants) if self.fleet else 0

    @property
    def desired_count(self) -> int:
        """Instances that are asked for."""
        return sum(variant.desired for variant in self.fleet.variants) if self.fleet else 0

    def create(self) -> None:
        """Bring the first fleet into service; the endpoint ends InService or Failed."""
        fleet = self._new_fleet(self.config, self.containers)
        for variant in fleet.variants:
            variant.desired, variant.weight = self._sizes.get(variant.name, (variant.desired, variant.weight))
        try:
            self._bring_up(fleet, self.role)
        except DeploymentError as error:
            self._settle("Failed", error.reason)
            return
        fleet.enable(1)
        self.fleet = fleet
        self._settle("InService", None)

    def update(
        self,
        config: Definition,
        containers: Mapping[str, Document],
        role: str,
        *,
        deployment: Document | None,
        keep: frozenset[str],
    ) -> None:
        """Put a new fleet in place of the old one, as `deployment` says; or stay on the old config.

        `keep` names the variant properties to take over from the running fleet ("DesiredInstanceCount",
        "DesiredWeight"). AWS ends an update that failed `InService` on the old config, with a `FailureReason`;
        `UpdateRollbackFailed` where instances of the old fleet that the update had ended did not start again.
        """
        old = self.fleet
        assert old is not None  # noqa: S101 - an endpoint without a fleet is Failed, and refuses updates
        fleet = self._new_fleet(config, containers)
        _take_over(fleet, old, keep)
        status = "InService"
        plan = deployments.plan(deployment, max(variant.desired for variant in fleet.variants))
        rollout = Rollout(
            plan,
            old,
            fleet,
            clock=self._platform.clock,
            ending=self._ending,
            ringing=self._ringing,
            entered=self._entered,
        )
        try:
            self._bring_up(fleet, role, plan.steps[0] if plan.rolling else 1.0)
            reason = rollout.run()
        except DeploymentError as error:
            reason = error.reason
        if reason is None:
            self.fleet, self.config, self.deployment_config = fleet, config, deployment
            self.containers, self.role = containers, role
            self._retire(old, plan.termination_wait)
        else:
            self.status = "RollingBack"
            try:
                rollout.undo()
            except DeploymentError as error:
                status, reason = "UpdateRollbackFailed", f"{reason} The rollback failed: {error.reason}"
            fleet.stop()
        self._settle(status, reason)

    def document(self) -> Document:
        """All that is needed to have it again."""
        variants = self.fleet.variants if self.fleet else []
        return {
            "account": self.scope.account,
            "region": self.scope.region,
            "name": self.name,
            "status": self.status,
            "failure_reason": self.failure_reason,
            "created": self.created.isoformat(),
            "modified": self.modified.isoformat(),
            "config": self.config.as_document(),
            "containers": dict(self.containers),
            "role": self.role,
            "deployment_config": self.deployment_config,
            "sizes": {variant.name: [variant.desired, variant.weight] for variant in variants},
        }

    def restore(self, document: Document) -> None:
        """Be as `document` says, but for the instances."""
        self.status, self.failure_reason = document["status"], document["failure_reason"]
        self.created, self.modified = (datetime.fromisoformat(document[name]) for name in ("created", "modified"))
        self.config, self.deployment_config = Definition.of(document["config"]), document["deployment_config"]
        self.containers, self.role = document["containers"], document["role"]
        self._sizes = {name: (desired, weight) for name, (desired, weight) in document["sizes"].items()}

    def resize(self, changes: list[Document]) -> None:
        """Give variants other weights or instance counts; an instance that does not start fails the update."""
        reason = None
        for change in changes:
            fleet = self.fleet
            if fleet is None:
                break
            variant = fleet.variant(change["VariantName"])
            variant.weight = change.get("DesiredWeight", variant.weight)
            before = len(variant.workers)
            try:
                fleet.scale(variant.name, change.get("DesiredInstanceCount", variant.desired))
            except DeploymentError as error:
                variant.desired = before
                reason = error.reason
        self._settle("InService", reason)

    def delete(self) -> None:
        """End everything. Requests that were still waiting fail visibly."""
        self._ending.set()
        with self._lock:  # whoever took requests out as expired has handed them over by now
            for request in self.queue.close():
                self._tell(request, self._platform.outcomes.finish, failed("ClientError: The endpoint was deleted."))
        self._telling.shutdown()
        self.stop()

    def stop(self, grace: float | None = None) -> None:
        """End all fleets; `grace` in seconds of the clock, AWS's when None."""
        self._ending.set()
        self._telling.shutdown(wait=False, cancel_futures=True)
        for fleet in self._fleets():
            fleet.stop() if grace is None else fleet.stop(grace)

    def expire_requests(self) -> None:
        """Fail the requests that waited longer than they may."""
        with self._lock:
            for request in self.queue.expired(self._platform.clock.now()):
                self._tell(request, self._platform.outcomes.expire)

    def suffer(self) -> None:
        """Make lasting faults come true for the instances, or end them."""
        for instance in self.instances:
            instance.suffer()

    def _tell(self, request: AsyncRequest, tell: Callable[..., None], *outcome: Outcome) -> None:
        """Have the world told how a request ended: it may take long to answer, so in threads of this endpoint alone."""

        def run() -> None:
            try:
                tell(self.scope, request, *outcome)
            except Exception:  # noqa: BLE001 - nobody asks what became of this thread
                _log.exception("request %s of %s, which no instance had", request.key, request.endpoint)

        self._telling.submit(run)

    def _fleets(self) -> set[Fleet]:
        with self._lock:
            return {fleet for fleet in (self.fleet, self.pending, *self._retiring) if fleet is not None}

    def _new_fleet(self, config: Definition, containers: Mapping[str, Document]) -> Fleet:
        return Fleet(self._platform, self.scope, self.name, config=config, containers=containers, queue=self.queue)

    def _bring_up(self, fleet: Fleet, role: str, portion: float = 1.0) -> None:
        self.pending, self.pending_since, self.pending_status = fleet, self._platform.clock.now(), "Creating"
        if self.status != "SystemUpdating":  # what is only started again was announced
            self._announce(fleet.config, role)
        fleet.start(portion)

    def _entered(self, status: str) -> None:
        self.pending_status = status

    def _announce(self, config: Definition, role: str) -> None:
        output = config.document.get("AsyncInferenceConfig", {}).get("OutputConfig", {})
        topics = output.get("NotificationConfig", {})
        message = notifications.test_message(region=self.scope.region, now=self._platform.clock.now())
        for topic in dict.fromkeys(topics[kind] for kind in ("SuccessTopic", "ErrorTopic") if kind in topics):
            try:
                self._platform.outcomes.publish(self.scope, topic, message)
            except (ClientError, BotoCoreError) as error:
                raise refused_topic(role, topic) from error

    def _ringing(self, alarms: Sequence[str]) -> str | None:
        """The first of the alarms that went off."""
        if not alarms:
            return None
        cloudwatch = self._platform.clients.get(self.scope, "cloudwatch")
        ringing = cloudwatch.describe_alarms(AlarmNames=list(alarms), StateValue="ALARM")
        return next((alarm["AlarmName"] for alarm in ringing["MetricAlarms"] + ringing["CompositeAlarms"]), None)

    def _retire(self, fleet: Fleet, wait: float) -> None:
        with self._lock:
            self._retiring.add(fleet)

        def end() -> None:
            self._platform.clock.wait(self._ending, wait)
            try:
                fleet.retire()
            except Exception:  # noqa: BLE001 - nobody asks what became of this thread
                _log.exception("the old fleet of %s", self.arn)
            finally:
                with self._lock:
                    self._retiring.discard(fleet)

        threading.Thread(target=end, name=f"retire-{self.name}", daemon=True).start()

    def _settle(self, status: str, reason: str | None) -> None:
        if self._ending.is_set():
            return  # the local cloud ends: what was under way is neither done nor failed
        self.pending = self.pending_since = None
        self.modified = self._platform.clock.now()
        self.failure_reason = reason
        self.status = status
        self._changed(self)
        _log.info("endpoint %s: %s%s", self.arn, status, f": {reason}" if reason else "")


def _take_over(fleet: Fleet, old: Fleet, properties: frozenset[str]) -> None:
    for variant in fleet.variants:
        for previous in old.variants:
            if previous.name == variant.name:
                if "DesiredInstanceCount" in properties:
                    variant.desired = previous.desired
                if "DesiredWeight" in properties:
                    variant.weight = previous.weight


def new_request(
    endpoint: Endpoint, params: Document, *, key: str, inference_id: str, locations: tuple[str, str], now: datetime
) -> AsyncRequest:
    """A request as it enters the queue of `endpoint`. `params` are those of InvokeEndpointAsync."""
    output, failure = locations
    return AsyncRequest(
        key=key,
        inference_id=inference_id,
        endpoint=endpoint.name,
        variant=endpoint.config.document["ProductionVariants"][0]["VariantName"],
        input_location=params.get("InputLocation"),
        body=params.get("Body"),
        content_type=params.get("ContentType"),
        accept=params.get("Accept"),
        custom_attributes=params.get("CustomAttributes"),
        ttl=params["RequestTTLSeconds"],
        timeout=params["InvocationTimeoutSeconds"],
        received=now,
        settings=endpoint.async_config or {},
        output_location=output or None,
        failure_location=failure or None,
    )

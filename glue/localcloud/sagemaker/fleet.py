"""The instances that run one endpoint config: brought up together, fed from one queue, scaled and retired."""

import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError

from glue.localcloud import trees
from glue.localcloud.accounts import Scope
from glue.localcloud.clients import Clients
from glue.localcloud.clock import Clock
from glue.localcloud.compute import instance_types, model_data
from glue.localcloud.compute.images import ImageError, ImageReference, ImageStore
from glue.localcloud.compute.instances import STOP_GRACE, Instance, NotReadyError, new_instance_id
from glue.localcloud.compute.log_shipper import LogShipper, Stream
from glue.localcloud.compute.runtime import CONTAINER, RUNTIME_LABEL, Launch, Runtime, Sink, UnsupportedImageError
from glue.localcloud.fault_injection.disturbances import application_id
from glue.localcloud.fault_injection.faults import Faults
from glue.localcloud.sagemaker import data_log
from glue.localcloud.sagemaker.dataplane import DEFAULT_CONCURRENCY, Invoker
from glue.localcloud.sagemaker.deployments import share
from glue.localcloud.sagemaker.errors import DeploymentError, failed_ping, internal_error, missing_image
from glue.localcloud.sagemaker.invocation import AsyncRequest
from glue.localcloud.sagemaker.outcomes import Outcomes
from glue.localcloud.sagemaker.request_queue import RequestQueue, Worker
from glue.localcloud.sagemaker.store import Definition

DEFAULT_STARTUP_TIMEOUT = 600
DEFAULT_DOWNLOAD_TIMEOUT = 600
_STARTS_AT_ONCE = 8

Document = dict[str, Any]


@dataclass(frozen=True)
class Platform:
    """What every fleet is built with. `runtimes` are chosen by the image's label `RUNTIME_LABEL`."""

    clients: Clients
    clock: Clock
    images: ImageStore
    runtimes: Mapping[str, Runtime]
    logs: LogShipper
    invoker: Invoker
    outcomes: Outcomes
    faults: Faults
    instances_dir: Path


@dataclass
class Variant:
    """A production variant in a fleet: what was asked for, and what runs.

    Instances that do not take requests yet are `starting`; those that take no more, but have some, are `leaving`.
    """

    document: Document
    container: Document
    desired: int
    weight: float
    runtime: Runtime | None = None
    launch: Launch | None = None
    resolved: datetime | None = None
    starting: list[Instance] = field(default_factory=list)
    workers: list[Worker] = field(default_factory=list)
    leaving: list[Worker] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The variant's name."""
        name: str = self.document["VariantName"]
        return name


class Fleet:
    """All instances of one endpoint config. Not in service until `start` returned and `enable` was called."""

    def __init__(
        self,
        platform: Platform,
        scope: Scope,
        endpoint: str,
        *,
        config: Definition,
        containers: Mapping[str, Document],
        queue: RequestQueue,
    ) -> None:
        """`containers` maps the models of `config` to their container definitions."""
        self.config = config
        self._platform = platform
        self._scope = scope
        self._endpoint = endpoint
        self._queue = queue
        self._id = new_instance_id()
        self._portion = 0.0
        self._lock = threading.Lock()
        self._stopped = False
        self.variants = [
            Variant(
                document,
                containers[document["ModelName"]],
                desired=document.get("InitialInstanceCount", 1),
                weight=document.get("InitialVariantWeight", 1.0),
            )
            for document in config.document["ProductionVariants"]
        ]

    def start(self, portion: float = 1.0) -> None:
        """Fetch images and models, and bring up a portion of the instances.

        Raises:
            DeploymentError: one of these failed; nothing is left running.
        """
        try:
            for variant in self.variants:
                self._prepare(variant)
            self.provision(portion)
        except DeploymentError:
            self.stop(0)
            raise
        except (OSError, BotoCoreError) as error:  # such as a full disk: the fault of this machine, not of the model
            self.stop(0)
            raise internal_error(str(error)) from error

    def enable(self, portion: float) -> None:
        """Take requests from the queue with a portion of the instances; with 0, leave them all to another fleet."""
        self._portion = portion
        for variant in self.variants:
            taking = share(len(variant.workers), portion)
            for position, worker in enumerate(variant.workers):
                worker.enable(position < taking)

    def provision(self, portion: float) -> None:
        """Have a portion of the desired instances. One that goes ends its requests first.

        Raises:
            DeploymentError: a new instance did not get ready.
        """
        for variant in self.variants:
            self._resize(variant, share(variant.desired, portion))

    def scale(self, name: str, desired: int) -> None:
        """Bring the variant `name` to `desired` instances. An instance that goes ends its requests first.

        Raises:
            DeploymentError: a new instance did not get ready.
        """
        variant = self.variant(name)
        variant.desired = desired
        self._resize(variant, desired)

    def variant(self, name: str) -> Variant:
        """The variant of that name.

        Raises:
            KeyError: there is none.
        """
        for variant in self.variants:
            if variant.name == name:
                return variant
        raise KeyError(name)

    def retire(self) -> None:
        """End in peace: every request that an instance has is answered first."""
        self.enable(0)
        _each(self._workers(), Worker.drain)
        self.stop()

    def stop(self, grace: float = STOP_GRACE) -> None:
        """End all instances, `grace` seconds of the clock for the requests they have; returns when they are gone."""
        with self._lock:
            self._stopped = True
        self.enable(0)
        workers = self._workers()
        _each(self.instances, lambda instance: instance.stop(grace))
        _each(workers, Worker.drain)
        for variant in self.variants:
            variant.workers.clear()
            variant.leaving.clear()
        self._platform.logs.flush()
        trees.remove(self._models_dir)

    @property
    def instances(self) -> list[Instance]:
        """All instances, those that are not ready yet or on their way out too."""
        starting = [instance for variant in self.variants for instance in variant.starting]
        return list(dict.fromkeys([*starting, *(worker.instance for worker in self._workers())]))

    def _workers(self) -> list[Worker]:
        return [worker for variant in self.variants for worker in (*variant.workers, *variant.leaving)]

    @property
    def _models_dir(self) -> Path:
        return self._platform.instances_dir / f"models-{self._id}"

    def _prepare(self, variant: Variant) -> None:
        uri = variant.container["Image"]
        reference = ImageReference.parse(uri)
        if reference is None:
            raise missing_image(variant.name, f"{uri} is not an image in ECR")
        try:
            image = self._platform.images.find(reference)
            variant.runtime = self._runtime(image.labels)
            variant.runtime.prepare(image)
        except (ImageError, UnsupportedImageError) as error:
            raise missing_image(variant.name, str(error)) from error
        variant.resolved = self._platform.clock.now()
        folder = self._models_dir / variant.name
        limit = variant.document.get("ModelDataDownloadTimeoutInSeconds", DEFAULT_DOWNLOAD_TIMEOUT)
        deadline = self._platform.clock.deadline(limit)
        model_data.fetch(
            self._platform.clients, self._scope, variant.name, variant.container, folder=folder, limit=deadline
        )
        variant.launch = Launch(
            image,
            folder,
            environment=variant.container.get("Environment", {}),
            provided=self._credentials(),
            startup_timeout=variant.document.get(
                "ContainerStartupHealthCheckTimeoutInSeconds", DEFAULT_STARTUP_TIMEOUT
            ),
            memory=instance_types.memory_of(variant.document.get("InstanceType", "")),
        )

    def _runtime(self, labels: Mapping[str, str]) -> Runtime:
        wanted = labels.get(RUNTIME_LABEL, CONTAINER)
        runtime = self._platform.runtimes.get(wanted)
        if runtime is None:
            known = ", ".join(sorted(self._platform.runtimes))
            raise UnsupportedImageError(f"label {RUNTIME_LABEL} is {wanted}; this local cloud runs {known}")
        return runtime

    def _credentials(self) -> dict[str, str]:
        """The execution role's, as a container on SageMaker has them."""
        return {
            "AWS_REGION": self._scope.region,
            "AWS_DEFAULT_REGION": self._scope.region,
            "AWS_ENDPOINT_URL": self._platform.clients.url,
            "AWS_ACCESS_KEY_ID": self._scope.account,
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_SDK_UA_APP_ID": application_id(self._endpoint),
        }

    def _resize(self, variant: Variant, count: int) -> None:
        self._let_go(variant, variant.workers[count:])
        self._add(variant, count - len(variant.workers))

    def _let_go(self, variant: Variant, surplus: list[Worker]) -> None:
        """End instances once they have answered the requests that they have, all at once."""
        with self._lock:
            variant.leaving += surplus
            variant.workers = [worker for worker in variant.workers if worker not in surplus]
        for worker in surplus:
            worker.enable(False)

        def end(worker: Worker) -> None:
            worker.drain()
            worker.instance.stop()

        _each(surplus, end)
        with self._lock:
            variant.leaving = [worker for worker in variant.leaving if worker not in surplus]

    def _add(self, variant: Variant, count: int) -> None:
        if count <= 0:
            return
        with self._lock:
            self._check_not_stopped()
            new = [self._instance(variant) for _ in range(count)]
            variant.starting += new
        try:
            self._start(variant, new)
        except Exception:
            _each(new, lambda instance: instance.stop(0))
            self._platform.logs.flush()
            raise
        finally:
            variant.starting = [instance for instance in variant.starting if instance not in new]
        self.enable(self._portion)

    def _start(self, variant: Variant, new: list[Instance]) -> None:
        try:
            _each(new, Instance.start, _STARTS_AT_ONCE)
        except NotReadyError as error:
            raise failed_ping(variant.name, str(error)) from error
        with self._lock:  # an instance is among the starting ones until it is among the workers: `stop` misses none
            self._check_not_stopped()
            variant.workers += [self._worker(variant.name, instance) for instance in new]

    def _check_not_stopped(self) -> None:
        if self._stopped:
            raise DeploymentError("The deployment was cancelled.")

    def _instance(self, variant: Variant) -> Instance:
        assert variant.launch is not None  # noqa: S101 - prepared first
        assert variant.runtime is not None  # noqa: S101
        name = new_instance_id()
        return Instance(
            name,
            variant.launch,
            variant.runtime,
            self._platform.instances_dir / name,
            clock=self._platform.clock,
            sink=self._log(variant.name, name),
            changed=self._queue.wake,
            fault=lambda kind: self._platform.faults.holds(kind, self._endpoint),
        )

    def _log(self, *name: str) -> Sink:
        group = f"/aws/sagemaker/Endpoints/{self._endpoint}"
        return self._platform.logs.sink(Stream(self._scope, group, "/".join(name)))

    def _worker(self, variant: str, instance: Instance) -> Worker:
        data_log_sink = self._log(variant, instance.id, data_log.STREAM)

        def handle(request: AsyncRequest) -> None:
            request.variant = variant
            self._platform.invoker.handle(self._scope, self._queue, instance, request, data_log_sink=data_log_sink)

        return Worker(instance, self._queue, handle, self._concurrency)

    @property
    def _concurrency(self) -> int:
        client: Document = self.config.document.get("AsyncInferenceConfig", {}).get("ClientConfig", {})
        count: int = client.get("MaxConcurrentInvocationsPerInstance", DEFAULT_CONCURRENCY)
        return count


def _each(items: Iterable[Any], act: Callable[[Any], None], at_once: int | None = None) -> None:
    """Do something with all items at once, or with `at_once` of them; the first error is raised when all are done."""
    every = list(items)
    if not every:
        return
    with ThreadPoolExecutor(at_once or len(every)) as threads:
        done = [threads.submit(act, item) for item in every]
    for future in done:
        future.result()

"""The local cloud in one process: builds the parts, serves, and ends without leaving anything behind."""

import errno
import logging
import os
import socket
import threading
from datetime import datetime
from pathlib import Path

from werkzeug.serving import make_server

from glue.localcloud import trees
from glue.localcloud.accounts import DEFAULT_ACCOUNT, DEFAULT_REGION
from glue.localcloud.admin import Admin
from glue.localcloud.app import Application
from glue.localcloud.autoscaling.application_autoscaling import ScalingApi
from glue.localcloud.autoscaling.scaling import Scaler
from glue.localcloud.autoscaling.scaling_activities import Activities
from glue.localcloud.budgets import budgets_service
from glue.localcloud.clients import Clients
from glue.localcloud.clock import Clock
from glue.localcloud.compute.containers import ContainerRuntime
from glue.localcloud.compute.images import ImageStore
from glue.localcloud.compute.instance_types import memory_setting
from glue.localcloud.compute.leftovers import sweep
from glue.localcloud.compute.log_shipper import LogShipper
from glue.localcloud.compute.processes import Guard, ProcessRuntime
from glue.localcloud.compute.runtime import CONTAINER
from glue.localcloud.fault_injection.faults import Faults
from glue.localcloud.functions import definition
from glue.localcloud.functions.api import LambdaApi
from glue.localcloud.functions.environment import Machine
from glue.localcloud.functions.functions import Functions
from glue.localcloud.messaging import deliveries, events, queues
from glue.localcloud.monitoring import cloudwatch, metric_store
from glue.localcloud.monitoring.alarm_actions import AlarmActions
from glue.localcloud.monitoring.alarm_evaluation import alarms_in
from glue.localcloud.monitoring.logs import logs_service
from glue.localcloud.monitoring.metrics import Metrics
from glue.localcloud.monitoring.minutes import Minutes
from glue.localcloud.monitoring.service_metrics import publish_functions, publish_queues
from glue.localcloud.persistence import repeatable
from glue.localcloud.persistence.journal import Journal
from glue.localcloud.persistence.journal_file import JournalFile
from glue.localcloud.protocol import Document
from glue.localcloud.registry.blobs import BlobStore
from glue.localcloud.registry.ecr import Registry
from glue.localcloud.registry.registry_http import RegistryHttp
from glue.localcloud.request_handler import RequestHandler
from glue.localcloud.sagemaker.control_plane import ControlPlane
from glue.localcloud.sagemaker.dataplane import Invoker
from glue.localcloud.sagemaker.endpoints import Endpoints
from glue.localcloud.sagemaker.fleet import Platform
from glue.localcloud.sagemaker.outcomes import Outcomes
from glue.localcloud.sagemaker.runtime_api import RuntimeApi
from glue.localcloud.storage import bucket_policies, large_objects, object_answers, object_checksums
from glue.localcloud.storage.contents import Contents

HOST = "127.0.0.1"
PREFERRED_PORT = 4599

_LAST_GRACE = 2.0  # seconds of the machine's clock that an instance has when the whole cloud ends
_log = logging.getLogger(__name__)


class LocalCloud:
    """A local cloud on `listener`: state and logs in `state_dir`, virtual environments in `cache_dir`."""

    def __init__(
        self,
        state_dir: Path,
        cache_dir: Path,
        *,
        listener: socket.socket,
        clock: Clock,
        journal: JournalFile | None = None,
    ) -> None:
        self._clock = clock
        self.url = f"http://{HOST}:{listener.getsockname()[1]}"
        clients = Clients(self.url)
        alarm_actions = AlarmActions(clients)
        _clear(state_dir)
        _extend_moto(state_dir, alarm_actions)
        self._guard = Guard()
        if os.getpgrp() == os.getpid():
            self._guard.add(os.getpgrp())  # for the programs that this process runs, such as pip
        metrics = Metrics(clock)
        faults = Faults(clock.elapsed)
        platform = self._platform(state_dir, cache_dir, clients, faults, metrics)
        self._endpoints = Endpoints(platform)
        machine = Machine(clients, platform.logs, self._guard, platform.instances_dir, state_dir / "functions")
        self._functions = Functions(machine, clock)
        events.install(self._functions, clients)
        activities = Activities()
        scaler = Scaler(self._endpoints, activities, clock)
        self._minutes = Minutes(
            self._endpoints, metrics, alarm_actions, scaler, clock, publish_others=self._publish_others
        )
        application = self._application(state_dir, faults, activities, journal)
        self._server = make_server(
            HOST,
            listener.getsockname()[1],
            application,
            threaded=True,
            request_handler=RequestHandler,
            fd=listener.fileno(),
        )
        self._thread = threading.Thread(target=self._server.serve_forever, name="server", daemon=True)
        self._started = clock.now()

    def _platform(
        self, state_dir: Path, cache_dir: Path, clients: Clients, faults: Faults, metrics: Metrics
    ) -> Platform:
        """What endpoints run on."""
        instances_dir, memory = state_dir / "instances", memory_setting()
        images = ImageStore(state_dir / "images", clients)
        self._containers = ContainerRuntime(clients, instances_dir, self._guard, memory=memory)
        processes = ProcessRuntime(images, cache_dir, self._guard, memory=memory)
        outcomes = Outcomes(clients, self._clock, metrics)
        return Platform(
            clients=clients,
            clock=self._clock,
            images=images,
            runtimes={"process": processes, CONTAINER: self._containers},
            logs=LogShipper(clients, self._clock, state_dir / "logs"),
            invoker=Invoker(clients, self._clock, faults, outcomes),
            outcomes=outcomes,
            faults=faults,
            instances_dir=instances_dir,
        )

    def _application(
        self, state_dir: Path, faults: Faults, activities: Activities, journal: JournalFile | None
    ) -> Application | Journal:
        """What answers requests; with a `journal`, it has all that an earlier local cloud wrote there."""
        blobs = BlobStore(state_dir / "layers")
        registry = Registry(blobs, self.url)
        control_plane = ControlPlane(self._endpoints, self._clock)
        services = [
            control_plane.service(),
            RuntimeApi(self._endpoints, self._clock).service(),
            registry.service(),
            ScalingApi(activities, self._clock).service(),
            budgets_service(),
            logs_service(),
            LambdaApi(self._functions).service(),
        ]
        admin = Admin(self._endpoints, faults, self._clock, self.status)
        engines = RegistryHttp(registry, blobs, state_dir / "layers" / "uploads")
        plain = Application(services, blobs, admin, faults, engines, answered=events.deliver)
        return self._remembering(plain, journal, control_plane) if journal else plain

    def start(self) -> None:
        """Answer requests from now on."""
        self._thread.start()
        self._minutes.start()
        self._endpoints.resume()

    def _remembering(self, application: Application, file: JournalFile, control_plane: ControlPlane) -> Journal:
        """Have all that an earlier local cloud wrote to `file`, and write to it from now on."""
        repeatable.install()
        file.open(int(self.url.rpartition(":")[2]))
        journal = Journal(application, file, self._clock)
        _log.info("%d entries of %s repeated", journal.replay(control_plane.restore_endpoint), file.folder)
        self._endpoints.on_change = journal.record
        return journal

    def close(self) -> None:
        """End every instance, then the service (which the instances' last lines of log still go to)."""
        self._minutes.close()
        self._functions.close()
        self._endpoints.close(_LAST_GRACE * self._clock.speed)
        self._containers.close()
        self._server.shutdown()
        self._guard.close()
        self._server.server_close()

    def _publish_others(self, start: datetime) -> None:
        publish_functions(self._functions.counts, start)
        publish_queues(start)

    def status(self) -> Document:
        """How it is, for `glue local status`."""
        return {
            "pid": os.getpid(),
            "endpoint_url": self.url,
            "region": DEFAULT_REGION,
            "account_id": DEFAULT_ACCOUNT,
            "speed": self._clock.speed,
            "started": self._started.isoformat(timespec="seconds"),
            "endpoints": [
                {
                    "account_id": endpoint.scope.account,
                    "region": endpoint.scope.region,
                    "name": endpoint.name,
                    "status": endpoint.status,
                    "instances": endpoint.instance_count,
                    "desired": endpoint.desired_count,
                    "waiting": len(endpoint.queue),
                }
                for endpoint in self._endpoints.all()
            ],
            "alarms": [
                {
                    "account_id": scope.account,
                    "region": scope.region,
                    "name": alarm.name,
                    "since": alarm.state_updated_timestamp.isoformat(timespec="seconds"),
                    "reason": alarm.state_reason,
                }
                for scope, alarm in alarms_in("ALARM")
            ],
        }


def _clear(state_dir: Path) -> None:
    """End and remove what an earlier local cloud left."""
    if swept := sweep(state_dir / "instances"):
        _log.warning("instances of an earlier local cloud still ran and were ended: %s", ", ".join(swept))
    for of_the_last_one in ("logs", "layers", "objects", "functions"):
        trees.remove(state_dir / of_the_last_one)


def _extend_moto(state_dir: Path, alarm_actions: AlarmActions) -> None:
    """Add to moto's services what they lack and what needs nothing else of the local cloud."""
    bucket_policies.install()
    deliveries.install()
    queues.install()
    definition.install()
    object_answers.install()
    large_objects.install(Contents(state_dir / "objects"))
    object_checksums.install()
    cloudwatch.install(alarm_actions.changed)
    metric_store.install()


def listen(port: int | None) -> socket.socket:
    """A socket that listens on `port` of this machine only; without one, on the usual port or any that is free.

    Raises:
        OSError: `port` is taken.
    """
    for candidate in [port] if port is not None else [PREFERRED_PORT, 0]:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, candidate))
            listener.listen()
        except OSError as error:
            listener.close()
            if port is not None or error.errno != errno.EADDRINUSE:
                raise
        else:
            return listener
    raise OSError(errno.EADDRINUSE, "no port is free")

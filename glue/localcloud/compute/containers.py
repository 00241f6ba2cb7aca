"""Container images, run by the engine of this machine as SageMaker runs them.

`docker run IMAGE serve`: the image's own entry point, user and variables, the model's variables, `/opt/ml/model`
read-only, `/tmp` on disk, the memory of the instance type. The image is pulled from the local cloud's own registry.
https://docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html
"""

import base64
import contextlib
import json
import logging
import os
import secrets
import threading
from pathlib import Path
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from glue.engines import Engine, Limits, find_engine
from glue.engines.commands import CommandError
from glue.engines.engine import HOST_NETWORK
from glue.errors import GlueError
from glue.files import write_atomically
from glue.localcloud.clients import Clients
from glue.localcloud.compute.guard import EngineRecord
from glue.localcloud.compute.images import ImageError, RegisteredImage
from glue.localcloud.compute.leftovers import ENGINE_RECORD_NAME
from glue.localcloud.compute.memory import memory_exceeded
from glue.localcloud.compute.processes import Guard
from glue.localcloud.compute.runtime import RUNTIME_LABEL, Launch, Sink, UnsupportedImageError, forward
from glue.ports import free_port

CLOUD_LABEL = "io.async-inference.local-cloud"
"""The label of every container: its value is the folder of the cloud's instances."""

_PORT = 8080
_MODEL_DIR = "/opt/ml/model"
_HOST_NAME = "host.docker.internal"
_CANNOT_START = 125  # as `docker run` ends
_FOUND_BY = ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_CONFIG", "CONTAINER_HOST", "CONTAINER_CONNECTION")

_log = logging.getLogger(__name__)


class ContainerRuntime:
    """Runs images with the engine that answers, looked for when it is first needed. `memory` in bytes is the most."""

    fills_disks = False

    def __init__(self, clients: Clients, instances_dir: Path, the_guard: Guard, *, memory: int | None) -> None:
        self._clients = clients
        self._instances_dir = instances_dir
        self._guard = the_guard
        self._memory = memory
        self._finding = threading.Lock()
        self._pulling = threading.Lock()
        self._found: Engine | None = None
        self._pulled: dict[str, str] = {}  # the reference that an image was pulled by, by its digest

    def prepare(self, image: RegisteredImage) -> None:
        """Pull the image, and compare what came with its digest.

        Raises:
            ImageError: the engine does not get it, or gets another one.
            UnsupportedImageError: no engine answers.
        """
        engine = self._engine()
        with self._pulling:
            host = urlsplit(self._clients.url).netloc
            reference = f"{host}/{image.reference.repository}@{image.digest}"
            try:
                user, password = self._login(image)
                with engine.logged_in(host, user, password) as session:
                    got = session.pull(reference).id
            except (GlueError, ClientError, BotoCoreError) as error:
                raise ImageError(f"{engine.kind} does not get image {image.digest}: {error}") from error
            # Which of the two an engine names an image by depends on how it stores images.
            if got not in {image.config, image.digest}:
                raise ImageError(f"{engine.kind} got {got} for image {image.digest}, whose config is {image.config}")
            self._pulled[image.digest] = reference

    def start(self, launch: Launch, folder: Path, sink: Sink) -> "EngineContainer":
        """Run the image with `serve` as argument."""
        engine = self._engine()
        network = engine.network
        port = free_port()
        return EngineContainer(
            engine,
            self._pulled[launch.image.digest],
            limits(launch, port=port, most=self._memory),
            environment(launch, port=port, network=network),
            name=f"glue-{folder.name}-{secrets.token_hex(3)}",
            label=self._label,
            port=port,
            sink=sink,
        )

    def close(self) -> None:
        """Give up the names that images were pulled by: an image that has no other goes."""
        with self._pulling:
            for reference in self._pulled.values():
                with contextlib.suppress(CommandError):
                    self._engine().untag(reference)
            self._pulled.clear()

    def _engine(self) -> Engine:
        with self._finding:
            if self._found is None:
                try:
                    found = find_engine(to_run=True)
                except GlueError as error:
                    said = " ".join(str(error).split())
                    raise UnsupportedImageError(
                        f"label {RUNTIME_LABEL} is missing: the image needs a container engine; {said}"
                    ) from error
                self._record(found)
                self._found = found
            return self._found

    @property
    def _label(self) -> str:
        return f"{CLOUD_LABEL}={self._instances_dir}"

    def _record(self, engine: Engine) -> None:
        """From here on there may be containers: have them removed whatever becomes of this process."""
        variables = {name: os.environ[name] for name in _FOUND_BY if name in os.environ}
        record = EngineRecord(program=engine.program, variables=variables, label=self._label)
        self._instances_dir.mkdir(parents=True, exist_ok=True)
        write_atomically(self._instances_dir / ENGINE_RECORD_NAME, json.dumps(record), mode=0o600)
        self._guard.add_engine(record)
        _log.info("containers are run by %s (%s)", engine.kind, engine.program)

    def _login(self, image: RegisteredImage) -> tuple[str, str]:
        answer = self._clients.get(image.reference.scope, "ecr").get_authorization_token()
        token = base64.b64decode(answer["authorizationData"][0]["authorizationToken"]).decode()
        user, _, password = token.partition(":")
        return user, password


class EngineContainer:
    """A container that is reached at `port` of this machine. It is removed when it has ended."""

    def __init__(
        self,
        engine: Engine,
        image: str,
        given: Limits,
        variables: dict[str, str],
        *,
        name: str,
        label: str,
        port: int,
        sink: Sink,
    ) -> None:
        self.address = ("127.0.0.1", port)
        self._memory = given.memory
        self._sink = sink
        self._status: int | None = None
        self._ended = threading.Event()
        try:
            self._container = engine.create(image, ["serve"], given, variables, name=name, label=label)
            self._client = engine.attach(self._container)
        except (CommandError, OSError) as error:
            for line in str(error).splitlines():
                sink(line)
            self._status = _CANNOT_START
            self._ended.set()
        else:
            threading.Thread(target=self._follow, name=f"output-{name}", daemon=True).start()

    def exit_status(self) -> int | None:
        """The status it ended with; None while it runs."""
        return self._status

    def wait(self) -> int:
        """Wait for its end and for the last line of its output; its status."""
        self._ended.wait()
        assert self._status is not None  # noqa: S101 - set before
        return self._status

    def stop(self, grace: float) -> None:
        """SIGTERM to its first process, SIGKILL to all after `grace` seconds; returns when it is gone."""
        if self._ended.is_set():
            return
        if grace > 0:
            self._container.terminate()
            self._ended.wait(grace)
        if not self._ended.is_set():
            self._container.kill()
        self._ended.wait()

    def fill_disk(self, full: bool) -> None:
        """Its disk is the engine's: the fault is refused for endpoints of containers, and passes those that come."""

    def _follow(self) -> None:
        assert self._client.stdout is not None  # noqa: S101 - opened as a pipe
        status = _CANNOT_START
        try:
            with self._client.stdout as output:
                forward(output, self._sink)
            status = self._client.wait()  # the container's own, unless the engine's client was in trouble
            with contextlib.suppress(GlueError):
                found = self._container.exit()
                status = found.status
                if found.out_of_memory:
                    self._sink(memory_exceeded(self._memory))
        finally:  # whatever becomes of a line, somebody may wait for the end
            self._end(status)

    def _end(self, status: int) -> None:
        try:
            self._container.remove()
        finally:
            self._status = status
            self._ended.set()


def limits(launch: Launch, *, port: int, most: int | None) -> Limits:
    """What a container of `launch` gets: the memory of its instance type, `most` at most, and its model, if any."""
    model = {_MODEL_DIR: launch.model_dir} if any(launch.model_dir.iterdir()) else {}
    return Limits(memory=launch.limit(most), network=True, mounts=model, temporary="disk", ports={_PORT: port})


def environment(launch: Launch, *, port: int, network: str) -> dict[str, str]:
    """The variables of a container besides those of its image, which come before the platform's, after the model's.

    In the machine's own network it is told where to listen, since port 8080 is there once only. In another one, the
    local cloud has the name that engines give the machine.
    """
    provided = dict(launch.provided)
    bound = {}
    if network == HOST_NETWORK:
        bound = {"SAGEMAKER_BIND_TO_HOST": "127.0.0.1", "SAGEMAKER_BIND_TO_PORT": str(port)}
    elif "AWS_ENDPOINT_URL" in provided:
        cloud = urlsplit(provided["AWS_ENDPOINT_URL"])
        provided["AWS_ENDPOINT_URL"] = cloud._replace(netloc=f"{_HOST_NAME}:{cloud.port}").geturl()
    kept = {name: value for name, value in provided.items() if name not in launch.image.environment}
    return kept | launch.environment | bound

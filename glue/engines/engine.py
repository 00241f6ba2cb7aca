"""One container engine through its client. Docker, Podman and Buildah take nearly the same arguments."""

import json
import os
import secrets
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from glue.durations import TRANSFER_SECONDS
from glue.engines.builds import follow
from glue.engines.commands import QUERY_SECONDS, CommandError, call
from glue.engines.containers import Container
from glue.engines.transfers import OnLayers, transfer
from glue.errors import FailedError, MissingError

Kind = Literal["docker", "podman", "buildah"]

HOST_NETWORK = "host"
"""The network of the machine itself."""

RUN_LABEL = "io.async-inference.run=1"
"""What every container has that was started to look at an image."""


@dataclass(frozen=True)
class Layer:
    """A layer: the instruction that made it, and its size in bytes, unpacked."""

    instruction: str
    size: int


@dataclass(frozen=True)
class ImageFacts:
    """An image as the engine knows it. `size` in bytes, unpacked; `digests` are those that registries gave it.

    `layers` are the digests of the layers' contents, `settings` is everything that containers of it start with.
    """

    id: str
    platform: str
    entrypoint: tuple[str, ...]
    command: tuple[str, ...]
    environment: Mapping[str, str]
    labels: Mapping[str, str]
    user: str
    size: int
    created: datetime
    tags: tuple[str, ...]
    digests: tuple[str, ...]
    layers: tuple[str, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)

    def is_alike(self, other: "ImageFacts") -> bool:
        """Whether the two differ in their dates and names at most: same layers, same settings, same platform."""
        return (self.platform, self.layers, self.settings) == (other.platform, other.layers, other.settings)


@dataclass(frozen=True)
class Limits:
    """What a container gets.

    `memory` in bytes (None: no limit), a network or none, folders mounted read-only, the user (None: the image's),
    GPUs, and where `/tmp` is: in memory, which counts as its own, or on the engine's disk. `ports` maps its ports to
    those of 127.0.0.1, where the engine has a network of its own.
    """

    memory: int | None = None
    network: bool = False
    mounts: Mapping[str, Path] = field(default_factory=dict)
    user: str | None = None
    gpus: bool = False
    temporary: Literal["memory", "disk"] = "memory"
    ports: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Push:
    """What a push brought: the digest that the registry knows the image by."""

    reference: str
    digest: str


@dataclass(frozen=True)
class Engine:
    """An engine's client: `program` is its path."""

    kind: Kind
    program: str
    variables: Mapping[str, str] = field(default_factory=dict)

    def build(
        self,
        context: Path,
        file: Path,
        *,
        tags: Sequence[str],
        target: str | None = None,
        arguments: Mapping[str, str] | None = None,
        labels: Mapping[str, str] | None = None,
        seconds: float,
        on_step: Callable[[str], None] | None = None,
        cached: bool = True,
    ) -> str:
        """Build `file` with `context`; returns the image's id.

        One platform, no attestations: SageMaker takes no index.

        Raises:
            FailedError: a step failed or did not end within `seconds`; the message names it and its last lines.
            MissingError: this client cannot build.
        """
        command = [self.program, "build", "--file", str(file)]
        command += [f"--tag={tag}" for tag in tags]
        command += [f"--build-arg={name}={value}" for name, value in (arguments or {}).items()]
        command += [f"--label={name}={value}" for name, value in (labels or {}).items()]
        command += [f"--target={target}"] if target else []
        command += [] if cached else ["--no-cache"]
        command += [] if self._has_network() else ["--network=host"]
        environment = dict(os.environ)
        if self.kind == "docker":
            command += ["--progress=plain", *self._without_attestations()]
            environment["DOCKER_BUILDKIT"] = "1"
        elif self.kind == "buildah":
            command += ["--format=docker"]
        follow([*command, str(context)], environment, seconds, on_step)
        return self.inspect(tags[0]).id

    def run(self, image: str, arguments: Sequence[str], limits: Limits, environment: Mapping[str, str]) -> Container:
        """Start `image` with `arguments`, as SageMaker does; nothing is pulled.

        Raises:
            FailedError: the engine does not start it, such as for a program that is not in the image.
        """
        container = Container(self.program, _new_name())
        given = container_options(self.kind, container.name, limits, environment, network=self.network)
        command = [self.program, "run", "--detach", *given, f"--label={RUN_LABEL}"]
        try:
            self._call([*command, image, *arguments])
        except BaseException:
            container.remove()
            raise
        return container

    def create(
        self,
        image: str,
        arguments: Sequence[str],
        limits: Limits,
        environment: Mapping[str, str],
        *,
        name: str,
        label: str,
    ) -> Container:
        """Make a container that is not started: `attach` does that. It keeps no log of its own; nothing is pulled.

        Raises:
            FailedError: the engine does not make it.
        """
        given = container_options(self.kind, name, limits, environment, network=self.network)
        self._call([self.program, "create", *given, f"--label={label}", "--log-driver=none", image, *arguments])
        return Container(self.program, name)

    def attach(self, container: Container) -> "subprocess.Popen[bytes]":
        """Start a container that `create` made. The process prints what it prints and ends when it does, as it does."""
        return subprocess.Popen(
            [self.program, "start", "--attach", container.name],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # signals for this process are none for the container
        )

    @property
    def network(self) -> str:
        """The network of containers that have one: the engine's own, or the machine's where it has none."""
        return ("bridge" if self.kind == "docker" else "podman") if self._has_network() else HOST_NETWORK

    def inspect(self, image: str) -> ImageFacts:
        """What the engine knows about `image` (a tag, a digest or an id).

        Raises:
            FailedError: it has no such image.
        """
        if self.kind == "buildah":
            return _of_buildah(json.loads(self._call([self.program, "inspect", "--type", "image", image])))
        return _facts(json.loads(self._call([self.program, "image", "inspect", image]))[0])

    def images(self, label: str) -> list[ImageFacts]:
        """The images with `label` (a name, or name=value), newest first."""
        listed = self._call([self.program, "images", "--quiet", "--no-trunc", "--filter", f"label={label}"]).split()
        found = [self.inspect(image) for image in dict.fromkeys(listed)]
        return sorted(found, key=lambda image: image.created, reverse=True)

    def history(self, image: str) -> list[Layer]:
        """The layers of `image`, lowest first, without those that hold nothing."""
        if self.kind == "buildah":
            return []
        lines = self._call(
            [self.program, "history", "--no-trunc", "--human=false", "--format={{json .}}", image]
        ).splitlines()
        layers = [json.loads(line) for line in lines if line.strip()]
        found = [Layer(_instruction(one), int(float(one.get("Size") or one.get("size") or 0))) for one in layers]
        return [layer for layer in reversed(found) if layer.size]

    def tag(self, image: str, reference: str) -> None:
        """Give `image` another name."""
        self._call([self.program, "tag", image, reference])

    def untag(self, reference: str) -> None:
        """Take the name `reference` away; an image that has no other goes."""
        self._call([self.program, "rmi", reference])

    @contextmanager
    def logged_in(self, registry: str, user: str, password: str) -> Iterator["Engine"]:
        """This engine with credentials for `registry`: in a folder of their own that is removed, in no argument.

        Raises:
            FailedError: the registry does not accept them.
        """
        with tempfile.TemporaryDirectory(prefix="glue-login-") as folder:
            session = replace(self, variables={**self.variables, **self._credentials(Path(folder))})
            session._call([self.program, "login", f"--username={user}", "--password-stdin", registry], given=password)
            yield session

    def _credentials(self, folder: Path) -> Mapping[str, str]:
        """The variables that have the client keep credentials in `folder`, and still find its engine."""
        if self.kind != "docker":
            return {"REGISTRY_AUTH_FILE": str(folder / "auth.json")}
        host = os.environ.get("DOCKER_HOST") or self._call(
            [self.program, "context", "inspect", "--format={{.Endpoints.docker.Host}}"]
        )
        return {"DOCKER_CONFIG": str(folder), "DOCKER_HOST": host.strip()}

    def _call(self, arguments: Sequence[str], *, seconds: float = QUERY_SECONDS, given: str | None = None) -> str:
        return call(arguments, seconds=seconds, given=given, environment=self._environment)

    @property
    def _environment(self) -> Mapping[str, str] | None:
        return {**os.environ, **self.variables} if self.variables else None

    def push(self, reference: str, *, seconds: float = TRANSFER_SECONDS, on_layers: OnLayers | None = None) -> Push:
        """Push the image that is tagged `reference`.

        Raises:
            FailedError: the registry refused it, or it took longer than `seconds`.
        """
        plain = [] if self.kind == "docker" else [f"--tls-verify={'false' if _is_local(reference) else 'true'}"]
        transfer([self.program, "push", *plain, reference], self._environment, seconds, on_layers)
        repository = reference.rpartition(":")[0]
        digests = [digest for digest in self.inspect(reference).digests if digest.startswith(f"{repository}@")]
        if not digests:
            raise FailedError(f"{reference}: pushed, and {self.kind} does not say under which digest")
        return Push(reference, digests[0].rpartition("@")[2])

    def pull(
        self, reference: str, *, seconds: float = TRANSFER_SECONDS, on_layers: OnLayers | None = None
    ) -> ImageFacts:
        """Fetch `reference` (`repository@sha256:…` or a tag) and say what it is.

        Raises:
            FailedError: the registry does not give it out, or it took longer than `seconds`.
        """
        plain = [] if self.kind == "docker" else [f"--tls-verify={'false' if _is_local(reference) else 'true'}"]
        transfer([self.program, "pull", *plain, reference], self._environment, seconds, on_layers)
        return self.inspect(reference)

    def run_once(self, image: str, program: str, arguments: Sequence[str], *, seconds: float = 120.0) -> str:
        """What `program` of `image` prints when it is run without a network.

        Raises:
            FailedError: it fails, or takes longer than `seconds`.
        """
        container = Container(self.program, _new_name())
        command = [self.program, "run", f"--name={container.name}", f"--label={RUN_LABEL}", "--pull=never"]
        command += ["--network=none", f"--entrypoint={program}", image, *arguments]
        try:
            return self._call(command, seconds=seconds)
        finally:
            container.remove()

    def _has_network(self) -> bool:
        if self.kind == "buildah":
            return True
        names = self._call([self.program, "network", "ls", "--format={{.Name}}"]).split()
        return ("bridge" if self.kind == "docker" else "podman") in names

    def _without_attestations(self) -> list[str]:
        """The options for it; none for a client that has BuildKit built in, whose builds have no attestations.

        Raises:
            MissingError: a newer client without buildx, which cannot build with BuildKit.
        """
        try:
            self._call([self.program, "buildx", "version"])
        except CommandError as error:
            version = self._call([self.program, "version", "--format={{.Client.Version}}"]).strip()
            if int(version.partition(".")[0] or 0) >= 23:
                raise MissingError(
                    f"{self.program} {version} has no buildx, without which it cannot build",
                    hints=["install docker-buildx-plugin", "or name another client: GLUE_ENGINE=/path/to/docker"],
                ) from error
            return []
        return ["--provenance=false", "--sbom=false", "--load"]


def container_options(
    kind: Kind, name: str, limits: Limits, environment: Mapping[str, str], *, network: str
) -> list[str]:
    """The options of `run` and `create` for a container with these limits, as SageMaker runs it; nothing is pulled.

    `network` is the engine's own, or `host` where it has none: then a port cannot be published.
    """
    options = [f"--name={name}", "--pull=never"]
    options += ["--tmpfs=/tmp:rw,exec,mode=1777" if limits.temporary == "memory" else "--volume=/tmp"]
    options += [f"--network={network if limits.network else 'none'}"]
    if limits.network and network != HOST_NETWORK:
        options += [f"--publish=127.0.0.1:{ours}:{its}" for its, ours in limits.ports.items()]
    if limits.memory is not None:  # swap would hide that memory ran out
        options += [f"--memory={limits.memory}", f"--memory-swap={limits.memory}"]
    options += [f"--volume={source}:{target}:ro" for target, source in limits.mounts.items()]
    options += [f"--user={limits.user}"] if limits.user else []
    if limits.gpus:
        options += ["--gpus=all"] if kind == "docker" else ["--device=nvidia.com/gpu=all"]
    return options + [f"--env={key}={value}" for key, value in environment.items()]


def _new_name() -> str:
    return f"glue-{secrets.token_hex(6)}"


def _facts(found: Mapping[str, Any]) -> ImageFacts:
    config = found.get("Config") or {}
    return ImageFacts(
        id=_identifier(found["Id"]),
        platform=f"{found.get('Os', '')}/{found.get('Architecture', '')}",
        entrypoint=_words(config.get("Entrypoint")),
        command=_words(config.get("Cmd")),
        environment=dict(entry.split("=", 1) for entry in config.get("Env") or () if "=" in entry),
        labels=config.get("Labels") or {},
        user=config.get("User") or "",
        size=int(found.get("Size") or 0),
        created=_time(found.get("Created")),
        tags=tuple(found.get("RepoTags") or ()),
        digests=tuple(found.get("RepoDigests") or ()),
        layers=tuple((found.get("RootFS") or {}).get("Layers") or ()),
        settings=config,
    )


def _of_buildah(found: Mapping[str, Any]) -> ImageFacts:
    document = {**found["Docker"], "Id": found["FromImageID"], "RepoDigests": [], "RepoTags": [found["FromImage"]]}
    document |= {
        "Config": found["Docker"].get("config"),
        "Os": "linux",
        "Architecture": found["Docker"]["architecture"],
    }
    document |= {"Created": found["Docker"].get("created"), "RootFS": {"Layers": found["Docker"]["rootfs"]["diff_ids"]}}
    return _facts(document)


def _identifier(text: str) -> str:
    return text if text.startswith("sha256:") else f"sha256:{text}"


def _words(value: Any) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value or ())


def _time(text: str | None) -> datetime:
    moment = (text or "1970-01-01T00:00:00Z").replace("Z", "+00:00")
    head, dot, rest = moment.partition(".")
    digits = rest[: next((i for i, c in enumerate(rest) if not c.isdigit()), len(rest))]
    return datetime.fromisoformat(f"{head}{dot}{digits[:6]:0<6}{rest[len(digits) :]}" if dot else moment)


def _instruction(layer: Mapping[str, Any]) -> str:
    text: str = layer.get("CreatedBy") or layer.get("createdBy") or ""
    return " ".join(text.removeprefix("/bin/sh -c #(nop) ").removesuffix("# buildkit").split())


def _is_local(reference: str) -> bool:
    return reference.startswith(("127.0.0.1:", "localhost:"))

"""Pushing a container image: one tag that never moves, one digest that is read back and compared."""

import base64
import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from glue.cloud import Cloud
from glue.durations import TRANSFER_SECONDS
from glue.engines import Engine, ImageFacts
from glue.engines.commands import CommandError
from glue.engines.transfers import OnLayers
from glue.errors import FailedError
from glue.images import scanning
from glue.images.building import Built
from glue.images.ecr import Repository, held_manifest
from glue.profiles.models import ImageScan
from glue.progress import Reporter

SINGLE_PLATFORM = frozenset(
    {"application/vnd.docker.distribution.manifest.v2+json", "application/vnd.oci.image.manifest.v1+json"}
)
"""The media types of a manifest that is no index. SageMaker has refused indexes with attestations."""


def publish(  # noqa: PLR0917 - one of each
    built: Built,
    url: str,
    cloud: Cloud,
    engine: Engine,
    reporter: Reporter,
    scan: ImageScan,
    *,
    seconds: float = TRANSFER_SECONDS,
) -> str:
    """Push `built` to the ECR repository at `url`; returns `url@sha256:…`. What is there already is not sent again.

    Args:
        seconds: after so long a push or a pull is ended.

    Raises:
        FailedError: the tag stands for another image, the registry gives out something else than was sent, or the
            scan found what the profile does not allow.
    """
    repository = Repository.at(url)
    client = repository.client(cloud)
    reporter.step(f"pushing {url}:{built.tag}")
    authorization = client.get_authorization_token()["authorizationData"][0]
    user, _, password = base64.b64decode(authorization["authorizationToken"]).decode().partition(":")
    registry = authorization["proxyEndpoint"].partition("://")[2]
    with engine.logged_in(registry, user, password) as session:
        transfers = Transfers(session, f"{registry}/{repository.name}", reporter, seconds)
        held = held_manifest(client, repository, {"imageTag": built.tag})
        image = built.image if held is None else _held_image(built, held, url, transfers)
        digest = transfers.push(built.image, built.tag) if held is None else held["imageId"]["imageDigest"]
        found = held_manifest(client, repository, {"imageDigest": digest})
        check_manifest(f"{url}@{digest}", json.loads(found["imageManifest"]) if found else None)
        transfers.compare(image, digest)
    reporter.note(f"{digest} was pulled back and is the same image")
    scanning.wait(client, repository, digest, scan, reporter)
    return f"{url}@{digest}"


@dataclass(frozen=True)
class Transfers:
    """Between an engine that is logged in and `place` (registry and repository). Each is ended after `seconds`."""

    engine: Engine
    place: str
    reporter: Reporter
    seconds: float = TRANSFER_SECONDS

    def push(self, image: ImageFacts, tag: str) -> str:
        """Push `image` as `tag`; returns the digest that it has there.

        Raises:
            FailedError: the registry refused it.
        """
        reference = f"{self.place}:{tag}"
        self.engine.tag(image.id, reference)
        try:
            return self.engine.push(reference, seconds=self.seconds, on_layers=self._telling("layers pushed")).digest
        finally:
            with contextlib.suppress(CommandError):  # a name that stays is no reason to fail, and must not hide one
                self.engine.untag(reference)

    def pull(self, digest: str) -> ImageFacts:
        """Pull the image `digest`.

        Raises:
            FailedError: the registry does not give it out.
        """
        reference = f"{self.place}@{digest}"
        return self.engine.pull(reference, seconds=self.seconds, on_layers=self._telling("layers pulled"))

    def compare(self, image: ImageFacts, digest: str) -> None:
        """Pull the image `digest` and see that it is `image`.

        Raises:
            FailedError: it is another one.
        """
        pulled = self.pull(digest)
        if pulled.id != image.id or pulled.layers != image.layers:
            raise FailedError(f"{self.place}@{digest}: the registry gives out {pulled.id}, pushed was {image.id}")

    def _telling(self, what: str) -> OnLayers:
        return lambda through, known: self.reporter.progress(what, through, known)


def _held_image(built: Built, held: Mapping[str, Any], url: str, transfers: Transfers) -> ImageFacts:
    """The image that the tag of `built` stands for in the registry: `built`, or one that differs in its dates alone.

    Raises:
        FailedError: it is another one.
    """
    digest = held["imageId"]["imageDigest"]
    if _is_image(built.image, json.loads(held["imageManifest"]), digest):
        transfers.reporter.note("it is there already")
        return built.image
    image = transfers.pull(digest)
    if not image.is_alike(built.image):
        raise FailedError(
            f"{url}:{built.tag}: the tag stands for {digest} already, which is another image",
            hints=[
                "its sources are the same: the base or what a build step fetched is not; raise the workload's version"
            ],
        )
    transfers.reporter.note(f"{digest} is there already, with the same layers and settings, made at another moment")
    return image


def check_manifest(reference: str, manifest: Mapping[str, Any] | None) -> None:
    """`manifest` is one for a single platform.

    Raises:
        FailedError: it is an index, or there is none.
    """
    if manifest is None:
        raise FailedError(f"{reference}: pushed, and the registry does not have it")
    media_type = manifest.get("mediaType") or SINGLE_PLATFORM_DEFAULT
    if media_type not in SINGLE_PLATFORM or "layers" not in manifest:
        raise FailedError(
            f"{reference}: the engine pushed an index ({media_type}), SageMaker needs a manifest for one platform",
            hints=["build without attestations: --provenance=false"],
        )


SINGLE_PLATFORM_DEFAULT = "application/vnd.oci.image.manifest.v1+json"
"""What a manifest without a media type is (OCI Image Specification)."""


def _is_image(image: ImageFacts, manifest: Mapping[str, Any], digest: str) -> bool:
    """Whether `manifest` is that of `image`: engines name an image by its configuration's digest or its manifest's."""
    return image.id in {digest, (manifest.get("config") or {}).get("digest")}

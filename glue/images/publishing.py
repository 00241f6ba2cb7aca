"""Pushing a container image: one tag that never moves, one digest that is read back and compared."""

import base64
import json
from collections.abc import Mapping
from typing import Any

from glue.cloud import Cloud
from glue.engines import Engine, ImageFacts
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
    built: Built, url: str, cloud: Cloud, engine: Engine, reporter: Reporter, scan: ImageScan
) -> str:
    """Push `built` to the ECR repository at `url`; returns `url@sha256:…`. What is there already is not sent again.

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
        held = held_manifest(client, repository, {"imageTag": built.tag})
        place = f"{registry}/{repository.name}"
        if held is None:
            digest = transfer(session, built.image, place, built.tag)
        else:
            digest = held["imageId"]["imageDigest"]
            if not _is_image(built.image, json.loads(held["imageManifest"]), digest):
                raise FailedError(f"{url}:{built.tag}: the tag stands for {digest} already, which is another image")
            reporter.note("it is there already")
        found = held_manifest(client, repository, {"imageDigest": digest})
        check_manifest(f"{url}@{digest}", json.loads(found["imageManifest"]) if found else None)
        compare(session, built.image, f"{place}@{digest}")
    reporter.note(f"{digest} was pulled back and is the same image")
    scanning.wait(client, repository, digest, scan, reporter)
    return f"{url}@{digest}"


def transfer(engine: Engine, image: ImageFacts, place: str, tag: str) -> str:
    """Push `image` to `place` (registry and repository) as `tag`; returns the digest that it has there.

    Raises:
        FailedError: the registry refused it.
    """
    reference = f"{place}:{tag}"
    engine.tag(image.id, reference)
    try:
        return engine.push(reference).digest
    finally:
        engine.untag(reference)


def compare(engine: Engine, image: ImageFacts, reference: str) -> None:
    """Pull `reference` (by digest) and see that it is `image`.

    Raises:
        FailedError: it is another one.
    """
    pulled = engine.pull(reference)
    if pulled.id != image.id or pulled.layers != image.layers:
        raise FailedError(f"{reference}: the registry gives out {pulled.id}, pushed was {image.id}")


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

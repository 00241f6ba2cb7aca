"""What a registry holds of each workload, and what of it is released."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from glue.cloud import Cloud
from glue.images.ecr import Repository
from glue.releases import Release


@dataclass(frozen=True)
class Listed:
    """An image in a repository: `size` in bytes as it is sent, the moment of its push, the endpoints that run it."""

    workload: str
    digest: str
    tags: tuple[str, ...]
    size: int
    pushed: str
    released: tuple[str, ...]

    @property
    def document(self) -> dict[str, Any]:
        """It as plain data."""
        return asdict(self)


def listed(repositories: Mapping[str, str], release: Release | None, cloud: Cloud) -> list[Listed]:
    """The images of `repositories` (addresses by workload), by workload, newest first."""
    running = {key: entry.image for key, entry in (release.endpoints if release else {}).items()}
    found = []
    for workload, url in sorted(repositories.items()):
        repository = Repository.at(url)
        pages = repository.client(cloud).get_paginator("describe_images").paginate(**repository.arguments)
        images = [_image(workload, url, detail, running) for page in pages for detail in page["imageDetails"]]
        found += sorted(images, key=lambda image: image.pushed, reverse=True)
    return found


def _image(workload: str, url: str, detail: Mapping[str, Any], running: Mapping[str, str | None]) -> Listed:
    digest = detail["imageDigest"]
    return Listed(
        workload=workload,
        digest=digest,
        tags=tuple(sorted(detail.get("imageTags", ()))),
        size=int(detail.get("imageSizeInBytes", 0)),
        pushed=detail["imagePushedAt"].isoformat(timespec="seconds"),
        released=tuple(sorted(key for key, image in running.items() if image == f"{url}@{digest}")),
    )

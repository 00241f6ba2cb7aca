"""An image as bytes: a manifest that names a configuration and layers by digest.

One manifest for one platform and no index, in Docker's schema 2: every registry and SageMaker take it.
Sources: "Image Manifest V 2, Schema 2" of the Distribution project; for configuration and layout the OCI Image
Specification.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glue.files import replacing, write_atomically

MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
_CONFIG_TYPE = "application/vnd.docker.container.image.v1+json"
_LAYER_TYPE = "application/vnd.docker.image.rootfs.diff.tar.gzip"

RUNTIME_LABEL = "io.async-inference.runtime"
PROCESS_RUNTIME = "process"


@dataclass(frozen=True)
class Blob:
    """Content that an image names by its digest."""

    media_type: str
    data: bytes

    @property
    def digest(self) -> str:
        """`sha256:…` of the content."""
        return digest_of(self.data)

    @property
    def descriptor(self) -> dict[str, Any]:
        """How a manifest names it."""
        return {"mediaType": self.media_type, "size": len(self.data), "digest": self.digest}


@dataclass(frozen=True)
class Layer:
    """A layer: its gzipped tar, and the sha256 of the tar inside."""

    data: bytes
    tar_sha256: str


@dataclass(frozen=True)
class Image:
    """An image for one platform. `version` is that of its workload's contract."""

    manifest: bytes
    config: Blob
    layers: tuple[Blob, ...]
    version: str
    labels: Mapping[str, str]

    @property
    def digest(self) -> str:
        """`sha256:…` of the manifest: the digest that a registry knows the image by."""
        return digest_of(self.manifest)

    @property
    def tag(self) -> str:
        """The version with the beginning of the digest: the same content has the same tag, other content another."""
        return f"{self.version}-{self.digest.removeprefix('sha256:')[:12]}"

    @property
    def is_process_image(self) -> bool:
        """Whether it holds a program without an operating system."""
        return self.labels.get(RUNTIME_LABEL) == PROCESS_RUNTIME


def image(
    layers: Sequence[Layer], *, version: str, entrypoint: list[str], command: list[str], labels: Mapping[str, str]
) -> Image:
    """The image of `layers`: the same input gives the same bytes, so no time and no host appear in it."""
    blobs = tuple(Blob(_LAYER_TYPE, layer.data) for layer in layers)
    config = Blob(
        _CONFIG_TYPE,
        _json(
            {
                "architecture": "amd64",
                "os": "linux",
                "config": {"Entrypoint": entrypoint, "Cmd": command, "Labels": dict(labels)},
                "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer.tar_sha256}" for layer in layers]},
            }
        ),
    )
    manifest = _json(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": config.descriptor,
            "layers": [blob.descriptor for blob in blobs],
        }
    )
    return Image(manifest, config, blobs, version, dict(labels))


def write_layout(made: Image, folder: Path) -> None:
    """Write `made` into `folder` as an OCI image layout, which container tools read (`skopeo inspect oci:FOLDER`)."""
    blobs = folder / "blobs" / "sha256"
    for data in (made.manifest, made.config.data, *(layer.data for layer in made.layers)):
        with replacing(blobs / digest_of(data).removeprefix("sha256:")) as stream:
            stream.write(data)
    entry = Blob(MANIFEST_TYPE, made.manifest).descriptor | {
        "annotations": {"org.opencontainers.image.ref.name": made.tag}
    }
    write_atomically(folder / "oci-layout", '{"imageLayoutVersion": "1.0.0"}\n')
    write_atomically(folder / "index.json", _json({"schemaVersion": 2, "manifests": [entry]}).decode())


def digest_of(data: bytes) -> str:
    """`sha256:…` of `data`."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _json(data: Any) -> bytes:
    return json.dumps(data, sort_keys=True, separators=(",", ":")).encode("ascii")

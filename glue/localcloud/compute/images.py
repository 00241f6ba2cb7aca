"""Images in ECR, found through its API; those that run as processes are unpacked here."""

import contextlib
import hashlib
import json
import re
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import urllib3
from botocore.exceptions import ClientError

from glue.localcloud import trees
from glue.localcloud.accounts import Scope
from glue.localcloud.clients import Clients

_URI = re.compile(
    r"(?P<account>[0-9]{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?/"
    r"(?P<repository>[a-z0-9._/-]+?)(?::(?P<tag>[\w.-]{1,128}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)
_PULL_TIMEOUT = urllib3.Timeout(connect=5, read=60)


class ImageError(Exception):
    """An image that is not there or not sound."""


@dataclass(frozen=True)
class ImageReference:
    """Where an image lies: a repository of an account and region, and a tag or digest in it."""

    scope: Scope
    repository: str
    tag: str | None
    digest: str | None

    @classmethod
    def parse(cls, uri: str) -> "ImageReference | None":
        """The image that `uri` names; None when that is no image in ECR."""
        match = _URI.fullmatch(uri)
        if match is None:
            return None
        tag = match["tag"] or (None if match["digest"] else "latest")
        return cls(Scope(match["account"], match["region"]), match["repository"], tag, match["digest"])

    @property
    def image_id(self) -> dict[str, str]:
        """The image as ECR's API names it."""
        if self.digest:
            return {"imageDigest": self.digest}
        return {"imageTag": self.tag or "latest"}


@dataclass(frozen=True)
class RegisteredImage:
    """An image as its registry has it: its digest, the digests of its config and layers, and what the config says."""

    reference: ImageReference
    digest: str
    config: str
    layers: tuple[str, ...]
    labels: dict[str, str]
    entrypoint: tuple[str, ...]
    environment: dict[str, str]

    @property
    def resolved(self) -> str:
        """The URI that names it by digest, as DescribeEndpoint's `ResolvedImage`."""
        host = f"{self.reference.scope.account}.dkr.ecr.{self.reference.scope.region}.amazonaws.com"
        return f"{host}/{self.reference.repository}@{self.digest}"


class ImageStore:
    """Unpacked images in `folder`, one folder a digest; fetched once, however many ask at a time."""

    def __init__(self, folder: Path, clients: Clients) -> None:
        self._folder = folder
        self._clients = clients
        self._http = urllib3.PoolManager(retries=False)
        self._lock = threading.Lock()

    def find(self, reference: ImageReference) -> RegisteredImage:
        """Fetch manifest and config and check their digests.

        Raises:
            ImageError: the repository or image is missing or is not what its digest says.
        """
        digest, manifest = self._manifest(reference)
        try:
            config = json.loads(self._blob(reference, manifest["config"]["digest"]))
            settings: dict[str, Any] = config.get("config") or {}
            return RegisteredImage(
                reference=reference,
                digest=digest,
                config=manifest["config"]["digest"],
                layers=tuple(layer["digest"] for layer in manifest["layers"]),
                labels=settings.get("Labels") or {},
                entrypoint=tuple(settings.get("Entrypoint") or ()),
                environment=dict(entry.split("=", 1) for entry in settings.get("Env") or () if "=" in entry),
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ImageError(f"image {digest}: manifest or config not understood: {error!r}") from error

    def unpack(self, image: RegisteredImage) -> Path:
        """The folder with the image's files, read-only; its layers are fetched and checked when it is not there yet.

        Raises:
            ImageError: a layer is missing, is not what its digest says, or cannot be unpacked.
        """
        with self._lock:
            return self._unpacked(image)

    def _manifest(self, reference: ImageReference) -> tuple[str, dict[str, Any]]:
        ecr = self._clients.get(reference.scope, "ecr")
        try:
            answer = ecr.batch_get_image(repositoryName=reference.repository, imageIds=[reference.image_id])
        except ClientError as error:
            raise ImageError(error.response["Error"]["Message"]) from error
        if not answer["images"]:
            wanted = reference.digest or reference.tag
            raise ImageError(f"repository {reference.repository} has no image {wanted}")
        image = answer["images"][0]
        text = image["imageManifest"]
        digest = f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
        if digest != image["imageId"]["imageDigest"]:
            raise ImageError(f"the manifest of {image['imageId']['imageDigest']} has the digest {digest}")
        manifest: dict[str, Any] = json.loads(text)
        if "layers" not in manifest:
            raise ImageError(f"image {digest} is an index; a single-platform manifest is needed")
        return digest, manifest

    def _blob(self, reference: ImageReference, digest: str) -> bytes:
        ecr = self._clients.get(reference.scope, "ecr")
        try:
            answer = ecr.get_download_url_for_layer(repositoryName=reference.repository, layerDigest=digest)
            response = self._http.request("GET", answer["downloadUrl"], timeout=_PULL_TIMEOUT)
        except (ClientError, urllib3.exceptions.HTTPError) as error:
            raise ImageError(f"layer {digest}: {error}") from error
        if response.status != 200 or f"sha256:{hashlib.sha256(response.data).hexdigest()}" != digest:
            raise ImageError(f"layer {digest}: the download is not what the digest says")
        return response.data

    def _unpacked(self, image: RegisteredImage) -> Path:
        root = self._folder / image.digest.removeprefix("sha256:")
        if root.is_dir():
            return root
        self._folder.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(dir=self._folder, prefix=".partial-"))
        try:
            for layer in image.layers:
                with tempfile.TemporaryFile() as file:
                    file.write(self._blob(image.reference, layer))
                    file.seek(0)
                    trees.unpack(file, partial)
            partial.chmod(0o755)
            trees.make_read_only(partial)
            partial.rename(root)
        except trees.UnsafeArchiveError as error:
            raise ImageError(f"image {image.digest}: {error}") from error
        finally:
            with contextlib.suppress(OSError):
                trees.remove(partial)
        return root

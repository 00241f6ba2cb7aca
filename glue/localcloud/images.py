"""Container images, pulled from ECR through its API and unpacked for the instances."""

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

    def resolved(self, digest: str) -> str:
        """The URI that names the image by digest, as DescribeEndpoint's `ResolvedImage`."""
        host = f"{self.scope.account}.dkr.ecr.{self.scope.region}.amazonaws.com"
        return f"{host}/{self.repository}@{digest}"


@dataclass(frozen=True)
class PulledImage:
    """An image on this machine: `root` holds its files, read-only; the rest is its config."""

    resolved: str
    root: Path
    labels: dict[str, str]
    entrypoint: tuple[str, ...]
    environment: dict[str, str]


class ImageStore:
    """Unpacked images in `folder`, one folder a digest; pulled once, however many ask at a time."""

    def __init__(self, folder: Path, clients: Clients) -> None:
        self._folder = folder
        self._clients = clients
        self._http = urllib3.PoolManager(retries=False)
        self._lock = threading.Lock()

    def pull(self, reference: ImageReference) -> PulledImage:
        """Fetch manifest, config and layers, check their digests, and unpack them.

        Raises:
            ImageError: the repository, image or a layer is missing or is not what its digest says.
        """
        digest, manifest = self._manifest(reference)
        with self._lock:
            try:
                config = json.loads(self._blob(reference, manifest["config"]["digest"]))
                root = self._unpacked(reference, digest, [layer["digest"] for layer in manifest["layers"]])
            except (ValueError, KeyError, TypeError) as error:
                raise ImageError(f"image {digest}: manifest or config not understood: {error!r}") from error
        settings: dict[str, Any] = config.get("config") or {}
        return PulledImage(
            resolved=reference.resolved(digest),
            root=root,
            labels=settings.get("Labels") or {},
            entrypoint=tuple(settings.get("Entrypoint") or ()),
            environment=dict(entry.split("=", 1) for entry in settings.get("Env") or () if "=" in entry),
        )

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

    def _unpacked(self, reference: ImageReference, digest: str, layers: list[str]) -> Path:
        root = self._folder / digest.removeprefix("sha256:")
        if root.is_dir():
            return root
        self._folder.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(dir=self._folder, prefix=".partial-"))
        try:
            for layer in layers:
                with tempfile.TemporaryFile() as file:
                    file.write(self._blob(reference, layer))
                    file.seek(0)
                    trees.unpack(file, partial)
            partial.chmod(0o755)
            trees.make_read_only(partial)
            partial.rename(root)
        except trees.UnsafeArchiveError as error:
            raise ImageError(f"image {digest}: {error}") from error
        finally:
            with contextlib.suppress(OSError):
                trees.remove(partial)
        return root

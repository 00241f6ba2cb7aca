"""Images in Amazon ECR, through its own API: no container engine is needed to push or to look."""

import re
from dataclasses import dataclass, replace
from typing import Any

from glue.cloud import Cloud
from glue.errors import FailedError, MissingError, UsageError
from glue.images.oci import MANIFEST_TYPE, Blob, Image, digest_of
from glue.progress import Reporter, mebibytes

_MAX_PART = 20_971_520  # bytes; ECR's limit for UploadLayerPart
_ADDRESS = re.compile(
    r"(?P<account>[0-9]{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?/(?P<name>[a-z0-9._/-]+)"
)


@dataclass(frozen=True)
class Repository:
    """A repository by its address, `ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME`."""

    url: str
    account_id: str
    region: str
    name: str

    @classmethod
    def at(cls, url: str) -> "Repository":
        """The repository at `url`.

        Raises:
            UsageError: it is no address of a private ECR repository.
        """
        match = _ADDRESS.fullmatch(url)
        if match is None:
            raise UsageError(f"{url}: not the address of an ECR repository")
        return cls(url, match["account"], match["region"], match["name"])

    @property
    def arguments(self) -> dict[str, str]:
        """How ECR's operations name it."""
        return {"registryId": self.account_id, "repositoryName": self.name}

    def client(self, cloud: Cloud) -> Any:
        """A client of the region that the repository is in."""
        return replace(cloud, region=self.region).client("ecr")


def push(image: Image, url: str, cloud: Cloud, reporter: Reporter) -> str:
    """Push `image` to the repository at `url`, tagged; returns `url@sha256:…`. What is there already is not sent again.

    Raises:
        MissingError: the cloud runs real containers only, and this is a process image.
        FailedError: the tag stands for another image, or the registry holds something else than was sent.
    """
    if image.is_process_image and not cloud.runs_process_images:
        raise MissingError(
            f"{cloud.name} runs real containers only, and this image was built without a container engine: "
            "it holds the program and no operating system",
            hints=["run the environment in the local cloud: GLUE_CLOUD=local"],
        )
    repository = Repository.at(url)
    client = repository.client(cloud)
    reporter.step(f"pushing {url}:{image.tag}")
    held = _digest_of_tag(client, repository, image.tag)
    if held not in {None, image.digest}:
        raise FailedError(f"{url}:{image.tag}: the tag stands for {held} already, not for {image.digest}")
    if held is None:
        blobs = [image.config, *image.layers]
        for blob in _unavailable(client, repository, blobs):
            _upload(client, repository, blob, reporter)
        _put(client, repository, image)
    else:
        reporter.note("it is there already")
    _compare(client, repository, image)
    return f"{url}@{image.digest}"


def missing(image: str, cloud: Cloud) -> str | None:
    """Why `image` (`repository@sha256:…`) cannot be pulled, now or after a while, as a sentence; None when it can."""
    url, _, digest = image.partition("@")
    repository = Repository.at(url)
    client = repository.client(cloud)
    try:
        found = held_manifest(client, repository, {"imageDigest": digest})
    except client.exceptions.RepositoryNotFoundException:
        return f"{image} is not there: account {repository.account_id} has no repository {repository.name}"
    if not found:
        return f"{image} is not there"
    if tags_of(client, repository, digest) == ():
        return f"{image} has no tag: the lifecycle of its repository may remove it"
    return None


def tags_of(client: Any, repository: Repository, digest: str) -> tuple[str, ...] | None:
    """The tags of an image that is there; None: the account may pull it and not ask for them."""
    from botocore.exceptions import ClientError  # noqa: PLC0415 - heavy

    try:
        details = client.describe_images(**repository.arguments, imageIds=[{"imageDigest": digest}])["imageDetails"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "AccessDeniedException":
            raise
        return None
    return tuple(sorted(tag for detail in details for tag in detail.get("imageTags", ())))


def held_manifest(client: Any, repository: Repository, image_id: dict[str, str]) -> dict[str, Any] | None:
    """The image `image_id` (a tag or a digest) as BatchGetImage answers it; None: it is not there."""
    # Reading the manifest takes no more rights than pulling does, which is what other accounts are given.
    answer = client.batch_get_image(**repository.arguments, imageIds=[image_id])
    for failure in answer["failures"]:
        if failure["failureCode"] != "ImageNotFound":
            raise FailedError(f"{repository.url}: {failure['failureCode']}: {failure.get('failureReason', '')}")
    images: list[dict[str, Any]] = answer["images"]
    return images[0] if images else None


def _digest_of_tag(client: Any, repository: Repository, tag: str) -> str | None:
    found = held_manifest(client, repository, {"imageTag": tag})
    return found["imageId"]["imageDigest"] if found else None


def _unavailable(client: Any, repository: Repository, blobs: list[Blob]) -> list[Blob]:
    """The blobs that the repository does not hold yet."""
    answer = client.batch_check_layer_availability(**repository.arguments, layerDigests=[blob.digest for blob in blobs])
    held = {layer["layerDigest"] for layer in answer["layers"] if layer["layerAvailability"] == "AVAILABLE"}
    return [blob for blob in blobs if blob.digest not in held]


def _upload(client: Any, repository: Repository, blob: Blob, reporter: Reporter) -> None:
    """Send `blob` in parts of the size that ECR asks for (10 MiB), in order."""
    upload = client.initiate_layer_upload(**repository.arguments)
    step = min(upload["partSize"], _MAX_PART)
    for first in range(0, len(blob.data), step):
        part = blob.data[first : first + step]
        client.upload_layer_part(
            **repository.arguments,
            uploadId=upload["uploadId"],
            partFirstByte=first,
            partLastByte=first + len(part) - 1,
            layerPartBlob=part,
        )
        reporter.progress("uploading (MiB)", mebibytes(first + len(part)), mebibytes(len(blob.data)))
    try:
        client.complete_layer_upload(**repository.arguments, uploadId=upload["uploadId"], layerDigests=[blob.digest])
    except client.exceptions.LayerAlreadyExistsException:
        reporter.note(f"{blob.digest} came from someone else meanwhile")


def _put(client: Any, repository: Repository, image: Image) -> None:
    try:
        client.put_image(
            **repository.arguments,
            imageManifest=image.manifest.decode("ascii"),
            imageManifestMediaType=MANIFEST_TYPE,
            imageTag=image.tag,
            imageDigest=image.digest,
        )
    except client.exceptions.ImageAlreadyExistsException:
        return  # the same content under the same tag
    except client.exceptions.ImageTagAlreadyExistsException as error:
        raise FailedError(f"{repository.url}:{image.tag}: the tag stands for another image already") from error


def _compare(client: Any, repository: Repository, image: Image) -> None:
    """What the registry gives out must be what was sent."""
    found = held_manifest(client, repository, {"imageDigest": image.digest})
    if found is None or digest_of(found["imageManifest"].encode("utf-8")) != image.digest:
        raise FailedError(f"{repository.url}@{image.digest}: the registry holds another manifest than was pushed")

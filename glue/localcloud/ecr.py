"""What moto's ECR lacks for an image to be pulled back: layer bytes, true digests, downloads.

moto owns repositories, tags and policies; these operations go through its backend.
https://docs.aws.amazon.com/AmazonECR/latest/APIReference/
"""

import hashlib
import json
from typing import Any

from moto.ecr.models import ecr_backends

from glue.localcloud.blobs import BlobStore
from glue.localcloud.protocol import AwsError, Call, Document, Service

DOWNLOAD_PATH = "/_localcloud/layers/"


class Registry:
    """The operations around layers and manifests. `url` is the local cloud's own."""

    def __init__(self, blobs: BlobStore, url: str) -> None:
        self._blobs = blobs
        self._url = url

    def service(self) -> Service:
        """The operations, ready to be served."""
        return Service(
            "ecr",
            {
                "CompleteLayerUpload": self.complete_layer_upload,
                "GetDownloadUrlForLayer": self.get_download_url_for_layer,
                "PutImage": self.put_image,
                "BatchGetImage": self.batch_get_image,
            },
            validation_code="InvalidParameterException",
        )

    def complete_layer_upload(self, call: Call) -> Document:
        """moto's, keeping the bytes and refusing those that are not what the client says they are."""
        repository = _repository(call)
        upload = repository.uploads.get(call.params["uploadId"])
        if upload is not None:
            content = bytes(upload.layer_parts)
            digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
            if digest not in call.params["layerDigests"]:
                claimed = call.params["layerDigests"][0]
                raise AwsError(
                    "InvalidLayerException",
                    f"The layer digest of the upload '{digest}' does not match the supplied digest '{claimed}'",
                )
            if digest in repository.layers:
                raise AwsError(
                    "LayerAlreadyExistsException",
                    f"Layer with digest '{digest}' already exists in {_named(repository)}",
                )
            self._blobs.put(content)
        result: Document = _backend(call).complete_layer_upload(
            repository.name, call.params["uploadId"], call.params["layerDigests"]
        )
        return result

    def get_download_url_for_layer(self, call: Call) -> Document:
        """A URL of this server that answers the layer's bytes."""
        repository = _repository(call)
        digest = call.params["layerDigest"]
        if digest not in repository.layers or self._blobs.file(digest) is None:
            raise AwsError(
                "LayersNotFoundException", f"The layer with digest '{digest}' does not exist in {_named(repository)}"
            )
        return {"downloadUrl": f"{self._url}{DOWNLOAD_PATH}{digest}", "layerDigest": digest}

    def put_image(self, call: Call) -> Document:
        """moto's, under the digest that AWS gives: the sha256 of the manifest as it was sent."""
        repository = _repository(call)
        manifest: str = call.params["imageManifest"]
        digest = f"sha256:{hashlib.sha256(manifest.encode()).hexdigest()}"
        if call.params.get("imageDigest", digest) != digest:
            raise AwsError(
                "ImageDigestDoesNotMatchException",
                f"The specified image digest '{call.params['imageDigest']}' does not match the calculated "
                f"digest '{digest}'",
            )
        missing = [found for found in _blobs_of(manifest) if found not in repository.layers]
        if missing:
            raise AwsError("LayersNotFoundException", f"Layers {missing} do not exist in {_named(repository)}")
        tag = call.params.get("imageTag")
        if tag is None and any(image.image_digest == digest for image in repository.images):
            raise AwsError(
                "ImageAlreadyExistsException",
                f"Image with digest '{digest}' and tag 'null' already exists in {_named(repository)}",
            )
        media_type = call.params.get("imageManifestMediaType")
        return {"image": _backend(call).put_image(repository.name, manifest, tag, media_type, digest)}

    def batch_get_image(self, call: Call) -> Document:
        """Manifests by digest or tag; what is not there is named as it was asked for."""
        repository = _repository(call)
        found: list[Document] = []
        failures: list[Document] = []
        for wanted in call.params["imageIds"]:
            image = next((one for one in repository.images if _is(one, wanted)), None)
            if image is None:
                reason = "Requested image not found"
                failures.append({"imageId": wanted, "failureCode": "ImageNotFound", "failureReason": reason})
                continue
            found.append(
                {
                    "registryId": repository.registry_id,
                    "repositoryName": repository.name,
                    "imageId": {"imageDigest": image.image_digest, **wanted},
                    "imageManifest": image.image_manifest,
                    "imageManifestMediaType": image.image_manifest_media_type,
                }
            )
        return {"images": found, "failures": failures}


def _backend(call: Call) -> Any:
    return ecr_backends[call.scope.account][call.scope.region]


def _repository(call: Call) -> Any:
    name = call.params["repositoryName"]
    repository = _backend(call).repositories.get(name)
    if repository is None:
        raise AwsError(
            "RepositoryNotFoundException",
            f"The repository with name '{name}' does not exist in the registry with id '{call.scope.account}'",
        )
    return repository


def _named(repository: Any) -> str:
    return f"the repository with name '{repository.name}' in registry with id '{repository.registry_id}'"


def _is(image: Any, wanted: Document) -> bool:
    digest, tag = wanted.get("imageDigest"), wanted.get("imageTag")
    return (
        bool(digest or tag)
        and (digest is None or digest == image.image_digest)
        and (tag is None or tag in image.image_tags)
    )


def _blobs_of(manifest: str) -> list[str]:
    """The digests that an image manifest names: its config's and its layers' (an index names manifests instead)."""
    try:
        document = json.loads(manifest)
        named = [*document.get("layers", []), *filter(None, [document.get("config")])]
        return [blob["digest"] for blob in named]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise AwsError(
            "InvalidParameterException",
            "Invalid parameter at 'ImageManifest' failed to satisfy constraint: 'Invalid image manifest provided'",
        ) from error

"""What moto's ECR lacks for an image to be pushed and pulled: layer bytes, true digests, downloads, a way to log in.

moto owns repositories, tags and policies; these operations go through its backend.
https://docs.aws.amazon.com/AmazonECR/latest/APIReference/
"""

import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from moto.ecr.models import ecr_backends

from glue.localcloud.accounts import Scope
from glue.localcloud.protocol import AwsError, Call, Document, NotOursError, Service
from glue.localcloud.registry.blobs import BlobStore

USER = "AWS"
"""The name that every client of a registry logs in with."""

_TOKEN_HOURS = 12

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
                "GetAuthorizationToken": self.get_authorization_token,
                "DescribeImageScanFindings": self.describe_image_scan_findings,
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

    def get_authorization_token(self, call: Call) -> Document:
        """A token for the registry's protocol, which this server speaks below its own address."""
        expires = datetime.now(UTC) + timedelta(hours=_TOKEN_HOURS)
        data = [
            {
                "authorizationToken": base64.b64encode(
                    f"{USER}:{password_of(Scope(account, call.scope.region))}".encode()
                ).decode(),
                "expiresAt": expires,
                "proxyEndpoint": self._url,
            }
            for account in call.params.get("registryIds") or [call.scope.account]
        ]
        return {"authorizationData": data}

    def describe_image_scan_findings(self, call: Call) -> Document:
        """A scan that has looked for nothing; moto's, where findings were given to it."""
        repository = _repository(call)
        wanted = call.params["imageId"]
        image = next((one for one in repository.images if _is(one, wanted)), None)
        if image is None:
            raise AwsError("ImageNotFoundException", f"The image with imageId {wanted} does not exist")
        scanned = image.last_scan or repository.image_scanning_configuration.get("scanOnPush")
        if not scanned:
            raise AwsError("ScanNotFoundException", f"Image scan does not exist for the image with {wanted}")
        if _backend(call).scan_finding_results:
            image.last_scan = image.last_scan or datetime.now(UTC)
            raise NotOursError
        return {
            "registryId": repository.registry_id,
            "repositoryName": repository.name,
            "imageId": {"imageDigest": image.image_digest, **wanted},
            "imageScanStatus": {"status": "COMPLETE", "description": "The local cloud looks for nothing."},
            "imageScanFindings": {"findings": [], "findingSeverityCounts": {}},
        }


def password_of(scope: Scope) -> str:
    """The password of `scope` for the registry's protocol. It names account and region: here, any credentials do."""
    return f"{scope.account}-{scope.region}-token"


def _backend(call: Call) -> Any:
    return ecr_backends[call.scope.account][call.scope.region]


def repository_of(scope: Scope, name: str) -> Any:
    """moto's repository `name`.

    Raises:
        AwsError: there is none.
    """
    repository = ecr_backends[scope.account][scope.region].repositories.get(name)
    if repository is None:
        raise AwsError(
            "RepositoryNotFoundException",
            f"The repository with name '{name}' does not exist in the registry with id '{scope.account}'",
        )
    return repository


def _repository(call: Call) -> Any:
    return repository_of(call.scope, call.params["repositoryName"])


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

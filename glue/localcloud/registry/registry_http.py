"""The registry's own protocol, as `docker push` and `docker pull` speak it: the same repositories as ECR's API.

Source: the Open Container Initiative's Distribution Specification, and for how ECR speaks it
https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry_auth.html
"""

import base64
import binascii
import json
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from moto.core.exceptions import ServiceException
from moto.core.request import Request
from werkzeug.wrappers import Response

from glue.localcloud.accounts import Scope
from glue.localcloud.protocol import Call
from glue.localcloud.registry.blobs import BlobStore
from glue.localcloud.registry.ecr import USER, Registry, repository_of

PREFIX = "/v2/"

_NAME = r"(?P<name>[a-z0-9]+(?:[._/-][a-z0-9]+)*)"
_BLOB = re.compile(rf"/v2/{_NAME}/blobs/(?P<item>sha256:[0-9a-f]{{64}})")
_UPLOADS = re.compile(rf"/v2/{_NAME}/blobs/uploads/")
_UPLOAD = re.compile(rf"/v2/{_NAME}/blobs/uploads/(?P<item>[0-9a-f-]{{36}})")
_MANIFEST = re.compile(rf"/v2/{_NAME}/manifests/(?P<item>[\w.:-]+)")
_PASSWORD = re.compile(r"(?P<account>[0-9]{12})-(?P<region>[a-z0-9-]+)-token")  # see `ecr.password_of`
_BLOCK = 1 << 20


@dataclass(frozen=True)
class _Asked:
    """A request of a registry: whose, for which repository, and the blob, upload or manifest in its path."""

    request: Request
    scope: Scope
    name: str
    item: str = ""

    def repository(self) -> Any:
        """moto's repository.

        Raises:
            AwsError: there is none.
        """
        return repository_of(self.scope, self.name)


class _RegistryError(Exception):
    """An answer that is an error: a status, and a code of the specification."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


class RegistryHttp:
    """Answers requests below `/v2/`. Uploads under way lie in `folder`."""

    def __init__(self, registry: Registry, blobs: BlobStore, folder: Path) -> None:
        self._registry = registry
        self._blobs = blobs
        self._folder = folder
        self._routes: tuple[tuple[re.Pattern[str], Mapping[str, Callable[[_Asked], Response]]], ...] = (
            (_UPLOADS, {"POST": self._begin}),
            (_UPLOAD, {"PATCH": self._append, "PUT": self._complete, "DELETE": self._cancel}),
            (_BLOB, {"GET": self._blob, "HEAD": self._blob}),
            (_MANIFEST, {"GET": self._manifest, "HEAD": self._manifest, "PUT": self._put_manifest}),
        )

    def asked(self, request: Request) -> bool:
        """Whether `request` is for a registry: AWS's own APIs below `/v2/` come with a signature."""
        authorization = request.headers.get("Authorization", "")
        return request.path.startswith(PREFIX) and (authorization.startswith("Basic ") or not authorization)

    def answer(self, request: Request) -> Response:
        """Answer one request."""
        try:
            return self._answer(request)
        except _RegistryError as error:
            return _refusal(error.status, error.code, error.message)
        except ServiceException as error:
            return _refusal(*_error(error.code), str(error.message))

    def _answer(self, request: Request) -> Response:
        scope = _scope(request)
        if scope is None:
            response = _refusal(401, "UNAUTHORIZED", "log in with the token of GetAuthorizationToken")
            response.headers["WWW-Authenticate"] = 'Basic realm="local cloud",service="ecr"'
            return response
        if request.path == PREFIX:
            return Response("{}", mimetype="application/json")
        for pattern, methods in self._routes:
            match = pattern.fullmatch(request.path)
            if match and request.method in methods:
                return methods[request.method](_Asked(request, scope, **match.groupdict()))
        raise _RegistryError(404, "UNSUPPORTED", f"{request.method} {request.path}")

    def _begin(self, asked: _Asked) -> Response:
        asked.repository()  # refused where there is none
        upload = str(uuid.uuid4())
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / upload).touch()
        return self._accepted(asked.name, upload)

    def _append(self, asked: _Asked) -> Response:
        self._receive(asked.request, self._file(asked.item))
        return self._accepted(asked.name, asked.item)

    def _complete(self, asked: _Asked) -> Response:
        file = self._file(asked.item)
        self._receive(asked.request, file)
        size = file.stat().st_size
        found, claimed = self._blobs.adopt(file), asked.request.args.get("digest", "")
        if found != claimed:
            raise _RegistryError(400, "DIGEST_INVALID", f"the content has the digest {found}, not {claimed}")
        asked.repository().layers[found] = size
        return Response(
            status=201, headers={"Location": f"{PREFIX}{asked.name}/blobs/{found}", "Docker-Content-Digest": found}
        )

    def _cancel(self, asked: _Asked) -> Response:
        self._file(asked.item).unlink()
        return Response(status=204)

    def _blob(self, asked: _Asked) -> Response:
        file = self._blobs.file(asked.item) if asked.item in asked.repository().layers else None
        if file is None:
            raise _RegistryError(404, "BLOB_UNKNOWN", f"{asked.name} has no blob {asked.item}")
        headers = {"Content-Length": str(file.stat().st_size), "Docker-Content-Digest": asked.item}
        if asked.request.method == "HEAD":
            return Response(headers=headers)
        return Response(file.open("rb"), direct_passthrough=True, headers=headers)

    def _manifest(self, asked: _Asked) -> Response:
        wanted = {"imageDigest" if asked.item.startswith("sha256:") else "imageTag": asked.item}
        images = self._registry.batch_get_image(
            Call(asked.scope, {"repositoryName": asked.name, "imageIds": [wanted]})
        )["images"]
        if not images:
            raise _RegistryError(404, "MANIFEST_UNKNOWN", f"{asked.name} has no image {asked.item}")
        image = images[0]
        content = image["imageManifest"].encode()
        kind = image.get("imageManifestMediaType") or json.loads(content).get("mediaType", "application/json")
        headers = {"Docker-Content-Digest": image["imageId"]["imageDigest"], "Content-Length": str(len(content))}
        return Response(content if asked.request.method == "GET" else b"", content_type=kind, headers=headers)

    def _put_manifest(self, asked: _Asked) -> Response:
        params: dict[str, Any] = {
            "repositoryName": asked.name,
            "imageManifest": asked.request.get_data(as_text=True),
            "imageManifestMediaType": asked.request.content_type,
            "imageDigest" if asked.item.startswith("sha256:") else "imageTag": asked.item,
        }
        image = self._registry.put_image(Call(asked.scope, params))["image"]
        digest = getattr(image, "image_digest", None) or image["imageId"]["imageDigest"]
        return Response(
            status=201,
            headers={"Location": f"{PREFIX}{asked.name}/manifests/{digest}", "Docker-Content-Digest": digest},
        )

    def _receive(self, request: Request, file: Path) -> None:
        with file.open("ab") as stream:
            while block := request.stream.read(_BLOCK):
                stream.write(block)

    def _file(self, upload: str) -> Path:
        file = self._folder / upload
        if not file.is_file():
            raise _RegistryError(404, "BLOB_UPLOAD_UNKNOWN", f"no upload {upload}")
        return file

    def _accepted(self, name: str, upload: str) -> Response:
        last = max(0, (self._folder / upload).stat().st_size - 1)
        return Response(
            status=202,
            headers={
                "Location": f"{PREFIX}{name}/blobs/uploads/{upload}",
                "Docker-Upload-UUID": upload,
                "Range": f"0-{last}",
            },
        )


def _scope(request: Request) -> Scope | None:
    """The account and region whose token the request carries."""
    encoded = request.headers.get("Authorization", "").removeprefix("Basic ")
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    match = _PASSWORD.fullmatch(password) if user == USER else None
    return Scope(match["account"], match["region"]) if match else None


def _refusal(status: int, code: str, message: str) -> Response:
    document = {"errors": [{"code": code, "message": message}]}
    return Response(json.dumps(document), status=status, mimetype="application/json")


def _error(code: str) -> tuple[int, str]:
    """The status and code of the specification for an error of ECR's API."""
    return {
        "RepositoryNotFoundException": (404, "NAME_UNKNOWN"),
        "ImageTagAlreadyExistsException": (400, "TAG_INVALID"),
        "LayersNotFoundException": (400, "MANIFEST_BLOB_UNKNOWN"),
    }.get(code, (400, "MANIFEST_INVALID"))

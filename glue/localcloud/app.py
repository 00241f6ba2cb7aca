"""The WSGI application: who asks, which operation, and whether it is ours or moto's to answer."""

import io
import json
import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from functools import lru_cache
from typing import Any

from moto.core.request import Request
from moto.iam.models import iam_backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.wrappers import Response

from glue.localcloud.accounts import Credential, Scope, account_of, credential_of
from glue.localcloud.admin import PREFIX, Admin
from glue.localcloud.fault_injection.disturbances import READ, disturbed
from glue.localcloud.fault_injection.faults import Faults
from glue.localcloud.judging import judged, judges_moto
from glue.localcloud.operations import FORM, REST, Operations, asked_of_moto
from glue.localcloud.protocol import NotOursError, Service
from glue.localcloud.registry.blobs import BlobStore
from glue.localcloud.registry.ecr import DOWNLOAD_PATH
from glue.localcloud.registry.registry_http import RegistryHttp

_log = logging.getLogger(__name__)

Environ = dict[str, Any]
StartResponse = Callable[..., Any]


class Application:
    """One URL for all services, and for what the local cloud tells about itself."""

    def __init__(
        self,
        services: Sequence[Service],
        blobs: BlobStore,
        admin: Admin,
        faults: Faults,
        registry: RegistryHttp,
        *,
        answered: Callable[[], None],
    ) -> None:
        """`answered` is called after each answer of moto's, in its thread."""
        self._services = services
        self._blobs = blobs
        self._admin = admin
        self._faults = faults
        self._registry = registry
        self._moto = DomainDispatcherApplication(create_backend_app)
        # It goes through the folders of its package for every request, and lets the others wait meanwhile.
        self._moto.get_backend_for_host = lru_cache(self._moto.get_backend_for_host)
        self._answered = answered
        self._one_condition_at_a_time = threading.Lock()
        self._operations = Operations()
        self._judges_moto = judges_moto()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        request = Request(environ)
        if request.path.startswith(PREFIX):
            return self._own(request)(environ, start_response)
        if self._registry.asked(request):
            return self._registry.answer(request)(environ, start_response)
        credential = credential_of(request.headers.get("Authorization"), request.args)
        account = account_of(credential.access_key if credential else None, _issuer)
        response = None
        if credential:
            scope = Scope(account, credential.region)
            body = _buffered(request, environ) if credential.service in READ else b""
            response = disturbed(self._faults, request, credential, body)
            if response is None:
                response, account = self._answer(request, environ, credential, scope)
        if response is not None:
            return response(environ, start_response)
        environ["HTTP_X_MOTO_ACCOUNT_ID"] = account
        asked = None
        if credential:
            has_form = request.mimetype == FORM and credential.service not in REST
            form = _buffered(request, environ) if has_form else b""
            asked = asked_of_moto(request, credential.service, form)
        return self._ask_moto(environ, start_response, asked)

    def _answer(
        self, request: Request, environ: Environ, credential: Credential, scope: Scope
    ) -> tuple[Response | None, str]:
        """Our answer, or None and the account for which moto has to answer."""
        if credential.service == "ecr":
            scope = _of_registry(request, environ, scope)
        for service in self._services:
            matched = service.match(request) if _SIGNING_NAMES[service.name] == credential.service else None
            if matched is None:
                continue
            body = _buffered(request, environ)
            try:
                answer = service.answer(request, *matched, scope)
            except NotOursError:
                environ["wsgi.input"] = io.BytesIO(body)
            else:
                self._operations.note(service.name, matched[0].name, "glue")
                return answer, scope.account
        return None, scope.account

    def _own(self, request: Request) -> Response:
        if answer := self._admin.answer(request):
            return answer
        if request.path.startswith(DOWNLOAD_PATH):
            file = self._blobs.file(request.path.removeprefix(DOWNLOAD_PATH))
            if file is not None:
                return Response(
                    file.open("rb"), direct_passthrough=True, headers={"Content-Length": str(file.stat().st_size)}
                )
        return Response(status=404)

    def _ask_moto(
        self, environ: Environ, start_response: StartResponse, asked: tuple[str, str] | None
    ) -> Iterable[bytes]:
        # moto looks whether the condition of a write holds, and then writes: another writer may come in between.
        conditional = environ["REQUEST_METHOD"] == "PUT" and not _CONDITIONS.isdisjoint(environ)
        try:
            with self._one_condition_at_a_time if conditional else nullcontext():
                moto = judged(self._moto, environ, *asked) if asked and self._judges_moto else self._moto
                answer: Iterable[bytes] = moto(environ, start_response)
            if asked:
                self._operations.note(*asked, "moto")
            self._answered()
        except NotImplementedError as error:
            _log.warning("not implemented: %s", error)
            document = {"__type": "NotImplemented", "message": f"The local cloud does not have this operation: {error}"}
            answer = Response(json.dumps(document), status=501, mimetype="application/x-amz-json-1.1")(
                environ, start_response
            )
        return answer


_CONDITIONS = frozenset({"HTTP_IF_MATCH", "HTTP_IF_NONE_MATCH"})

_SIGNING_NAMES = {
    "sagemaker": "sagemaker",
    "sagemaker-runtime": "sagemaker",
    "ecr": "ecr",
    "application-autoscaling": "application-autoscaling",
    "budgets": "budgets",
    "logs": "logs",
    "lambda": "lambda",
}


def _issuer(access_key: str) -> str | None:
    """The account whose IAM or STS made `access_key`."""
    for account, partitions in list(iam_backends.items()):
        for backend in list(partitions.values()):
            if access_key in backend.access_keys:
                found: str = account
                return found
    return None


def _of_registry(request: Request, environ: Environ, scope: Scope) -> Scope:
    """The scope of the registry that an ECR request names, which may be another account's."""
    try:
        registry = json.loads(_buffered(request, environ) or b"{}").get("registryId")
    except (ValueError, AttributeError):
        registry = None
    return Scope(registry, scope.region) if isinstance(registry, str) and registry else scope


def _buffered(request: Request, environ: Environ) -> bytes:
    """The body, left in place for whoever answers."""
    body: bytes = request.get_data(cache=True)
    environ["wsgi.input"] = io.BytesIO(body)
    return body

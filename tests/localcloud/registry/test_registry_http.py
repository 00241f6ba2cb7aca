"""The registry's protocol, spoken as engines speak it. With a real engine: tests/container/test_registry.py."""

import json
from collections.abc import Iterator

import httpx
import pytest

from tests.localcloud.support import Account, digest

KIND = "application/vnd.docker.distribution.manifest.v2+json"


@pytest.fixture
def registry(account: Account) -> Iterator[httpx.Client]:
    """A client that is logged in with the account's token."""
    data = account.client("ecr").get_authorization_token()["authorizationData"][0]
    assert data["proxyEndpoint"] == account.url
    headers = {"Authorization": f"Basic {data['authorizationToken']}"}
    with httpx.Client(base_url=account.url, headers=headers) as client:
        yield client


def _push_blob(registry: httpx.Client, name: str, content: bytes, claimed: str | None = None) -> httpx.Response:
    upload = registry.post(f"/v2/{name}/blobs/uploads/").headers["Location"]
    half = len(content) // 2
    assert registry.patch(upload, content=iter([content[:half]])).status_code == 202
    return registry.put(upload, params={"digest": claimed or digest(content)}, content=content[half:])


def _manifest(config: str) -> str:
    return json.dumps({"schemaVersion": 2, "mediaType": KIND, "config": {"digest": config, "size": 2}, "layers": []})


def _put(registry: httpx.Client, name: str, reference: str, text: str) -> httpx.Response:
    return registry.put(f"/v2/{name}/manifests/{reference}", content=text, headers={"Content-Type": KIND})


def test_an_image_that_an_engine_pushes_is_the_one_that_the_api_has(account: Account, registry: httpx.Client) -> None:
    name = account.repository("engine/pushed")
    assert _push_blob(registry, name, b"{}").status_code == 201
    text = _manifest(digest(b"{}"))
    done = _put(registry, name, "1.0.0", text)
    assert (done.status_code, done.headers["Docker-Content-Digest"]) == (201, digest(text.encode()))
    images = account.client("ecr").batch_get_image(repositoryName=name, imageIds=[{"imageTag": "1.0.0"}])["images"]
    assert [image["imageManifest"] for image in images] == [text]
    for reference in ("1.0.0", digest(text.encode())):
        found = registry.get(f"/v2/{name}/manifests/{reference}")
        assert (found.text, found.headers["Content-Type"]) == (text, KIND)
    assert registry.get(f"/v2/{name}/blobs/{digest(b'{}')}").content == b"{}"
    assert registry.head(f"/v2/{name}/blobs/{digest(b'{}')}").headers["Content-Length"] == "2"


def test_bytes_that_are_not_what_their_digest_says_are_refused(account: Account, registry: httpx.Client) -> None:
    name = account.repository("engine/refused")
    answer = _push_blob(registry, name, b"one thing", claimed=digest(b"another"))
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "DIGEST_INVALID")


def test_a_manifest_that_names_missing_layers_is_refused(account: Account, registry: httpx.Client) -> None:
    name = account.repository("engine/missing")
    answer = _put(registry, name, "1.0.0", _manifest(digest(b"nowhere")))
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (400, "MANIFEST_BLOB_UNKNOWN")


def test_what_is_not_there_is_not_found(account: Account, registry: httpx.Client) -> None:
    name = account.repository("engine/empty")
    assert registry.get(f"/v2/{name}/manifests/1.0.0").json()["errors"][0]["code"] == "MANIFEST_UNKNOWN"
    assert registry.get(f"/v2/{name}/blobs/{digest(b'none')}").json()["errors"][0]["code"] == "BLOB_UNKNOWN"
    assert registry.post("/v2/engine/no-such/blobs/uploads/").json()["errors"][0]["code"] == "NAME_UNKNOWN"
    assert registry.patch(f"/v2/{name}/blobs/uploads/{'0' * 36}", content=b"x").status_code == 404


def test_without_the_token_nothing_is_answered(account: Account) -> None:
    for headers in ({}, {"Authorization": "Basic bm9ib2R5Om5vdGhpbmc="}):
        answer = httpx.get(f"{account.url}/v2/", headers=headers)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Basic ")


def test_an_account_sees_its_own_repositories_only(
    account: Account, other_account: Account, registry: httpx.Client
) -> None:
    name = other_account.repository("engine/foreign")
    assert registry.post(f"/v2/{name}/blobs/uploads/").status_code == 404

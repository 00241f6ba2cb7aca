import json
from typing import Any

import pytest
import urllib3
from botocore.exceptions import ClientError

from tests.localcloud.support import Account, digest, tar


def test_an_image_is_pulled_back_through_the_api(account: Account) -> None:
    uri = account.push_image({"file": "content"}, repository="pull/back", entrypoint=["x"])
    name = uri.partition("@")[2]
    ecr = account.client("ecr")
    [image] = ecr.batch_get_image(repositoryName="pull/back", imageIds=[{"imageDigest": name}])["images"]
    assert digest(image["imageManifest"].encode()) == name == image["imageId"]["imageDigest"]
    for blob in [*json.loads(image["imageManifest"])["layers"], json.loads(image["imageManifest"])["config"]]:
        told = ecr.get_download_url_for_layer(repositoryName="pull/back", layerDigest=blob["digest"])
        assert digest(urllib3.request("GET", told["downloadUrl"]).data) == blob["digest"]
    assert ecr.describe_images(repositoryName="pull/back")["imageDetails"][0]["imageDigest"] == name


def test_a_tag_and_a_digest_name_the_same_image(account: Account) -> None:
    account.repository("tagged")
    blob = account.push_blob("tagged", tar({"a": "b"}))
    manifest = json.dumps({"schemaVersion": 2, "mediaType": "m", "config": {"digest": blob}, "layers": []})
    ecr = account.client("ecr")
    put = ecr.put_image(repositoryName="tagged", imageManifest=manifest, imageTag="1.0.0")["image"]
    assert put["imageId"] == {"imageDigest": digest(manifest.encode()), "imageTag": "1.0.0"}
    [image] = ecr.batch_get_image(repositoryName="tagged", imageIds=[{"imageTag": "1.0.0"}])["images"]
    assert image["imageId"] == put["imageId"]


def test_an_image_that_is_not_there_is_named_as_it_was_asked_for(account: Account) -> None:
    wanted = {"imageDigest": digest(b"nothing")}
    answer = account.client("ecr").batch_get_image(repositoryName=account.repository("empty"), imageIds=[wanted])
    assert answer["failures"] == [
        {"imageId": wanted, "failureCode": "ImageNotFound", "failureReason": "Requested image not found"}
    ]


def test_another_accounts_registry_is_reached_by_its_id(account: Account, other_account: Account) -> None:
    name = account.push_program().partition("@")[2]
    ecr = other_account.client("ecr")
    found = ecr.batch_get_image(registryId=account.id, repositoryName="tests/program", imageIds=[{"imageDigest": name}])
    assert found["images"][0]["registryId"] == account.id
    assert ecr.describe_images(registryId=account.id, repositoryName="tests/program")["imageDetails"]
    with pytest.raises(ecr.exceptions.RepositoryNotFoundException):
        ecr.batch_get_image(repositoryName="tests/program", imageIds=[{"imageDigest": name}])


def _code(error: pytest.ExceptionInfo[ClientError]) -> str:
    code: str = error.value.response["Error"]["Code"]
    return code


def test_bytes_that_are_not_what_they_are_said_to_be_are_refused(account: Account) -> None:
    ecr = account.client("ecr")
    name = account.repository("refusals")
    upload = ecr.initiate_layer_upload(repositoryName=name)["uploadId"]
    ecr.upload_layer_part(repositoryName=name, uploadId=upload, partFirstByte=0, partLastByte=2, layerPartBlob=b"abc")
    with pytest.raises(ClientError) as error:
        ecr.complete_layer_upload(repositoryName=name, uploadId=upload, layerDigests=[digest(b"other")])
    assert _code(error) == "InvalidLayerException"


def test_a_manifest_of_missing_layers_is_refused(account: Account) -> None:
    manifest = json.dumps({"mediaType": "m", "config": {"digest": digest(b"gone")}, "layers": []})
    with pytest.raises(ClientError) as error:
        account.client("ecr").put_image(repositoryName=account.repository("refusals"), imageManifest=manifest)
    assert _code(error) == "LayersNotFoundException"


@pytest.mark.parametrize("manifest", ["no json", "[]", '{"layers": [{}]}', '"text"'])
def test_what_is_no_manifest_is_refused(account: Account, manifest: str) -> None:
    with pytest.raises(ClientError) as error:
        account.client("ecr").put_image(repositoryName=account.repository("refusals"), imageManifest=manifest)
    assert _code(error) == "InvalidParameterException"


def test_a_wrong_digest_is_refused(account: Account) -> None:
    with pytest.raises(ClientError) as error:
        account.client("ecr").put_image(
            repositoryName=account.repository("refusals"), imageManifest="{}", imageDigest=digest(b"other")
        )
    assert _code(error) == "ImageDigestDoesNotMatchException"


@pytest.mark.parametrize("operation", ["put_image", "get_download_url_for_layer", "batch_get_image"])
def test_a_missing_repository_is_named(account: Account, operation: str) -> None:
    cases: dict[str, dict[str, Any]] = {
        "put_image": {"imageManifest": "{}"},
        "get_download_url_for_layer": {"layerDigest": digest(b"")},
        "batch_get_image": {"imageIds": [{"imageTag": "x"}]},
    }
    with pytest.raises(ClientError, match="'nowhere' does not exist in the registry with id '111122223333'") as error:
        getattr(account.client("ecr"), operation)(repositoryName="nowhere", **cases[operation])
    assert _code(error) == "RepositoryNotFoundException"


@pytest.mark.parametrize("path", ["sha256:" + "0" * 64, "../cloud.json", "%2e%2e/cloud.json", ""])
def test_only_layers_can_be_downloaded(account: Account, path: str) -> None:
    assert urllib3.request("GET", f"{account.url}/_localcloud/layers/{path}").status == 404

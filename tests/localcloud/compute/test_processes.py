from pathlib import Path

import pytest

from glue.localcloud.accounts import Scope
from glue.localcloud.compute.images import ImageReference, RegisteredImage
from glue.localcloud.compute.processes import environment
from glue.localcloud.compute.runtime import Launch
from tests.localcloud.support import REGION

BASE, TEMPORARY = Path("/here/opt/ml"), Path("/here/tmp")


def variables(**model: str) -> dict[str, str]:
    reference = ImageReference(Scope("111122223333", REGION), "repository", tag="1", digest=None)
    digest = f"sha256:{'0' * 64}"
    image = RegisteredImage(reference, digest, digest, (), {}, entrypoint=("python",), environment={"FROM_IMAGE": "1"})
    launch = Launch(image, Path("/model"), model, {"AWS_REGION": REGION}, startup_timeout=60)
    return environment(launch, root=Path("/image"), venv=Path("/venv"), base=BASE, temporary=TEMPORARY, port=1234)


@pytest.mark.parametrize(
    ("value", "here"),
    [
        ("/opt/ml", "/here/opt/ml"),
        ("/opt/ml/model/code", "/here/opt/ml/model/code"),
        ("/opt/mlx", "/opt/mlx"),
        ("/tmp", "/here/tmp"),
        ("/tmp/cache", "/here/tmp/cache"),
        ("/tmpfile", "/tmpfile"),
        ("see /opt/ml", "see /opt/ml"),
    ],
)
def test_places_of_a_container_are_places_of_the_instance(value: str, here: str) -> None:
    assert variables(PLACE=value)["PLACE"] == here


def test_nothing_is_inherited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "x")
    assert "SECRET" not in variables()
    assert variables()["FROM_IMAGE"] == "1"


def test_a_model_cannot_move_what_the_platform_decides() -> None:
    found = variables(SAGEMAKER_BIND_TO_PORT="80", SAGEMAKER_BIND_TO_HOST="0.0.0.0", AWS_REGION="eu-west-1")
    assert (found["SAGEMAKER_BIND_TO_PORT"], found["SAGEMAKER_BIND_TO_HOST"]) == ("1234", "127.0.0.1")
    assert found["AWS_REGION"] == "eu-west-1"


@pytest.mark.parametrize(
    ("uri", "image_id"),
    [
        ("some/repo:1.0", {"imageTag": "1.0"}),
        ("repo", {"imageTag": "latest"}),
        (f"repo@sha256:{'0' * 64}", {"imageDigest": f"sha256:{'0' * 64}"}),
        (f"repo:1.0@sha256:{'0' * 64}", {"imageDigest": f"sha256:{'0' * 64}"}),
    ],
)
def test_an_image_uri_is_read(uri: str, image_id: dict[str, str]) -> None:
    reference = ImageReference.parse(f"111122223333.dkr.ecr.{REGION}.amazonaws.com/{uri}")
    assert reference is not None
    assert (reference.scope.account, reference.scope.region) == ("111122223333", REGION)
    assert reference.image_id == image_id


@pytest.mark.parametrize(
    "uri", ["", "python:3.11", f"1234.dkr.ecr.{REGION}.amazonaws.com/repo:1", "public.ecr.aws/x/y"]
)
def test_what_is_no_image_in_ecr_is_none(uri: str) -> None:
    assert ImageReference.parse(uri) is None

"""Promotion: environments that fit, a release that is copied unchanged, and what changes by it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from glue.cloud import Cloud
from glue.errors import UsageError
from glue.profiles import Profile, load_profile
from glue.progress import Silent
from glue.project import Project
from glue.promotion import Change, Side, differences, promote, promoted_release
from glue.releases import Artifact, Release, Source, with_artifact, with_image

KEY = "location-detector"
IMAGE = f"111122223333.dkr.ecr.us-east-1.amazonaws.com/async-inference/detector@sha256:{'a' * 64}"
SOURCE = Source("location_detector", "1.0.0", "revision")


def _artifact(version: str) -> Artifact:
    return Artifact(uri="s3://bucket/b/model.tar.gz", version_id=version, sha256="b" * 64, manifest=[])


def _release(environment: str = "dev", version: str = "v1") -> Release:
    release = with_image(Release(environment=environment), KEY, IMAGE, SOURCE)
    return with_artifact(release, KEY, _artifact(version), SOURCE)


def _sides(project: Project, tmp_path: Path, change: Callable[[Profile], Profile] = lambda one: one) -> list[Side]:
    cloud = Cloud("aws", "us-east-1", "111122223333", releases_dir=tmp_path)
    profiles = [load_profile(project.envs_dir, "dev"), change(load_profile(project.envs_dir, "staging"))]
    return [Side(profile, cloud) for profile in profiles]


def _endpoint(**changes: object) -> Callable[[Profile], Profile]:
    def change(profile: Profile) -> Profile:
        endpoint = profile.endpoints[KEY].model_copy(update=changes)
        return profile.model_copy(update={"endpoints": {KEY: endpoint}})

    return change


def test_the_release_stays_the_same_whatever_the_environment() -> None:
    promoted = promoted_release(_release(), "staging", "e" * 64)
    assert promoted.environment == "staging"
    assert promoted.digest == _release().digest
    origin = promoted.endpoints[KEY].origin
    assert origin.model_dump() == {"kind": "promoted", "environment": "dev", "evidence": "e" * 64}


def test_what_changes_is_named_endpoint_by_endpoint() -> None:
    old, new = _release("staging", "v1"), promoted_release(_release(version="v2"), "staging", "e" * 64)
    assert list(differences(old, new)) == [Change(KEY, "artifact version", "v1", "v2")]
    assert list(differences(old, promoted_release(_release(), "staging", "e" * 64))) == []


def test_endpoints_that_come_and_go_are_changes() -> None:
    assert next(differences(Release(environment="staging"), _release())) == Change(KEY, "image", None, IMAGE)
    assert {change.new for change in differences(_release(), Release(environment="staging"))} == {None}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_endpoint(workload="other"), f"endpoints.{KEY}.workload: location_detector and other"),
        (lambda one: one.model_copy(update={"endpoints": {}}), f"endpoints.{KEY}: staging has no such endpoint"),
        (
            lambda one: one.model_copy(update={"endpoints": one.endpoints | {"more": one.endpoints[KEY]}}),
            "endpoints.more: dev has no such endpoint, so nothing proves it",
        ),
        (lambda one: one.model_copy(update={"region": "eu-west-1"}), "region: us-east-1 and eu-west-1"),
    ],
)
def test_environments_that_do_not_fit_are_refused(
    project: Project, tmp_path: Path, change: Callable[[Profile], Profile], message: str
) -> None:
    origin, target = _sides(project, tmp_path, change)
    with pytest.raises(UsageError) as caught:
        promote(origin, target, Silent())
    assert message in caught.value.message


def test_an_environment_is_not_promoted_to_itself(project: Project, tmp_path: Path) -> None:
    origin, _ = _sides(project, tmp_path)
    with pytest.raises(UsageError, match="dev is promoted to itself"):
        promote(origin, origin, Silent())


def test_a_release_with_a_missing_half_is_not_promoted(project: Project, tmp_path: Path) -> None:
    origin, target = _sides(project, tmp_path)
    with pytest.raises(UsageError, match="the release of dev is not complete"):
        promote(origin, target, Silent())

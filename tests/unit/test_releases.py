"""Releases: halves that become whole, and a digest of what is run."""

from pathlib import Path

import pytest

from glue.errors import UsageError
from glue.profiles import Profile, load_profile
from glue.project import Project
from glue.releases import (
    Artifact,
    EndpointRelease,
    ManifestEntry,
    Promoted,
    Release,
    Source,
    read_release,
    require_complete,
    with_artifact,
    with_image,
    write_release,
)

IMAGE = f"111122223333.dkr.ecr.us-east-1.amazonaws.com/async-inference/detector@sha256:{'a' * 64}"
ARTIFACT = Artifact(
    uri="s3://bucket/detector/b/model.tar.gz",
    version_id="v1",
    sha256="b" * 64,
    manifest=[ManifestEntry(path="code/inference.py", size=1, sha256="c" * 64)],
)
SOURCE = Source("location_detector", "1.0.0", "revision")
KEY = "location-detector"


def _whole() -> Release:
    return with_artifact(with_image(Release(environment="dev"), KEY, IMAGE, SOURCE), KEY, ARTIFACT, SOURCE)


@pytest.fixture
def profile(project: Project) -> Profile:
    return load_profile(project.envs_dir, "dev")


def test_halves_are_written_in_either_order() -> None:
    other = with_image(with_artifact(Release(environment="dev"), KEY, ARTIFACT, SOURCE), KEY, IMAGE, SOURCE)
    assert other == _whole()
    assert other.endpoints[KEY].origin.kind == "built"


def test_a_half_of_another_contract_is_not_kept() -> None:
    newer = Source("location_detector", "2.0.0", "revision")
    assert with_image(_whole(), KEY, IMAGE, newer).endpoints[KEY].artifact is None
    assert with_artifact(_whole(), KEY, ARTIFACT, newer).endpoints[KEY].image is None
    assert with_image(_whole(), KEY, IMAGE, Source("other", "1.0.0", "revision")).endpoints[KEY].artifact is None


def test_other_endpoints_stay_as_they_are() -> None:
    release = with_image(_whole(), "another", IMAGE, SOURCE)
    assert release.endpoints[KEY] == _whole().endpoints[KEY]
    assert list(release.endpoints) == ["another", KEY]


def test_the_digest_is_that_of_what_is_run() -> None:
    whole = _whole()
    proved = Promoted(environment="dev", evidence="d" * 64)
    entry = whole.endpoints[KEY]
    promoted = Release(environment="staging", endpoints={KEY: entry.model_copy(update={"origin": proved})})
    assert promoted.digest == whole.digest
    changes = {"image": IMAGE.replace("a" * 64, "0" * 64), "artifact": None, "module_version": "other"}
    for field, value in changes.items():
        changed = Release(environment="dev", endpoints={KEY: entry.model_copy(update={field: value})})
        assert changed.digest != whole.digest, field


def test_a_release_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    write_release(tmp_path / "deep", _whole())
    assert read_release(tmp_path / "deep", "dev") == _whole()
    assert read_release(tmp_path / "deep", "prod") is None


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("sha256:", "latest:", "endpoints.location-detector.image"),
        ('"environment": "dev"', '"environment": "prod"', "allowed is 'dev', the file's name"),
        ('"schema_version": 1', '"schema_version": 2', "schema_version"),
        ("{", "", "invalid JSON"),
    ],
)
def test_a_file_that_is_no_release_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    file = write_release(tmp_path, _whole())
    file.write_text(file.read_text().replace(old, new, 1))
    with pytest.raises(UsageError) as caught:
        read_release(tmp_path, "dev")
    assert str(file) in caught.value.message
    assert message in caught.value.message


def test_a_complete_release_passes(profile: Profile) -> None:
    assert require_complete(_whole(), profile) == _whole()


@pytest.mark.parametrize(
    ("release", "missing", "commands"),
    [
        (None, ["no image", "no model artifact"], ["image push", "artifact push"]),
        (Release(environment="dev"), ["no image", "no model artifact"], ["image push", "artifact push"]),
        (with_image(Release(environment="dev"), KEY, IMAGE, SOURCE), ["no model artifact"], ["artifact push"]),
        (with_artifact(Release(environment="dev"), KEY, ARTIFACT, SOURCE), ["no image"], ["image push"]),
        (
            with_image(Release(environment="dev"), KEY, IMAGE, Source("other", "1.0.0", "revision")),
            ["made for workload other, the profile says location_detector"],
            ["image push", "artifact push"],
        ),
    ],
)
def test_what_is_missing_is_named_with_the_command_that_makes_it(
    profile: Profile, release: Release | None, missing: list[str], commands: list[str]
) -> None:
    with pytest.raises(UsageError) as caught:
        require_complete(release, profile)
    for part in missing:
        assert part in caught.value.message
    assert list(caught.value.hints) == [f"glue {command} --env dev --endpoint {KEY}" for command in commands]


def test_a_model_inside_the_image_needs_no_artifact(profile: Profile) -> None:
    endpoint = profile.endpoints[KEY]
    bundled = endpoint.model_copy(update={"model": endpoint.model.model_copy(update={"source": "bundled"})})
    release = with_image(Release(environment="dev"), KEY, IMAGE, SOURCE)
    assert require_complete(release, profile.model_copy(update={"endpoints": {KEY: bundled}})) == release


def test_an_entry_needs_no_half_to_be_read() -> None:
    entry = EndpointRelease(workload="location_detector", workload_version="1.0.0", module_version="revision")
    assert (entry.image, entry.artifact) == (None, None)

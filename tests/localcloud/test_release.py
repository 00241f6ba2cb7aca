"""Releases against a running local cloud: what is pushed is there, once, and what is not there is named."""

import hashlib
import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import pytest
from botocore.stub import Stubber

from glue import artifacts, evidence, images
from glue.artifacts import packing, upload
from glue.aws import objects
from glue.cloud import Cloud
from glue.errors import FailedError, MissingError, UsageError
from glue.evidence import Check, Evidence
from glue.images import Image, ecr
from glue.images.oci import Layer, image
from glue.localcloud import daemon
from glue.presence import check_present
from glue.profiles import load_profile
from glue.progress import Silent
from glue.project import Project
from glue.promotion import Side, promote
from glue.releases import Release, Source, read_release, with_artifact, with_image, write_release
from glue.releasing import Registry, Releaser
from glue.workloads import Workload, load_workload

DEV, STAGING = "111122223333", "444455556666"


class Recorder(Silent):
    """Keeps what a use case tells."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.notes: list[str] = []
        self.done: list[tuple[float, float | None]] = []

    def step(self, text: str) -> None:
        self.steps.append(text)

    def note(self, text: str) -> None:
        self.notes.append(text)

    def progress(self, text: str, done: float, total: float | None) -> None:
        self.done.append((done, total))


@pytest.fixture
def dev(cloud: daemon.Status, tmp_path: Path) -> Cloud:
    """The account of the environment dev."""
    return Cloud(
        "local",
        "us-east-1",
        DEV,
        endpoint_url=cloud.endpoint_url,
        releases_dir=tmp_path / "releases",
        runs_process_images=True,
    )


@pytest.fixture
def registry(dev: Cloud, tmp_path: Path) -> Registry:
    """A bucket and a repository, as the registry layer makes them."""
    name = hashlib.sha256(str(tmp_path).encode()).hexdigest()[:16]
    client = dev.client("s3")
    client.create_bucket(Bucket=f"artifacts-{name}")
    client.put_bucket_versioning(Bucket=f"artifacts-{name}", VersioningConfiguration={"Status": "Enabled"})
    repository = dev.client("ecr").create_repository(repositoryName=f"{name}/detector", imageTagMutability="IMMUTABLE")
    return Registry({"detector": repository["repository"]["repositoryUri"]}, f"artifacts-{name}")


@pytest.fixture
def workload(project: Project) -> Workload:
    """A workload named detector, in a project of its own that the profiles' endpoints run."""
    (project.root / "container").unlink()
    folder = project.workloads_dir / "detector"
    (folder / "golden").mkdir(parents=True)
    project.serving_dir.symlink_to(Path(__file__).parents[2] / "container" / "serving")
    (folder / "inference.py").write_text(
        "def model_fn(model_dir):\n    return 1\n\n\ndef predict_fn(data, model):\n    return data\n"
    )
    (folder / "requirements.lock").write_text(f"uvicorn==1.0.0 --hash=sha256:{'0' * 64}\n")
    (folder / "workload.yaml").write_text(
        "name: detector\nversion: 1.0.0\ndescription: Finds things\nartifact:\n  code/inference.py: inference.py\n"
    )
    for profile in project.envs_dir.glob("*.yaml"):
        profile.write_text(profile.read_text().replace("workload: location_detector", "workload: detector"))
    return load_workload(project.workloads_dir, "detector")


@pytest.fixture
def releaser(project: Project, workload: Workload, dev: Cloud, registry: Registry) -> Releaser:
    return Releaser(project, load_profile(project.envs_dir, "dev"), dev, registry, Silent())


def _image(content: bytes) -> Image:
    return image(
        [Layer(content, hashlib.sha256(content).hexdigest())],
        version="1.0.0",
        entrypoint=["python"],
        command=["serve"],
        labels={"io.async-inference.runtime": "process"},
    )


def test_an_artifact_is_pushed_once_with_the_version_and_checksum_that_s3_has(
    dev: Cloud, registry: Registry, workload: Workload, tmp_path: Path
) -> None:
    packed = artifacts.pack(workload, tmp_path / "model.tar.gz", Silent())
    first = artifacts.push(packed, "detector", registry.artifact_bucket, dev, Silent())
    again = Recorder()
    assert artifacts.push(packed, "detector", registry.artifact_bucket, dev, again) == first
    assert "it is there already" in again.notes
    assert first.uri == f"s3://{registry.artifact_bucket}/detector/{packed.sha256}/model.tar.gz"
    assert upload.missing(first, dev) is None
    body = dev.client("s3").get_object(
        Bucket=registry.artifact_bucket, Key=f"detector/{packed.sha256}/model.tar.gz", VersionId=first.version_id
    )
    assert hashlib.sha256(body["Body"].read()).hexdigest() == packed.sha256


@pytest.fixture
def in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> artifacts.Packed:
    """An archive of 11 MiB, where parts have 5."""
    monkeypatch.setattr(objects, "PART", 5 << 20)
    file = tmp_path / "model.tar.gz"
    file.write_bytes(bytes(range(256)) * (11 << 12))
    return artifacts.Packed("archive", [], {file.name: file}, {file.name: objects.digest_of(file)})


def _parts_asked_for(client: Any, monkeypatch: pytest.MonkeyPatch, *, fails: int | None = None) -> list[int]:
    """The numbers of the parts that are sent from now on; the part `fails` does not arrive."""
    sent: list[int] = []
    send = client.upload_part

    def upload_part(**arguments: Any) -> Any:
        sent.append(arguments["PartNumber"])
        if arguments["PartNumber"] == fails:
            raise KeyboardInterrupt
        return send(**arguments)

    monkeypatch.setattr(client, "upload_part", upload_part)
    return sent


def test_a_large_artifact_goes_up_in_parts_whose_checksum_is_compared(
    dev: Cloud, registry: Registry, in_parts: artifacts.Packed
) -> None:
    recorder = Recorder()
    artifact = artifacts.push(in_parts, "detector", registry.artifact_bucket, dev, recorder)
    head = dev.client("s3").head_object(
        Bucket=registry.artifact_bucket, Key=f"detector/{in_parts.sha256}/model.tar.gz", PartNumber=3
    )
    assert head["PartsCount"] == 3
    assert recorder.done[-1] == (11, 11)
    assert artifacts.push(in_parts, "detector", registry.artifact_bucket, dev, Silent()) == artifact


def test_an_upload_that_broke_off_goes_on_with_the_parts_that_are_not_there(
    dev: Cloud, registry: Registry, in_parts: artifacts.Packed, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = dev.client("s3")
    monkeypatch.setattr(Cloud, "client", lambda *_, **__: client)
    with monkeypatch.context() as broken:
        _parts_asked_for(client, broken, fails=2)
        with pytest.raises(KeyboardInterrupt):
            artifacts.push(in_parts, "detector", registry.artifact_bucket, dev, Silent())
    assert client.list_objects_v2(Bucket=registry.artifact_bucket)["KeyCount"] == 0
    sent, recorder = _parts_asked_for(client, monkeypatch), Recorder()
    artifact = artifacts.push(in_parts, "detector", registry.artifact_bucket, dev, recorder)
    assert 2 in sent
    assert len(sent) < 3
    assert any("went on with an upload that broke off" in note for note in recorder.notes)
    assert "Uploads" not in client.list_multipart_uploads(Bucket=registry.artifact_bucket)
    body = client.get_object(Bucket=registry.artifact_bucket, Key=artifact.uri.split("/", 3)[3])["Body"].read()
    assert hashlib.sha256(body).hexdigest() == in_parts.sha256


def test_a_file_that_changes_before_it_is_uploaded_is_refused(
    dev: Cloud, registry: Registry, in_parts: artifacts.Packed
) -> None:
    with in_parts.files["model.tar.gz"].open("r+b") as stream:
        stream.seek(6 << 20)
        stream.write(b"other")
    with pytest.raises(FailedError, match="changed between being read and being uploaded"):
        artifacts.push(in_parts, "detector", registry.artifact_bucket, dev, Silent())
    assert dev.client("s3").list_objects_v2(Bucket=registry.artifact_bucket)["KeyCount"] == 0


@pytest.mark.parametrize("content", [b"", b"y = 1\n", b"a = 1\nb = 2\n"], ids=["emptied", "shorter", "longer"])
def test_a_plain_file_that_changes_before_it_is_uploaded_is_refused(
    dev: Cloud, registry: Registry, workload: Workload, tmp_path: Path, content: bytes
) -> None:
    packed = artifacts.list_files(workload, tmp_path / "list.json", Silent())
    packed.files["code/inference.py"].write_bytes(content)
    with pytest.raises(FailedError, match=r"inference\.py: changed between being read and being uploaded"):
        artifacts.push(packed, "detector", registry.artifact_bucket, dev, Silent())
    assert dev.client("s3").list_objects_v2(Bucket=registry.artifact_bucket)["KeyCount"] == 0


def test_plain_files_are_pushed_below_one_prefix_their_list_last(
    dev: Cloud, registry: Registry, workload: Workload, tmp_path: Path
) -> None:
    packed = artifacts.list_files(workload, tmp_path / "list.json", Silent())
    artifact = artifacts.push(packed, "detector", registry.artifact_bucket, dev, Silent())
    assert artifact.uri == f"s3://{registry.artifact_bucket}/detector/{packed.sha256}/"
    assert artifact.form == "prefix"
    client = dev.client("s3")
    listed = client.list_object_versions(Bucket=registry.artifact_bucket)["Versions"]
    versions = {version["Key"].split("/", 2)[2]: version["VersionId"] for version in listed}
    assert versions == {"code/inference.py": ANY, "artifact-manifest.json": artifact.version_id}
    assert artifact.file_versions == {"code/inference.py": versions["code/inference.py"]}
    assert max(listed, key=lambda version: version["LastModified"])["Key"].endswith("artifact-manifest.json")
    again = Recorder()
    assert artifacts.push(packed, "detector", registry.artifact_bucket, dev, again) == artifact
    assert "it is there already" in again.notes
    assert upload.missing(artifact, dev) is None


@pytest.mark.parametrize("change", ["replaced", "deleted", "added"])
def test_plain_files_that_are_no_longer_those_of_the_release_are_named(
    dev: Cloud, registry: Registry, workload: Workload, tmp_path: Path, change: str
) -> None:
    packed = artifacts.list_files(workload, tmp_path / "list.json", Silent())
    artifact = artifacts.push(packed, "detector", registry.artifact_bucket, dev, Silent())
    client, prefix = dev.client("s3"), artifact.uri.split("/", 3)[3]
    handler = {"Bucket": registry.artifact_bucket, "Key": f"{prefix}code/inference.py"}
    if change == "replaced":
        client.put_object(**handler, Body=b"other")
    elif change == "deleted":
        client.delete_object(**handler)
    else:
        client.put_object(Bucket=registry.artifact_bucket, Key=f"{prefix}code/other.py", Body=b"other")
    told = {
        "replaced": rf"inference\.py has version .*, the release says {artifact.file_versions['code/inference.py']}",
        "deleted": r"code/inference\.py is not there",
        "added": r"code/other\.py has version .*, the release says nothing",
    }
    assert re.search(told[change], str(upload.missing(artifact, dev)))


def test_a_large_model_is_released_as_plain_files_unless_the_profile_says_archive(
    releaser: Releaser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing, "LARGEST_ARCHIVE", 10)
    key = min(releaser.profile.endpoints)
    released = releaser.push_artifacts([key]).endpoints[key].artifact
    assert released
    assert released.form == "prefix"
    assert [each.path for each in released.manifest] == ["code/inference.py"]


def test_an_artifact_whose_key_holds_other_content_is_refused(
    dev: Cloud, registry: Registry, workload: Workload, tmp_path: Path
) -> None:
    packed = artifacts.pack(workload, tmp_path / "model.tar.gz", Silent())
    key = f"detector/{packed.sha256}/model.tar.gz"
    dev.client("s3").put_object(
        Bucket=registry.artifact_bucket, Key=key, Body=b"x" * packed.size, ChecksumAlgorithm="SHA256"
    )
    with pytest.raises(FailedError, match="holds other content than its name says"):
        artifacts.push(packed, "detector", registry.artifact_bucket, dev, Silent())


def test_a_bucket_without_versions_is_refused(dev: Cloud, workload: Workload, tmp_path: Path) -> None:
    name = f"plain-{hashlib.sha256(str(tmp_path).encode()).hexdigest()[:16]}"
    dev.client("s3").create_bucket(Bucket=name)
    packed = artifacts.pack(workload, tmp_path / "model.tar.gz", Silent())
    with pytest.raises(FailedError, match="keeps no versions"):
        artifacts.push(packed, "detector", name, dev, Silent())


def test_an_artifact_that_was_replaced_or_deleted_is_missing(
    dev: Cloud, registry: Registry, workload: Workload, tmp_path: Path
) -> None:
    packed = artifacts.pack(workload, tmp_path / "model.tar.gz", Silent())
    artifact = artifacts.push(packed, "detector", registry.artifact_bucket, dev, Silent())
    key = artifact.uri.split("/", 3)[3]
    dev.client("s3").put_object(Bucket=registry.artifact_bucket, Key=key, Body=b"other")
    assert "the release says" in str(upload.missing(artifact, dev))
    dev.client("s3").delete_object(Bucket=registry.artifact_bucket, Key=key)
    assert str(upload.missing(artifact, dev)).endswith("is not there")


def test_an_image_comes_back_from_the_registry_as_it_was_pushed(
    dev: Cloud, registry: Registry, workload: Workload, project: Project
) -> None:
    made = images.build_process_image(workload, project.serving_dir, Silent())
    url = registry.repositories["detector"]
    pushed = images.push(made, url, dev, Silent())
    assert pushed == f"{url}@{made.digest}"
    client, name = dev.client("ecr"), url.partition("/")[2]
    held = client.batch_get_image(repositoryName=name, imageIds=[{"imageTag": made.tag}])["images"][0]
    assert held["imageId"]["imageDigest"] == made.digest
    assert held["imageManifest"].encode() == made.manifest
    manifest = json.loads(held["imageManifest"])
    for blob in (manifest["config"], *manifest["layers"]):
        assert client.get_download_url_for_layer(repositoryName=name, layerDigest=blob["digest"])["downloadUrl"]


def test_pushing_again_sends_nothing_and_a_shared_layer_is_sent_once(dev: Cloud, registry: Registry) -> None:
    url = registry.repositories["detector"]
    images.push(_image(b"layer"), url, dev, Silent())
    again, other = Recorder(), Recorder()
    images.push(_image(b"layer"), url, dev, again)
    assert again.notes == ["it is there already"]
    assert again.done == []
    # Same layer, another command: a new configuration and nothing else goes up.
    changed = image(
        [Layer(b"layer", hashlib.sha256(b"layer").hexdigest())],
        version="1.0.1",
        entrypoint=["python"],
        command=["serve", "--quiet"],
        labels={"io.async-inference.runtime": "process"},
    )
    images.push(changed, url, dev, other)
    assert len(other.done) == 1
    assert other.notes == []


def test_a_layer_of_several_parts_arrives_whole(dev: Cloud, registry: Registry) -> None:
    content = bytes(range(256)) * (21 << 12)  # 21 MiB
    recorder = Recorder()
    images.push(_image(content), registry.repositories["detector"], dev, recorder)
    assert [done for done, total in recorder.done if total == 21] == [10, 20, 21]


def test_a_tag_that_stands_for_other_content_is_refused(dev: Cloud, registry: Registry) -> None:
    url = registry.repositories["detector"]
    wanted, squatter = _image(b"wanted"), _image(b"squatter")
    images.push(squatter, url, dev, Silent())
    dev.client("ecr").put_image(
        repositoryName=url.partition("/")[2],
        imageManifest=squatter.manifest.decode(),
        imageManifestMediaType="application/vnd.docker.distribution.manifest.v2+json",
        imageTag=wanted.tag,
    )
    with pytest.raises(FailedError, match=f"the tag stands for {squatter.digest} already"):
        images.push(wanted, url, dev, Silent())


def test_a_cloud_that_runs_containers_gets_no_process_image(dev: Cloud, registry: Registry) -> None:
    url = registry.repositories["detector"]
    with pytest.raises(MissingError, match="real containers only"):
        images.push(_image(b"refused"), url, replace(dev, runs_process_images=False), Silent())
    assert ecr.missing(f"{url}@{_image(b'refused').digest}", dev) is not None


def test_pushing_writes_both_halves_of_every_endpoint_that_runs_the_workload(releaser: Releaser) -> None:
    keys = sorted(releaser.profile.endpoints)
    releaser.push_images(keys)
    release = releaser.push_artifacts(keys)
    written = read_release(releaser.cloud.releases_dir, "dev")
    assert written == release
    entry = release.endpoints[keys[0]]
    assert entry.image
    assert entry.artifact
    assert [each.path for each in entry.artifact.manifest] == ["code/inference.py"]
    assert not entry.needs_network
    check_present(release, releaser.cloud)


def test_what_a_release_names_and_is_not_there_is_listed_with_the_command_that_makes_it(releaser: Releaser) -> None:
    key = min(releaser.profile.endpoints)
    releaser.push_images([key])
    release = releaser.push_artifacts([key])
    entry = release.endpoints[key]
    assert entry.image
    assert entry.artifact
    source = Source(entry.workload, entry.workload_version, entry.module_version)
    gone = with_image(release, key, f"{entry.image[:-4]}0000", source)
    gone = with_artifact(gone, key, entry.artifact.model_copy(update={"version_id": "other"}), source)
    with pytest.raises(FailedError) as caught:
        check_present(gone, releaser.cloud)
    assert f"{entry.image[:-4]}0000 is not there" in caught.value.message
    assert "the release says other" in caught.value.message
    assert caught.value.hints == (
        f"glue image push --env dev --endpoint {key}",
        f"glue artifact push --env dev --endpoint {key}",
    )


def test_an_image_without_a_tag_is_refused_because_it_will_not_stay(releaser: Releaser) -> None:
    key = min(releaser.profile.endpoints)
    release = releaser.push_images([key])
    entry = release.endpoints[key]
    assert entry.image
    url, _, digest = entry.image.partition("@")
    repository = ecr.Repository.at(url)
    client = repository.client(releaser.cloud)
    held = ecr.held_manifest(client, repository, {"imageDigest": digest})
    assert held
    untagged = client.put_image(**repository.arguments, imageManifest=held["imageManifest"] + "\n")["image"]
    source = Source(entry.workload, entry.workload_version, entry.module_version)
    release = with_image(release, key, f"{url}@{untagged['imageId']['imageDigest']}", source)
    with pytest.raises(FailedError, match="has no tag: the lifecycle of its repository may remove it") as refusal:
        check_present(release, releaser.cloud)
    assert refusal.value.hints == (f"glue image push --env dev --endpoint {key}",)


def test_an_account_that_may_pull_and_not_describe_images_does_not_ask_for_tags(
    releaser: Releaser, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = min(releaser.profile.endpoints)
    image = releaser.push_images([key]).endpoints[key].image
    assert image
    client = ecr.Repository.at(image.partition("@")[0]).client(releaser.cloud)
    monkeypatch.setattr(ecr.Repository, "client", lambda _self, _cloud: client)
    with Stubber(client) as stub:  # the local cloud has no IAM: everybody may describe images
        stub.add_response("batch_get_image", {"images": [{"registryId": DEV}], "failures": []})
        stub.add_client_error("describe_images", "AccessDeniedException")
        assert ecr.missing(image, releaser.cloud) is None
        stub.assert_no_pending_responses()


def test_a_promoted_release_is_found_from_the_account_it_was_promoted_to(releaser: Releaser) -> None:
    keys = sorted(releaser.profile.endpoints)
    releaser.push_images(keys)
    release = releaser.push_artifacts(keys)
    check_present(release, replace(releaser.cloud, account_id=STAGING))


def test_a_release_is_promoted_unchanged_on_the_evidence_for_exactly_it(releaser: Releaser) -> None:
    origin = Side(releaser.profile, releaser.cloud)
    staging = Side(load_profile(releaser.project.envs_dir, "staging"), replace(releaser.cloud, account_id=STAGING))
    keys = sorted(releaser.profile.endpoints)
    releaser.push_images(keys)
    release = releaser.push_artifacts(keys)
    with pytest.raises(FailedError, match="no evidence"):
        promote(origin, staging, Silent())
    _state_bucket(origin)
    with pytest.raises(FailedError, match="no evidence"):
        promote(origin, staging, Silent())
    _, sha256 = evidence.store(origin.cloud, origin.profile, _evidence(release))
    done = promote(origin, staging, Silent())
    written = read_release(staging.cloud.releases_dir, "staging")
    assert written == done.release
    assert written.digest == release.digest
    assert {(e.origin.kind, e.origin.environment, e.origin.evidence) for e in written.endpoints.values()} == {  # type: ignore[union-attr]
        ("promoted", "dev", sha256)
    }
    assert {change.field for change in done.changes} >= {"image", "artifact"}
    assert promote(origin, staging, Silent()).changes == ()


def test_evidence_that_failed_or_is_none_is_refused(releaser: Releaser) -> None:
    origin = Side(releaser.profile, releaser.cloud)
    staging = Side(load_profile(releaser.project.envs_dir, "staging"), replace(releaser.cloud, account_id=STAGING))
    keys = sorted(releaser.profile.endpoints)
    releaser.push_images(keys)
    release = releaser.push_artifacts(keys)
    # Other content than any other test has: the state bucket is shared.
    entry = release.endpoints[keys[0]].model_copy(update={"module_version": "a-failing-one"})
    release = release.model_copy(update={"endpoints": {**release.endpoints, keys[0]: entry}})
    write_release(origin.cloud.releases_dir, release)
    _state_bucket(origin)
    failed = _evidence(release).model_copy(
        update={
            "verdict": "fail",
            "checks": [Check(id="endpoint", verdict="fail", message="it is Failed", seconds=1.0)],
        }
    )
    evidence.store(origin.cloud, origin.profile, failed)
    with pytest.raises(FailedError, match="endpoint: it is Failed"):
        promote(origin, staging, Silent())
    key = evidence.evidence_key(origin.profile, release.digest)
    origin.cloud.client("s3").put_object(Bucket=origin.profile.state_bucket, Key=key, Body=b'{"verdict": "pass"}')
    with pytest.raises(FailedError, match="missing: it must be given"):
        promote(origin, staging, Silent())
    assert read_release(staging.cloud.releases_dir, "staging") is None


def test_promoting_to_another_cloud_is_refused(releaser: Releaser) -> None:
    origin = Side(releaser.profile, releaser.cloud)
    other = Side(load_profile(releaser.project.envs_dir, "staging"), replace(releaser.cloud, name="aws"))
    with pytest.raises(UsageError, match="clouds: local and aws"):
        promote(origin, other, Silent())


def _state_bucket(side: Side) -> None:
    side.cloud.client("s3").create_bucket(Bucket=side.profile.state_bucket)


def _evidence(release: Release) -> Evidence:
    return Evidence(
        environment=release.environment,
        release=release.digest,
        verdict="pass",
        checks=[Check(id="endpoint", verdict="pass", message="it is InService", seconds=0.5)],
        tools={"glue": "0"},
        created=datetime.now(UTC),
    )

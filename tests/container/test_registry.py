"""The whole chain against the local cloud's registry: build, verify, push, scan, pull back, release, list and trace."""

from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from glue.cloud import Cloud
from glue.engines import Engine
from glue.errors import FailedError
from glue.imagechecks import former_image
from glue.images.listing import listed
from glue.images.publishing import Transfers, publish
from glue.profiles.models import ImageScan
from glue.releases import Release, Source, with_image
from tests.container.recording import Recorder
from tests.container.workshop import ACCOUNT, Workshop

SCAN = ImageScan()


@pytest.fixture(scope="module")
def pushed(workshop: Workshop, engine: Engine, aws: Cloud, url: str) -> str:
    """The sound image, pushed: `url@sha256:…`."""
    recorder = Recorder()
    image = publish(workshop.sound, url, aws, engine, recorder, SCAN)
    assert any("pulled back" in note for note in recorder.notes)
    return image


def test_an_image_is_pushed_once_and_comes_back_by_its_digest(
    workshop: Workshop, engine: Engine, aws: Cloud, url: str, pushed: str
) -> None:
    again = Recorder()
    assert pushed.startswith(f"{url}@sha256:")
    assert publish(workshop.sound, url, aws, engine, again, SCAN) == pushed
    assert "it is there already" in again.notes
    assert any("pulled back" in note for note in again.notes)


@pytest.mark.usefixtures("pushed")
def test_a_tag_that_stands_for_another_image_is_refused(
    workshop: Workshop, engine: Engine, aws: Cloud, url: str
) -> None:
    other = replace(workshop.sound, image=workshop.variation("LABEL other=content"))
    with pytest.raises(FailedError, match="which is another image"):
        publish(other, url, aws, engine, Recorder(), SCAN)


def test_the_same_image_of_another_moment_is_the_one_that_the_tag_stands_for(
    workshop: Workshop, engine: Engine, aws: Cloud, url: str, pushed: str
) -> None:
    again = workshop.again(workshop.sound)
    assert again.id != workshop.sound.image.id
    recorder = Recorder()
    assert publish(replace(workshop.sound, image=again), url, aws, engine, recorder, SCAN) == pushed
    assert any("made at another moment" in note for note in recorder.notes)


@pytest.mark.usefixtures("pushed")
def test_an_image_with_the_same_layers_and_other_settings_is_another_one(
    workshop: Workshop, engine: Engine, aws: Cloud, url: str
) -> None:
    other = replace(workshop.sound, image=workshop.variation("WORKDIR /"))
    assert other.image.layers == workshop.sound.image.layers
    with pytest.raises(FailedError, match="which is another image") as caught:
        publish(other, url, aws, engine, Recorder(), SCAN)
    assert "raise the workload's version" in caught.value.hints[0]


@pytest.mark.usefixtures("pushed")
def test_the_registry_itself_refuses_to_move_a_tag(workshop: Workshop, engine: Engine, aws: Cloud, url: str) -> None:
    other = workshop.variation("LABEL yet=another")
    host = str(aws.endpoint_url).partition("://")[2]
    with (
        engine.logged_in(host, "AWS", f"{ACCOUNT}-eu-central-1-token") as session,
        pytest.raises(FailedError, match="tag"),
    ):
        Transfers(session, f"{host}/{url.partition('/')[2]}", Recorder()).push(other, workshop.sound.tag)


def test_nobody_pushes_without_the_accounts_token(engine: Engine, aws: Cloud) -> None:
    host = str(aws.endpoint_url).partition("://")[2]
    with pytest.raises(FailedError, match="login"), engine.logged_in(host, "AWS", "guessed"):
        pass


def test_credentials_are_kept_in_no_file_of_the_user(
    engine: Engine, aws: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    host = str(aws.endpoint_url).partition("://")[2]
    with engine.logged_in(host, "AWS", f"{ACCOUNT}-eu-central-1-token") as session:
        kept = session.variables.get("DOCKER_CONFIG") or session.variables["REGISTRY_AUTH_FILE"]
        folder = Path(kept) if engine.kind == "docker" else Path(kept).parent
        assert list(folder.iterdir())
    assert not folder.exists()
    assert not [file for file in tmp_path.rglob("*") if file.is_file()]


@pytest.mark.usefixtures("pushed")
def test_growth_is_told_since_the_last_image_that_was_pushed(workshop: Workshop, engine: Engine) -> None:
    between = workshop.variation("COPY between /between", {"between": b"1"})
    last = workshop.variation("COPY last /last", {"last": b"2"})
    assert between.created <= last.created
    assert former_image(engine, "noop", last) == workshop.sound.image.id
    assert former_image(engine, "nobody", last) is None


def test_what_a_registry_has_is_listed_with_what_is_released(
    workshop: Workshop, aws: Cloud, url: str, pushed: str
) -> None:
    release = with_image(Release(environment="dev"), "noop", pushed, Source("noop", "1.0.0", "revision"))
    [found] = listed({"noop": url}, release, aws)
    assert (found.workload, found.tags, found.released) == ("noop", (workshop.sound.tag,), ("noop",))
    assert f"{url}@{found.digest}" == pushed


def test_a_finding_beyond_the_limit_refuses_the_release(
    workshop: Workshop, engine: Engine, aws: Cloud, new_url: str
) -> None:
    pushed = publish(workshop.sound, new_url, aws, engine, Recorder(), SCAN)
    finding = {
        "imageScanFindings": {"findings": [], "findingSeverityCounts": {"CRITICAL": 2, "LOW": 7}},
        "registryId": ACCOUNT,
        "repositoryName": new_url.partition("/")[2],
        "imageId": {"imageDigest": pushed.rpartition("@")[2]},
        "imageScanStatus": {"status": "COMPLETE", "description": "done"},
    }
    given = {"results": [finding], "region": "eu-central-1", "account_id": ACCOUNT}
    httpx.post(f"{aws.endpoint_url}/moto-api/static/ecr/scan-finding-results", json=given).raise_for_status()
    with pytest.raises(FailedError, match=r"the scan found 2 critical; image_scan\.worst_allowed is high"):
        publish(workshop.sound, new_url, aws, engine, Recorder(), SCAN)

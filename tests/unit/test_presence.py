"""What a release names is looked up all at once, and what is not there is told in order."""

import threading

import pytest

from glue import presence
from glue.artifacts import upload
from glue.cloud import Cloud
from glue.errors import FailedError
from glue.images import ecr
from glue.releases import Artifact, EndpointRelease, ManifestEntry, Release

CLOUD = Cloud("local", "us-east-1", "111122223333", endpoint_url="http://127.0.0.1:1")
KEYS = [f"rooms-{number:02}" for number in range(20)]


def release() -> Release:
    return Release(environment="dev", endpoints={key: entry(key) for key in KEYS})


def entry(key: str) -> EndpointRelease:
    artifact = Artifact(
        uri=f"s3://artifacts/{key}/model.tar.gz",
        version_id="v1",
        sha256="b" * 64,
        manifest=[ManifestEntry(path="code/inference.py", size=1, sha256="c" * 64)],
    )
    image = f"111122223333.dkr.ecr.us-east-1.amazonaws.com/{key}@sha256:{'a' * 64}"
    return EndpointRelease(
        workload="rooms", workload_version="1.0.0", module_version="1", image=image, artifact=artifact
    )


def test_look_ups_wait_beside_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    together = threading.Barrier(8, timeout=30)

    def look(wanted: object, cloud: Cloud) -> None:
        together.wait()

    monkeypatch.setattr(ecr, "missing", look)
    monkeypatch.setattr(upload, "missing", look)
    presence.check_present(release(), CLOUD)  # 40 look-ups: five times eight that wait for each other


def test_what_is_missing_is_told_in_the_order_of_the_endpoints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ecr, "missing", lambda image, cloud: f"{image} is not there" if "rooms-1" in image else None)
    monkeypatch.setattr(upload, "missing", lambda artifact, cloud: "no artifact" if "-15" in artifact.uri else None)
    with pytest.raises(FailedError) as caught:
        presence.check_present(release(), CLOUD)
    lines = caught.value.message.splitlines()[1:]
    assert [line.split(":")[0] for line in lines] == [
        f"endpoint rooms-{number}" for number in (10, 11, 12, 13, 14, 15, 15, 16, 17, 18, 19)
    ]
    assert lines[6] == "endpoint rooms-15: no artifact"
    assert caught.value.hints[6] == "glue artifact push --env dev --endpoint rooms-15"


def test_clients_may_be_made_by_many_threads_at_once() -> None:
    failures: list[Exception] = []
    start = threading.Barrier(16)

    def make() -> None:
        start.wait()
        try:
            for service in ("s3", "ecr", "sns"):
                CLOUD.client(service)
        except Exception as error:  # noqa: BLE001 - whatever a thread raises would be lost
            failures.append(error)

    threads = [threading.Thread(target=make) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []

"""`glue image` as a person runs it: from a commit to containers that serve, for both workloads, digest by digest."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from glue.cloud import Cloud
from glue.engines import Engine
from glue.images import labels
from glue.images.building import image_folder
from glue.localcloud import daemon
from glue.localcloud.compute.containers import CLOUD_LABEL
from tests.conftest import ROOT
from tests.container.workshop import Workshop
from tests.end_to_end.conftest import Checkout, make_checkout

WORKLOADS = {"location-detector": "location_detector", "noop": "noop"}
"""By the endpoint's key."""
OBSERVE = "3"
PROFILE = """\
environment: local
cloud: local
account_id: "000000000000"
force_destroy: true
log_retention_days: 1
abort_uploads_days: null
endpoints:
"""
ENDPOINT = """\
  KEY:
    workload: WORKLOAD
    instance_type: ml.m5.large
    autoscaling: {min: 1, max: 1}
    deployment: {rollback_alarms: false}
    alarms: {enabled: false}
"""

pytestmark = pytest.mark.timeout(600)


@dataclass(frozen=True)
class Chain:
    """A checkout whose images are built, verified, pushed and deployed, and what the commands said."""

    checkout: Checkout
    commit: str
    built: dict[str, Any]
    verified: dict[str, Any]
    pushed: dict[str, str]
    said: str

    def trace(self, *, exit_code: int = 0) -> dict[str, Any]:
        endpoints: dict[str, Any] = self.checkout.document("image", "trace", "--env", "local", exit_code=exit_code)[
            "endpoints"
        ]
        return endpoints


def _git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=platform-team", "-c", "user.email=platform-team@example.com"]
    done = subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory, engine: Engine, base: str | None) -> Iterator[Checkout]:
    """A commit, and its local cloud with a registry."""
    root = tmp_path_factory.mktemp("commands") / "checkout"
    made = make_checkout(root, GLUE_ENGINE=engine.program, **({"GLUE_BASE_IMAGE": base} if base else {}))
    (root / "container").unlink()
    shutil.copytree(ROOT / "container", root / "container", ignore=shutil.ignore_patterns("__pycache__"))
    endpoints = "".join(ENDPOINT.replace("KEY", key).replace("WORKLOAD", name) for key, name in WORKLOADS.items())
    (root / "envs/local.yaml").write_text(PROFILE + endpoints)
    (root / ".gitignore").write_text(".glue/\n")
    _git(root, "init", "--quiet")
    _git(root, "add", ".")
    _git(root, "commit", "--quiet", "--message", "first")
    made.glue("local", "up", "--speed", "20")
    made.glue("apply", "--env", "local", "--layer", "registry", "--yes")
    yield made
    daemon.down(made.project.local_cloud_dir)
    for image in engine.images(f"{labels.REVISION}={_git(root, 'rev-list', '--max-parents=0', 'HEAD')}"):
        subprocess.run([engine.program, "rmi", "--force", image.id], check=True, stdout=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def chain(checkout: Checkout, workshop: Workshop) -> Chain:
    built = {name: checkout.document("image", "build", name) for name in WORKLOADS.values()}
    workshop.variation("ENV ANOTHER=1")  # the newest image of noop is none of this checkout
    noop = checkout.document("image", "verify", "noop", "--observe", OBSERVE)
    push = checkout.glue("image", "push", "--env", "local", "--kind", "container", "--observe", OBSERVE, "--json")
    kept = image_folder(checkout.project, "location_detector") / "verification.json"
    verified = {"noop": noop, "location_detector": json.loads(kept.read_text())}
    checkout.glue("artifact", "push", "--env", "local")
    checkout.glue("apply", "--env", "local", "--yes")
    commit = _git(checkout.root, "rev-parse", "HEAD")
    return Chain(checkout, commit, built, verified, json.loads(push.stdout)["endpoints"], push.stderr)


@pytest.mark.parametrize("workload", WORKLOADS.values())
def test_an_image_is_built_with_its_bill_of_materials(chain: Chain, engine: Engine, workload: str) -> None:
    document = chain.built[workload]
    assert document["tag"] == f"1.0.0-{chain.commit[:12]}"
    assert engine.inspect(document["image"]).id == document["id"]
    assert json.loads(Path(document["sbom"]).read_text())["bomFormat"] == "CycloneDX"


@pytest.mark.parametrize("workload", WORKLOADS.values())
def test_an_image_is_verified_by_itself_or_before_it_is_pushed_and_passes_every_check(
    chain: Chain, workload: str
) -> None:
    document = chain.verified[workload]
    assert [check["id"] for check in document["checks"] if check["verdict"] == "fail"] == []
    assert document["verdict"] == "pass"
    assert document["conditions"]["image"] == chain.built[workload]["id"]
    assert document["observed_seconds"] == float(OBSERVE)
    golden = next(check for check in document["checks"] if check["id"] == "golden")
    folder = chain.checkout.project.workloads_dir / workload / "golden"
    assert golden["measured"]["cases"] == len(list(folder.glob("*/case.yaml"))) > 0


def test_a_checkout_that_has_built_nothing_verifies_nothing(tmp_path: Path, engine: Engine) -> None:
    made = make_checkout(tmp_path / "checkout", GLUE_ENGINE=engine.program)
    done = made.glue("image", "verify", "noop", exit_code=2)
    assert "no image of noop was built here" in done.stderr
    assert "glue image build noop" in done.stderr


def test_an_image_that_fails_is_a_table_with_its_cause_and_exit_code_1(chain: Chain, workshop: Workshop) -> None:
    broken = workshop.variation("ENTRYPOINT python -m serving")
    done = chain.checkout.glue("image", "verify", "noop", "--image", broken.id, "--observe", "0", exit_code=1)
    assert "noop 1.0.0: fail" in done.stdout
    assert "ENTRYPOINT is in shell form" in done.stdout


def test_what_was_verified_is_pushed_without_being_verified_again(chain: Chain) -> None:
    said = {name: chain.built[name]["image"] for name in WORKLOADS.values()}
    assert f"{said['noop']} was verified already" in chain.said
    assert f"{said['location_detector']}: pass" in chain.said
    assert chain.said.count("→ sigterm") == 1
    assert sorted(chain.pushed) == sorted(WORKLOADS)
    assert all("@sha256:" in image for image in chain.pushed.values())


def test_the_registry_lists_what_was_pushed_and_for_which_endpoint_it_is_released(chain: Chain) -> None:
    images = chain.checkout.document("image", "list", "--env", "local")["images"]
    found = {(one["workload"], one["digest"], *one["tags"], *one["released"]) for one in images}
    assert found == {
        (workload, chain.pushed[key].rpartition("@")[2], chain.built[workload]["tag"], key)
        for key, workload in WORKLOADS.items()
    }
    assert chain.built["noop"]["tag"] in chain.checkout.glue("image", "list", "--env", "local").stdout


def test_the_chain_is_whole_from_the_commit_to_running_containers(chain: Chain, engine: Engine) -> None:
    endpoints = chain.trace()
    for key, workload in WORKLOADS.items():
        links = {link["name"]: link for link in endpoints[key]["links"]}
        assert {link["verdict"] for link in links.values()} == {"ok"}, links
        digest = chain.pushed[key].rpartition("@")[2]
        values = {name: link["value"] for name, link in links.items()}
        assert values == {
            "source": chain.commit,
            "release": chain.pushed[key],
            "local image": chain.built[workload]["id"],
            "registry": digest,
            "model": digest,
            "endpoint": digest,
        }
    label = f"{CLOUD_LABEL}={chain.checkout.project.local_cloud_dir.resolve() / 'instances'}"
    command = [engine.program, "ps", "--quiet", f"--filter=label={label}"]
    names = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    command = [engine.program, "container", "inspect", "--format={{.Image}}", *names]
    running = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    assert sorted(running) == sorted(document["id"] for document in chain.built.values())


def test_a_release_that_is_committed_is_no_change_and_a_change_of_sources_is(chain: Chain) -> None:
    root = chain.checkout.root
    _git(root, "add", "envs")
    _git(root, "commit", "--quiet", "--message", "release")
    assert {one["broken_at"] for one in chain.trace().values()} == {None}
    file = root / "container/workloads/noop/inference.py"
    text = file.read_text()
    file.write_text(f"{text}\n# changed\n")
    try:
        endpoints = chain.trace(exit_code=1)
    finally:
        file.write_text(text)
    assert endpoints["noop"]["broken_at"] == "source"
    assert endpoints["location-detector"]["broken_at"] is None


def test_a_chain_that_is_broken_in_the_registry_says_so(chain: Chain) -> None:
    url = daemon.status(chain.checkout.project.local_cloud_dir).endpoint_url
    repository, _, digest = chain.pushed["noop"].partition("/")[2].partition("@")
    Cloud("local", "us-east-1", "000000000000", endpoint_url=url).client("ecr").batch_delete_image(
        repositoryName=repository, imageIds=[{"imageDigest": digest}]
    )
    endpoints = chain.trace(exit_code=1)
    assert endpoints["noop"]["broken_at"] == "registry"
    assert endpoints["location-detector"]["broken_at"] is None
    said = chain.checkout.glue("image", "trace", "--env", "local", exit_code=1).stdout
    assert "the registry does not have the released digest: glue image push" in " ".join(said.split())

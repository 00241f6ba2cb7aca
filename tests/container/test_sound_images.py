"""Images as they should be: built from the Dockerfile, verified, pushed to a real registry and pulled back."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from glue.engines import Engine
from glue.engines.commands import CommandError
from glue.errors import FailedError
from glue.evidence import Check
from glue.imagechecks import Patience, Verification
from glue.images import labels
from glue.images.publishing import compare, transfer
from glue.workloads import Workload, load_workload
from tests.container.workshop import QUICK, Workshop

ROOT = Path(__file__).parents[2]


def _problems(verification: Verification) -> list[Check]:
    return [check for check in verification.checks if check.verdict != "pass"]


@pytest.fixture(scope="session")
def verified(workshop: Workshop) -> Verification:
    return workshop.verify(workshop.sound.image)


def test_the_smallest_workload_passes_every_check_without_a_network(verified: Verification) -> None:
    assert _problems(verified) == []
    start = next(check for check in verified.checks if check.id == "start")
    assert start.measured["network"] == "none"
    assert verified.verdict == "pass"


def test_the_room_detector_passes_every_check(workshop: Workshop) -> None:
    detector = load_workload(ROOT / "container" / "workloads", "location_detector")
    built = workshop.build(detector)
    verification = workshop.verify(built.image, detector, Patience(observe=6.0, request=120.0))
    assert _problems(verification) == []
    golden = next(check for check in verification.checks if check.id == "golden")
    assert golden.measured["cases"] == 4


def test_a_bundled_model_is_in_layers_of_its_own_and_as_listed(
    workshop: Workshop, noop: Workload, tmp_path: Path
) -> None:
    weights = tmp_path / "weights.bin"
    weights.write_bytes(b"w" * 3_000_000)
    workload = replace(noop, artifact={**noop.artifact, "weights.bin": weights}, container=workshop.needs())
    built = workshop.build(workload, bundled=True)
    instructions = {layer.instruction: layer.size for layer in workshop.engine.history(built.image.id)}
    assert instructions["COPY weights/ /"] == 3_000_000
    assert instructions["COPY code/ /"] < 2_000
    verification = workshop.verify(built.image, workload)
    assert _problems(verification) == []
    listed = next(check for check in verification.checks if check.id == "weights")
    assert listed.measured == {"files": 2, "bytes": 3_000_000 + noop.artifact["code/inference.py"].stat().st_size}


def test_a_file_that_is_not_the_listed_one_does_not_get_into_an_image(
    workshop: Workshop, noop: Workload, engine: Engine, base: str | None
) -> None:
    from glue.images.context import stage

    folder = workshop.folder / "tampered"
    stage(noop, ROOT / "container" / "serving", folder, bundled=True)
    (folder / "code" / "opt/ml/model/code/inference.py").write_text("# something else\n")
    arguments = {"CPU_BASE": base} if base else {}
    with pytest.raises(FailedError, match=r"(?s)failed in \[checked.*a file is not the one that its checksum promises"):
        engine.build(
            folder,
            ROOT / "container/Dockerfile",
            tags=["tampered:1"],
            target="bundled",
            arguments=arguments,
            seconds=300,
        )


def test_the_same_sources_give_the_same_layers_without_any_cache(
    workshop: Workshop, engine: Engine, base: str | None
) -> None:
    folder = workshop.folder / ".glue/images/noop/context"
    first = workshop.sound.image
    arguments = {"CPU_BASE": base} if base else {}
    engine.build(
        folder,
        ROOT / "container/Dockerfile",
        tags=["again:1"],
        target="archive",
        arguments=arguments,
        seconds=300,
        cached=False,
    )
    again = engine.inspect("again:1")
    engine.untag("again:1")
    assert again.layers == first.layers


def test_labels_name_the_sources_and_the_workload(workshop: Workshop) -> None:
    found = workshop.sound.image.labels
    assert found[labels.WORKLOAD] == "noop"
    assert found[labels.VERSION] == "1.0.0"
    assert found[labels.REVISION]
    assert found[labels.MODEL] == "mounted"


def test_the_last_stage_has_neither_pip_nor_a_compiler_nor_a_cache(workshop: Workshop, engine: Engine) -> None:
    program = (
        "import os, shutil, importlib.util, json; print(json.dumps({"
        "'programs': [name for name in ('gcc', 'cc', 'make', 'pip', 'uv') if shutil.which(name)],"
        "'pip': importlib.util.find_spec('pip') is not None,"
        "'caches': [path for path in ('/root/.cache', '/opt/pip') if os.path.exists(path)]}))"
    )
    found = json.loads(engine.run_once(workshop.sound.reference, "/opt/venv/bin/python", ["-c", program]))
    assert found == {"programs": [], "pip": False, "caches": []}


def test_the_bill_of_materials_lists_the_lock_and_the_distribution(workshop: Workshop) -> None:
    document = json.loads(workshop.sound.sbom.read_text())
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    urls = {component["purl"] for component in document["components"]}
    lock = (ROOT / "container/workloads/noop/requirements.lock").read_text()
    pinned = [line.split()[0] for line in lock.splitlines() if "==" in line and not line.startswith(" ")]
    assert {f"pkg:pypi/{one.replace('==', '@')}" for one in pinned} <= urls
    assert any(url.startswith("pkg:deb/debian/") for url in urls)


def test_the_dockerfile_has_nothing_that_hadolint_knows() -> None:
    hadolint = ROOT / ".venv/bin/hadolint"
    done = subprocess.run([hadolint, ROOT / "container/Dockerfile"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_a_pushed_image_is_one_manifest_and_comes_back_as_it_was(
    workshop: Workshop, engine: Engine, registry: str
) -> None:
    place = f"{registry}/noop"
    digest = transfer(engine, workshop.sound.image, place, workshop.sound.tag)
    compare(engine, workshop.sound.image, f"{place}@{digest}")
    kind = "application/vnd.docker.distribution.manifest.v2+json"
    manifest = httpx.get(f"http://{registry}/v2/noop/manifests/{digest}", headers={"Accept": kind}).json()
    assert manifest["mediaType"] == kind
    assert manifest["config"]["digest"] == workshop.sound.image.id
    assert transfer(engine, workshop.sound.image, place, workshop.sound.tag) == digest


def test_a_registry_that_gives_out_another_image_is_noticed(workshop: Workshop, engine: Engine, registry: str) -> None:
    other = workshop.variation("LABEL other=image")
    digest = transfer(engine, other, f"{registry}/noop", "other")
    with pytest.raises(FailedError, match="the registry gives out"):
        compare(engine, workshop.sound.image, f"{registry}/noop@{digest}")


def test_a_registry_that_refuses_is_quoted(workshop: Workshop, engine: Engine) -> None:
    with pytest.raises(CommandError, match=r"127\.0\.0\.1:1"):
        transfer(engine, workshop.sound.image, "127.0.0.1:1/noop", "1")


def test_verifying_leaves_no_container(workshop: Workshop, engine: Engine, verified: Verification) -> None:
    arguments = [engine.program, "ps", "--all", "--quiet", "--filter=label=io.async-inference.run"]
    assert subprocess.run(arguments, capture_output=True, text=True, check=True).stdout == ""


def test_growth_since_another_image_is_reported_by_layer(workshop: Workshop, noop: Workload) -> None:
    from contextlib import ExitStack

    from glue.imagechecks import Subject
    from glue.imagechecks.verification import checks

    grown = workshop.variation("COPY more /more", {"more": b"m" * 2_000_000})
    subject = Subject(grown, noop, former=workshop.sound.image.id)
    with ExitStack() as resources:
        size = next(
            one for one in checks(subject, workshop.engine, workshop.reporter, QUICK, resources) if one.id == "size"
        )
    assert size.measured["grown"] == [{"instruction": "COPY more /more", "bytes": 2_000_000}]

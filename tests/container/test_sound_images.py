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
from glue.imagechecks import Verification
from glue.images import labels, sbom
from glue.images.publishing import Transfers
from glue.workloads import Workload
from tests.container.recording import Recorder
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


def test_the_same_sources_give_the_same_layers_and_settings_without_any_cache(workshop: Workshop) -> None:
    again = workshop.again(workshop.sound)
    assert again.layers == workshop.sound.image.layers
    assert again.is_alike(workshop.sound.image)


def test_labels_name_the_sources_and_the_workload(workshop: Workshop) -> None:
    found = workshop.sound.image.labels
    assert found[labels.WORKLOAD] == "noop"
    assert found[labels.VERSION] == "1.0.0"
    assert found[labels.REVISION]
    assert found[labels.MODEL] == "mounted"


INSTALLERS = """
import glob, importlib.util, json, os, shutil, sys
modules = ("pip", "setuptools", "wheel", "ensurepip", "pkg_resources")
programs = ("gcc", "cc", "make", "pip", "pip3", "pip3.11", "wheel", "uv")
print(json.dumps({
    "programs": [name for name in programs if shutil.which(name)],
    "modules": [name for name in modules if importlib.util.find_spec(name)],
    "caches": [path for path in ("/root/.cache", "/opt/pip") if os.path.exists(path)],
}))
"""
NONE: dict[str, list[str]] = {"programs": [], "modules": [], "caches": []}


@pytest.mark.parametrize("interpreter", ["/opt/venv/bin/python", "/usr/local/bin/python3"])
def test_the_last_stage_has_neither_pip_nor_a_compiler_nor_a_cache(
    workshop: Workshop, engine: Engine, interpreter: str
) -> None:
    assert json.loads(engine.run_once(workshop.sound.reference, interpreter, ["-c", INSTALLERS])) == NONE


def test_the_base_of_these_tests_brings_what_the_image_must_not_have(engine: Engine, base: str | None) -> None:
    if base is None:
        pytest.skip("the pinned base is known to")
    found = json.loads(engine.run_once(base, "/usr/local/bin/python3", ["-c", INSTALLERS]))
    assert {"pip", "setuptools", "ensurepip"} <= set(found["modules"])
    assert "pip" in found["programs"]


def _urls(sbom: Path) -> set[str]:
    return {component["purl"] for component in json.loads(sbom.read_text())["components"]}


def test_the_bill_of_materials_lists_the_lock_python_itself_and_the_distribution(
    workshop: Workshop, engine: Engine
) -> None:
    document = json.loads(workshop.sound.sbom.read_text())
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    urls = _urls(workshop.sound.sbom)
    lock = (ROOT / "container/workloads/noop/requirements.lock").read_text()
    pinned = [line.split()[0] for line in lock.splitlines() if "==" in line and not line.startswith(" ")]
    assert {f"pkg:pypi/{one.replace('==', '@')}" for one in pinned} <= urls
    assert any(url.startswith("pkg:deb/debian/") for url in urls)
    version = engine.run_once(
        workshop.sound.reference, "python", ["-c", "import platform as p; print(p.python_version())"]
    )
    assert f"pkg:generic/python@{version.strip()}" in urls


def test_the_bill_of_materials_lists_what_another_interpreter_of_the_image_has(
    workshop: Workshop, engine: Engine
) -> None:
    other = workshop.variation(
        "RUN python3 -m venv --without-pip /usr/local/other"
        " && printf '#!/bin/sh\\nexec /usr/local/other/bin/python3 \"$@\"\\n' >/usr/local/bin/python3.99"
        " && chmod +x /usr/local/bin/python3.99"
        " && cd /usr/local/other/lib/python3*/site-packages && mkdir hidden-1.5.dist-info"
        " && printf 'Name: hidden\\nVersion: 1.5\\n' >hidden-1.5.dist-info/METADATA"
    )
    assert sbom.Package("pypi", "", "hidden", "1.5") in sbom.installed(engine, other.id)


CUDA_BASE = """\
FROM {base}
RUN rm -rf /usr/local/bin/python* /usr/local/bin/pip* /usr/local/lib/python3*
RUN sed -i 's/^ID=.*/ID=ubuntu/' /etc/os-release
ENV PATH=/usr/local/nvidia/bin:/usr/local/cuda/bin:${{PATH}}
"""
"""As NVIDIA's: no Python, programs of its own on the path, Ubuntu by name. There is no GPU to run it with."""


def test_the_variant_for_gpus_is_built_from_a_base_without_python_and_serves(
    workshop: Workshop, engine: Engine, base: str | None, noop: Workload, tmp_path: Path
) -> None:
    if base is None:
        pytest.skip("made from the stand-in for the base image")
    (tmp_path / "Dockerfile").write_text(CUDA_BASE.format(base=base))
    engine.build(tmp_path, tmp_path / "Dockerfile", tags=["tests-cuda-base:1"], seconds=60)
    try:
        workload = replace(noop, container=workshop.needs(variant="cuda"))
        built = replace(workshop, base="tests-cuda-base:1").build(workload)
    finally:
        engine.untag("tests-cuda-base:1")
    assert built.image.environment["PATH"].startswith("/opt/venv/bin:/usr/local/nvidia/bin:/usr/local/cuda/bin:")
    assert json.loads(engine.run_once(built.reference, "/usr/bin/python3", ["-c", INSTALLERS])) == NONE
    assert any(url.startswith("pkg:deb/ubuntu/python3@") for url in _urls(built.sbom))
    assert _problems(workshop.verify(built.image)) == []


def test_a_pushed_image_is_one_manifest_and_comes_back_as_it_was(
    workshop: Workshop, engine: Engine, registry: str
) -> None:
    recorder = Recorder()
    transfers = Transfers(engine, f"{registry}/noop", recorder)
    digest = transfers.push(workshop.sound.image, workshop.sound.tag)
    layers = len(workshop.sound.image.layers)
    assert recorder.moved["layers pushed"] == (layers, layers)
    transfers.compare(workshop.sound.image, digest)
    kind = "application/vnd.docker.distribution.manifest.v2+json"
    manifest = httpx.get(f"http://{registry}/v2/noop/manifests/{digest}", headers={"Accept": kind}).json()
    assert manifest["mediaType"] == kind
    assert manifest["config"]["digest"] == workshop.sound.image.id
    assert transfers.push(workshop.sound.image, workshop.sound.tag) == digest


def test_a_registry_that_gives_out_another_image_is_noticed(workshop: Workshop, engine: Engine, registry: str) -> None:
    other = workshop.variation("LABEL other=image")
    transfers = Transfers(engine, f"{registry}/noop", Recorder())
    digest = transfers.push(other, "other")
    with pytest.raises(FailedError, match="the registry gives out"):
        transfers.compare(workshop.sound.image, digest)


def test_a_registry_that_refuses_is_quoted(workshop: Workshop, engine: Engine) -> None:
    with pytest.raises(CommandError, match=r"127\.0\.0\.1:1"):
        Transfers(engine, "127.0.0.1:1/noop", Recorder()).push(workshop.sound.image, "1")


def test_a_program_of_an_image_that_takes_too_long_leaves_no_container(workshop: Workshop, engine: Engine) -> None:
    image = workshop.sound.reference
    with pytest.raises(CommandError, match="no answer within 1 s"):
        engine.run_once(image, "python", ["-c", "import time; time.sleep(600)"], seconds=1)
    arguments = [engine.program, "ps", "--all", "--quiet", f"--filter=ancestor={image}"]
    assert subprocess.run(arguments, capture_output=True, text=True, check=True).stdout == ""


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

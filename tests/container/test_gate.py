"""The gate before the registry: what does not pass is not pushed. What passes: test_commands."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from glue.cloud import Cloud
from glue.engines import Engine
from glue.errors import FailedError
from glue.imagechecks import Gate
from glue.profiles.models import ImageScan
from glue.project import Project
from glue.workloads import Workload
from tests.container.recording import Recorder
from tests.container.workshop import QUICK, Workshop


@pytest.fixture
def gate(engine: Engine, base: str | None, workshop: Workshop, aws: Cloud) -> Gate:
    assert workshop.sound.reference  # built: only its last layers differ from what is built here
    return Gate(Project(workshop.folder), aws, engine, Recorder(), ImageScan(), QUICK, base)


def _images(aws: Cloud, url: str) -> list[object]:
    found: list[object] = aws.client("ecr").describe_images(repositoryName=url.partition("/")[2])["imageDetails"]
    return found


def test_an_image_that_fails_a_check_does_not_reach_the_registry(
    gate: Gate, noop: Workload, aws: Cloud, new_url: str, tmp_path: Path
) -> None:
    shutil.copytree(noop.golden, tmp_path / "golden")
    (tmp_path / "golden/echo/request.json").write_text('{"number": 1}')
    case = tmp_path / "golden/echo/case.yaml"
    case.write_text(case.read_text().replace("body: request.json", "body: expected.json"))
    (tmp_path / "golden/echo/expected.json").write_text('{"number": 2}')
    with pytest.raises(FailedError, match=r"(?s)is not pushed:.*golden: .*expected 2, found 1"):
        gate(replace(noop, golden=tmp_path / "golden"), new_url, bundled=False)
    assert _images(aws, new_url) == []

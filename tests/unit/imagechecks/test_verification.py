"""What a kept verification still proves."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from glue.engines import ImageFacts
from glue.evidence import Check
from glue.imagechecks import Patience, Subject, Verification, keep, proves
from glue.workloads import ContainerNeeds, Workload

GATE = Patience(observe=40.0)
IMAGE = ImageFacts("sha256:1", "linux/amd64", ("python",), (), {}, {}, "", 1, datetime.now(UTC), (), (), ())
Change = Callable[[Subject, Path], Subject]


@pytest.fixture
def subject(tmp_path: Path) -> Subject:
    for path in ("golden/echo/case.yaml", "inference.py", "requirements.lock"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(path)
    artifact = {"code/inference.py": tmp_path / "inference.py"}
    workload = Workload(
        tmp_path, "detector", "1.0.0", "Finds", artifact, tmp_path / "requirements.lock", tmp_path / "golden"
    )
    return Subject(IMAGE, workload)


def _kept(folder: Path, subject: Subject, observe: float = 40.0, verdict: str = "pass") -> Path:
    verification = Verification(
        workload=subject.workload.name,
        workload_version=subject.workload.version,
        conditions=subject.conditions,
        observed_seconds=observe,
        verdict=verdict,  # type: ignore[arg-type]
        checks=[],
        created=datetime.now(UTC),
    )
    return keep(folder, verification).parent


def test_a_verification_proves_the_same_under_the_same_conditions(subject: Subject, tmp_path: Path) -> None:
    kept = _kept(tmp_path / "images", subject)
    assert proves(kept, subject, GATE)
    assert proves(kept, subject, Patience(observe=3.0))
    assert not proves(tmp_path, subject, GATE)


def test_a_shorter_watch_does_not_open_the_gate(subject: Subject, tmp_path: Path) -> None:
    assert not proves(_kept(tmp_path / "images", subject, observe=0.0), subject, GATE)


def test_a_failed_verification_proves_nothing(subject: Subject, tmp_path: Path) -> None:
    assert not proves(_kept(tmp_path / "images", subject, verdict="fail"), subject, GATE)


def test_a_verification_of_an_older_form_proves_nothing(subject: Subject, tmp_path: Path) -> None:
    file = _kept(tmp_path / "images", subject) / "verification.json"
    file.write_text(file.read_text().replace('"schema_version": 2', '"schema_version": 1'))
    assert not proves(file.parent, subject, GATE)


def test_the_summary_names_what_was_not_tried(subject: Subject, tmp_path: Path) -> None:
    verification = Verification.model_validate_json((_kept(tmp_path, subject) / "verification.json").read_text())
    skipped = Check(id="leak", verdict="skip", message="too few", seconds=1.0)
    assert verification.summary == "pass"
    assert verification.model_copy(update={"checks": [skipped]}).summary == "pass, without leak"


def _needs(**changes: object) -> Change:
    needs = ContainerNeeds.model_validate(changes)
    return lambda subject, _: replace(subject, workload=replace(subject.workload, container=needs))


def _written(path: str) -> Change:
    def change(subject: Subject, folder: Path) -> Subject:
        (folder / path).write_text("something else")
        return subject

    return change


def _mounted_elsewhere(subject: Subject, folder: Path) -> Subject:
    artifact = {"code/inference.py": folder / "inference.py", "config.json": folder / "inference.py"}
    return replace(subject, workload=replace(subject.workload, artifact=artifact))


CHANGES: dict[str, Change] = {
    "image": lambda subject, _: replace(subject, image=replace(IMAGE, id="sha256:2")),
    "golden request": _written("golden/echo/case.yaml"),
    "another golden request": _written("golden/other.yaml"),
    "handler": _written("inference.py"),
    "file of the model": _mounted_elsewhere,
    "memory": _needs(memory_mib=512),
    "network": _needs(network=True),
    "time to start": _needs(startup_seconds=600),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_has_changed_since_is_verified_again(change: Change, subject: Subject, tmp_path: Path) -> None:
    kept = _kept(tmp_path / "images", subject)
    assert not proves(kept, change(subject, tmp_path), GATE)

"""All checks of an image, and the document that they leave."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from glue.checks.plan import Planned, execute
from glue.engines import Engine, ImageFacts, Layer
from glue.evidence import Check, verdict_of
from glue.files import digest_of_files, files_below, write_atomically
from glue.imagechecks import judging, weights
from glue.imagechecks.exercise import START, Exercise, Patience
from glue.images import labels
from glue.images.context import stage_model
from glue.progress import Reporter
from glue.workloads import ContainerNeeds, Workload
from glue.workloads.golden import load_cases

_WEIGHTS = "weights"


@dataclass(frozen=True)
class Subject:
    """An image of `workload` in the engine, and one that it is compared with in size, if there is one."""

    image: ImageFacts
    workload: Workload
    former: str | None = None

    @property
    def conditions(self) -> "Conditions":
        """What its verification is true of."""
        return Conditions(
            image=self.image.id,
            golden=digest_of_files(files_below(self.workload.golden)),
            artifact=digest_of_files(self.workload.artifact),
            needs=self.workload.container,
        )


class Conditions(BaseModel):
    """What a verification is true of: the image (its id), the golden requests and the model's files (their sha256), and
    what the container was given. With another of them it proves nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    image: str
    golden: str
    artifact: str
    needs: ContainerNeeds


class Verification(BaseModel):
    """What was found out about one image, under which conditions, and for how many seconds it was watched."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[2] = 2
    workload: str
    workload_version: str
    conditions: Conditions
    observed_seconds: float
    verdict: Literal["pass", "fail"]
    checks: list[Check]
    created: AwareDatetime

    @property
    def summary(self) -> str:
        """The verdict, and what it says nothing about."""
        skipped = [check.id for check in self.checks if check.verdict == "skip"]
        return f"{self.verdict}, without {', '.join(skipped)}" if skipped else self.verdict


def verify(subject: Subject, engine: Engine, reporter: Reporter, patience: Patience) -> Verification:
    """Check the image of `subject`. It is run as SageMaker does it, and everything that was started is removed.

    Raises:
        UsageError: the workload's golden requests are wrong.
    """
    conditions = subject.conditions  # before they are used: a file that changes meanwhile is not what was verified
    with ExitStack() as resources:
        made = list(checks(subject, engine, reporter, patience, resources))
    return Verification(
        workload=subject.workload.name,
        workload_version=subject.workload.version,
        conditions=conditions,
        observed_seconds=patience.observe,
        verdict=verdict_of(made),
        checks=made,
        created=datetime.now(UTC),
    )


def keep(folder: Path, verification: Verification) -> Path:
    """Write `verification` into the image's folder."""
    file = folder / "verification.json"
    write_atomically(file, verification.model_dump_json(indent=2) + "\n")
    return file


def proves(folder: Path, subject: Subject, patience: Patience) -> bool:
    """Whether the verification in `folder` passed under these very conditions, watching no shorter than `patience`."""
    try:
        found = Verification.model_validate_json((folder / "verification.json").read_bytes())
    except (OSError, ValidationError):
        return False
    watched = found.observed_seconds >= patience.observe
    return found.verdict == "pass" and watched and found.conditions == subject.conditions


def checks(
    subject: Subject, engine: Engine, reporter: Reporter, patience: Patience, resources: ExitStack
) -> Iterator[Check]:
    """The checks of `subject`, made one after another as they are asked for; `resources` ends what they started."""
    image, workload = subject.image, subject.workload
    cases = load_cases(workload.golden)
    bundled = image.labels.get(labels.MODEL) == "bundled"
    model = None
    if not bundled:
        # The folder below is the model's: its own mode is what the instance gives.
        model = Path(resources.enter_context(tempfile.TemporaryDirectory(prefix="glue-model-"))) / "model"
        stage_model(workload, model)
    static = [
        Planned("platform", lambda: judging.platform(image)),
        Planned("entrypoint", lambda: judging.entrypoint(image)),
        Planned("provenance", lambda: judging.provenance(image, workload=workload.name, version=workload.version)),
        Planned("secrets", lambda: judging.secrets(image)),
        Planned("size", lambda: judging.size(engine.history(image.id), _layers(engine, subject.former))),
    ]
    rests_on = ["platform", "entrypoint"]
    if bundled:
        static.append(Planned(_WEIGHTS, lambda: weights.check(engine, image.id)))
        rests_on.append(_WEIGHTS)
    exercise = Exercise(engine, image, workload.container, cases, model, patience, reporter, resources)
    started = [Planned(one.id, one.run, tuple(rests_on)) if one.id == START else one for one in exercise.planned()]
    yield from execute([*static, *started], reporter)


def _layers(engine: Engine, image: str | None) -> list[Layer] | None:
    return None if image is None else engine.history(image)

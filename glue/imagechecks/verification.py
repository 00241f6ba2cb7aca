"""All checks of an image, and the document that they leave."""

import hashlib
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
from glue.files import write_atomically
from glue.imagechecks import judging, weights
from glue.imagechecks.exercise import START, Exercise, Patience
from glue.images import labels
from glue.images.context import stage_model
from glue.progress import Reporter
from glue.workloads import Workload
from glue.workloads.golden import load_cases

OBSERVE_SECONDS = 40.0
"""How long a container is watched unless something else is said: longer than what gives up after 30 s."""

_WEIGHTS = "weights"


@dataclass(frozen=True)
class Subject:
    """An image of `workload` in the engine, and one that it is compared with in size, if there is one."""

    image: ImageFacts
    workload: Workload
    former: str | None = None

    @property
    def golden_digest(self) -> str:
        """The sha256 of the golden requests: another set of them proves something else."""
        whole = hashlib.sha256()
        for file in sorted(self.workload.golden.rglob("*")):
            if file.is_file():
                whole.update(f"{file.relative_to(self.workload.golden).as_posix()}\0{file.stat().st_size}\0".encode())
                whole.update(file.read_bytes())
        return whole.hexdigest()


class Verification(BaseModel):
    """What was found out about one image (`image` is its id), with which golden requests (their sha256)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    schema_version: Literal[1] = 1
    workload: str
    workload_version: str
    image: str
    golden: str
    verdict: Literal["pass", "fail"]
    checks: list[Check]
    created: AwareDatetime


def verify(subject: Subject, engine: Engine, reporter: Reporter, patience: Patience) -> Verification:
    """Check the image of `subject`. It is run as SageMaker does it, and everything that was started is removed.

    Raises:
        UsageError: the workload's golden requests are wrong.
    """
    with ExitStack() as resources:
        made = list(checks(subject, engine, reporter, patience, resources))
    return Verification(
        workload=subject.workload.name,
        workload_version=subject.workload.version,
        image=subject.image.id,
        golden=subject.golden_digest,
        verdict=verdict_of(made),
        checks=made,
        created=datetime.now(UTC),
    )


def keep(folder: Path, verification: Verification) -> Path:
    """Write `verification` into the image's folder."""
    file = folder / "verification.json"
    write_atomically(file, verification.model_dump_json(indent=2) + "\n")
    return file


def proves(folder: Path, subject: Subject) -> bool:
    """Whether the verification in `folder` is of this very image, with these golden requests, and passed."""
    try:
        found = Verification.model_validate_json((folder / "verification.json").read_bytes())
    except (OSError, ValidationError):
        return False
    return (found.verdict, found.image, found.golden) == ("pass", subject.image.id, subject.golden_digest)


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

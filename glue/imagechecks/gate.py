"""From a workload to a digest in the registry: an image is built, verified, and pushed only when it passed."""

from dataclasses import dataclass

from glue.cloud import Cloud
from glue.durations import BUILD_SECONDS, TRANSFER_SECONDS
from glue.engines import Engine, ImageFacts
from glue.errors import FailedError
from glue.imagechecks.exercise import Patience
from glue.imagechecks.verification import Subject, keep, proves, verify
from glue.images import labels
from glue.images.building import build, image_folder
from glue.images.publishing import publish
from glue.profiles.models import ImageScan
from glue.progress import Reporter
from glue.project import Project
from glue.workloads import Workload


@dataclass(frozen=True)
class Gate:
    """Makes and pushes container images of this checkout. `base` and `patience` are those of `build` and `verify`.

    A build is ended after `build_seconds`, a push or a pull after `transfer_seconds`.
    """

    project: Project
    cloud: Cloud
    engine: Engine
    reporter: Reporter
    scan: ImageScan
    patience: Patience
    base: str | None = None
    build_seconds: float = BUILD_SECONDS
    transfer_seconds: float = TRANSFER_SECONDS

    def __call__(self, workload: Workload, url: str, *, bundled: bool) -> str:
        """Build, verify and push the image of `workload` to the repository `url`; returns `url@sha256:…`.

        A verification of this very image under the same conditions, no shorter than this one, is not repeated.

        Raises:
            FailedError: a step of the build, a check, the registry or its scan refused it.
        """
        built = build(
            workload,
            self.project,
            self.engine,
            self.reporter,
            bundled=bundled,
            base=self.base,
            seconds=self.build_seconds,
        )
        subject = Subject(built.image, workload, former_image(self.engine, workload.name, built.image))
        folder = image_folder(self.project, workload.name)
        if proves(folder, subject, self.patience):
            self.reporter.note(f"{built.reference} was verified already")
        else:
            verification = verify(subject, self.engine, self.reporter, self.patience)
            file = keep(folder, verification)
            failed = [check for check in verification.checks if check.verdict == "fail"]
            if verification.verdict != "pass":
                problems = "\n".join(f"{check.id}: {check.message}" for check in failed)
                raise FailedError(f"{built.reference} is not pushed:\n{problems}", hints=[f"all checks: {file}"])
            self.reporter.note(f"{built.reference}: {verification.summary}")
        seconds = self.transfer_seconds
        return publish(built, url, self.cloud, self.engine, self.reporter, self.scan, seconds=seconds)


def images_of(engine: Engine, workload: str) -> list[ImageFacts]:
    """The images of `workload` that the engine has, newest first."""
    return engine.images(f"{labels.WORKLOAD}={workload}")


def former_image(engine: Engine, workload: str, image: ImageFacts) -> str | None:
    """The id of the image whose size tells what `image` has grown by: the last pushed before it.

    Where none was pushed from this engine it is the newest before it. None: `image` is the first.
    """
    older = [one for one in images_of(engine, workload) if one.id != image.id and one.created <= image.created]
    return next((one.id for one in [*(one for one in older if one.digests), *older]), None)

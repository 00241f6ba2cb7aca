"""Variations of one sound image: each is a few instructions on top of it, so that dozens of them cost seconds."""

import json
import os
import secrets
import shutil
import subprocess
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path

from glue.engines import Container, Engine, ImageFacts
from glue.engines.commands import CommandError
from glue.evidence import Check
from glue.imagechecks import Patience, Subject, Verification, verify
from glue.imagechecks.verification import checks
from glue.images import labels
from glue.images.building import Built, build
from glue.progress import Reporter
from glue.project import Project
from glue.workloads import ContainerNeeds, Workload

ROOT = Path(__file__).parents[2]
ACCOUNT = "111122223333"
QUICK = Patience(observe=3.0, request=20.0, stop=4.0)
BUILD_SECONDS = 120.0


@dataclass
class Workshop:
    """Makes and verifies images below a name of its own."""

    engine: Engine
    base: str | None
    noop: Workload
    folder: Path
    reporter: Reporter
    _made: list[str] = field(default_factory=list)

    @cached_property
    def sound(self) -> Built:
        """The image of noop that every variation begins with."""
        return self.build(self.noop)

    def build(self, workload: Workload, *, bundled: bool = False) -> Built:
        project = Project(self.folder)
        for name in ("container", "envs", "terraform"):
            if not (self.folder / name).exists():
                (self.folder / name).symlink_to(ROOT / name)
        built = build(workload, project, self.engine, self.reporter, bundled=bundled, base=self.base)
        self._made.append(built.reference)
        return built

    def again(self, built: Built) -> ImageFacts:
        """Noop's image `built`, built once more without any cache."""
        reference = f"again-{secrets.token_hex(4)}:1"
        self.engine.build(
            self.folder / ".glue/images/noop/context",
            ROOT / "container/Dockerfile",
            tags=[reference],
            target="archive",
            arguments={"CPU_BASE": self.base} if self.base else {},
            labels=built.image.labels,
            seconds=BUILD_SECONDS,
            cached=False,
        )
        self._made.append(reference)
        return self.engine.inspect(reference)

    def variation(
        self, instructions: str, files: Mapping[str, str | bytes] | None = None, *, seconds: float = BUILD_SECONDS
    ) -> ImageFacts:
        """The sound image with `instructions` (a Dockerfile without FROM) and `files` in its context.

        It says of itself that its model is bundled: what it lacks it must then have in `files`.
        """
        context = self.folder / f"context-{secrets.token_hex(4)}"
        for name, content in (files or {}).items():
            (context / name).parent.mkdir(parents=True, exist_ok=True)
            (context / name).write_bytes(content.encode() if isinstance(content, str) else content)
        context.mkdir(exist_ok=True)
        (context / "Dockerfile").write_text(f"FROM {self.sound.reference}\n{instructions}\n")
        reference = f"variation-{secrets.token_hex(4)}:1"
        try:
            self.engine.build(context, context / "Dockerfile", tags=[reference], seconds=seconds)
        finally:
            shutil.rmtree(context)
        self._made.append(reference)
        return self.engine.inspect(reference)

    def empty(self, platform: str) -> ImageFacts:
        """An image for `platform` with an entry point and nothing to run."""
        reference = f"variation-{secrets.token_hex(4)}:1"
        context = self.folder / "empty"
        context.mkdir(exist_ok=True)
        (context / "Dockerfile").write_text('FROM scratch\nENTRYPOINT ["/run"]\n')
        command = [self.engine.program, "build", f"--platform={platform}", f"--tag={reference}", str(context)]
        subprocess.run(command, env={**os.environ, "DOCKER_BUILDKIT": "1"}, check=True, stderr=subprocess.DEVNULL)
        self._made.append(reference)
        return self.engine.inspect(reference)

    def ends(self, image: ImageFacts) -> list[float]:
        """When the containers of `image` have ended, in seconds since 1970."""
        command = [self.engine.program, "ps", "--all", "--quiet", f"--filter=ancestor={image.id}"]
        names = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
        moments = (Container(self.engine.program, name).state()["FinishedAt"] for name in names)
        return [datetime.fromisoformat(f"{one[:26].rstrip('Z')}+00:00").timestamp() for one in moments]

    def with_handler(self, handler: str, **needs: object) -> Workload:
        """The noop workload with another handler."""
        file = self.folder / f"handler-{secrets.token_hex(4)}.py"
        file.write_text(handler)
        return replace(self.noop, artifact={"code/inference.py": file}, container=self.needs(**needs))

    def needs(self, **needs: object) -> ContainerNeeds:
        return ContainerNeeds.model_validate({"memory_mib": 256, "startup_seconds": 30, **needs})

    def verify(self, image: ImageFacts, workload: Workload | None = None, patience: Patience = QUICK) -> Verification:
        workload = workload or replace(self.noop, container=self.needs())
        return verify(Subject(image, workload), self.engine, self.reporter, patience)

    def until(self, check: str, image: ImageFacts, workload: Workload, patience: Patience = QUICK) -> list[Check]:
        """The checks up to the one named `check`: those after it are not made."""
        found = []
        with ExitStack() as resources:
            for one in checks(Subject(image, workload), self.engine, self.reporter, patience, resources):
                found.append(one)
                if one.id == check:
                    break
        return found

    def close(self) -> None:
        for reference in reversed(self._made):
            try:
                self.engine.untag(reference)
            except CommandError:
                continue


def manifest(files: Mapping[str, tuple[int, str]], workload: Workload) -> str:
    """A bundled model's list of `files` (size and sha256 by path)."""
    entries = [{"path": path, "size": size, "sha256": sha256} for path, (size, sha256) in files.items()]
    document = {"schema_version": 1, "workload": workload.name, "workload_version": workload.version, "files": entries}
    return json.dumps(document)


BUNDLED = f'LABEL {labels.MODEL}="bundled"'

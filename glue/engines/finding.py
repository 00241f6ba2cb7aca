"""Which container engine there is: the one that answers, not the one that is merely on PATH."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from glue.engines.commands import CommandError, call, last_lines
from glue.engines.engine import Engine, Kind
from glue.errors import MissingError, UsageError

ENGINE_SETTING = "GLUE_ENGINE"

_QUESTIONS: dict[Kind, tuple[str, ...]] = {
    "docker": ("version", "--format", "{{.Server.Version}}"),
    "podman": ("info", "--format", "{{.Version.Version}}"),
    "buildah": ("version",),
}
_ANSWER_SECONDS = 20.0


def find_engine(*, to_run: bool = False) -> Engine:
    """The first of Docker, Podman and Buildah that answers, or the program that `GLUE_ENGINE` names.

    Args:
        to_run: containers are to be run, which Buildah does not.

    Raises:
        MissingError: none answers; the message says what was tried and what each said.
        UsageError: the setting names no such program.
    """
    tried: list[str] = []
    for kind, program in _candidates():
        if to_run and kind == "buildah":
            tried.append(f"{program}: builds images and runs none")
            continue
        try:
            call([program, *_QUESTIONS[kind]], seconds=_ANSWER_SECONDS)
        except CommandError as error:
            tried.append(f"{program}: {last_lines(error.output, 1)}")
            continue
        return Engine(kind, program)
    found = "\n".join(tried) or f"none of {', '.join(_QUESTIONS)} is on PATH"
    raise MissingError(
        f"no container engine answers:\n{found}",
        hints=["start or install Docker or Podman", f"or name one: {ENGINE_SETTING}=/path/to/docker"],
    )


def _candidates() -> Iterator[tuple[Kind, str]]:
    setting = os.environ.get(ENGINE_SETTING)
    if setting:
        kind = next((kind for kind in _QUESTIONS if Path(setting).name == kind), None)
        program = shutil.which(setting)
        if kind is None or program is None:
            raise UsageError(
                f"{ENGINE_SETTING}={setting}: allowed is {', '.join(_QUESTIONS)}, or the path of such a program"
            )
        yield kind, program
        return
    for kind in _QUESTIONS:
        program = shutil.which(kind)
        if program:
            yield kind, program

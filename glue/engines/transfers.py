"""Following a push or a pull: how many layers there are, and how many of them are through."""

import re
from collections.abc import Callable, Mapping, Sequence

from glue.engines.commands import CommandError, stream

OnLayers = Callable[[int, int], None]
"""Is told how many layers are through, and how many are known."""

_DOCKER = re.compile(r"(?P<layer>[0-9a-f]{12}): (?P<state>[A-Z].*)")
_PODMAN = re.compile(r"Copying blob (?:sha256:)?(?P<layer>[0-9a-f]{12})[0-9a-f]*(?P<state>.*)")
_THROUGH = re.compile(r"Pushed|Layer already exists|Mounted from|Pull complete|Already exists|.*\bdone|.*skipped")


class Layers:
    """The layers that a transfer tells of, read from its plain output (Docker's or Podman's)."""

    def __init__(self) -> None:
        self._through: dict[str, bool] = {}

    def read(self, line: str) -> bool:
        """Whether `line` changes what is known."""
        found = _DOCKER.match(line) or _PODMAN.match(line)
        if found is None:
            return False
        layer, through = found["layer"], _THROUGH.match(found["state"]) is not None
        if self._through.get(layer) is through or (not through and layer in self._through):
            return False
        self._through[layer] = through
        return True

    @property
    def counts(self) -> tuple[int, int]:
        """How many are through, and how many there are."""
        return sum(self._through.values()), len(self._through)


def transfer(
    arguments: Sequence[str], environment: Mapping[str, str] | None, seconds: float, on_layers: OnLayers | None = None
) -> None:
    """Run the push or pull `arguments` to its end.

    Raises:
        CommandError: it failed, or did not end within `seconds`.
    """
    layers = Layers()
    said: list[str] = []

    def hear(line: str) -> None:
        said.append(line)
        if layers.read(line) and on_layers:
            on_layers(*layers.counts)

    try:
        status = stream(arguments, hear, seconds=seconds, environment=environment)
    except TimeoutError as error:
        through, known = layers.counts
        problem = f"it did not end within {seconds:g} s: {through} of {known} layers are through"
        raise CommandError(arguments, "\n".join([*said, problem])) from error
    if status != 0:
        raise CommandError(arguments, "\n".join(said))

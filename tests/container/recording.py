"""A reporter that remembers."""

from glue.progress import Silent


class Recorder(Silent):
    """Keeps what a use case tells."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.notes: list[str] = []
        self.moved: dict[str, tuple[float, float | None]] = {}

    def step(self, text: str) -> None:
        self.steps.append(text)

    def note(self, text: str) -> None:
        self.notes.append(text)

    def progress(self, text: str, done: float, total: float | None) -> None:
        self.moved[text] = (done, total)

"""A reporter that remembers."""

from glue.progress import Silent


class Recorder(Silent):
    """Keeps what a use case tells."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.notes: list[str] = []

    def step(self, text: str) -> None:
        self.steps.append(text)

    def note(self, text: str) -> None:
        self.notes.append(text)

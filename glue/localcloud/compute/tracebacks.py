"""The first traceback in the output of a Python program: what made all that follows go wrong."""

_BEGIN = "Traceback (most recent call last):"
_MOST_LINES = 100
_LONGEST_ERROR = 300


class FirstTraceback:
    """Reads output line by line. `lines` is the first traceback as far as it was read; `error` its last line."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.error = ""

    def read(self, line: str) -> None:
        """Take the next line of the output."""
        if self.error:
            return
        if self.lines and not line.startswith((" ", "\t")) and line:
            self.error = line[:_LONGEST_ERROR]
        if self.lines or line.startswith(_BEGIN):
            self.lines = [*self.lines, line][:_MOST_LINES]

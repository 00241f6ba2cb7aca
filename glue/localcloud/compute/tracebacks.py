"""The first traceback in the output of a Python program: what made all that follows go wrong."""

import re

_BEGIN = "Traceback (most recent call last):"
_ERROR = re.compile(r"[^\W\d][\w.<>]*(:|$)")  # `package.make.<locals>.Lost: message`, or the name alone
_MOST_LINES = 100
_LONGEST_ERROR = 300


class FirstTraceback:
    """Reads output line by line. `lines` is the first traceback as far as it was read; `error` its last line.

    Output and errors of a container are two streams without an order: lines of the one may come within the other's.
    """

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.error = ""

    def read(self, line: str) -> None:
        """Take the next line of the output."""
        if self.error:
            return
        if not self.lines:
            belongs = line.startswith(_BEGIN)
        elif line.startswith((" ", "\t")) or not line:
            belongs = True
        else:
            belongs = len(self.lines) > 1 and bool(_ERROR.match(line))
            self.error = line[:_LONGEST_ERROR] if belongs else ""
        if belongs:
            self.lines = [*self.lines, line][:_MOST_LINES]

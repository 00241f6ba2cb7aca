"""`docs/images/demo.svg`: what `make demo` says, drawn of a real run. `python -m docs.demo_picture` draws it anew."""

import io
import os
import pty
import re
import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from rich.ansi import AnsiDecoder
from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).resolve().parents[1]
PICTURE = ROOT / "docs/images/demo.svg"
COLUMNS = 110
BEGIN = "→ planning and applying the platform layer"
"""Where the shown part begins: before it, paths of the machine are told."""
_MADE = "  created "
_SPINNER = re.compile("[\u2800-\u28ff]")
_OF_THE_WEB = re.compile(r"\s*(<!--.*?-->|@font-face \{.*?\})|Fira Code, ", re.DOTALL)


def picture(output: str) -> str:
    """A terminal with the end of `output`, as an SVG that loads nothing."""
    terminal = Console(width=COLUMNS, record=True, file=io.StringIO())
    terminal.print(Text("\n").join([Text("$ make demo"), _left_out(), *_shown(output)]))
    return _OF_THE_WEB.sub("", terminal.export_svg(title="make demo", unique_id="demo"))


def _shown(output: str) -> Iterator[Text]:
    """The lines from `BEGIN` on; of many resources that were made in a row, the first and the last."""
    lines = [line for line in AnsiDecoder().decode(output.replace("\r\n", "\n")) if not _SPINNER.match(line.plain)]
    begin = next(number for number, line in enumerate(lines) if line.plain.startswith(BEGIN))
    for made, group in groupby(lines[begin:], key=lambda line: line.plain.startswith(_MADE)):
        run = list(group)
        yield from [run[0], _left_out(), run[-1]] if made and len(run) > 2 else run


def _left_out() -> Text:
    return Text("  …")


def main() -> None:
    """Run the demonstration on a terminal of its own, and draw what it says."""
    os.environ |= {"COLUMNS": str(COLUMNS), "TERM": "xterm-256color"}
    output = bytearray()

    def read(terminal: int) -> bytes:
        said = os.read(terminal, 65536)
        output.extend(said)
        return said

    code = pty.spawn([str(Path(sys.executable).with_name("glue")), "demo"], read)
    if code:
        sys.exit(os.waitstatus_to_exitcode(code))
    PICTURE.write_text(picture(output.decode()), encoding="utf-8")


if __name__ == "__main__":
    main()

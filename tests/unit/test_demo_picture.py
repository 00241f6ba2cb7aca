"""The picture of the demonstration, drawn of what a terminal got."""

import re
from html import unescape

from docs.demo_picture import PICTURE, picture

OUTPUT = """\
\x1b[1;36m→\x1b[0m verifying /home/somebody/model.tar.gz\r
\x1b[1;36m→\x1b[0m planning and applying the platform layer of local\r
\x1b[?25l⠋ waiting 1/3\r\x1b[2K⠙ waiting 2/3\r
\r\x1b[1A\x1b[2K\x1b[2m  created the first (0 s)\x1b[0m\r
\x1b[2m  created the second (0 s)\x1b[0m\r
\x1b[2m  created the third (0 s)\x1b[0m\r
verdict  pass\r
"""


def lines(drawn: str) -> list[str]:
    """What a reader sees."""
    words = re.findall(r"<text [^>]*>([^<]+)</text>", drawn)
    return [line for line in unescape("".join(words)).replace("\xa0", " ").splitlines() if line]


def test_it_shows_the_end_of_the_run_without_what_is_drawn_over() -> None:
    assert lines(picture(OUTPUT)) == [
        "make demo$ make demo",
        "  …",
        "→ planning and applying the platform layer of local",
        "  created the first (0 s)",
        "  …",
        "  created the third (0 s)",
        "verdict  pass",
    ]


def test_it_loads_nothing_and_neither_does_the_one_that_is_shown() -> None:
    for drawn in (picture(OUTPUT), PICTURE.read_text(encoding="utf-8")):
        assert re.findall(r"https?://[^\s\"]+", drawn) == ["http://www.w3.org/2000/svg"]

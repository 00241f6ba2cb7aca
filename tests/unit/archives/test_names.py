"""Names inside archives stay inside."""

from pathlib import PurePosixPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from glue.archives import normalised


@given(st.text())
@example("./a/../../b")
@example("C:/windows")
@example("a/" * 600)
def test_a_name_is_refused_or_leads_inside(name: str) -> None:
    try:
        plain = normalised(name)
    except ValueError:
        return
    path = PurePosixPath(plain)
    assert not path.is_absolute()
    assert ".." not in path.parts
    assert "\\" not in plain
    assert not any(ord(each) < 32 for each in plain)
    assert normalised(plain) == plain


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "empty"),
        ("/etc/passwd", "absolute"),
        ("C:\\x", "backslash"),
        ("c:x", "absolute"),
        ("..", r"`\.\.`"),
        ("a/../../x", r"`\.\.`"),
        ("a\nb", "control character"),
        ("a\udcff", "not UTF-8"),
        ("x" * 256, "longer than"),
        ("x/" * 600, "longer than"),
    ],
)
def test_an_unsafe_name_is_refused_with_the_reason(name: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        normalised(name)


@pytest.mark.parametrize(
    ("name", "plain"),
    [("./code//inference.py", "code/inference.py"), ("code/", "code"), ("./", "."), ("..a/b", "..a/b")],
)
def test_a_harmless_name_is_made_plain(name: str, plain: str) -> None:
    assert normalised(name) == plain

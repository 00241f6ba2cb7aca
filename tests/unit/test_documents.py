"""Documents: data together with the place of every mistake."""

from pathlib import Path

import pytest
from pydantic import BaseModel, ConfigDict

from glue.documents import parse, read_document
from glue.errors import UsageError


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    size: int
    names: list[str] = []


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    inner: Inner


def _parse(file: Path, text: str) -> Outer:
    file.write_text(text)
    return parse(read_document(file), Outer)


def test_a_document_becomes_the_model(tmp_path: Path) -> None:
    outer = _parse(tmp_path / "a.yaml", "inner:\n  size: 1\n  names: [a, b]\n")
    assert outer == Outer(inner=Inner(size=1, names=["a", "b"]))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("inner:\n  size: one\n", "a.yaml:2: inner.size: 'one': input should be a valid integer"),
        ("inner:\n  size: 1\n  sice: 2\n", "a.yaml:3: inner.sice: unknown key: allowed is one of names, size"),
        ("inner:\n  names: []\n", "a.yaml:1: inner.size: missing: it must be given"),
        (
            "inner:\n  size: 1\n  names:\n    - a\n    - 2\n",
            "a.yaml:5: inner.names.1: 2: input should be a valid string",
        ),
        ("other: 1\n", "a.yaml: inner: missing"),
        ("inner:\n  size: 1\n  size: 2\n", "a.yaml:3: inner.size: given twice (first on line 2)"),
        ("base: &x {size: 1}\ninner:\n  <<: *x\n", "a.yaml:3: a merge key"),
        ("- a\n", "a.yaml: expected `key: value` lines, found list"),
        ("a: [\n", "a.yaml:2: not valid YAML"),
        ("a: 2026-13-45\n", "a.yaml: not valid YAML"),
    ],
)
def test_a_mistake_is_named_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        _parse(tmp_path / "a.yaml", text)
    assert message in caught.value.message


def test_all_mistakes_are_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        _parse(tmp_path / "a.yaml", "inner:\n  size: one\nouter: 1\n")
    assert len(caught.value.message.splitlines()) == 2


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match=r"a\.yaml: cannot be read"):
        read_document(tmp_path / "a.yaml")

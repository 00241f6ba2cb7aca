"""Files as payloads: mistakes, content types and keys."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glue.errors import UsageError
from glue.invocation.payloads import MAX_PAYLOAD_BYTES, content_type_of, input_key, payloads, safe_name


def _file(folder: Path, name: str, content: bytes = b"x") -> Path:
    file = folder / name
    file.write_bytes(content)
    return file


def test_every_mistake_is_named_at_once(tmp_path: Path) -> None:
    empty = _file(tmp_path, "empty.png", b"")
    large = tmp_path / "large.png"
    with large.open("wb") as stream:
        stream.truncate(MAX_PAYLOAD_BYTES + 1)
    nameless = _file(tmp_path, "nameless")
    good = _file(tmp_path, "good.png")
    with pytest.raises(UsageError) as caught:
        payloads([tmp_path / "gone.png", empty, large, nameless, tmp_path, good], accept="json")
    lines = caught.value.message.splitlines()
    assert lines == [
        "--accept 'json': not a media type: allowed is type/subtype such as image/png",
        f"{tmp_path / 'gone.png'}: no such file",
        f"{empty}: empty",
        f"{large}: {MAX_PAYLOAD_BYTES + 1} bytes: allowed is at most {MAX_PAYLOAD_BYTES} (1 GB)",
        f"{tmp_path}: not a file",
        f"{nameless}: suffix '' says no content type: give --content-type",
        f"{tmp_path}: suffix '{tmp_path.suffix}' says no content type: give --content-type",
    ]


def test_a_file_of_exactly_1_gb_is_allowed(tmp_path: Path) -> None:
    file = tmp_path / "large.png"
    with file.open("wb") as stream:
        stream.truncate(MAX_PAYLOAD_BYTES)
    assert [payload.size for payload in payloads([file])] == [MAX_PAYLOAD_BYTES]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.png", "image/png"),
        ("a.JPG", "image/jpeg"),
        ("a.json", "application/json"),
        ("a.csv", "text/csv"),
        ("a.npy", "application/x-npy"),
        ("a.jsonl", "application/jsonlines"),
        ("a", None),
        ("a.unknown-suffix", None),
    ],
)
def test_the_suffix_decides_the_content_type(name: str, expected: str | None) -> None:
    assert content_type_of(Path(name)) == expected


def test_a_given_content_type_is_used_for_all_files(tmp_path: Path) -> None:
    files = [_file(tmp_path, "a.png"), _file(tmp_path, "b")]
    found = payloads(files, content_type="text/csv; charset=utf-8", accept="application/json")
    assert [(one.content_type, one.accept) for one in found] == [("text/csv; charset=utf-8", "application/json")] * 2


@pytest.mark.parametrize("bad", ["", "png", "image/", "/png", "image/png\r\nX-Header: 1", "bild/größe", "image/p ng"])
def test_a_malformed_content_type_is_refused(tmp_path: Path, bad: str) -> None:
    with pytest.raises(UsageError, match="not a media type"):
        payloads([_file(tmp_path, "a.png")], content_type=bad)


def test_a_key_has_date_id_and_name() -> None:
    key = input_key("detector/inputs/", datetime(2026, 3, 4, tzinfo=UTC), "the-id", "floor plan.png")
    assert key == "detector/inputs/2026/03/04/the-id/floor_plan.png"


@given(st.text(max_size=300))
def test_no_file_name_leaves_its_place_in_the_key(name: str) -> None:
    key = input_key("p/inputs/", datetime(2026, 3, 4, tzinfo=UTC), "id", name)
    *folders, last = key.split("/")
    assert folders == ["p", "inputs", "2026", "03", "04", "id"]
    assert last not in {"", ".", ".."}
    assert last.isascii()
    assert len(key) <= 1024


@given(st.from_regex(r"[A-Za-z0-9_-]{1,50}\.[a-z]{1,5}", fullmatch=True))
def test_a_plain_name_stays_as_it_is(name: str) -> None:
    assert safe_name(name) == name

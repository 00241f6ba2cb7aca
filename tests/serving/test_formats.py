import contextlib
import io
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from serving import formats
from serving.errors import BadRequest, NotAcceptable, Unserializable, UnsupportedMediaType
from serving.payloads import Payload


def npy(array: object, *, allow_pickle: bool = False) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=allow_pickle)  # type: ignore[arg-type]
    return buffer.getvalue()


def huge(version: tuple[int, int], shape: str = "(1000000000, 1000000000000)") -> bytes:
    """What claims to be an array that no memory holds, and has none of it."""
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".ljust(117).encode() + b"\n"
    return b"\x93NUMPY" + bytes(version) + len(header).to_bytes(2 if version[0] == 1 else 4, "little") + header


def test_a_json_list_is_an_array_and_an_object_stays_one() -> None:
    assert formats.decode("[[1, 2], [3, 4]]", "application/json").shape == (2, 2)
    assert formats.decode('{"a": [1]}', "application/json; charset=utf-8") == {"a": [1]}
    assert formats.decode("3.5", "Application/JSON") == 3.5


def test_csv_is_an_array() -> None:
    assert formats.decode("1,2\n3,4\n", "text/csv").tolist() == [[1, 2], [3, 4]]


def test_npy_is_an_array() -> None:
    assert formats.decode(npy(np.eye(2)), "application/x-npy").tolist() == [[1, 0], [0, 1]]


@pytest.mark.parametrize(
    ("body", "content_type", "message"),
    [
        ("", "application/json", "not JSON"),
        ("{", "application/json", "not JSON"),
        ("[" * 100_000, "application/json", "not JSON"),
        ("[[1], [1, 2]]", "application/json", "not an array"),
        ("", "text/csv", "empty"),
        ("1,2\n3\n", "text/csv", "not CSV"),
        (b"", "application/x-npy", "not NPY"),
        (b"\x93NUMPY\x01\x00\x05\x00abcde", "application/x-npy", "not NPY"),
        (npy(np.eye(3))[:-1], "application/x-npy", "not NPY.*: its array has 72 bytes, of which there are 71"),
        (huge((1, 0)), "application/x-npy", "its array has 8000000000000000000000 bytes, of which there are 0"),
        (huge((2, 0)), "application/x-npy", "its array has"),
        (huge((3, 0)), "application/x-npy", "its array has"),
        (huge((1, 0), f"(0, {10**30})"), "application/x-npy", "not NPY"),
        (npy(np.array([{}]), allow_pickle=True), "application/x-npy", "pickled"),
    ],
)
def test_a_body_that_is_not_what_it_says_is_the_clients_fault(
    body: str | bytes, content_type: str, message: str
) -> None:
    with pytest.raises(BadRequest, match=message):
        formats.decode(body, content_type)


@given(st.text(max_size=40), st.sampled_from(["application/json", "text/csv"]))
@example("#", "text/csv")
@example("#\x1ca", "text/csv")
@settings(max_examples=1000)
def test_any_text_is_decoded_or_the_clients_fault(body: str, content_type: str) -> None:
    with contextlib.suppress(BadRequest):
        formats.decode(body, content_type)


@example(npy(np.eye(2))[:80] + b"\0" * 47 + b"{")
@settings(max_examples=1000)
@given(st.binary(max_size=60) | st.binary(max_size=60).map(lambda tail: npy(np.eye(2))[:80] + tail))
def test_any_bytes_are_an_array_or_the_clients_fault(body: bytes) -> None:
    with contextlib.suppress(BadRequest):
        formats.decode(body, "application/x-npy")


def test_another_media_type_is_refused_with_those_supported() -> None:
    with pytest.raises(UnsupportedMediaType, match=r"'image/png'; supported: application/json, text/csv"):
        formats.decode(b"", "image/png")


def test_text_that_is_not_utf8_is_the_clients_fault() -> None:
    assert formats.body_of(Payload.of(b"\xff"), "image/png") == b"\xff"
    assert formats.body_of(Payload.of(b"{}"), "application/json") == "{}"
    with pytest.raises(BadRequest, match="not UTF-8"):
        formats.body_of(Payload.of(b"{\xff}"), "application/json")


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("*/*", "text/csv"),
        ("application/json", "application/json"),
        ("image/png, application/x-npy;q=0.5", "application/x-npy"),
        ("text/*", "text/csv"),
        ("application/*", "application/json"),
    ],
)
def test_the_first_supported_media_type_is_taken(accept: str, expected: str) -> None:
    assert formats.negotiate(accept, "text/csv") == expected


def test_an_accept_header_that_cannot_be_met_is_refused() -> None:
    with pytest.raises(NotAcceptable, match="'image/png'"):
        formats.negotiate("image/png", "application/json")


def test_arrays_and_their_numbers_are_written_as_json() -> None:
    value = {"scores": np.array([1.5, 2.5]), "best": np.int64(1)}
    assert formats.encode(value, "application/json") == '{"scores": [1.5, 2.5], "best": 1}'


def test_arrays_are_written_as_csv_and_npy() -> None:
    assert formats.encode(np.array([[1, 2], [3, 4]]), "text/csv") == "1,2\n3,4\n"
    written = formats.encode(np.eye(2), "application/x-npy")
    assert isinstance(written, bytes)
    assert np.load(io.BytesIO(written)).tolist() == [[1, 0], [0, 1]]


@pytest.mark.parametrize(
    ("value", "content_type", "message"),
    [
        (object(), "application/json", "a result of type object cannot be written as application/json: object is not"),
        ({1, 2}, "application/json", "set"),
        ({(1, 2): 3}, "application/json", "keys must be"),
        ({"a": 1}, "text/csv", "dict"),
        (np.array([{}]), "application/x-npy", "ndarray"),
        ({"a": 1}, "image/png", "return bytes or str"),
    ],
)
def test_what_cannot_be_written_is_named(value: object, content_type: str, message: str) -> None:
    with pytest.raises(Unserializable, match=message):
        formats.encode(value, content_type)


@pytest.mark.parametrize("value", ["text/csv\r\nset-cookie: a=b", "t\xe9xt", "\0"])
def test_a_header_holds_printable_ascii_only(value: str) -> None:
    with pytest.raises(Unserializable):
        formats.header_text(value)


def test_json_objects_and_lists_without_numpy() -> None:
    code = (
        "import sys; sys.modules['numpy'] = None\n"
        "from serving import formats, errors\n"
        "assert formats.decode('[1, 2]', 'application/json') == [1, 2]\n"
        "assert formats.encode([1, 2], 'application/json') == '[1, 2]'\n"
        "try: formats.decode('1,2', 'text/csv')\n"
        "except errors.HandlerFailed as error: print(error)\n"
    )
    result = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert result.stdout.startswith("numpy is not installed, but needed to read text/csv")


def test_numpy_is_not_imported_for_an_object() -> None:
    code = (
        "import sys\nfrom serving import formats\n"
        "formats.encode(formats.decode('{}', 'application/json'), 'application/json')\n"
        "assert 'numpy' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_csv_with_numbers_and_text_in_one_column_is_text() -> None:
    assert formats.decode("0\n:\n", "text/csv").tolist() == ["0", ":"]

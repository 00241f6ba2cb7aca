"""Files whose loading runs code are told from their first bytes, and nothing is unpickled."""

import io
import pickle
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glue.archives import HEAD, pickle_risk


class Malicious:
    """What would run a command when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return exec, ("raise AssertionError('it was unpickled')",)


def _torch_file() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("model/data.pkl", b"x")
        archive.writestr("model/data/0", bytes(100))
    return out.getvalue()


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_a_pickle_is_told_by_its_content_and_says_what_it_calls(protocol: int) -> None:
    risk = pickle_risk("weights.bin", pickle.dumps(Malicious(), protocol=protocol))
    assert risk is not None
    assert "builtin" in risk
    assert ".exec" in risk


def test_a_pickle_longer_than_what_is_looked_at_is_told() -> None:
    risk = pickle_risk("state", pickle.dumps([Malicious(), bytes(2 * HEAD)])[:HEAD])
    assert risk is not None
    assert risk.startswith("a pickle")


def test_a_zip_of_pickles_is_told() -> None:
    assert "model/data.pkl" in str(pickle_risk("model.pt", _torch_file()))


def test_an_array_of_objects_is_told() -> None:
    header = b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }"
    assert "array of objects" in str(pickle_risk("x.npy", b"\x93NUMPY\x01\x00" + bytes([len(header), 0]) + header))


def test_a_name_is_enough_where_the_content_tells_nothing() -> None:
    assert "named like a pickle" in str(pickle_risk("model.joblib", b"\x78\x9c compressed"))


@pytest.mark.parametrize(
    ("path", "head"),
    [
        ("code/inference.py", b"import pickle\n"),
        ("config.json", b"{}"),
        ("model.safetensors", b"\x40\x00\x00\x00\x00\x00\x00\x00{}"),
        ("x.npy", b"\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }"),
        ("archive.zip", b"PK\x03\x04" + bytes(22) + b"\x05\x00\x00\x00a.txt"),
        ("empty", b""),
        ("two.bytes", b"\x80\x04"),
    ],
)
def test_other_files_are_no_risk(path: str, head: bytes) -> None:
    assert pickle_risk(path, head) is None


@given(st.binary(max_size=200))
def test_whatever_the_bytes_are_there_is_an_answer(head: bytes) -> None:
    for start in (b"", b"\x80\x04", b"PK\x03\x04", b"\x93NUMPY"):
        pickle_risk("file", start + head)

"""Files whose loading runs code are told from their bytes, wherever they hide it, and nothing is unpickled."""

import bz2
import io
import pickle
import pickletools
import subprocess
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glue.archives import PickleScan, pickle_risk
from glue.archives.pickles import HEAD, MOST_ENTRIES

ROOT = Path(__file__).parents[3]
NPY = b"\x93NUMPY\x01\x00"


class Malicious:
    """What would run a command when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return exec, ("raise AssertionError('it was unpickled')",)


def _zip(*entries: tuple[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return out.getvalue()


def _npy(descr: bytes) -> bytes:
    header = b"{'descr': " + descr + b", 'fortran_order': False, 'shape': (1,), }"
    return NPY + len(header).to_bytes(2, "little") + header + bytes(8)


FLOATS, OBJECTS = _npy(b"'<f4'"), _npy(b"'|O'")


@pytest.mark.parametrize("protocol", range(6))
def test_a_pickle_is_told_by_its_content_and_says_what_it_calls(protocol: int) -> None:
    risk = pickle_risk("weights.txt", pickle.dumps(Malicious(), protocol=protocol))
    assert risk is not None
    assert "builtin" in risk
    assert ".exec" in risk


def test_a_pickle_longer_than_what_is_looked_at_is_told() -> None:
    for content in ([Malicious(), bytes(2 * HEAD)], [bytes(2 * HEAD), Malicious()]):
        assert str(pickle_risk("state", pickle.dumps(content))).startswith("a pickle")


def test_a_pickle_that_is_damaged_after_its_call_has_called_all_the_same() -> None:
    content = pickle.dumps(Malicious(), protocol=0)
    assert content.endswith(b".")
    assert "exec" in str(pickle_risk("notes.txt", content[:-1] + b"\xff\xff"))


def test_a_call_by_the_oldest_opcode_is_told() -> None:
    assert "os.system" in str(pickle_risk("notes", b"(S'id'\nios\nsystem\n."))


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize(
    ("entries", "says"),
    [
        ([("model/data.pkl", b"x"), ("model/data/0", bytes(100))], "model/data.pkl"),
        ([("README", b"harmless"), ("model/data.pkl", b"x")], "model/data.pkl"),
        ([("big", bytes(3 << 20)), ("x" * 3000 + "/data.pkl", b"x")], "data.pkl"),
        ([("data/0", bytes(8)), ("weights", pickle.dumps(Malicious()))], "weights is a pickle"),
        ([("weights", pickle.dumps(Malicious(), protocol=0))], "weights is a pickle"),
        ([("a.npy", FLOATS), ("b.npy", OBJECTS)], "b.npy is an array of objects"),
    ],
)
def test_a_pickle_in_a_zip_is_told_wherever_it_lies(
    entries: list[tuple[str, bytes]], says: str, compression: int
) -> None:
    assert says in str(pickle_risk("model.pt", _zip(*entries, compression=compression)))


def test_an_entry_that_one_header_calls_otherwise_is_told() -> None:
    whole = _zip(("README", b""), ("model/data.pkl", b"x"))
    first = whole.index(b"model/data.pkl")
    for hidden in (first, whole.index(b"model/data.pkl", first + 1)):
        content = whole[:hidden] + b"model/data.txt" + whole[hidden + 14 :]
        assert "model/data.pkl" in str(pickle_risk("model.pt", content))


def test_a_zip_of_too_many_entries_is_not_called_harmless() -> None:
    entries = [(str(number), b"") for number in range(MOST_ENTRIES + 1)]
    assert "more than" in str(pickle_risk("model.pt", _zip(*entries, ("data.pkl", b""))))


@pytest.mark.parametrize(
    "content",
    [
        OBJECTS,
        _npy(b"[('a', '<f4'), ('b', '|O')]"),
        _npy(b'"O"'),
        NPY + b"\xff\xff" + b" " * 500,
        b"\x93NUMPY\x02\x00" + (1 << 20).to_bytes(4, "little") + b" " * (1 << 20),
    ],
)
def test_an_array_of_objects_or_one_that_hides_what_it_is_of_is_told(content: bytes) -> None:
    assert "array of objects" in str(pickle_risk("x.npy", content))


@pytest.mark.parametrize("name", ["m.pkl", "m.joblib", "m.PT", "m.pth", "m.bin", "m.ckpt", "m.npz"])
@pytest.mark.parametrize(
    "content", [b"\x78\x9c compressed", bz2.compress(b"x"), bytes(257) + b"ustar\x0000", b"(" * 2 * HEAD]
)
def test_a_name_is_enough_where_the_content_tells_nothing(name: str, content: bytes) -> None:
    assert "named like a pickle" in str(pickle_risk(name, content))


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("code/inference.py", b"import pickle\n"),
        ("config.json", b"{}"),
        ("labels.txt", b"cat\ndog\nRat\n"),
        ("labels.csv", b"id\nname\nRome\n"),
        ("model.safetensors", b"\x40\x00\x00\x00\x00\x00\x00\x00{}"),
        ("x.npy", FLOATS),
        ("arrays.npz", _zip(("a.npy", FLOATS), ("b.npy", FLOATS))),
        ("arrays.npz", _zip(("a.npy", FLOATS), compression=zipfile.ZIP_DEFLATED)),
        ("archive.zip", _zip(("a.txt", b"a"))),
        ("weights.bin", bytes(3 * HEAD)),
        ("weights.bin", b"w" * 3 * HEAD),
        ("model.pt", b""),
        ("empty", b""),
        ("two.bytes", b"\x80\x04"),
    ],
)
def test_other_files_are_no_risk(path: str, content: bytes) -> None:
    assert pickle_risk(path, content) is None


def test_no_file_of_this_project_is_taken_for_one() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    files = [ROOT / name.decode() for name in listed.split(b"\0") if name]
    assert len(files) > 100
    assert [file for file in files if file.is_file() and pickle_risk(file.name, file.read_bytes())] == []


@given(st.binary(max_size=200))
def test_whatever_the_bytes_are_there_is_an_answer(content: bytes) -> None:
    for start in (b"", b"\x80\x04", b"PK\x03\x04", b"PK\x01\x02", b"\x93NUMPY", b"c", b"("):
        pickle_risk("file", start + content)


PLAIN = st.recursive(
    st.none() | st.integers() | st.text() | st.binary(max_size=5000),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


@given(
    before=PLAIN,
    protocol=st.integers(0, 5),
    others=st.lists(st.tuples(st.from_regex(r"[a-z]{1,9}", fullmatch=True), st.binary(max_size=9000)), max_size=4),
    place=st.integers(0, 4),
    compression=st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]),
    prefix=st.binary(max_size=40),
    sizes=st.lists(st.integers(1, 4000), max_size=12),
)
def test_a_call_is_told_whatever_surrounds_it_and_however_it_arrives(
    before: object,
    protocol: int,
    others: list[tuple[str, bytes]],
    place: int,
    compression: int,
    prefix: bytes,
    sizes: list[int],
) -> None:
    content = pickle.dumps([before, Malicious()], protocol=protocol)
    assert any(opcode.name == "REDUCE" for opcode, _, _ in pickletools.genops(content))
    if len(content) < HEAD:
        assert pickle_risk("notes.txt", content) is not None
    entries = dict(others)
    names = list(entries)
    inner = [*((name, entries[name]) for name in names[:place]), ("UPPER.pkl", content)]
    archive = _zip(*inner, *((name, entries[name]) for name in names[place:]), compression=compression)
    # What comes before the first entry is skipped by readers of zips, but a file has to begin like one.
    archive = b"PK\x03\x04" + prefix + archive
    scan = PickleScan("weights")
    position = 0
    for size in sizes:
        scan.read(archive[position : position + size])
        position += size
    scan.read(archive[position:])
    assert scan.risk() == pickle_risk("weights", archive)
    assert scan.risk() is not None

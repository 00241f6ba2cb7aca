"""Archives that nobody vouches for: refused with the cause, or read without leaving the folder."""

import gzip
import io
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glue.archives import Limits, read_archive
from glue.errors import FailedError, UsageError

Member = tuple[tarfile.TarInfo, bytes]


def _file(name: str, content: bytes = b"x") -> Member:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    return info, content


def _special(name: str, kind: bytes, target: str = "") -> Member:
    info = tarfile.TarInfo(name)
    info.type = kind
    info.linkname = target
    return info, b""


def _tar(*members: Member, form: int = tarfile.PAX_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as tar:
        for info, content in members:
            tar.addfile(info, io.BytesIO(content))
    return out.getvalue()


def _gz(*members: Member) -> bytes:
    return gzip.compress(_tar(*members))


def _patched(tar: bytes, at: int, value: bytes) -> bytes:
    """`tar` with other bytes in its first header, and that header's checksum mended."""
    header = bytearray(tar[:512])
    header[at : at + len(value)] = value
    header[148:156] = b" " * 8
    header[148:156] = f"{sum(header):06o}\0 ".encode()
    return bytes(header) + tar[512:]


def _with_huge_extended_header() -> bytes:
    info = tarfile.TarInfo("x")
    info.type = tarfile.XHDTYPE
    info.size = 1 << 32
    return gzip.compress(info.tobuf(format=tarfile.GNU_FORMAT) + bytes(1024))


def _with_negative_size() -> bytes:
    return gzip.compress(_patched(_tar(_file("a", b"1" * 600), _file("b")), 124, b"\xff" * 10 + b"\xfc\x00"))


def _with_sparse_file() -> bytes:
    return gzip.compress(_patched(_tar(_file("a", b"1" * 600), form=tarfile.GNU_FORMAT), 156, b"S"))


def _with_damaged_second_header() -> bytes:
    tar = bytearray(_tar(_file("a", b"1"), _file("b", b"2")))
    tar[1024 + 150] ^= 0xFF
    return gzip.compress(bytes(tar))


def _with_wrong_checksum() -> bytes:
    archive = bytearray(_gz(_file("a")))
    archive[-5] ^= 0xFF
    return bytes(archive)


UNSOUND: dict[str, tuple[Callable[[], bytes], str]] = {
    "path traversal": (lambda: _gz(_file("../evil")), r"'../evil': `\.\.` in the path"),
    "hidden traversal": (lambda: _gz(_file("code/../../evil")), r"`\.\.` in the path"),
    "absolute path": (lambda: _gz(_file("/etc/evil")), "'/etc/evil': an absolute path"),
    "drive": (lambda: _gz(_file("C:/evil")), "an absolute path"),
    "backslashes": (lambda: _gz(_file("..\\evil")), "a backslash"),
    "control character": (lambda: _gz(_file("a\x1b[2J")), "a control character"),
    "file without a name": (lambda: _gz(_file("./.")), "a file without a name"),
    "symbolic link": (lambda: _gz(_special("a", tarfile.SYMTYPE, "/etc/passwd")), "'a': a symbolic link"),
    "hard link": (lambda: _gz(_file("b"), _special("a", tarfile.LNKTYPE, "b")), "'a': a hard link"),
    "character device": (lambda: _gz(_special("a", tarfile.CHRTYPE)), "'a': a device"),
    "block device": (lambda: _gz(_special("a", tarfile.BLKTYPE)), "'a': a device"),
    "named pipe": (lambda: _gz(_special("a", tarfile.FIFOTYPE)), "'a': a named pipe"),
    "sparse file": (_with_sparse_file, "only files and folders"),
    "duplicate": (lambda: _gz(_file("a", b"1"), _file("./a", b"2")), "'a': twice"),
    "file as a folder": (lambda: _gz(_file("a"), _file("a/b")), "'a': both a file and a folder"),
    "folder as a file": (lambda: _gz(_file("a/b"), _file("a")), "'a': both a file and a folder"),
    "folder over a file": (lambda: _gz(_file("a"), _special("a", tarfile.DIRTYPE)), "'a': both a file and a folder"),
    "decompression bomb": (lambda: _gz(_file("a", bytes(2_000_000))), "decompression bomb"),
    "bomb after the end": (lambda: gzip.compress(_tar(_file("a")) + bytes(2_000_000)), "decompression bomb"),
    "too many members": (lambda: _gz(*(_file(str(number)) for number in range(21))), "more than 20 members"),
    "huge extended header": (_with_huge_extended_header, "a header that claims"),
    "negative size": (_with_negative_size, "archive is damaged|negative size|header that claims"),
    "damaged header": (_with_damaged_second_header, "data after the last member"),
    "data after the end": (lambda: gzip.compress(_tar(_file("a")) + b"more"), "data after the last member"),
    "cut off": (lambda: _gz(_file("a", bytes(range(256)) * 40))[:-200], "cut off"),
    "cut off inside": (lambda: gzip.compress(_tar(_file("a", b"x" * 5000))[:2000]), "cut off|damaged|unexpected end"),
    "wrong checksum": (_with_wrong_checksum, "not a sound gzip file"),
    "plain tar": (lambda: _tar(_file("a")), "not a sound gzip file"),
    "no tar inside": (lambda: gzip.compress(b"hello" * 200), "not a sound tar.gz"),
    "no content": (lambda: b"", "empty|not a sound"),
    "no members": (_gz, "the archive is empty"),
    "folders only": (lambda: _gz(_special("a", tarfile.DIRTYPE)), "the archive is empty"),
}


@pytest.mark.parametrize("name", UNSOUND)
def test_an_unsound_archive_is_refused_with_its_cause_and_nothing_leaves_the_folder(name: str, tmp_path: Path) -> None:
    make, message = UNSOUND[name]
    file = tmp_path / "model.tar.gz"
    file.write_bytes(make())
    into = tmp_path / "inside" / "into"
    into.mkdir(parents=True)
    with pytest.raises(FailedError, match=message) as caught:
        read_archive(file, into, limits=Limits(members=20, total=1 << 20, free=1 << 20))
    assert caught.value.message.startswith(f"{file}: ")
    assert sorted(tmp_path.iterdir()) == [tmp_path / "inside", file]
    assert list((tmp_path / "inside").iterdir()) == [into]
    assert all(path.is_dir() or path.is_file() for path in into.rglob("*") if not path.is_symlink())
    assert not any(path.is_symlink() for path in into.rglob("*"))


@given(names=st.lists(st.text(min_size=1, max_size=30).map(lambda name: f"../{name}/../x" if "z" in name else name)))
def test_whatever_the_names_are_nothing_is_written_outside(names: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file, into = Path(folder) / "a.tar.gz", Path(folder) / "into"
        into.mkdir()
        members = []
        for name in names:
            try:
                _tar(_file(name))
            except (UnicodeError, ValueError):
                continue
            members.append(_file(name))
        file.write_bytes(_gz(*members))
        try:
            entries = read_archive(file, into)
        except FailedError:
            entries = []
        assert sorted(Path(folder).iterdir()) == [file, into]
        assert all((into / entry.path).resolve().is_relative_to(into.resolve()) for entry in entries)


def test_files_are_extracted_as_they_are_listed(tmp_path: Path) -> None:
    file, into = tmp_path / "a.tar.gz", tmp_path / "into"
    into.mkdir()
    file.write_bytes(
        _gz(_special("./", tarfile.DIRTYPE), _file("./code/inference.py", b"code"), _file("./b", b""), _file("a" * 200))
    )
    entries = read_archive(file, into)
    assert [(entry.path, entry.size) for entry in entries] == [("a" * 200, 1), ("b", 0), ("code/inference.py", 4)]
    assert (into / "code/inference.py").read_bytes() == b"code"


def test_a_file_that_is_not_there_is_the_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file"):
        read_archive(tmp_path / "gone.tar.gz")
    with pytest.raises(UsageError, match="cannot be read"):
        read_archive(tmp_path)

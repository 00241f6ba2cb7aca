"""Archives depend on names and contents, and on nothing else."""

import gzip
import hashlib
import io
import os
import subprocess
import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glue.archives import ArchiveWriter, read_archive
from glue.errors import FailedError

NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="/\\:"), min_size=1)
PATHS = st.lists(
    NAMES.filter(lambda name: name not in {".", ".."} and len(name.encode()) < 200), min_size=1, max_size=4
)
FILES = st.dictionaries(PATHS.map("/".join), st.binary(max_size=200), min_size=1, max_size=6).filter(
    lambda files: not any(one.startswith(f"{other}/") for one in files for other in files)
)


def _archive(files: dict[str, bytes]) -> tuple[bytes, ArchiveWriter]:
    out = io.BytesIO()
    with ArchiveWriter(out) as writer:
        for path, content in sorted(files.items()):
            writer.add(path, content)
    return out.getvalue(), writer


@given(files=FILES)
def test_the_same_content_gives_the_same_bytes_and_is_read_back(
    files: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory
) -> None:
    archive, writer = _archive(files)
    assert _archive(dict(reversed(files.items())))[0] == archive
    assert writer.tar_sha256 == hashlib.sha256(gzip.decompress(archive)).hexdigest()
    file = tmp_path_factory.mktemp("archive") / "a.tar.gz"
    file.write_bytes(archive)
    read = read_archive(file)
    assert [entry.path for entry in read] == sorted(files)
    assert {entry.path: entry.sha256 for entry in read} == {
        path: hashlib.sha256(content).hexdigest() for path, content in files.items()
    }


def test_bytes_are_those_of_every_other_machine() -> None:
    archive, _ = _archive({"code/inference.py": b"x = 1\n" * 30000, "modèle.bin": bytes(range(256)) * 300})
    assert hashlib.sha256(archive).hexdigest() == "81f50a7d3ac4a3653df24f950f7d82b4a3eb4f7adf3f6e9efa78fbc3444f08cb"


def test_time_and_mode_of_the_files_do_not_show(tmp_path: Path) -> None:
    archives = []
    for number, mode in enumerate((0o600, 0o755)):
        file = tmp_path / str(number)
        file.write_bytes(b"content")
        file.chmod(mode)
        os.utime(file, (number * 1000, number * 1000))
        out = io.BytesIO()
        with ArchiveWriter(out) as writer:
            writer.add("content", file)
        archives.append(out.getvalue())
    assert archives[0] == archives[1]


@pytest.mark.parametrize("size", [0, 1, 511, 512, 65534, 65535, 65536, 131069, 131070, 131071, 1_000_003])
def test_content_of_any_size_comes_back_from_other_readers(size: int, tmp_path: Path) -> None:
    content = os.urandom(size)
    archive, _ = _archive({"content": content})
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        member = tar.extractfile("content")
        assert member is not None
        assert member.read() == content
    file = tmp_path / "a.tar.gz"
    file.write_bytes(archive)
    subprocess.run(["gzip", "--test", str(file)], check=True)
    assert subprocess.run(["tar", "-xzOf", str(file)], check=True, capture_output=True).stdout == content


@pytest.mark.parametrize("path", ["../x", "/x", "a/../b", "./a", "a//b", "a\\b", "", ".", "a\x00"])
def test_a_path_that_is_not_plain_is_refused(path: str) -> None:
    with ArchiveWriter(io.BytesIO()) as writer, pytest.raises(ValueError, match=r"."):
        writer.add(path, b"")


def test_a_file_that_changes_while_it_is_packed_is_refused(tmp_path: Path) -> None:
    class Growing(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            data = super().read(size)
            if not data:
                self.write(b"more")
                self.seek(-4, io.SEEK_END)
                data = super().read(size)
            return data

    writer = ArchiveWriter(io.BytesIO())
    with pytest.raises(FailedError, match="log: got longer"):
        writer._add("log", Growing(b"12345"), 5)
    with pytest.raises(FailedError, match="cut: got shorter"):
        writer._add("cut", io.BytesIO(b"123"), 5)

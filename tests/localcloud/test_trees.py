import io
import itertools
import os
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from glue.localcloud import trees
from glue.localcloud.clock import Clock
from tests.localcloud.support import tar


def test_an_archive_is_unpacked_read_only_and_removed(tmp_path: Path) -> None:
    folder = tmp_path / "tree"
    trees.unpack(io.BytesIO(tar({"code/inference.py": "x", "config.json": "{}"})), folder)
    trees.make_read_only(folder)
    assert (folder / "code" / "inference.py").read_text() == "x"
    assert {path.stat().st_mode & 0o222 for path in [folder, *folder.rglob("*")]} == {0}
    trees.remove(folder)
    assert not folder.exists()


def test_a_shared_tree_takes_no_space_and_goes_alone(tmp_path: Path) -> None:
    folder, twin = tmp_path / "tree", tmp_path / "twin"
    trees.unpack(io.BytesIO(tar({"a/b": "content"})), folder)
    trees.make_read_only(folder)
    trees.share(folder, twin)
    assert (twin / "a/b").samefile(folder / "a/b")
    trees.remove(twin)
    assert (folder / "a/b").read_text() == "content"


def test_a_tree_may_be_removed_by_several_at_once(tmp_path: Path) -> None:
    for number in range(300):
        (tmp_path / "tree" / f"{number}" / "sub").mkdir(parents=True)
    with ThreadPoolExecutor(4) as threads:
        for done in [threads.submit(trees.remove, tmp_path / "tree") for _ in range(4)]:
            done.result()
    assert not (tmp_path / "tree").exists()


def _archive(member: tarfile.TarInfo, content: bytes = b"") -> io.BytesIO:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    buffer.seek(0)
    return buffer


@pytest.mark.parametrize("name", ["../outside", "/absolute/../../outside", "a/../../outside"])
def test_a_member_above_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(trees.UnsafeArchiveError):
        trees.unpack(_archive(tarfile.TarInfo(name), b"x"), tmp_path / "tree")
    assert not (tmp_path / "outside").exists()


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    link = tarfile.TarInfo("link")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    with pytest.raises(trees.UnsafeArchiveError):
        trees.unpack(_archive(link), tmp_path / "tree")


def test_a_device_is_refused(tmp_path: Path) -> None:
    device = tarfile.TarInfo("null")
    device.type = tarfile.CHRTYPE
    with pytest.raises(trees.UnsafeArchiveError):
        trees.unpack(_archive(device), tmp_path / "tree")


@pytest.mark.parametrize("content", [b"", b"no archive", tar({"a": "x" * 10000})[:40]])
def test_what_is_no_whole_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(trees.UnsafeArchiveError):
        trees.unpack(io.BytesIO(content), tmp_path / "tree")


def test_unpacking_ends_at_its_deadline(tmp_path: Path) -> None:
    with pytest.raises(TimeoutError):
        trees.unpack(io.BytesIO(tar({"a": "x"})), tmp_path / "tree", deadline=Clock().deadline(0))


def test_unpacking_ends_at_its_deadline_in_the_midst_of_a_member(tmp_path: Path) -> None:
    clock = Clock(monotonic=itertools.count().__next__)  # a second passes with every look
    archive = io.BytesIO(tar({"a": os.urandom(8 * 1024 * 1024)}))
    with pytest.raises(TimeoutError, match="took too long"):
        trees.unpack(archive, tmp_path / "tree", deadline=clock.deadline(60))
    assert archive.tell() < 2 * 1024 * 1024

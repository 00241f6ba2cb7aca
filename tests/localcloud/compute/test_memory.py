"""What a group of processes takes is what its container would be killed for."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from glue.localcloud.compute.memory import FOLLOWED, members, taken_by

MIB = 1 << 20
SIZE = 100 * MIB
pytestmark = pytest.mark.skipif(not FOLLOWED, reason="this system does not tell what processes take")


@contextmanager
def group(program: str) -> Iterator[int]:
    """A process group that runs `program` until its input ends, once all its processes are there."""
    code = f"import mmap, os, sys\nSIZE = {SIZE}\n{program}\nprint('there', flush=True)\nsys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, process_group=0
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"there\n"
        yield process.pid


def test_memory_of_its_own_counts() -> None:
    with group("kept = b'x' * SIZE") as found:
        assert members(found) == [found]
        assert SIZE < taken_by(found) < SIZE + 20 * MIB
    assert members(found) == []
    assert taken_by(found) == 0


def test_a_process_may_have_any_name() -> None:
    with group("import ctypes; ctypes.CDLL(None).prctl(15, b'not UTF-8: \\xff'); kept = b'x' * SIZE") as found:
        assert SIZE < taken_by(found) < SIZE + 20 * MIB


def test_what_processes_share_counts_once_unless_little_is_asked() -> None:
    child = "if os.fork() == 0: sys.stdin.read(), os._exit(0)"
    with group("kept = b'x' * SIZE" + f"\n{child}" * 3) as found:
        assert len(members(found)) == 4
        assert SIZE < taken_by(found) < 2 * SIZE
        assert taken_by(found, at_least=10 * SIZE) > 4 * SIZE


def test_files_that_are_mapped_do_not_count(tmp_path: Path) -> None:
    file = tmp_path / "weights"
    file.write_bytes(os.urandom(SIZE))
    read = f"weights = mmap.mmap(os.open({str(file)!r}, os.O_RDONLY), 0, prot=mmap.PROT_READ)\nsum(weights[::4096])"
    with group(read) as found:
        assert taken_by(found) < SIZE / 2

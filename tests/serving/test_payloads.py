import asyncio
import contextlib
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from serving import payloads
from serving.errors import PayloadTooLarge, StorageFailed
from serving.payloads import SPILL_BYTES, Payload


class Chunks:
    """A source of a body in these pieces."""

    def __init__(self, *chunks: bytes) -> None:
        self.left = list(chunks)

    @property
    def finished(self) -> bool:
        return not self.left

    async def read(self) -> bytes:
        return self.left.pop(0)


def collect(*chunks: bytes, announced: int | None = None) -> Payload:
    return asyncio.run(payloads.collect(Chunks(*chunks), limit=1 << 30, limit_name="LIMIT", announced=announced))


def on_disk(payload: Payload) -> bool:
    assert payload.file is not None
    return os.fstat(payload.file.fileno()).st_dev == Path(tempfile.gettempdir()).stat().st_dev


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="needs files in memory")
def test_a_body_that_would_take_much_memory_is_kept_on_disk() -> None:
    size = payloads._IN_MEMORY_BYTES
    for body, expected in ((bytes(size), False), (bytes(size + 1), True)):
        with contextlib.closing(payloads.store(body)) as stored:
            assert on_disk(stored) == expected
        with contextlib.closing(collect(body, announced=len(body))) as collected:
            assert on_disk(collected) == expected
    with contextlib.closing(collect(bytes(SPILL_BYTES + 1))) as of_unknown_length:
        assert on_disk(of_unknown_length)


async def drained(payload: Payload) -> bytes:
    return b"".join([chunk async for chunk in payload.chunks()])


@settings(max_examples=20, deadline=None)
@example([SPILL_BYTES], True)
@example([SPILL_BYTES, 1], True)
@example([SPILL_BYTES + 1], False)
@example([1] * 2000, False)
@example([SPILL_BYTES, *[1] * 2000], False)
@given(st.lists(st.integers(0, SPILL_BYTES // 2), max_size=8), st.booleans())
def test_a_body_comes_out_as_it_went_in_whatever_its_pieces(sizes: list[int], announced: bool) -> None:
    chunks = [bytes([index % 255 + 1]) * size for index, size in enumerate(sizes)]
    body = b"".join(chunks)
    payload = collect(*chunks, announced=len(body) if announced else None)
    assert payload.size == len(body)
    assert (payload.file is None) == (len(body) <= SPILL_BYTES)
    assert asyncio.run(drained(payload)) == body
    assert payloads.take(payload) == body


@pytest.mark.parametrize("size", [0, SPILL_BYTES, SPILL_BYTES + 1])
def test_a_result_comes_out_as_it_went_in(size: int) -> None:
    payload = payloads.store(memoryview(bytearray(b"x" * size)))
    assert payload.size == size
    assert asyncio.run(drained(payload)) == b"x" * size
    payload.close()


def test_a_taken_body_leaves_nothing_in_its_file() -> None:
    payload = payloads.store(b"x" * (SPILL_BYTES + 1))
    assert payload.file is not None
    other_process = os.dup(payload.file.fileno())
    assert payloads.take(payload) == b"x" * (SPILL_BYTES + 1)
    assert payload.file.closed
    assert os.fstat(other_process).st_size == 0
    os.close(other_process)


def test_a_body_above_the_limit_is_refused_as_soon_as_it_is_seen() -> None:
    source = Chunks(*[b"12345"] * 10)
    with pytest.raises(PayloadTooLarge, match="larger than the 12 bytes that LIMIT allows"):
        asyncio.run(payloads.collect(source, limit=12, limit_name="LIMIT"))
    assert len(source.left) == 7


@pytest.fixture
def no_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No folder for temporary files, for bodies that belong on disk."""
    monkeypatch.setattr(payloads, "_IN_MEMORY_BYTES", SPILL_BYTES)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="needs files in memory")
@pytest.mark.usefixtures("no_folder")
def test_where_no_folder_can_be_written_a_body_is_kept_in_memory() -> None:
    body = b"x" * (SPILL_BYTES + 1)
    assert payloads.take(collect(body)) == body
    assert payloads.take(payloads.store(body)) == body


@pytest.mark.usefixtures("no_folder")
def test_where_there_is_no_file_in_memory_either_the_cause_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "memfd_create", raising=False)  # as on macOS
    with pytest.raises(StorageFailed, match="No such file or directory"):
        collect(b"x" * (SPILL_BYTES + 1))
    with pytest.raises(StorageFailed, match="TMPDIR"):
        payloads.store(b"x" * (SPILL_BYTES + 1))


def test_a_file_that_is_shorter_than_said_is_not_passed_on() -> None:
    payload = payloads.store(b"x" * (SPILL_BYTES + 1))
    payload.size += 1
    with pytest.raises(EOFError):
        asyncio.run(drained(payload))
    with pytest.raises(StorageFailed):
        payloads.take(payload)

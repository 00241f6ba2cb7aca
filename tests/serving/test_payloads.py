import asyncio
import os
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from serving import payloads
from serving.errors import PayloadTooLarge, StorageFailed
from serving.payloads import SPILL_BYTES, Payload


async def stream(*chunks: bytes) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


def collect(*chunks: bytes, limit: int = 1 << 30) -> Payload:
    return asyncio.run(payloads.collect(stream(*chunks), limit=limit, limit_name="LIMIT"))


async def drained(payload: Payload) -> bytes:
    return b"".join([chunk async for chunk in payload.chunks()])


@settings(max_examples=20)
@example([SPILL_BYTES])
@example([SPILL_BYTES, 1])
@example([SPILL_BYTES + 1])
@given(st.lists(st.integers(0, SPILL_BYTES // 2), max_size=8))
def test_a_body_comes_out_as_it_went_in_whatever_its_pieces(sizes: list[int]) -> None:
    chunks = [bytes([index + 1]) * size for index, size in enumerate(sizes)]
    payload = collect(*chunks)
    body = b"".join(chunks)
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
    seen: list[bytes] = []

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(10):
            seen.append(b"12345")
            yield b"12345"

    with pytest.raises(PayloadTooLarge, match="larger than the 12 bytes that LIMIT allows"):
        asyncio.run(payloads.collect(chunks(), limit=12, limit_name="LIMIT"))
    assert len(seen) == 3


def test_a_folder_that_cannot_be_written_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    missing = str(tmp_path / "missing")
    monkeypatch.setattr(tempfile, "tempdir", missing)
    with pytest.raises(StorageFailed, match=f"under {missing}: No such file"):
        collect(b"x" * (SPILL_BYTES + 1))
    with pytest.raises(StorageFailed, match=missing):
        payloads.store(b"x" * (SPILL_BYTES + 1))


def test_a_file_that_is_shorter_than_said_is_not_passed_on() -> None:
    payload = payloads.store(b"x" * (SPILL_BYTES + 1))
    payload.size += 1
    with pytest.raises(EOFError):
        asyncio.run(drained(payload))
    with pytest.raises(StorageFailed):
        payloads.take(payload)

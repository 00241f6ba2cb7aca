import asyncio
import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from serving import files, payloads
from serving.errors import PayloadTooLarge, StorageFailed, Unserializable
from serving.payloads import SPILL_BYTES, Payload


@pytest.fixture(autouse=True)
def no_spares() -> Iterator[None]:
    """No file that another test has used, and none left open."""
    yield
    while files._spares:
        file, mapping = files._spares.pop()
        mapping.close()
        file.close()


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
    size = files.IN_MEMORY_BYTES
    for body, expected in ((bytes(size), False), (bytes(size + 1), True)):
        with contextlib.closing(payloads.store(body)) as stored:
            assert on_disk(stored) == expected
        with contextlib.closing(collect(body, announced=len(body))) as collected:
            assert on_disk(collected) == expected
    with contextlib.closing(collect(bytes(SPILL_BYTES + 1))) as of_unknown_length:
        assert on_disk(of_unknown_length)


async def drained(payload: Payload) -> bytes:
    return payload.data if payload.file is None else b"".join([chunk async for chunk in payload.chunks()])


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
    with contextlib.closing(payload):
        assert asyncio.run(drained(payload)) == body
        assert payloads.take(payload) == body


@pytest.mark.parametrize("size", [0, SPILL_BYTES, SPILL_BYTES + 1])
def test_a_result_comes_out_as_it_went_in(size: int) -> None:
    payload = payloads.store(memoryview(bytearray(b"x" * size)))
    assert payload.size == size
    assert asyncio.run(drained(payload)) == b"x" * size
    payload.close()


LARGE = files.IN_MEMORY_BYTES + 1


@pytest.mark.parametrize("take", [payloads.take, payloads.take_text])
def test_a_large_body_that_was_taken_leaves_nothing_in_its_file(take: Callable[[Payload], str | bytes]) -> None:
    payload = payloads.store(b"x" * LARGE)
    assert payload.file is not None
    other_process = os.dup(payload.file.fileno())
    assert len(take(payload)) == LARGE
    assert payload.file is None
    assert os.fstat(other_process).st_size == 0
    os.close(other_process)


@pytest.mark.parametrize("character", ["x", "é", "€", "😀"])
@pytest.mark.parametrize("ahead", range(4))
def test_a_text_comes_out_as_it_went_in_wherever_its_parts_are_cut(character: str, ahead: int) -> None:
    text = "x" * ahead + character * (LARGE // len(character.encode()) + 1)
    payload = payloads.store(text)
    assert payload.size == len(text.encode())
    assert payloads.take_text(payload) == text


@pytest.mark.parametrize("at", [0, LARGE // 2, LARGE - 1])
def test_a_text_that_is_not_utf8_is_refused_at_its_first_wrong_byte(at: int) -> None:
    body = bytearray(b"\xc3\xa9" * (LARGE // 2 + 1))
    body[at] = 0xFF
    with pytest.raises(UnicodeDecodeError) as expected:
        body.decode()
    with pytest.raises(UnicodeDecodeError) as caught, contextlib.closing(payloads.store(body)) as payload:
        payloads.take_text(payload)
    assert (caught.value.start, caught.value.reason) == (expected.value.start, expected.value.reason)


@pytest.mark.parametrize("size", [10, LARGE])
def test_half_of_a_surrogate_pair_cannot_be_a_response(size: int) -> None:
    with pytest.raises(Unserializable, match=f"surrogates not allowed at character {size - 1}$"):
        payloads.store("x" * (size - 1) + "\udc80")


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="needs files in memory")
def test_a_file_in_memory_serves_request_response_and_the_next_request() -> None:
    request = collect(b"a" * 3_000_000, announced=3_000_000)
    file = request.file
    assert payloads.take(request) == b"a" * 3_000_000
    response = payloads.store(b"b" * 2_000_000, request)
    assert response.file is file
    assert asyncio.run(drained(response)) == b"b" * 2_000_000
    response.recycle()
    following = collect(b"c" * 2_500_000, announced=2_500_000)
    assert following.file is file
    assert payloads.take(following) == b"c" * 2_500_000
    following.close()


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="needs files in memory")
def test_a_response_may_be_larger_than_its_request_and_the_next_request_larger_still() -> None:
    request = collect(b"a" * 2_000_000, announced=2_000_000)
    response = payloads.store(b"b" * 3_000_000, request)
    assert asyncio.run(drained(response)) == b"b" * 3_000_000
    response.recycle()
    for size in (5_000_000, 1_500_000):
        with contextlib.closing(collect(b"c" * size, announced=size)) as following:
            assert payloads.take(following) == b"c" * size
            assert asyncio.run(drained(following)) == b"c" * size


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="needs files in memory")
def test_nobody_can_take_away_what_is_mapped() -> None:
    with contextlib.closing(collect(b"a" * 2_000_000, announced=2_000_000)) as body:
        assert body.file is not None
        with pytest.raises(PermissionError):
            os.truncate(body.file.fileno(), 0)


def test_a_body_above_the_limit_is_refused_as_soon_as_it_is_seen() -> None:
    source = Chunks(*[b"12345"] * 10)
    with pytest.raises(PayloadTooLarge, match="larger than the 12 bytes that LIMIT allows"):
        asyncio.run(payloads.collect(source, limit=12, limit_name="LIMIT"))
    assert len(source.left) == 7


@pytest.fixture
def no_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No folder for temporary files, for bodies that belong on disk."""
    monkeypatch.setattr(files, "IN_MEMORY_BYTES", SPILL_BYTES)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="needs files in memory")
@pytest.mark.usefixtures("no_folder")
def test_where_no_folder_can_be_written_a_body_is_kept_in_memory() -> None:
    body = b"x" * (SPILL_BYTES + 1)
    for payload in (collect(body), payloads.store(body)):
        assert payloads.take(payload) == body


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
    with pytest.raises(StorageFailed), contextlib.closing(payload):
        payloads.take(payload)

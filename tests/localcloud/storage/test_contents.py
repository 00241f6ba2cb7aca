from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glue.localcloud.storage.contents import Contents


@given(st.lists(st.binary(max_size=50)), st.slices(200))
def test_a_content_slices_and_counts_as_bytes_do(
    tmp_path_factory: pytest.TempPathFactory, chunks: list[bytes], place: slice
) -> None:
    whole = b"".join(chunks)
    content = Contents(tmp_path_factory.mktemp("contents")).write(chunks)
    place = slice(place.start, place.stop)
    assert (len(content), bytes(content)) == (len(whole), whole)
    assert bytes(content[place]) == whole[place]
    assert bytes(content[place][1:3]) == whole[place][1:3]


def test_a_file_goes_with_the_last_content_that_shares_it(tmp_path: Path) -> None:
    content = Contents(tmp_path).write([b"abc"])
    part = content[1:]
    del content
    assert (bytes(part), part[0]) == (b"bc", ord("b"))
    del part
    assert list(tmp_path.iterdir()) == []


def test_a_reader_finishes_though_the_content_is_gone(tmp_path: Path) -> None:
    reader = iter(Contents(tmp_path).write([b"x" * 1_000_000]))
    first = next(reader)
    assert len(first) + sum(map(len, reader)) == 1_000_000

from hypothesis import given
from hypothesis import strategies as st

from glue.localcloud.accounts import Scope
from glue.localcloud.compute.log_shipper import Stream, _batches, _Line

STREAM = Stream(Scope("111122223333", "us-east-1"), "group", "stream")


@given(st.lists(st.integers(0, 400_000), max_size=12))
def test_batches_keep_every_line_in_order_and_stay_below_what_aws_takes(sizes: list[int]) -> None:
    lines = [_Line(STREAM, number, "x" * size) for number, size in enumerate(sizes)]
    batches = list(_batches(lines))
    assert [line for batch in batches for line in batch] == lines
    assert all(sum(len(line.text) + 26 for line in batch) <= 1_048_576 for batch in batches)


def test_a_batch_has_no_more_events_than_aws_takes() -> None:
    batches = list(_batches([_Line(STREAM, number, "") for number in range(2500)]))
    assert [len(batch) for batch in batches] == [1000, 1000, 500]

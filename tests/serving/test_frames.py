import os
import socket
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving import frames
from serving.frames import Decoder, Frame, FrameError, Receiver

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
any_frame = st.builds(Frame, st.dictionaries(st.text(), json_values, max_size=4), st.binary(max_size=300))


@given(st.lists(any_frame, max_size=5), st.data())
def test_frames_survive_a_stream_that_is_cut_anywhere(sent: list[Frame], data: st.DataObject) -> None:
    stream = b"".join(map(frames.encode, sent))
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=10).map(sorted))
    decoder = Decoder()
    received: list[Frame] = []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        received += decoder.feed(stream[start:end])
    assert received == sent


@given(any_frame, st.data())
def test_a_frame_is_not_there_before_its_last_byte(frame: Frame, data: st.DataObject) -> None:
    encoded = frames.encode(frame)
    cut = data.draw(st.integers(0, len(encoded) - 1))
    decoder = Decoder()
    assert decoder.feed(encoded[:cut]) == []
    assert decoder.feed(encoded[cut:]) == [frame]


@given(st.binary(min_size=8, max_size=64))
def test_bytes_that_are_no_frames_are_refused_or_incomplete_and_never_anything_else(data: bytes) -> None:
    try:
        received = Decoder().feed(data)
    except FrameError:
        return
    assert all(isinstance(frame.header, dict) for frame in received)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\xff\xff\xff\xff" + b"\0" * 4, "header of 4294967295 bytes"),
        (b"\0" * 4 + b"\xff\xff\xff\xff", "body of 4294967295 bytes"),
        (b"\0\0\0\x02\0\0\0\0[]", "a list, not an object"),
        (b"\0\0\0\x02\0\0\0\0{{", "not JSON"),
    ],
)
def test_a_stream_out_of_step_is_refused_at_once(data: bytes, message: str) -> None:
    with pytest.raises(FrameError, match=message):
        Decoder().feed(data)


def test_a_frame_too_long_for_the_other_side_is_not_sent() -> None:
    with pytest.raises(FrameError, match="body"):
        frames.encode(Frame({}, bytes(frames.MAX_BODY_BYTES + 1)))


def test_a_descriptor_arrives_with_its_frame() -> None:
    ours, theirs = socket.socketpair()
    read_end, write_end = os.pipe()
    with ours, theirs:
        receiver = Receiver(theirs)
        socket.send_fds(ours, [frames.encode(Frame({"letters": string.ascii_letters}))], [write_end])
        os.close(write_end)
        assert receiver.receive() == [Frame({"letters": string.ascii_letters})]
        assert not os.get_inheritable(receiver.descriptors[0])
        os.write(receiver.descriptors[0], b"through")
        os.close(receiver.descriptors[0])
        assert os.read(read_end, 10) == b"through"
        os.close(read_end)
        ours.close()
        assert receiver.receive() is None

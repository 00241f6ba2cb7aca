import contextlib
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from room_detection.decoding import decode
from room_detection.errors import RequestError
from room_detection.settings import Settings

from tests.workloads.images import encoded, png_declaring, two_rooms

SETTINGS = Settings()


def refused(data: bytes, *, expected: str | None = None, limits: Settings = SETTINGS) -> tuple[int, str]:
    with pytest.raises(RequestError) as caught:
        decode(data, limits, expected=expected)
    return caught.value.status_code, str(caught.value)


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
def test_a_drawing_is_read_as_grey_levels(suffix: str) -> None:
    image = decode(encoded(two_rooms(), suffix), SETTINGS)
    assert image.dtype == np.uint8
    assert image.shape == (240, 320)
    assert image[5, 5] > 240
    assert image[30, 100] < 20


@pytest.mark.parametrize(
    ("data", "status", "sentence"),
    [
        (b"", 400, "empty"),
        (b"hello", 415, "neither a PNG nor a JPEG"),
        (b"GIF89a" + bytes(50), 415, "neither a PNG nor a JPEG"),
        (encoded(two_rooms(), ".bmp"), 415, "neither a PNG nor a JPEG"),
        (encoded(np.zeros((1, 1), np.uint8)), 400, "1 x 1 pixels: each side must have at least 32"),
        (encoded(np.zeros((31, 400), np.uint8)), 400, "400 x 31"),
        (png_declaring(7072, 7072), 413, "7072 x 7072 pixels: at most 50000000 in all"),
        (png_declaring(20_001, 40), 413, "20001 x 40 pixels: each side may have at most 20000"),
        (png_declaring(60_000, 60_000), 413, "more pixels than any drawing needs"),
        (png_declaring(2**31 - 1, 2**31 - 1), 413, "more pixels"),
        (png_declaring(400, 400), 400, "truncated or damaged"),
        (png_declaring(0, 0), 400, ""),
        (b"\x89PNG\r\n\x1a\n", 415, "neither a PNG nor a JPEG"),
    ],
)
def test_what_is_no_usable_image_is_refused_with_one_sentence(data: bytes, status: int, sentence: str) -> None:
    code, message = refused(data)
    assert code == status or (sentence == "" and 400 <= code < 500)
    assert sentence in message
    assert "\n" not in message


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
@pytest.mark.parametrize("share", [0.3, 0.9, 0.99])
def test_a_truncated_image_is_refused(suffix: str, share: float) -> None:
    rng = np.random.default_rng(1)
    noisy = two_rooms() // 2 + rng.integers(0, 60, (240, 320, 3), dtype=np.uint8)
    data = encoded(noisy, suffix)
    code, message = refused(data[: int(len(data) * share)])
    assert code == 400
    assert "truncated or damaged" in message


def test_the_declared_size_is_checked_before_decoding() -> None:
    # The data of this image is one row of pixels: had decoding begun, the answer would be 400.
    assert refused(png_declaring(9000, 9000))[0] == 413


def test_too_many_bytes_are_refused() -> None:
    code, message = refused(encoded(two_rooms()), limits=Settings(max_request_bytes=1000))
    assert code == 413
    assert "at most 1000" in message


def test_an_image_of_another_format_than_declared_is_refused() -> None:
    assert refused(encoded(two_rooms(), ".jpg"), expected="PNG")[0] == 415


def test_a_transparent_background_is_paper() -> None:
    for ink in (0, 255):
        image = np.zeros((100, 100, 4), np.uint8)
        image[40:60, :, :3] = ink
        image[40:60, :, 3] = 255
        decoded = decode(encoded(image), SETTINGS)
        assert abs(int(decoded[50, 50]) - ink) < 3
        assert abs(int(decoded[5, 5]) - (255 - ink)) < 3


def test_sixteen_bits_become_eight() -> None:
    image = np.full((64, 64), 65535, np.uint16)
    image[10:20] = 256
    decoded = decode(encoded(image), SETTINGS)
    assert decoded.dtype == np.uint8
    assert (decoded[0, 0], decoded[15, 15]) == (255, 1)


def test_the_orientation_noted_by_a_camera_is_applied() -> None:
    data = encoded(two_rooms(), ".jpg")
    tags = b"Exif\x00\x00" + b"II*\x00\x08\x00\x00\x00" + struct.pack("<HHHIHHI", 1, 0x0112, 3, 1, 6, 0, 0)
    turned = data[:2] + b"\xff\xe1" + struct.pack(">H", len(tags) + 2) + tags + data[2:]
    assert decode(turned, SETTINGS).shape == (320, 240)


@given(
    suffix=st.sampled_from([".png", ".jpg"]),
    changes=st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), min_size=1, max_size=8),
)
@settings(max_examples=150, deadline=None)
def test_damaged_files_are_decoded_or_refused_but_never_fail(suffix: str, changes: list[tuple[float, int]]) -> None:
    data = bytearray(encoded(two_rooms(), suffix))
    for place, value in changes:
        data[int(place * len(data))] = value
    with contextlib.suppress(RequestError):
        assert decode(bytes(data), SETTINGS).ndim == 2

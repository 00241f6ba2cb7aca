"""Small image files for tests of requests."""

import struct
import zlib
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from tests.workloads.blueprints.scanning import Image


def two_rooms() -> Image:
    """Two rooms side by side with a door between them."""
    image = np.full((240, 320, 3), 255, np.uint8)
    cv2.rectangle(image, (30, 30), (290, 210), (0, 0, 0), 8)
    cv2.line(image, (160, 30), (160, 100), (0, 0, 0), 8)
    cv2.line(image, (160, 140), (160, 210), (0, 0, 0), 8)
    return image


def encoded(image: npt.NDArray[np.integer[Any]], suffix: str = ".png") -> bytes:
    """Encode an image as a file."""
    return bytes(cv2.imencode(suffix, image)[1])


def png_declaring(width: int, height: int) -> bytes:
    """A PNG whose header declares a size that its data does not have."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    data = zlib.compress(bytes(100))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")

"""From the bytes of a PNG or JPEG file to a grey image, refusing what is too large before it is decoded."""

import struct
import warnings
import zlib
from io import BytesIO

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from room_detection.errors import RequestError
from room_detection.normalising import Gray
from room_detection.settings import Settings

FORMATS = {"image/png": "PNG", "image/jpeg": "JPEG"}
# What Pillow's two decoders raise on broken files.
BROKEN = (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, struct.error, zlib.error)


def decode(data: bytes, settings: Settings, *, expected: str | None = None) -> Gray:
    """Return the image, upright as a viewer shows it (EXIF orientation applied).

    `expected` is the format it must have, PNG or JPEG; None allows both. Raises RequestError: 400 for an empty, broken
    or too small image, 413 for too many bytes or pixels, 415 for anything but the expected format.
    """
    if not data:
        raise RequestError(400, "the image is empty: send the bytes of a PNG or JPEG file")
    if len(data) > settings.max_request_bytes:
        raise RequestError(413, f"the image has {len(data)} bytes: at most {settings.max_request_bytes} are allowed")
    image = _opened(data)
    if expected is not None and image.format != expected:
        raise RequestError(415, f"the image is a {image.format} file, but its content type says {expected}")
    _check_size(image, settings)
    try:
        return _gray(image)
    except BROKEN:
        raise RequestError(400, f"the {image.format} image is truncated or damaged: it cannot be decoded") from None


def _opened(data: bytes) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            return Image.open(BytesIO(data), formats=tuple(FORMATS.values()))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise RequestError(413, "the image declares more pixels than any drawing needs") from None
    except UnidentifiedImageError:
        raise RequestError(415, "the body is neither a PNG nor a JPEG image") from None
    except BROKEN:
        raise RequestError(400, "the image's header is damaged: it cannot be decoded") from None


def _check_size(image: Image.Image, settings: Settings) -> None:
    width, height = image.size
    if width * height > settings.max_image_pixels:
        most = settings.max_image_pixels
        raise RequestError(413, f"the image is {width} x {height} pixels: at most {most} in all are allowed")
    if max(width, height) > settings.max_image_side:
        most = settings.max_image_side
        raise RequestError(413, f"the image is {width} x {height} pixels: each side may have at most {most}")
    if min(width, height) < settings.min_image_side:
        least = settings.min_image_side
        raise RequestError(400, f"the image is {width} x {height} pixels: each side must have at least {least}")


def _gray(image: Image.Image) -> Gray:
    image.draft("L", image.size)  # lets the JPEG decoder skip the colours
    upright = ImageOps.exif_transpose(image)
    if upright.has_transparency_data:
        return _on_paper(np.asarray(upright.convert("LA"), np.float32))
    if upright.mode.startswith("I"):  # 16 bits
        return np.asarray(np.asarray(upright).astype(np.int64) >> 8, np.uint8)
    return np.asarray(upright.convert("L"), np.uint8)


def _on_paper(pixels: np.typing.NDArray[np.float32]) -> Gray:
    """Lay a transparent drawing on paper that its ink stands out from."""
    gray, opacity = pixels[..., 0], pixels[..., 1] / 255
    ink = float((gray * opacity).sum() / max(float(opacity.sum()), 1.0))
    paper = 255 if ink < 128 else 0
    return np.rint(gray * opacity + paper * (1 - opacity)).astype(np.uint8)

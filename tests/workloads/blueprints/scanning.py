"""What happens to a drawing on its way into a file: paper and ink colours, rotation, lighting, blur, noise, JPEG."""

import cv2
import numpy as np
import numpy.typing as npt

from tests.workloads.blueprints.canvas import Gray

Colour = tuple[int, int, int]  # blue, green, red
Image = npt.NDArray[np.uint8]


def coloured(ink: Gray, paper: Colour, pen: Colour) -> Image:
    """Print ink of the pen's colour on paper."""
    share = ink[..., None].astype(np.float32) / 255
    return np.rint(np.asarray(paper) * (1 - share) + np.asarray(pen) * share).astype(np.uint8)


def rotated(image: Image, degrees: float, paper: Colour) -> tuple[Image, npt.NDArray[np.float64]]:
    """Turn the sheet without losing its corners; return the 2 x 3 matrix that maps old pixels to new ones."""
    height, width = image.shape[:2]
    matrix = np.asarray(cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1.0), np.float64)
    cosine, sine = abs(matrix[0, 0]), abs(matrix[0, 1])
    size = (round(width * cosine + height * sine), round(width * sine + height * cosine))
    matrix[:, 2] += (np.array(size) - (width, height)) / 2
    turned = cv2.warpAffine(image, matrix, size, flags=cv2.INTER_AREA, borderValue=[float(part) for part in paper])
    return np.asarray(turned, np.uint8), matrix


def scanned(image: Image, rng: np.random.Generator) -> Image:
    """Light a sheet unevenly, blur it, add noise and dust, and compress it."""
    height, width = image.shape[:2]
    x, y = np.meshgrid(np.linspace(-1, 1, width), np.linspace(-1, 1, height))
    turn = rng.uniform(0, 2 * np.pi)
    light = (
        1
        - rng.uniform(0.1, 0.3) * (np.cos(turn) * x + np.sin(turn) * y + 1) / 2
        - rng.uniform(0, 0.15) * (x**2 + y**2) / 2
    )
    lit = image * light[..., None]
    lit = cv2.GaussianBlur(lit, (0, 0), rng.uniform(0.5, 1.1))
    lit += rng.normal(0, rng.uniform(5, 13), lit.shape)
    dust = rng.random(lit.shape[:2]) < 0.0006
    lit[dust] = rng.uniform(0, 255)
    noisy = np.clip(lit, 0, 255).astype(np.uint8)
    _, encoded = cv2.imencode(".jpg", noisy, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(40, 85))])
    return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), np.uint8)

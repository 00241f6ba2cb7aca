"""From any grey image to ink on an upright sheet of a standard size.

Whatever a drawing looked like (dark on light or light on dark, skewed, unevenly lit, noisy, tiny or huge), the later
steps see one thing: a mask of its strokes, walls parallel to the axes where the drawing has a dominant direction.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from room_detection.strokes import Mask

Gray = npt.NDArray[np.uint8]
Matrix = npt.NDArray[np.float64]

MOST_PIXELS = 2_400_000  # of a sheet
FEWEST_PIXELS = 700_000
LARGEST_ENLARGEMENT = 3.0
PAPER_SAMPLE_SIDE = 160  # pixels of the small copy that the paper is looked at in
PAPER_PATCH = 15  # pixels of that copy: larger than any wall is thick
VISIBLE_SKEW = 0.08  # degrees
SKEW_BINS = 360  # of the quarter turn that a skew lies in
NOISY = 2.0  # grey levels
BLUR = 0.8  # pixels
STRONG_INK = 0.6
FAINT_INK = 0.35
FAINTEST = 12.0  # grey levels


@dataclass(frozen=True)
class Sheet:
    """Strokes of a drawing, and the 2 x 3 matrix that maps a pixel of the sheet to the original image.

    `ink` keeps close lines apart, `faint` keeps thin lines whole.
    """

    ink: Mask
    faint: Mask
    to_image: Matrix


def normalise(image: Gray) -> Sheet:
    """Return the strokes of a grey image as an upright sheet of a standard size."""
    resized, scale = _resized(image)
    strength = _denoised(stroke_strength(resized))
    upright, rotation = _upright(strength, skew(strength))
    # Centres of pixels, not their corners, are what both matrices map: hence the halves.
    to_resized = cv2.invertAffineTransform(rotation)
    to_image = np.array(to_resized, np.float64) / scale
    to_image[:, 2] += 0.5 / scale - 0.5
    return Sheet(_inked(upright, STRONG_INK), _inked(upright, FAINT_INK), to_image)


def _resized(image: Gray) -> tuple[Gray, float]:
    height, width = image.shape
    pixels = height * width
    wanted = min(max(pixels, FEWEST_PIXELS), MOST_PIXELS)
    scale = min(LARGEST_ENLARGEMENT, (wanted / pixels) ** 0.5)
    if scale == 1:
        return image, 1.0
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(image, size, interpolation=how), np.uint8), scale


def stroke_strength(image: Gray) -> Gray:
    """How far each pixel stands out from the paper around it: 0 is paper, whichever of the two is darker."""
    height, width = image.shape
    step = max(1.0, max(height, width) / PAPER_SAMPLE_SIDE)
    size = (max(1, round(width / step)), max(1, round(height / step)))
    sample = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
    local = cv2.medianBlur(sample, 2 * PAPER_PATCH + 1)
    departure = sample.astype(np.int16) - local
    light_strokes = bool((departure.astype(np.int32) ** 3).sum() > 0)
    if light_strokes:
        image, sample = 255 - image, 255 - sample
    # The paper is what remains when everything darker than its surroundings, up to a thick wall, is covered up.
    kernel = np.ones((PAPER_PATCH, PAPER_PATCH), np.uint8)
    paper = cv2.GaussianBlur(cv2.morphologyEx(sample, cv2.MORPH_CLOSE, kernel), (0, 0), 5)
    paper = cv2.resize(paper, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.subtract(paper, image), np.uint8)


def noise_level(image: Gray) -> float:
    """Standard deviation of the noise in grey levels, from the median absolute Laplacian (robust against strokes)."""
    laplacian = cv2.Laplacian(image, cv2.CV_16S)[::2, ::2]
    # 0.6745 is the median of a normal distribution's absolute values, 20 the sum of the squares of the kernel.
    return float(np.median(np.abs(laplacian))) / 0.6745 / 20**0.5


def _denoised(strength: Gray) -> Gray:
    if noise_level(strength) < NOISY:
        return strength
    return np.asarray(cv2.GaussianBlur(strength, (0, 0), BLUR), np.uint8)


def skew(strength: Gray) -> float:
    """Degrees, -45..45, by which the drawing's dominant direction departs from the image's axes."""
    dx = cv2.Scharr(strength, cv2.CV_32F, 1, 0)
    dy = cv2.Scharr(strength, cv2.CV_32F, 0, 1)
    magnitude, angle = cv2.cartToPolar(dx, dy, angleInDegrees=True)
    strong = magnitude > max(200.0, 0.35 * float(magnitude.max()))
    if not strong.any():
        return 0.0
    folded = np.mod(angle[strong], 90.0)
    weights = magnitude[strong]
    histogram, _ = np.histogram(folded, SKEW_BINS, (0.0, 90.0), weights=weights)
    smooth = sum(np.roll(histogram, shift) for shift in range(-4, 5))
    peak = (int(np.argmax(smooth)) + 0.5) * 90.0 / SKEW_BINS
    offset = np.mod(folded - peak + 45.0, 90.0) - 45.0
    near = np.abs(offset) < 1.5
    refined = peak + float(np.average(offset[near], weights=weights[near]))
    return (refined + 45.0) % 90.0 - 45.0


def _upright(strength: Gray, degrees: float) -> tuple[Gray, Matrix]:
    """Turn the sheet by its skew on a canvas that holds all of it."""
    if abs(degrees) < VISIBLE_SKEW:
        return strength, np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    height, width = strength.shape
    matrix = np.asarray(cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1.0), np.float64)
    cosine, sine = abs(matrix[0, 0]), abs(matrix[0, 1])
    size = (round(width * cosine + height * sine), round(width * sine + height * cosine))
    matrix[:, 2] += (np.array(size) - (width, height)) / 2
    return np.asarray(cv2.warpAffine(strength, matrix, size, flags=cv2.INTER_LINEAR), np.uint8), matrix


def _inked(strength: Gray, share: float) -> Mask:
    """Which pixels are strokes: those with this share of full ink, and above the noise."""
    split, _ = cv2.threshold(strength, 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    strokes = strength[strength > split]
    full = float(np.median(strokes)) if strokes.size else 255.0
    level = max(FAINTEST, share * full, 4 * noise_level(strength))
    return np.where(strength > level, np.uint8(255), np.uint8(0))

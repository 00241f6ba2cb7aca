import cv2
import numpy as np
import numpy.typing as npt
import pytest

from tests.workloads.blueprints import FAMILIES, VARIATIONS, blueprint
from tests.workloads.scoring import score


def test_a_seed_stands_for_one_blueprint() -> None:
    first, again, other = (blueprint(FAMILIES["scanned"], seed) for seed in (3, 3, 4))
    assert np.array_equal(first.image, again.image)
    assert all(np.array_equal(one, two) for one, two in zip(first.rooms, again.rooms, strict=True))
    assert not np.array_equal(first.image, other.image)


@pytest.mark.parametrize("family", [*FAMILIES, "hollow", "tiny"])
def test_true_rooms_are_disjoint_and_free_of_walls(family: str) -> None:
    drawing = blueprint((FAMILIES | VARIATIONS)[family], 1)
    covered = np.zeros(drawing.image.shape[:2], np.int32)
    for room in drawing.rooms:
        mask = np.zeros(covered.shape, np.uint8)
        cv2.fillPoly(mask, [np.rint(room).astype(np.int32)], 1)
        covered += mask
    assert len(drawing.rooms) >= 4
    assert (covered > 1).sum() < 0.01 * covered.size
    if family == "plain":  # nothing stands in these rooms: all that is drawn is walls
        gray = drawing.image.mean(axis=2)
        assert (gray[cv2.erode((covered > 0).astype(np.uint8), np.ones((5, 5))) > 0] > 200).mean() > 0.999


def square(x: int, y: int, side: int) -> npt.NDArray[np.int32]:
    return np.array([(x, y), (x + side, y), (x + side, y + side), (x, y + side)], np.int32)


def test_a_detection_counts_when_half_of_the_union_is_shared() -> None:
    truth = [square(10, 10, 40)]
    assert score(truth, [square(10, 10, 40)], (100, 100)).mean_overlap == 1.0
    assert score(truth, [square(20, 10, 40)], (100, 100)).matched == 1
    assert score(truth, [square(30, 10, 40)], (100, 100)).matched == 0


def test_a_room_is_matched_once_and_misses_and_inventions_count() -> None:
    truth = [square(10, 10, 30), square(60, 10, 30)]
    result = score(truth, [square(10, 10, 30), square(11, 11, 30), square(10, 60, 30)], (100, 100))
    assert result.recall == 0.5
    assert result.precision == pytest.approx(1 / 3)

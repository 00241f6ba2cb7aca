import json
import re
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import yaml

from tests.workloads.golden import DRAWN, FOLDER, answer
from tests.workloads.scoring import score

CASES = sorted(path.name for path in FOLDER.iterdir())


def case(name: str) -> Any:
    return yaml.safe_load((FOLDER / name / "case.yaml").read_text())


def assert_close(actual: Any, expected: Any, tolerance: dict[str, float]) -> None:
    if isinstance(expected, dict):
        assert set(actual) == set(expected)
        for name in expected:
            assert_close(actual[name], expected[name], tolerance)
    elif isinstance(expected, list):
        assert len(actual) == len(expected)
        for one, other in zip(actual, expected, strict=True):
            assert_close(one, other, tolerance)
    elif isinstance(expected, int | float):
        assert actual == pytest.approx(expected, rel=tolerance["relative"], abs=tolerance["absolute"])
    else:
        assert actual == expected


def test_there_are_successes_and_a_failure_and_all_files_are_small() -> None:
    outcomes = [case(name)["expect"]["outcome"] for name in CASES]
    assert outcomes.count("success") >= 3
    assert "failure" in outcomes
    assert all(path.stat().st_size < 300_000 for path in FOLDER.rglob("*"))


@pytest.mark.parametrize("name", CASES)
def test_golden_requests_are_answered_as_expected(name: str) -> None:
    golden = case(name)
    data = (FOLDER / name / golden["request"]["file"]).read_bytes()
    expect = golden["expect"]
    if expect["outcome"] == "failure":
        with pytest.raises(Exception, match=expect["message"]) as caught:
            answer(data, golden["request"]["content_type"])
        assert getattr(caught.value, "status_code", None) == expect["status"]
        assert re.search(expect["message"], str(caught.value))
        return
    expected = json.loads((FOLDER / name / expect["body"]).read_text())
    assert_close(answer(data, golden["request"]["content_type"]), expected, expect["tolerance"])


@pytest.mark.parametrize("name", DRAWN)
def test_expected_answers_agree_with_the_rooms_that_were_drawn(name: str) -> None:
    drawing = DRAWN[name].drawn()
    expected = json.loads((FOLDER / name / "expected.json").read_text())
    polygons = [[(corner["x"], corner["y"]) for corner in room["vertices"]] for room in expected["rooms"]]
    result = score(drawing.rooms, [as_array(polygon) for polygon in polygons], drawing.image.shape[:2])
    assert (result.recall, result.precision) == (1.0, 1.0)
    assert result.mean_overlap >= 0.95
    assert expected["image_shape"] == list(drawing.image.shape[:2])


def as_array(polygon: list[tuple[int, int]]) -> npt.NDArray[np.int32]:
    return np.array(polygon, np.int32)

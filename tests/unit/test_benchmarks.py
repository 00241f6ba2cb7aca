"""What the benchmark of the server says of its measurements."""

import importlib
from pathlib import Path
from typing import Any

import pytest

OURS, TOOLKIT = "serving", "sagemaker-inference"


@pytest.fixture
def report(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "benchmarks")
    return importlib.import_module("servers.report")


@pytest.mark.parametrize(("ours", "kept"), [([10.0, 100.0, 30.0], True), ([10.0, 100.0, 19.0], False)])
def test_a_ratio_is_the_median_of_those_of_the_rounds(report: Any, ours: list[float], kept: bool) -> None:
    results = {"large": {OURS: ours, TOOLKIT: [5.0, 60.0, 10.0]}}
    (promise,) = report.promises(results)
    assert promise.key == "large"
    assert promise.kept == kept
    assert ("BROKEN" in report.table(results, [OURS, TOOLKIT])) != kept


def test_a_limit_is_that_of_the_median(report: Any) -> None:
    (promise,) = report.promises({"ready": {OURS: [0.1, 0.2, 0.9]}})
    assert (promise.value, promise.kept) == (0.2, True)

import pytest

from glue.images.scanning import beyond


@pytest.mark.parametrize(
    ("allowed", "refused"),
    [
        ("critical", []),
        ("high", ["CRITICAL"]),
        ("medium", ["CRITICAL", "HIGH"]),
        ("none", ["CRITICAL", "HIGH", "LOW"]),
    ],
)
def test_findings_worse_than_the_limit_are_refused(allowed: str, refused: list[str]) -> None:
    counts = {"LOW": 4, "HIGH": 2, "CRITICAL": 1, "MEDIUM": 0, "UNDEFINED": 9}
    assert sorted(beyond(counts, allowed)) == refused

"""What people and pipes get to read."""

import pytest

from glue.cli.output import emit, table

DIGEST = "sha256:" + "0123456789abcdef" * 4


def test_a_table_that_is_piped_folds_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    emit({}, table(None, ["endpoint", "link", "is"], [("location-detector", "registry", DIGEST)]), as_json=False)
    [row] = [line for line in capsys.readouterr().out.splitlines() if "location-detector" in line]
    assert row.split() == ["location-detector", "registry", DIGEST]

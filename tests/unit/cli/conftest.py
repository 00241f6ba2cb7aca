"""Running `glue` in this process, with its arguments and its exit code."""

import sys
from collections.abc import Callable

import pytest

from glue.cli import main

Run = Callable[..., int]


@pytest.fixture
def glue(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run `glue` with arguments; returns the exit code."""

    def run(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["glue", *arguments])
        try:
            main()
        except SystemExit as ended:
            return int(ended.code or 0)
        return 0

    return run

"""What a container's engine says of it."""

from pathlib import Path

import pytest

from glue.engines import Container, containers
from glue.engines.commands import CommandError


def _engine(folder: Path, program: str) -> str:
    """A client that does this, whatever it is asked."""
    file = folder / "engine"
    file.write_text(f"#!/bin/sh\n{program}\n")
    file.chmod(0o755)
    return str(file)


def test_both_streams_are_the_log(tmp_path: Path) -> None:
    engine = _engine(tmp_path, "echo out; echo err >&2; printf last")
    assert Container(engine, "one").logs() == "out\nerr\nlast"


def test_an_engine_that_gives_no_log_out_is_quoted(tmp_path: Path) -> None:
    engine = _engine(tmp_path, "echo 'the logging driver does not support reading'; exit 1")
    with pytest.raises(CommandError, match="does not support reading"):
        Container(engine, "one").logs()


def test_a_log_that_does_not_end_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(containers, "QUERY_SECONDS", 0.2)
    with pytest.raises(CommandError, match=r"no end within 0\.2 s"):
        Container(_engine(tmp_path, "exec sleep 300"), "one").logs()

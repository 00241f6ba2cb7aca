"""Programs that are run to their end, or ended in time with all that they have started."""

import os
import time
from pathlib import Path

import pytest

from glue.engines.builds import follow
from glue.engines.commands import CommandError, call, stream
from glue.engines.transfers import Layers, transfer
from glue.errors import FailedError

PLUGIN = "sleep 300 & echo $! >{pid}; echo '#1 [x 1/1] RUN sleep'; {then}"
"""A client that starts a plugin, which keeps the client's output open."""


def _gone(pid_file: Path) -> bool:
    pid = int(pid_file.read_text())
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        if "Z" in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2]:
            return True  # nobody has asked for its status yet
    return False


@pytest.mark.parametrize("then", ["exit 0", "sleep 300"], ids=["only the plugin is left", "both hang"])
def test_a_build_is_ended_in_time_with_what_it_has_started(tmp_path: Path, then: str) -> None:
    program = PLUGIN.format(pid=tmp_path / "pid", then=then)
    started = time.monotonic()
    with pytest.raises(FailedError, match=r"did not end within 3 s: it hung in \[x 1/1\] RUN sleep"):
        follow(["sh", "-c", program], os.environ, 3.0)
    assert time.monotonic() - started < 60
    assert _gone(tmp_path / "pid")


def test_a_question_is_ended_in_time_with_what_it_has_started(tmp_path: Path) -> None:
    started = time.monotonic()
    with pytest.raises(CommandError, match="no answer within 3 s"):
        call(["sh", "-c", PLUGIN.format(pid=tmp_path / "pid", then="sleep 300")], seconds=3.0)
    assert time.monotonic() - started < 60
    assert _gone(tmp_path / "pid")


def test_a_transfer_that_takes_too_long_says_how_far_it_came() -> None:
    program = "echo 0123456789ab: Pushed; echo 0123456789ac: Waiting; sleep 300"
    with pytest.raises(CommandError, match="within 3 s: 1 of 2 layers are through"):
        transfer(["sh", "-c", program], None, 3.0)


def test_lines_come_one_by_one_however_they_are_written() -> None:
    lines: list[str] = []
    program = "printf 'a\\nb'; printf 'c\\n' >&2; printf '\\303'; printf '\\244\\377'; exit 3"
    assert stream(["sh", "-c", program], lines.append, seconds=20) == 3
    assert lines == ["a", "bc", "ä\ufffd"]


def test_what_is_given_goes_to_the_standard_input_and_errors_are_quoted() -> None:
    assert call(["cat"], given="secret") == "secret"
    assert call(["sh", "-c", "echo out; echo err >&2"]) == "out\n"
    with pytest.raises(CommandError, match=r"(?s)out.*err"):
        call(["sh", "-c", "echo out; echo err >&2; exit 1"])
    with pytest.raises(CommandError, match="No such file"):
        call(["/no/such/program"])


@pytest.mark.parametrize(
    "lines",
    [
        [
            "0123456789ab: Preparing",
            "0123456789ac: Waiting",
            "0123456789ab: Pushed",
            "latest: digest: sha256:12 size: 1",
        ],
        ["0123456789ab: Pulling fs layer", "0123456789ac: Download complete", "0123456789ab: Pull complete"],
        ["Copying blob 0123456789abcdef", "Copying blob sha256:0123456789acdef", "Copying blob 0123456789abcdef done"],
    ],
    ids=["docker push", "docker pull", "podman"],
)
def test_layers_are_counted(lines: list[str]) -> None:
    layers = Layers()
    assert [layers.read(line) for line in lines] == [True, True, True, False][: len(lines)]
    assert layers.counts == (1, 2)


def test_layers_that_are_there_are_through_at_once() -> None:
    layers = Layers()
    for line in (
        "0123456789ab: Layer already exists",
        "0123456789ac: Mounted from a/b",
        "Copying blob ff23456789ab skipped",
    ):
        assert layers.read(line)
    assert layers.counts == (3, 3)

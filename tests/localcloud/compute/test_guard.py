import os
import subprocess
import sys

import pytest

from glue.localcloud.compute import guard


@pytest.mark.parametrize(
    ("lines", "left"),
    [
        ([], {}),
        (["+10 /a b", "+11 ", "-10"], {11: ""}),
        (["+10 /a", "-10", "+10 /a b"], {10: "/a b"}),
        (["+10"], {10: ""}),
        (["-9"], {}),
    ],
)
def test_what_was_started_and_did_not_end_is_left(lines: list[str], left: dict[int, str]) -> None:
    assert guard.watch(f"{line}\n" for line in lines).groups == left


def test_what_is_left_is_killed_when_the_pipe_closes() -> None:
    with subprocess.Popen(["sleep", "600"], start_new_session=True) as sleeper:
        program = [sys.executable, "-I", "-S", guard.__file__]
        subprocess.run(program, input=f"+{os.getpgid(sleeper.pid)}\n", text=True, check=True, timeout=60)
        assert sleeper.wait(timeout=60) == -9

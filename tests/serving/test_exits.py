import signal
import subprocess
import sys
from pathlib import Path

import pytest

from serving import exits


def status_of(code: str) -> int:
    """What waitpid says of a Python process that ran `code`."""
    returncode = subprocess.run([sys.executable, "-c", code], check=False).returncode
    return -returncode if returncode < 0 else returncode << 8


def test_an_exit_code_is_named() -> None:
    assert exits.describe(status_of("import os; os._exit(7)")) == "ended with exit code 7"


def test_a_signal_is_named() -> None:
    assert exits.describe(status_of("import os; os.kill(os.getpid(), 9)")) == "was killed by SIGKILL"


def test_a_kill_for_memory_is_named_where_the_kernel_says_so() -> None:
    assert "out of memory" in exits.describe(signal.SIGKILL, out_of_memory=True)
    assert "out of memory" not in exits.describe(signal.SIGSEGV, out_of_memory=True)


@pytest.mark.parametrize(
    ("groups", "file", "content"),
    [
        ("0::/\n", "memory.events", "low 0\noom 2\noom_kill 3\n"),
        ("0::/a/b\n", "a/b/memory.events", "oom_kill 3\n"),
        ("4:memory:/a\n0::/\n", "memory/a/memory.oom_control", "under_oom 0\noom_kill 3\n"),
        ("5:cpu,memory:/docker/1\n", "memory/memory.oom_control", "oom_kill 3\n"),
    ],
)
def test_the_count_is_that_of_the_processs_control_group(
    groups: str, file: str, content: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / file).write_text(content)
    (tmp_path / "own").write_text(groups)
    monkeypatch.setattr(exits, "_CGROUP", tmp_path)
    monkeypatch.setattr(exits, "_OWN_GROUPS", tmp_path / "own")
    assert exits.out_of_memory_kills() == 3


def test_without_control_groups_there_is_no_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exits, "_CGROUP", tmp_path)
    monkeypatch.setattr(exits, "_OWN_GROUPS", tmp_path / "own")
    assert exits.out_of_memory_kills() == 0


def test_a_kill_for_memory_is_said_once_and_not_of_a_later_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exits, "_CGROUP", tmp_path)
    monkeypatch.setattr(exits, "_OWN_GROUPS", tmp_path / "own")
    count = tmp_path / "memory.events"
    count.write_text("oom_kill 1\n")
    kills = exits.MemoryKills()
    assert not kills.happened()
    count.write_text("oom_kill 2\n")
    kills.look()
    assert kills.happened()
    assert not kills.happened()
    count.write_text("oom_kill 3\n")  # a child, which the worker survives
    for _ in range(3):
        kills.look()
    assert not kills.happened()


def test_the_kernels_count_is_a_number_here() -> None:
    assert exits.out_of_memory_kills() >= 0

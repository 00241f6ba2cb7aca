import signal
import subprocess
import sys

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


def test_the_kernels_count_is_a_number_here() -> None:
    assert exits.out_of_memory_kills() >= 0

import subprocess
import sys
from pathlib import Path

import pytest

from glue.localcloud.compute.venvs import InstallError, environment_for


def test_an_environment_is_made_once_and_runs_python(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text("# nothing\n")
    folder = environment_for(lock, tmp_path / "cache")
    made = (folder / ".complete").stat().st_mtime_ns
    assert environment_for(lock, tmp_path / "cache") == folder
    assert (folder / ".complete").stat().st_mtime_ns == made
    told = subprocess.run(
        [folder / "bin" / "python", "-c", "import sys; print(sys.prefix)"], capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == str(folder)


def test_other_requirements_are_another_environment(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("# one\n")
    two.write_text("# two\n")
    assert environment_for(one, tmp_path / "cache") != environment_for(two, tmp_path / "cache")


def test_one_that_was_left_half_made_is_made_again(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text("# nothing\n")
    folder = environment_for(lock, tmp_path / "cache")
    (folder / ".complete").unlink()
    (folder / "bin" / "python").unlink()
    assert environment_for(lock, tmp_path / "cache") == folder
    assert (folder / "bin" / "python").exists()


def test_several_that_ask_at_once_get_the_same_whole_one(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text("# nothing\n")
    program = (
        "import sys, pathlib; from glue.localcloud.compute.venvs import environment_for;"
        "folder = environment_for(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]));"
        "print(folder, (folder / '.complete').exists())"
    )
    command = [sys.executable, "-c", program, str(lock), str(tmp_path / "cache")]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    told = {process.communicate(timeout=60)[0] for process in running}
    assert len(told) == 1
    assert told.pop().endswith(" True\n")


@pytest.mark.parametrize("text", ["not a requirement!\n", "colorama==0.4.6\n"])
def test_requirements_that_are_not_hash_locked_are_refused_with_what_pip_says(tmp_path: Path, text: str) -> None:
    lock = tmp_path / "requirements.lock"
    lock.write_text(text)
    with pytest.raises(InstallError, match="installing the image's requirements failed: "):
        environment_for(lock, tmp_path / "cache")

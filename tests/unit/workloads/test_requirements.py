"""Locks: what an image installs, exactly."""

from pathlib import Path

import pytest

from glue.errors import UsageError
from glue.workloads.requirements import declared, read_lock

HASH = f"--hash=sha256:{'0' * 64}"
LOCK = f"""\
# made by a tool
opencv-python-headless==4.13.0 \\
    {HASH} \\
    {HASH}
    # via detector
typing_extensions==4.0 ; python_version < "3.12" {HASH}  # comment
"""


def _lock(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "requirements.lock"
    file.write_text(text)
    return file


def test_a_lock_names_its_distributions(tmp_path: Path) -> None:
    requirements = read_lock(_lock(tmp_path, LOCK))
    assert requirements.names == {"opencv-python-headless", "typing-extensions"}
    assert requirements.complete


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("numpy==2.0.0\n", r"numpy==2\.0\.0: not locked"),
        (f"numpy>=2 {HASH}\n", "numpy>=2: not locked"),
        ("-r other.txt\n", "'-r other.txt': allowed are lines"),
        ("# nothing\n", "names no requirement"),
    ],
)
def test_a_lock_that_leaves_something_open_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read_lock(_lock(tmp_path, text))


def test_a_lock_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        read_lock(tmp_path / "gone.lock")


@pytest.mark.parametrize(
    ("module", "distributions", "provided"),
    [
        ("numpy", (), True),
        ("cv2", (), True),
        ("my_package", (), True),
        ("odd", ("Unusual.Name",), True),
        ("yaml", (), False),
        ("odd", (), False),
    ],
)
def test_a_module_is_matched_with_the_distribution_that_brings_it(
    module: str, distributions: tuple[str, ...], provided: bool
) -> None:
    requirements = declared("numpy>=1\nopencv-python\nMy.Package[extra]~=1\nunusual-name\n", "requirements.txt")
    assert requirements.provide(module, distributions) is provided

"""The Terraform modules pass their own tests, and are valid and formatted."""

import pytest

from tests.terraform.conftest import ROOT, ROOTS, Code

MODULES = sorted(f"modules/{path.name}" for path in (ROOT / "modules").iterdir() if path.is_dir())
FOLDERS = (*MODULES, *ROOTS)


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_module_passes_its_own_tests(attached: Code, folder: str) -> None:
    done = attached.run(folder, "test")
    assert done.code == 0, done.output
    assert "Success!" in done.output
    assert "Success! 0 passed" not in done.output


@pytest.mark.parametrize("root", ROOTS)
def test_a_root_and_the_modules_it_uses_are_valid_without_a_warning(attached: Code, root: str) -> None:
    done = attached.run(root, "validate")
    assert done.code == 0, done.output
    assert "Warning" not in done.output


def test_every_file_is_formatted(code: Code) -> None:
    done = code.run(".", "fmt", check=True, recursive=True, diff=True)
    assert done.code == 0, done.output

"""The Terraform modules pass their own tests, and are valid and formatted."""

import json
from pathlib import Path

import pytest

from glue.terraform.runner import FLAG
from tests.terraform.conftest import MODULES, OFFLINE_PROVIDER, ROOTS, Code

FOLDERS = (*MODULES, *ROOTS)


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_module_passes_its_own_tests(attached: Code, folder: str) -> None:
    done = attached.run(folder, "test")
    assert done.code == 0, done.output
    assert "Success!" in done.output
    assert "Success! 0 passed" not in done.output


@pytest.fixture(scope="module")
def examples(attached: Code) -> str:
    """A root that calls every module's example."""
    folder = attached.root / "examples"
    folder.mkdir()
    calls = [f'module "{Path(one).name}" {{\n  source = "../{one}/examples/complete"\n}}\n' for one in MODULES]
    (folder / "main.tf").write_text("\n".join([*calls, OFFLINE_PROVIDER]))
    done = attached.run("examples", "init", backend=False, input=False)
    assert done.code == 0, done.output
    return "examples"


def diagnostics(code: Code, folder: str) -> list[dict[str, object]]:
    """What Terraform's own check says of the code in `folder` and of all modules it calls, warnings included."""
    document = json.loads(code.run(folder, "validate", json=FLAG).output)
    found: list[dict[str, object]] = document["diagnostics"]
    return found


@pytest.mark.parametrize("root", ROOTS)
def test_a_root_and_the_modules_it_uses_are_valid_and_use_nothing_deprecated(attached: Code, root: str) -> None:
    assert diagnostics(attached, root) == []


def test_every_example_is_valid_and_can_be_planned(attached: Code, examples: str) -> None:
    assert diagnostics(attached, examples) == []
    planned = attached.run(examples, "plan", refresh=False, input=False, lock=False)
    assert planned.code == 0, planned.output
    assert "Warning" not in planned.output


def test_every_file_is_formatted(code: Code) -> None:
    done = code.run(".", "fmt", "terraform", "modules", check=True, recursive=True, diff=True)
    assert done.code == 0, done.output

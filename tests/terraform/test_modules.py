"""The Terraform modules: their own tests, their form, and that no rule goes untested."""

from collections import Counter
from pathlib import Path
from typing import Any

import hcl2
import pytest

from tests.terraform.conftest import ROOT, Code

MODULES = sorted(f"modules/{path.name}" for path in (ROOT / "modules").iterdir() if path.is_dir())
ROOTS = ("terraform/registry", "terraform/platform")
FOLDERS = (*MODULES, *ROOTS)


def parsed(file: Path) -> dict[str, Any]:
    with file.open(encoding="utf-8") as stream:
        document: dict[str, Any] = hcl2.load(stream)
    return document


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


@pytest.mark.parametrize("folder", FOLDERS)
def test_each_validation_has_a_test_that_it_refuses(folder: str) -> None:
    rules = {
        name.strip('"'): len(body.get("validation", []))
        for variable in parsed(ROOT / folder / "variables.tf")["variable"]
        for name, body in variable.items()
    }
    refusals = Counter(
        str(failing).strip("${}").removeprefix("var.")
        for file in (ROOT / folder / "tests").glob("*.tftest.hcl")
        for run in parsed(file)["run"]
        for body in run.values()
        for failing in body.get("expect_failures", [])
    )
    untested = {name: rule_count for name, rule_count in rules.items() if refusals[name] < rule_count}
    assert not untested, f"variables with more validations than refusals: {untested}"


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_input_and_output_is_described_and_typed(folder: str) -> None:
    for variable in parsed(ROOT / folder / "variables.tf")["variable"]:
        for name, body in variable.items():
            assert body.get("description"), f"{folder}: variable {name} has no description"
            assert body.get("type"), f"{folder}: variable {name} has no type"
    for output in parsed(ROOT / folder / "outputs.tf")["output"]:
        for name, body in output.items():
            assert body.get("description"), f"{folder}: output {name} has no description"

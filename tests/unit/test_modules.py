"""The form of every Terraform module and root, read from its code: nothing here runs Terraform."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import hcl2
import pytest

from docs.module_pages import EXAMPLE, NOTE, layout, outputs, pages, variables
from glue.profiles.fields import LogRetention

ROOT = Path(__file__).resolve().parents[2]
MODULES = sorted(f"modules/{path.name}" for path in (ROOT / "modules").iterdir() if path.is_dir())
ROOTS = ("terraform/registry", "terraform/platform")
FOLDERS = (*MODULES, *ROOTS)
FIELD = re.compile(r"^ +(\w+) = ", re.MULTILINE)
OBJECT_FIELD = re.compile(r"^ +(\w+) = (?:optional\()?(?:\w+\()?object\(", re.MULTILINE)


def runs(folder: str) -> Iterator[Mapping[str, Any]]:
    for file in (ROOT / folder / "tests").glob("*.tftest.hcl"):
        with file.open(encoding="utf-8") as stream:
            for run in hcl2.load(stream)["run"]:
                yield from run.values()


def refusals(folder: str) -> Counter[str]:
    """How many runs expect each input to be refused."""
    return Counter(
        str(failing).strip("${}").removeprefix("var.")
        for run in runs(folder)
        for failing in run.get("expect_failures", [])
        if "var." in failing
    )


@pytest.mark.parametrize("folder", FOLDERS)
def test_each_validation_has_a_test_that_it_refuses(folder: str) -> None:
    refused = refusals(folder)
    untested = {one.name: one.validations for one in variables(ROOT / folder) if refused[one.name] < one.validations}
    assert not untested, f"variables with more validations than refusals: {untested}"


def test_more_than_sixty_bad_inputs_of_modules_are_refused() -> None:
    assert sum(refusals(folder).total() for folder in FOLDERS) >= 60


@pytest.mark.parametrize("folder", MODULES)
def test_a_module_has_its_files_an_example_and_tests(folder: str) -> None:
    names = ("main.tf", "variables.tf", "outputs.tf", "versions.tf", "README.md", EXAMPLE)
    assert [str(name) for name in names if not (ROOT / folder / name).is_file()] == []
    assert any("assert" in run for run in runs(folder)), "no run asserts on planned values"


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_input_and_output_is_typed_and_described_field_by_field(folder: str) -> None:
    for one in variables(ROOT / folder):
        assert one.description, f"{one.name} has no description"
        assert one.type != "any", f"{one.name} has no type"
        fields = set(FIELD.findall(layout(one.type))) - set(OBJECT_FIELD.findall(layout(one.type)))
        untold = {field for field in fields if not re.search(rf"`(\w+\.)*{field}`", one.description)}
        assert not untold, f"{one.name} does not describe {untold}"
    assert [one.name for one in outputs(ROOT / folder) if not one.description] == []


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_refusal_names_its_input_and_what_is_allowed(folder: str) -> None:
    with (ROOT / folder / "variables.tf").open(encoding="utf-8") as stream:
        blocks = hcl2.load(stream)["variable"]
    for block in blocks:
        for name, body in block.items():
            for rule in body.get("validation", []):
                assert rule["error_message"].startswith(f'"{name.strip(chr(34))}'), rule["error_message"]


def test_few_findings_of_the_scanner_are_skipped_and_each_for_a_reason_on_its_line() -> None:
    files = [*ROOT.glob("modules/**/*.tf"), *ROOT.glob("terraform/**/*.tf"), *ROOT.glob("container/**/Dockerfile*")]
    skips = [line.strip() for file in files for line in file.read_text().splitlines() if "checkov:skip" in line]
    assert [line for line in skips if not re.search(r"checkov:skip=CKV2?_[A-Z]+_\d+: ?\w+ \w+", line)] == []
    assert len(skips) < 10


@pytest.mark.parametrize("folder", FOLDERS)
def test_nothing_is_used_that_version_6_of_the_provider_deprecates(folder: str) -> None:
    """Source: the provider's "Version 6 Upgrade Guide", of which these alone concern what the modules use."""
    code = "".join(file.read_text() for file in (ROOT / folder).rglob("*.tf"))
    for use in (r"data\.aws_region\.\w+\.name\b", r"aws_s3_bucket\.\w+\.(bucket_)?region\b", r"s3_us_east_1_regional"):
        assert not re.search(use, code)


def test_modules_and_profiles_allow_the_same_days_for_logs() -> None:
    """A validation cannot read a list from elsewhere: these are written twice in each module, and compared here."""
    found = {}
    for folder in MODULES:
        with (ROOT / folder / "variables.tf").open(encoding="utf-8") as stream:
            blocks = [block for block in hcl2.load(stream)["variable"] if '"log_retention_days"' in block]
        for rule in (rule for block in blocks for body in block.values() for rule in body["validation"]):
            for text in (rule["condition"], rule["error_message"].partition(":")[2]):
                found[folder, text] = tuple(map(int, re.findall(r"\d+", text)))
    assert len(found) >= 4
    assert set(found.values()) == {get_args(LogRetention)}


def test_a_page_keeps_the_words_above_the_note_and_writes_the_rest(tmp_path: Path) -> None:
    module = tmp_path / "queue"
    (module / EXAMPLE).parent.mkdir(parents=True)
    (module / EXAMPLE).write_text('module "queue" {\n  source = "../.."\n}\n')
    (module / "README.md").write_text(f"# Queue\n\nHolds messages.\n\n{NOTE}\nstale\n")
    (module / "variables.tf").write_text(
        'variable "days" {\n  description = "From \\"1\\"."\n  type = number\n  default = 7\n}\n'
        'variable "who" {\n  description = <<-EOT\n    Readers:\n    - `name`: of each.\n  EOT\n'
        "  type = list(object({ name = string, more = optional(object({ a = set(string) }), {}) }))\n}\n"
    )
    (module / "outputs.tf").write_text('output "arn" {\n  description = "Its ARN."\n  value = 1\n}\n')
    [text] = pages(tmp_path).values()
    assert text.startswith(f"# Queue\n\nHolds messages.\n\n{NOTE}\n")
    assert "stale" not in text
    assert '### `days`\n\n`number`, default `7`.\n\nFrom "1".\n' in text
    assert "### `who`\n\nRequired.\n\nReaders:\n- `name`: of each.\n" in text
    assert "list(object({\n  name = string\n  more = optional(object({\n    a = set(string)\n  }), {})\n}))" in text
    assert "| `arn` | Its ARN. |" in text
    assert 'source = "../.."' in text

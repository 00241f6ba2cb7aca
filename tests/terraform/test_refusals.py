"""Each rule on each input refuses something: one plan of every bad input that the modules' tests hold.

`terraform test` says that an input was refused, not by which of its rules. A plan names the rule and its sentence.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import hcl2
import pytest

from docs.module_pages import expression, layout, variables
from glue.terraform.runner import FLAG
from tests.terraform.conftest import MODULES, OFFLINE_PROVIDER, ROOT, ROOTS, Code, callable_roots

# In Terraform's own check before a plan, inputs of a root are unknown, and so is what they index: all is refused by the
# plan, where a rule may look at other inputs too.
MAIN = """
variable "zero" {
  default = 0
}
"""
RULE = re.compile(r"validation rule at\s+(\S+):(\d+),")


@dataclass(frozen=True)
class BadInput:
    """A run of a module's tests that expects `variable` to be refused."""

    folder: str
    run: str
    variable: str
    call: str

    @property
    def file(self) -> str:
        """The file that calls the module with this input."""
        return f"{self.folder.replace('/', '-')}-{self.run}.tf"


@dataclass(frozen=True)
class Rule:
    """A validation block: its module and variable, and its line in `variables.tf`."""

    folder: str
    variable: str
    line: int


@dataclass(frozen=True)
class Refusal:
    """What Terraform said of a bad input."""

    file: str
    summary: str
    sentence: str
    rule: tuple[str, int] | None


def bad_inputs(folder: str) -> Iterator[BadInput]:
    for file in sorted((ROOT / folder / "tests").glob("*.tftest.hcl")):
        with file.open(encoding="utf-8") as stream:
            document = hcl2.load(stream)
        shared = {name: value for block in document.get("variables", []) for name, value in block.items()}
        for block in document["run"]:
            for quoted, run in block.items():
                own = {name: value for block in run.get("variables", []) for name, value in block.items()}
                name = quoted.strip('"')
                for failing in run.get("expect_failures", []):
                    if "var." in failing:
                        variable = failing.strip("${}").removeprefix("var.")
                        # What is refused for being left out is given as null: Terraform then names this call.
                        inputs = {variable: None} | shared | own
                        yield BadInput(folder, name, variable, call(folder, name, inputs))


def nulls(folder: str) -> Iterator[BadInput]:
    """The inputs that the tests of a module share, each required field of an object null in turn."""
    types = {one.name: layout(one.type) for one in variables(ROOT / folder)}
    for file in sorted((ROOT / folder / "tests").glob("*.tftest.hcl")):
        with file.open(encoding="utf-8") as stream:
            document = hcl2.load(stream)
        shared = {name: value for block in document.get("variables", []) for name, value in block.items()}
        for variable, type_ in types.items():
            given = shared.get(variable)
            if not (type_.startswith("object(") and isinstance(given, dict)):
                continue
            for field in re.findall(r"^  (\w+) += (?!optional\()", type_, re.MULTILINE):
                inputs = shared | {variable: given | {field: None}}
                yield BadInput(
                    folder, f"no_{variable}_{field}", variable, call(folder, f"no_{variable}_{field}", inputs)
                )


def call(folder: str, run: str, variables: dict[str, object]) -> str:
    """A call of the module in `folder`; a root is called as the copy that has no provider of its own."""
    lines = [
        f"  {name} = [{expression(value)}][var.zero]" for name, value in variables.items() if name != "__is_block__"
    ]
    source = f"../roots/{Path(folder).name}" if folder in ROOTS else f"../{folder}"
    label = f"{folder.replace('/', '-')}-{run}"
    return "\n".join([f'module "{label}" {{', f'  source = "{source}"', *lines, "}", ""])


def rules(folder: str) -> Iterator[Rule]:
    variable = ""
    for number, line in enumerate((ROOT / folder / "variables.tf").read_text().splitlines(), 1):
        if found := re.match(r'variable "(\w+)"', line):
            variable = found[1]
        elif line == "  validation {":
            yield Rule(folder, variable, number)


BAD_INPUTS = [one for folder in (*MODULES, *ROOTS) for one in (*bad_inputs(folder), *nulls(folder))]
RULES = [one for folder in (*MODULES, *ROOTS) for one in rules(folder)]


@pytest.fixture(scope="module")
def refusals(attached: Code) -> list[Refusal]:
    """What a plan of all bad inputs at once says."""
    callable_roots(attached)
    folder = attached.root / "refused"
    folder.mkdir()
    (folder / "main.tf").write_text(MAIN + OFFLINE_PROVIDER)
    for one in BAD_INPUTS:
        (folder / one.file).write_text(one.call)
    done = attached.run("refused", "init", backend=False, input=False)
    assert done.code == 0, done.output
    planned = attached.run("refused", "plan", json=FLAG, refresh=False, input=False, lock=False)
    assert planned.code == 1
    events = [json.loads(line) for line in planned.output.splitlines() if line.startswith("{")]
    found = [event["diagnostic"] for event in events if event["type"] == "diagnostic"]
    return [refusal(one) for one in found if one["severity"] == "error"]


def refusal(diagnostic: dict[str, object]) -> Refusal:
    detail = " ".join(str(diagnostic["detail"]).split())
    found = RULE.search(detail)
    where = diagnostic.get("range") or {}
    assert isinstance(where, dict)
    rule = (found[1].removeprefix("../").replace("roots/", "terraform/"), int(found[2])) if found else None
    return Refusal(str(where.get("filename")), str(diagnostic["summary"]), detail.split(" This was checked")[0], rule)


def test_nothing_but_rules_refuses_bad_inputs(refusals: list[Refusal]) -> None:
    assert [one for one in refusals if one.rule is None] == []


def test_each_rule_refuses_an_input(refusals: list[Refusal]) -> None:
    refusing = {one.rule for one in refusals}
    assert [one for one in RULES if (f"{one.folder}/variables.tf", one.line) not in refusing] == []


def test_each_bad_input_is_refused_by_a_rule_of_its_variable_in_a_sentence_that_names_it(
    refusals: list[Refusal],
) -> None:
    of_variable = {(f"{one.folder}/variables.tf", one.line): (one.folder, one.variable) for one in RULES}
    for bad in BAD_INPUTS:
        said = [one for one in refusals if one.file == bad.file and one.rule]
        assert (bad.folder, bad.variable) in {of_variable[one.rule] for one in said if one.rule}, bad
        assert all(one.sentence.endswith(".") for one in said), said

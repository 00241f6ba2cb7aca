"""HCL that says what the data says, read back by Terraform itself."""

import json
import subprocess
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glue.rendering.files import tfvars
from glue.rendering.hcl import expression, string

# Terraform normalises strings to NFC and has one kind of number: what goes in is made so first.
_NASTY = st.text(st.sampled_from(list('${}%"\\\n\r\t~#/*<EOT\x00\x7f\u2028é😀')), max_size=12)
_STRINGS = st.one_of(_NASTY, st.text(st.characters(exclude_categories=["Cs"]), max_size=20)).map(
    lambda text: unicodedata.normalize("NFC", text)
)


def read_by_terraform(folder: Path, text: str) -> Any:
    """What Terraform reads from variables file `text` for the variable `v`."""
    (folder / "main.tf").write_text('variable "v" { type = any }\noutput "v" { value = var.v }\n')
    (folder / "terraform.tfvars").write_text(text, encoding="utf-8")
    (folder / "terraform.tfstate").unlink(missing_ok=True)
    for arguments in (["apply", "-auto-approve", "-no-color"], ["output", "-json"]):
        done = subprocess.run(
            ["terraform", f"-chdir={folder}", *arguments], capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr + text
    return json.loads(done.stdout)["v"]["value"]


@given(st.lists(_STRINGS, min_size=1, max_size=60))
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_terraform_reads_the_same_strings_that_went_in(tmp_path: Path, strings: list[str]) -> None:
    assert read_by_terraform(tmp_path, tfvars({"v": strings})) == strings


@given(
    st.dictionaries(_STRINGS.filter(bool), st.one_of(st.booleans(), st.integers(-(2**53), 2**53), _STRINGS), max_size=8)
)
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_terraform_reads_the_same_objects_that_went_in(tmp_path: Path, data: dict[str, Any]) -> None:
    assert read_by_terraform(tmp_path, tfvars({"v": {"nested": [data]}})) == {"nested": [data]}


@given(_STRINGS)
def test_a_string_stays_on_one_line_and_starts_no_template(text: str) -> None:
    written = string(text)
    assert "\n" not in written
    assert "${" not in written
    assert "%{" not in written


def test_a_lone_surrogate_is_refused() -> None:
    with pytest.raises(ValueError, match="surrogate"):
        string("\ud800")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_hcl_cannot_write_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="no such number"):
        expression(value)


def test_what_is_no_json_data_is_refused() -> None:
    with pytest.raises(TypeError, match="object"):
        expression(object())


def test_a_variable_name_cannot_carry_hcl() -> None:
    with pytest.raises(ValueError, match="not an HCL identifier"):
        tfvars({"x = 1\ny": "z"})

"""Golden cases: read strictly, each mistake named with its line."""

from pathlib import Path

import pytest

from glue.errors import UsageError
from glue.workloads.golden import Tolerance, load_cases

SUCCESS = """\
description: a plan with two rooms
request: {file: plan.png, content_type: image/png}
expect:
  outcome: success
  body: expected.json
  tolerance: {relative: 0.02, absolute: 3}
"""
FAILURE = """\
description: text that claims to be an image
request: {file: plan.png, content_type: image/png}
expect:
  outcome: failure
  status: 415
  message: "not an? image"
"""


def _case(folder: Path, text: str, name: str = "two-rooms") -> Path:
    case = folder / name
    case.mkdir()
    (case / "case.yaml").write_text(text)
    (case / "plan.png").write_bytes(b"png")
    (case / "expected.json").write_text('{"rooms": 2}')
    return case


def _mistake(folder: Path) -> str:
    with pytest.raises(UsageError) as caught:
        load_cases(folder)
    return caught.value.message


def test_cases_are_read_with_their_files_and_sorted(tmp_path: Path) -> None:
    _case(tmp_path, SUCCESS)
    _case(tmp_path, FAILURE, "bad-image")
    bad, good = load_cases(tmp_path)
    assert (bad.name, bad.expect.status, bad.expect.message) == ("bad-image", 415, "not an? image")
    assert (good.name, good.body, good.expect.tolerance) == (
        "two-rooms",
        {"rooms": 2},
        Tolerance(relative=0.02, absolute=3),
    )
    assert good.file == tmp_path / "two-rooms" / "plan.png"


def test_a_workload_without_golden_requests_is_refused(tmp_path: Path) -> None:
    assert "no golden requests" in _mistake(tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "mistake"),
    [
        ("  body: expected.json\n", "", "expect.body: missing"),
        ("body: expected.json", "body: gone.json", ":5: expect.body: 'gone.json': no such file"),
        ("body: expected.json", "body: ../expected.json", ":5: expect.body: '../expected.json': "),
        ("file: plan.png", "file: /etc/passwd", ":2: request.file: '/etc/passwd': "),
        ("image/png", "png", ":2: request.content_type: 'png': "),
        ("absolute: 3", "absolute: -3", ":6: expect.tolerance.absolute: -3: "),
        ("absolute: 3", "absolute: .inf", ":6: expect.tolerance.absolute: "),
        ("outcome: success", "outcome: maybe", ":4: expect.outcome: 'maybe': "),
        ("outcome: success", "outcome: success\n  status: 415", ":5: expect.status: given with `outcome: success`"),
        ("expect:", "expects: 1\nexpect:", ":3: expects: unknown key: allowed is one of"),
    ],
)
def test_a_mistake_is_named_with_line_field_and_what_is_allowed(
    tmp_path: Path, old: str, new: str, mistake: str
) -> None:
    assert old in SUCCESS
    _case(tmp_path, SUCCESS.replace(old, new))
    message = _mistake(tmp_path)
    assert str(tmp_path / "two-rooms" / "case.yaml") in message
    assert mistake in message


@pytest.mark.parametrize(
    ("old", "new", "mistake"),
    [
        ("status: 415", "body: expected.json", ":5: expect.body: given with `outcome: failure`"),
        ("status: 415", "status: 200", ":5: expect.status: 200: "),
        ('message: "not an? image"', 'message: "("', ":6: expect.message: '(': not a regular expression"),
        ('  status: 415\n  message: "not an? image"\n', "", ":4: expect.outcome: failure without"),
    ],
)
def test_a_failure_case_names_status_or_message_and_nothing_else(
    tmp_path: Path, old: str, new: str, mistake: str
) -> None:
    assert old in FAILURE
    _case(tmp_path, FAILURE.replace(old, new))
    assert mistake in _mistake(tmp_path)


def test_an_expected_body_that_is_no_json_is_refused(tmp_path: Path) -> None:
    for text in ("{", '{"a": NaN}'):
        folder = tmp_path / str(len(text))
        folder.mkdir()
        case = _case(folder, SUCCESS)
        (case / "expected.json").write_text(text)
        assert ":5: expect.body: expected.json: not JSON" in _mistake(folder)


def test_a_link_out_of_the_case_is_refused(tmp_path: Path) -> None:
    case = _case(tmp_path, SUCCESS)
    secret = tmp_path / "secret"
    secret.write_text("x")
    (case / "plan.png").unlink()
    (case / "plan.png").symlink_to(secret)
    assert "request.file: 'plan.png': no such file in" in _mistake(tmp_path)

"""`glue local fault`, as a user calls it; its effects: tests/localcloud/fault_injection/test_disturbances.py."""

import json

import pytest

from glue.localcloud.fault_injection.faults import KINDS
from glue.project import Project
from tests.unit.cli.conftest import Run

Capture = pytest.CaptureFixture[str]


def test_the_kinds_are_listed_without_a_local_cloud(glue: Run, project: Project, capsys: Capture) -> None:
    assert glue("local", "fault", "list", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert [kind["kind"] for kind in told["kinds"]] == list(KINDS)
    assert told["active"] == []
    assert glue("local", "fault", "list") == 0
    assert "nothing goes wrong now" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("start", "hang"), 3, "the local cloud is not running"),
        (("stop",), 3, "the local cloud is not running"),
        (("start", "hang", "--for", "soon"), 2, "duration 'soon': allowed is a number above 0"),
    ],
)
def test_what_cannot_be_done_is_said(
    glue: Run, project: Project, capsys: Capture, arguments: tuple[str, ...], code: int, message: str
) -> None:
    assert glue("local", "fault", *arguments) == code
    assert message in capsys.readouterr().err

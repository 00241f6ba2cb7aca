"""`glue local status`, as a user reads it; the local cloud itself is shown in tests/localcloud."""

import json

import pytest

from glue.localcloud import daemon
from glue.project import Project
from tests.unit.cli.conftest import Run

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def busy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A local cloud with an endpoint that wakes up."""
    endpoint = {"name": "rooms", "status": "Updating", "instances": 0, "desired": 1, "waiting": 7}
    alarm = {
        "name": "rooms-has-backlog-without-capacity",
        "reason": "Threshold Crossed: 1 out of the last 1 datapoints",
    }
    found = daemon.Status(running=True, endpoint_url="http://127.0.0.1:4599", endpoints=[endpoint], alarms=[alarm])
    monkeypatch.setattr(daemon, "status", lambda _: found)


@pytest.mark.usefixtures("busy")
def test_the_status_shows_instances_waiting_requests_and_alarms_that_went_off(
    glue: Run, project: Project, capsys: Capture
) -> None:
    assert glue("local", "status") == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "running at http://127.0.0.1:4599" in told
    assert "name status instances desired waiting" in told
    assert "rooms Updating 0 1 7" in told
    assert "alarms in the state ALARM" in told
    assert "rooms-has-backlog-without-capacity" in told


@pytest.mark.usefixtures("busy")
def test_the_status_is_a_document_for_scripts(glue: Run, project: Project, capsys: Capture) -> None:
    assert glue("local", "status", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["running"], told["endpoint_url"]) == (True, "http://127.0.0.1:4599")
    assert told["endpoints"][0]["desired"] == 1
    assert told["alarms"][0]["name"] == "rooms-has-backlog-without-capacity"


def test_without_a_local_cloud_the_status_says_how_to_start_it(glue: Run, project: Project, capsys: Capture) -> None:
    assert glue("local", "status") == 0
    assert "not running (start it: glue local up)" in capsys.readouterr().out

"""Terraform, run for real: its events are heard live, and it outlives its caller."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tenacity import retry, retry_if_result, stop_after_delay, wait_fixed

from glue.terraform.runner import FLAG, Terraform

PROGRAM = Path(os.environ.get("GLUE_TERRAFORM", "terraform"))
QUICK = 'resource "terraform_data" "one" { input = "x" }\noutput "it" { value = terraform_data.one.output }\n'
# Waits for a file that the test makes: a run that is under way for as long as the test wants.
SLOW = """
resource "terraform_data" "slow" {
  provisioner "local-exec" { command = "touch started; while [ ! -e go ]; do read -t 1 _ <> pipe || true; done" }
}
resource "terraform_data" "after" { input = terraform_data.slow.id }
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "main.tf").write_text(QUICK)
    return tmp_path


def terraform(folder: Path) -> Terraform:
    return Terraform(PROGRAM, folder, dict(os.environ))


@retry(retry=retry_if_result(lambda there: not there), wait=wait_fixed(0.05), stop=stop_after_delay(60))
def wait_until_exists(file: Path) -> bool:
    return file.exists()


@retry(retry=retry_if_result(lambda gone: not gone), wait=wait_fixed(0.05), stop=stop_after_delay(60))
def wait_until_gone(file: Path) -> bool:
    return not file.exists()


def test_events_are_heard_and_kept_in_the_log(folder: Path) -> None:
    heard: list[dict[str, Any]] = []
    log = folder / "logs" / "apply.jsonl"
    code = terraform(folder).run("apply", json=FLAG, auto_approve=FLAG, log=log, listen=heard.append)
    assert code == 0
    kinds = [event["type"] for event in heard]
    assert kinds[0] == "version"
    assert "apply_complete" in kinds
    assert [json.loads(line)["type"] for line in log.read_text().splitlines()] == kinds


def test_a_failure_is_an_exit_code_and_a_diagnostic(folder: Path) -> None:
    (folder / "main.tf").write_text('output "x" { value = nowhere.here }\n')
    heard: list[dict[str, Any]] = []
    code = terraform(folder).run("plan", json=FLAG, listen=heard.append)
    assert code == 1
    assert any(event["type"] == "diagnostic" for event in heard)


def test_a_listener_that_fails_stops_terraform(folder: Path) -> None:
    def fail(event: dict[str, Any]) -> None:
        raise RuntimeError(event["type"])

    with pytest.raises(RuntimeError, match="version"):
        terraform(folder).run("apply", json=FLAG, auto_approve=FLAG, listen=fail)
    assert not (folder / ".terraform.tfstate.lock.info").exists()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM], ids=lambda signal: signal.name)
def test_terraform_finishes_and_writes_its_state_when_its_caller_is_killed(folder: Path, how: signal.Signals) -> None:
    (folder / "main.tf").write_text(SLOW)
    os.mkfifo(folder / "pipe")
    program = (
        "import os; from pathlib import Path; from glue.terraform.runner import FLAG, Terraform;"
        f"Terraform(Path({str(PROGRAM)!r}), Path({str(folder)!r}), dict(os.environ))"
        ".run('apply', json=FLAG, auto_approve=FLAG, log=Path('log'))"
    )
    caller = subprocess.Popen([sys.executable, "-c", program], cwd=folder, start_new_session=True)
    wait_until_exists(folder / "started")
    os.killpg(caller.pid, how)
    assert caller.wait(timeout=30) == -how
    (folder / "go").touch()
    wait_until_exists(folder / "terraform.tfstate")
    wait_until_gone(folder / ".terraform.tfstate.lock.info")
    state = json.loads((folder / "terraform.tfstate").read_text())
    assert sorted(resource["name"] for resource in state["resources"]) == ["after", "slow"]


def test_an_interrupt_in_the_moment_of_the_start_leaves_no_terraform(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "main.tf").write_text(SLOW)
    os.mkfifo(folder / "pipe")
    started: list[subprocess.Popen[bytes]] = []
    start = subprocess.Popen

    def start_and_interrupt(*arguments: Any, **options: Any) -> "subprocess.Popen[bytes]":
        started.append(start(*arguments, **options))
        os.kill(os.getpid(), signal.SIGINT)
        return started[-1]

    monkeypatch.setattr(subprocess, "Popen", start_and_interrupt)
    with pytest.raises(KeyboardInterrupt):
        terraform(folder).run("apply", json=FLAG, auto_approve=FLAG)
    assert len(started) == 1
    assert started[0].poll() is not None


def test_ctrl_c_lets_terraform_stop_in_order(folder: Path) -> None:
    (folder / "main.tf").write_text(SLOW)
    os.mkfifo(folder / "pipe")
    interrupted = False

    def interrupt_once_started(event: dict[str, Any]) -> None:
        nonlocal interrupted
        if event["type"] in {"apply_start", "provision_start"} and not interrupted:
            wait_until_exists(folder / "started")
            interrupted = True
            (folder / "go").touch()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        terraform(folder).run("apply", json=FLAG, auto_approve=FLAG, listen=interrupt_once_started)
    assert not (folder / ".terraform.tfstate.lock.info").exists()
    assert json.loads((folder / "terraform.tfstate").read_text())["resources"]

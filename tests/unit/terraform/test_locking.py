"""One run at a time, and a dead run's lock told from a living one's."""

import getpass
import json
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from glue.errors import FailedError
from glue.terraform.events import Diagnostic, Outcome
from glue.terraform.locking import StateLock, exclusive, left_behind, refused, state_lock

CREATED = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)
ME = f"{getpass.getuser()}@{socket.gethostname()}"
DETAIL = """\
Error message: operation error S3: PutObject, https response error StatusCode: 412
Lock Info:
  ID:        1b2c-3d
  Path:      bucket/state.tfstate
  Operation: OperationTypeApply
  Who:       someone@host
  Version:   1.11.4
  Created:   2026-01-31 12:00:00.123456789 +0000 UTC
  Info:
"""


def test_a_second_holder_is_refused_after_the_wait(tmp_path: Path) -> None:
    second = exclusive(tmp_path / "lock", wait_seconds=0)
    with exclusive(tmp_path / "lock"), pytest.raises(FailedError, match="another run"), second:
        pass


def test_the_lock_is_free_again_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), exclusive(tmp_path / "lock"):
        raise RuntimeError
    with exclusive(tmp_path / "lock", wait_seconds=0):
        pass


def test_a_child_that_inherited_the_lock_holds_it_after_its_parent_let_go(tmp_path: Path) -> None:
    with exclusive(tmp_path / "lock") as lock:
        child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=(lock.descriptor,))
    try:
        with pytest.raises(FailedError), exclusive(tmp_path / "lock", wait_seconds=0):
            pass
    finally:
        child.communicate(b"\n", timeout=10)
    with exclusive(tmp_path / "lock", wait_seconds=0):
        pass


def test_plug_ins_of_a_dead_terraform_do_not_hold_the_lock(tmp_path: Path) -> None:
    # glue starts Terraform, which starts a plug-in; then glue and Terraform are killed.
    terraform = "import os, subprocess, sys; subprocess.Popen([sys.executable, '-c', 'input()'], close_fds=False)"
    glue = (
        "import os, subprocess, sys; from pathlib import Path; from glue.terraform.locking import exclusive\n"
        f"with exclusive(Path({str(tmp_path / 'lock')!r})) as lock:\n"
        f"    child = subprocess.Popen([sys.executable, '-c', {terraform!r}], pass_fds=(lock.descriptor,),\n"
        "        start_new_session=True)\n"
        "    lock.note(child.pid)\n"
        "    child.wait()\n"
        "    os._exit(0)\n"
    )
    holder = subprocess.Popen([sys.executable, "-c", glue], stdin=subprocess.PIPE)
    assert holder.wait(timeout=30) == 0
    with exclusive(tmp_path / "lock", wait_seconds=5):
        pass
    assert holder.stdin is not None
    holder.stdin.close()


def test_the_holder_of_the_state_is_read_from_terraforms_error() -> None:
    lock = state_lock(Outcome(1, diagnostics=(Diagnostic("error", "Error acquiring the state lock", DETAIL),)))
    assert lock == StateLock("1b2c-3d", "someone@host", "OperationTypeApply", CREATED)
    assert "someone@host since 2026-01-31 12:00:00 UTC" in refused(lock).message


def test_another_failure_is_no_lock() -> None:
    assert state_lock(Outcome(1, diagnostics=(Diagnostic("error", "Invalid value", DETAIL),))) is None


def log(folder: Path, started: datetime, ended: datetime, *types: str) -> Path:
    file = folder / f"{len(list(folder.iterdir()))}.jsonl"
    events = [{"@timestamp": started.isoformat(), "type": "version"}]
    events += [{"@timestamp": ended.isoformat(), "type": kind} for kind in types]
    file.write_text("".join(json.dumps(event) + "\n" for event in events))
    return file


SECONDS = timedelta(seconds=1)


def test_a_lock_taken_within_one_of_our_dead_runs_is_left_behind(tmp_path: Path) -> None:
    dead = log(tmp_path, CREATED - SECONDS, CREATED + SECONDS, "apply_start")
    assert left_behind(StateLock("id", ME, "OperationTypeApply", CREATED), [tmp_path / "none", dead])


@pytest.mark.parametrize(
    ("who", "start", "end", "kind"),
    [
        ("someone@elsewhere", -1, 1, "apply_start"),
        (ME, -9, -5, "apply_start"),
        (ME, 5, 9, "apply_start"),
        (ME, -1, 1, "diagnostic"),
    ],
    ids=["another host", "our run ended before", "our run began after", "our run never had the lock"],
)
def test_any_other_lock_is_somebodys(tmp_path: Path, who: str, start: int, end: int, kind: str) -> None:
    run = log(tmp_path, CREATED + start * SECONDS, CREATED + end * SECONDS, kind)
    assert not left_behind(StateLock("id", who, "OperationTypeApply", CREATED), [run])

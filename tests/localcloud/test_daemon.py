"""Local clouds of their own: started, found, killed."""

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from glue.errors import UsageError
from glue.localcloud import daemon
from glue.localcloud.state import StateDir
from glue.project import Project
from tests.localcloud.parity import end, judge_answers
from tests.localcloud.support import Account, eventually, running
from tests.localcloud.test_functions import make
from tests.timing import quickest


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "cloud"
    end(tmp_path / "cloud")


def account_of(status: daemon.Status, folder: Path) -> Account:
    assert status.endpoint_url is not None
    return Account(status.endpoint_url, "111122223333", folder)


def group_of(folder: Path) -> int:
    """The process group of the only instance."""

    def look() -> int:
        found = [json.loads(file.read_text())["group"] for file in folder.glob("instances/i-*/instance.json")]
        return found[0] if found else 0

    return eventually(look)


def lives(group: int) -> bool:
    """Whether a process of the group runs; one that has ended and waits for its parent does not."""
    told = subprocess.run(["ps", "-A", "-o", "pgid=,stat="], capture_output=True, text=True, check=True).stdout
    return any(line.split()[0] == str(group) and "Z" not in line.split()[1] for line in told.splitlines())


def answers(cloud: daemon.Status) -> bool:
    """Whether this cloud listens where it did: another one may have taken its port meanwhile."""
    try:
        told = httpx.get(f"{cloud.endpoint_url}/_localcloud/status", timeout=30)
    except httpx.ConnectError:
        return False
    return bool(told.json()["pid"] == cloud.pid)


def test_importing_the_functions_is_cheap() -> None:
    heavy = "{'moto', 'boto3', 'botocore', 'flask', 'werkzeug', 'urllib3', 'httpx'} & set(sys.modules)"
    program = f"import sys; import glue.localcloud.daemon; print({heavy})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def glue(*arguments: str) -> str:
    """What the command prints."""
    command = [str(Path(sys.executable).with_name("glue")), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def descendants(pid: int) -> set[int]:
    """The processes that a process started, and those that they did."""
    told = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    parents = {int(pid): int(parent) for pid, parent in (line.split() for line in told.splitlines())}
    found: set[int] = set()
    while new := {child for child, parent in parents.items() if parent in {pid, *found}} - found:
        found |= new
    return found


def test_the_command_is_ready_in_less_than_four_seconds(project: Project) -> None:
    took = quickest(lambda: glue("local", "up"), limit=4, before=lambda: end(project.local_cloud_dir))
    end(project.local_cloud_dir)
    assert took < 4


def test_the_command_that_ends_it_leaves_no_process_and_no_port(project: Project, tmp_path: Path) -> None:
    up = daemon.Status(**json.loads(glue("local", "up", "--json")))
    account = account_of(up, tmp_path)
    account.deploy("left", environment={"STARTS": "with_child"})
    make(account, tmp_path).invoke("spawn")
    assert up.pid is not None
    family = {up.pid} | descendants(up.pid)
    assert len(family) == 6  # the cloud, its guard, the instance and its child, the function and its child
    assert json.loads(glue("local", "down", "--json")) == {"stopped": True}
    eventually(lambda: not running(family), what="the end of every process")
    judge_answers(project.local_cloud_dir)
    assert not answers(up)


def test_a_cloud_is_found_and_ended(folder: Path, cache_dir: Path) -> None:
    assert daemon.status(folder) == daemon.Status(running=False)
    up = daemon.up(folder, cache_dir=cache_dir)
    assert (up.running, up.region, up.account_id, up.speed) == (True, "us-east-1", "000000000000", 1.0)
    assert up.endpoints == []
    assert daemon.up(folder, cache_dir=cache_dir).pid == up.pid
    assert stat.S_IMODE(StateDir(folder).state_file.stat().st_mode) == 0o600
    assert any("ready on" in line for line in daemon.logs(folder))
    assert daemon.down(folder)
    assert not daemon.status(folder).running
    assert not StateDir(folder).state_file.exists()
    assert not answers(up)
    assert up.pid is not None
    assert not Path(f"/proc/{up.pid}").exists()
    assert not daemon.down(folder)


def test_it_listens_on_this_machine_only(cloud: daemon.Status) -> None:
    assert cloud.endpoint_url is not None
    port = int(cloud.endpoint_url.rpartition(":")[2])
    with socket.socket() as probe:
        probe.bind(("127.0.0.2", port))  # would be taken if it listened on every address


def test_a_taken_port_is_named_with_who_has_it(folder: Path, cloud: daemon.Status) -> None:
    assert cloud.endpoint_url is not None
    port = int(cloud.endpoint_url.rpartition(":")[2])
    with pytest.raises(UsageError) as error:
        daemon.up(folder, port=port)
    assert error.value.message == f"port {port} is taken by another local cloud (process {cloud.pid})"
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(UsageError, match=f"port {other.getsockname()[1]} is taken by"):
            daemon.up(folder, port=other.getsockname()[1])


@pytest.mark.parametrize(("port", "speed"), [(0, 1.0), (65536, 1.0), (None, 0.0), (None, -1.0), (None, float("nan"))])
def test_wrong_settings_are_refused(folder: Path, port: int | None, speed: float) -> None:
    with pytest.raises(UsageError, match="allowed is"):
        daemon.up(folder, port=port, speed=speed)


def test_other_settings_than_the_running_clouds_are_refused(cloud_dir: Path, cloud: daemon.Status) -> None:
    with pytest.raises(UsageError, match="runs at speed 1, not 60"):
        daemon.up(cloud_dir, speed=60)
    with pytest.raises(UsageError, match="not on port 4"):
        daemon.up(cloud_dir, port=4)


def test_several_that_start_at_once_are_one(folder: Path, cache_dir: Path) -> None:
    found: list[int | None] = []
    threads = [
        threading.Thread(target=lambda: found.append(daemon.up(folder, cache_dir=cache_dir).pid)) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 3
    assert len(set(found)) == 1


def test_an_interrupted_start_leaves_nothing(folder: Path, cache_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[Path] = []

    def interrupted(state_dir: Path) -> daemon.Status:
        looks.append(state_dir)
        if len(looks) > 1:
            eventually(StateDir(folder).held)
            raise KeyboardInterrupt
        return daemon.Status(running=False)

    monkeypatch.setattr(daemon, "status", interrupted)
    with pytest.raises(KeyboardInterrupt):
        daemon.up(folder, cache_dir=cache_dir)
    assert not StateDir(folder).held()


def test_a_stale_state_file_is_no_cloud(folder: Path) -> None:
    state = StateDir(folder)
    folder.mkdir()
    state.lock_file.touch()
    state.state_file.write_text(json.dumps({"pid": os.getpid(), "endpoint_url": "http://127.0.0.1:1"}))
    assert not daemon.status(folder).running
    daemon.down(folder)  # and does not kill the process that has the number now


def test_a_cloud_ends_with_the_process_it_belongs_to(folder: Path, cache_dir: Path) -> None:
    with subprocess.Popen(["sleep", "600"]) as owner:
        try:
            daemon.up(folder, exit_with=owner.pid, cache_dir=cache_dir)
        finally:
            owner.kill()
    eventually(lambda: not StateDir(folder).held(), what="the cloud ends")
    assert not daemon.status(folder).running


def test_a_killed_cloud_leaves_no_instance(folder: Path, cache_dir: Path) -> None:
    up = daemon.up(folder, cache_dir=cache_dir)
    account_of(up, folder).deploy("killed", environment={"STARTS": "with_child"})
    group = group_of(folder)
    assert lives(group)
    assert up.pid is not None
    os.kill(up.pid, signal.SIGKILL)
    eventually(lambda: not lives(group), what="the instance and its child end")
    judge_answers(folder)
    again = daemon.up(folder, cache_dir=cache_dir)
    assert again.pid != up.pid
    assert account_of(again, folder).deploy("killed") == "killed"


@pytest.mark.skipif(sys.platform != "linux", reason="finds the guard in /proc")
def test_what_a_cloud_and_its_guard_left_is_swept_when_the_next_one_starts(folder: Path, cache_dir: Path) -> None:
    up = daemon.up(folder, cache_dir=cache_dir)
    account_of(up, folder).deploy("left")
    group = group_of(folder)
    assert up.pid is not None
    children = Path(f"/proc/{up.pid}/task/{up.pid}/children").read_text().split()
    guards = [int(pid) for pid in children if b"guard.py" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    for pid in (*guards, up.pid):
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: not StateDir(folder).held())
    assert lives(group)
    judge_answers(folder)
    daemon.up(folder, cache_dir=cache_dir)
    assert not lives(group)
    assert any("still ran and were ended" in line for line in daemon.logs(folder))


def test_ending_a_cloud_in_the_middle_of_a_request_leaves_nothing(folder: Path, cache_dir: Path) -> None:
    account = account_of(daemon.up(folder, cache_dir=cache_dir), folder)
    account.deploy("busy")
    account.invoke("busy", {"do": "hang", "seconds": 60})
    group = group_of(folder)
    eventually(lambda: "hang" in account.logs("busy"))
    started = time.monotonic()
    assert daemon.down(folder)
    assert time.monotonic() - started < daemon.END_TIMEOUT  # by itself: beyond that it is killed
    assert not lives(group)
    assert list((folder / "instances").glob("*")) == []


def test_time_runs_faster_when_told_to(folder: Path, cache_dir: Path) -> None:
    account = account_of(daemon.up(folder, speed=60, cache_dir=cache_dir), folder)
    topic, inbox = account.topic("fast")
    account.deploy("fast", topics=(topic, topic), startup=3600)
    sagemaker = account.client("sagemaker")
    sagemaker.update_endpoint_weights_and_capacities(
        EndpointName="fast", DesiredWeightsAndCapacities=[{"VariantName": "AllTraffic", "DesiredInstanceCount": 0}]
    )
    account.settled("fast")
    answer = account.invoke("fast", {"do": "echo"}, RequestTTLSeconds=120)  # two seconds of the machine's
    assert account.outcome(answer)[0] == "Failed"
    message = inbox.result(answer["InferenceId"])
    assert "waited longer than 120 seconds in the queue" in message["failureReason"]
    account.deploy("fails-in-time", environment={"STARTS": "never_ready"}, startup=60)
    assert account.describe("fails-in-time")["EndpointStatus"] == "Failed"
    events = account.client("logs").filter_log_events(logGroupName="/aws/sagemaker/Endpoints/fails-in-time")["events"]
    assert "did not answer /ping within 60 s" in events[-1]["message"]
    assert events[-1]["timestamp"] / 1000 - time.time() > 120

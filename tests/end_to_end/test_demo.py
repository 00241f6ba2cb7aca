"""The demonstration, as a newcomer runs it."""

import json
import os
import signal

import pytest
from PIL import Image

from glue.localcloud import daemon
from tests.end_to_end.conftest import PATIENCE, Checkout, processes_below, wait_for


def test_the_demo_ends_with_rooms_a_picture_a_verdict_and_nothing_running_and_works_again(checkout: Checkout) -> None:
    for _ in range(2):
        done = checkout.glue("demo")
        for said in (
            "profile local checked",
            "packing location_detector",
            "verifying",
            "to add, 0 to change, 0 to replace, 0 to destroy",
            "applying the platform layer of local",
            "is in service, its model is loaded",
            "queue",
            "answered after",
        ):
            assert said in done.stderr
        assert done.stderr.count("creating the state bucket") == 1
        assert "verdict  pass" in done.stdout
        result = json.loads((checkout.root / "out/demo/result.json").read_text())
        assert result["status"] == "success"
        assert result["room_count"] == len(result["rooms"]) > 3
        for room in result["rooms"]:
            assert f"{room['area']:,.0f}" in done.stdout
        blueprint = Image.open(checkout.root / "container/workloads/location_detector/golden/flat/blueprint.png")
        overlay = Image.open(checkout.root / "out/demo/overlay.png")
        assert overlay.size == blueprint.size
        assert overlay.tobytes() != blueprint.convert("RGB").tobytes()
        assert not daemon.status(checkout.project.local_cloud_dir).running
        assert processes_below(checkout.root) == []


@pytest.mark.parametrize(
    "step", ["starting the local cloud", "applying the registry", "applying the platform", "uploading"]
)
def test_an_interrupted_demo_leaves_no_process_and_the_next_one_works(checkout: Checkout, step: str) -> None:
    demo = checkout.start("demo")
    assert demo.stderr is not None
    said = next(line for line in demo.stderr if step in line)
    assert said
    demo.send_signal(signal.SIGINT)
    rest = demo.communicate(timeout=PATIENCE)[1]
    assert demo.returncode == 130, rest
    assert "Traceback" not in rest
    wait_for(lambda: processes_below(checkout.root) == [])
    if step == "applying the platform":
        assert "verdict  pass" in checkout.glue("demo").stdout


def test_a_second_demo_is_refused_and_one_that_is_killed_takes_the_local_cloud_with_it(checkout: Checkout) -> None:
    demo = checkout.start("demo")
    assert demo.stderr is not None
    next(line for line in demo.stderr if "applying the registry" in line)
    second = checkout.glue("demo", exit_code=1)
    assert "another run is under way in this checkout" in second.stderr
    demo.kill()
    demo.communicate(timeout=PATIENCE)
    wait_for(lambda: processes_below(checkout.root) == [])


def test_a_local_cloud_that_is_killed_mid_request_is_an_error_and_the_next_demo_works(checkout: Checkout) -> None:
    demo = checkout.start("demo")
    assert demo.stderr is not None
    next(line for line in demo.stderr if "uploading" in line)
    pid = daemon.status(checkout.project.local_cloud_dir).pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    rest = demo.communicate(timeout=PATIENCE)[1]
    assert demo.returncode in {1, 3}, rest
    assert "error: " in rest
    assert "Traceback" not in rest
    assert "verdict  pass" in checkout.glue("demo").stdout
    assert processes_below(checkout.root) == []


def test_keep_leaves_the_local_cloud_up_and_a_second_plan_is_empty(checkout: Checkout) -> None:
    checkout.glue("demo", "--keep")
    status = checkout.document("local", "status")
    assert status["running"]
    assert status["account_id"] == "000000000000"
    assert checkout.document("plan", "--env", "local")["empty"]
    png = checkout.root / "container/workloads/location_detector/golden/flat/blueprint.png"
    first = checkout.document("invoke", str(png), "--env", "local", "--wait", "--out", str(checkout.root / "answers"))
    assert first
    [answered] = (checkout.root / "answers").iterdir()
    assert json.loads(answered.read_text()) == json.loads((checkout.root / "out/demo/result.json").read_text())
    checkout.glue("demo")  # finds the cloud running, and leaves it so
    assert checkout.document("local", "status")["running"]
    checkout.glue("local", "down")
    assert processes_below(checkout.root) == []

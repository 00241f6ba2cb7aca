import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from tests.workloads.handler import WORKLOAD, load_handler, model_dir
from tests.workloads.images import encoded, two_rooms

handler = load_handler()


@pytest.fixture(scope="module")
def model() -> Any:
    return handler.model_fn(str(model_dir()))


def answered(model: Any, body: bytes | str, content_type: str | None, accept: str | None = "application/json") -> Any:
    answer, kind = handler.output_fn(handler.predict_fn(handler.input_fn(body, content_type), model), accept)
    assert kind == "application/json"
    return json.loads(answer)


@pytest.mark.parametrize(("suffix", "content_type"), [(".png", "image/png"), (".jpg", "image/jpeg")])
def test_an_image_is_answered_with_its_rooms(model: Any, suffix: str, content_type: str | None) -> None:
    answer = answered(model, encoded(two_rooms(), suffix), content_type)
    assert list(answer) == ["status", "room_count", "rooms", "image_shape", "metadata"]
    assert answer["status"] == "success"
    assert answer["room_count"] == len(answer["rooms"]) == 2
    assert answer["image_shape"] == [240, 320]
    assert answer["metadata"] == {}
    left, right = answer["rooms"]
    assert (left["id"], right["id"]) == (1, 2)
    assert set(left) == {"id", "area", "vertices", "bounding_box", "confidence"}
    for name, true in {"x": 35, "y": 35, "width": 120, "height": 170}.items():
        assert left["bounding_box"][name] == pytest.approx(true, abs=4)
    assert left["area"] == pytest.approx(120 * 170, rel=0.06)
    assert right["bounding_box"]["x"] == pytest.approx(165, abs=4)


def test_a_sheet_without_rooms_is_a_success_without_rooms(model: Any) -> None:
    answer = answered(model, encoded(np.full((200, 200), 255, np.uint8)), "image/png")
    assert (answer["status"], answer["room_count"], answer["rooms"]) == ("success", 0, [])


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"", "image/png", 400),
        (b"plain text", "image/png", 415),
        (encoded(two_rooms(), ".jpg"), "image/png", 415),
        (encoded(two_rooms()), "image/tiff", 415),
        (encoded(two_rooms()), None, 415),
        (b"{}", "application/json", 400),
        ("{}", "application/json", 400),
        (b'{"bucket": "b", "key": "k", "extra": 1}', "application/json", 400),
    ],
)
def test_a_bad_request_raises_a_4xx_with_one_sentence(
    model: Any, body: bytes, content_type: str | None, status: int
) -> None:
    with pytest.raises(Exception, match=r"^[^\n]+$") as caught:
        answered(model, body, content_type)
    assert getattr(caught.value, "status_code", None) == status


@pytest.mark.parametrize("accept", ["application/json", "*/*", None, "", "text/html, application/json;q=0.9"])
def test_json_is_answered_to_whoever_accepts_it(accept: str | None) -> None:
    assert handler.output_fn({"status": "success"}, accept)[0] == b'{"status": "success"}'


def test_a_client_that_accepts_no_json_is_refused() -> None:
    with pytest.raises(Exception, match="does not accept") as caught:
        handler.output_fn({}, "text/csv")
    assert getattr(caught.value, "status_code", None) == 406


def test_the_artifact_that_the_manifest_describes_works_by_itself(tmp_path: Path) -> None:
    manifest = yaml.safe_load((WORKLOAD / "workload.yaml").read_text())
    for target, source in manifest["artifact"].items():
        path = tmp_path / target
        path.parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (WORKLOAD / source).is_dir() else shutil.copyfile
        copy(WORKLOAD / source, path)
    (tmp_path / "plan.png").write_bytes(encoded(two_rooms()))
    program = (
        "import sys, inference\n"
        "model = inference.model_fn(sys.argv[1])\n"
        "assert 'boto3' not in sys.modules, 'boto3 is for requests that name an object'\n"
        "data = inference.input_fn(open(sys.argv[2], 'rb').read(), 'image/png')\n"
        "print(inference.output_fn(inference.predict_fn(data, model), None)[0].decode())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path), str(tmp_path / "plan.png")],
        cwd=tmp_path / "code",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["room_count"] == 2

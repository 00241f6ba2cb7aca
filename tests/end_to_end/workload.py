"""A small workload in the place of a real one, for tests that are about environments and not about answers."""

from pathlib import Path

from tests.conftest import ROOT

HANDLER = """\
import json


class Refused(Exception):
    status_code = 415


def model_fn(model_dir):
    return {"greeting": "GREETING"}


def input_fn(body, content_type):
    if content_type != "text/plain":
        raise Refused("only text/plain is understood")
    return body


def predict_fn(data, model):
    return {"answer": model["greeting"], "length": len(data)}


def output_fn(prediction, accept):
    return json.dumps(prediction), "application/json"
"""
WORKLOAD = """\
name: location_detector
version: VERSION
description: Counts characters.
artifact:
  code/inference.py: inference.py
requirements: requirements.lock
golden: golden
"""
GOOD = """\
description: Text is counted.
request: {file: text.txt, content_type: text/plain}
expect: {outcome: success, body: expected.json}
"""
BAD = """\
description: A picture is refused.
request: {file: text.txt, content_type: image/png}
expect: {outcome: failure, status: 415, message: only text}
"""


def write_workload(container: Path, *, greeting: str = "hello", version: str = "1.0.0") -> None:
    """Make `container/` with the real server and, under the real workload's name, this one."""
    folder = container / "workloads" / "location_detector"
    folder.mkdir(parents=True, exist_ok=True)
    if not (container / "serving").exists():
        (container / "serving").symlink_to(ROOT / "container" / "serving")
    lock = ROOT / "container" / "workloads" / "location_detector" / "requirements.lock"
    files = {
        "inference.py": HANDLER.replace("GREETING", greeting),
        "workload.yaml": WORKLOAD.replace("VERSION", version),
        "requirements.lock": lock.read_text(),
        "golden/good/case.yaml": GOOD,
        "golden/good/text.txt": "12345",
        "golden/good/expected.json": f'{{"answer": "{greeting}", "length": 5}}',
        "golden/bad/case.yaml": BAD,
        "golden/bad/text.txt": "12345",
    }
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

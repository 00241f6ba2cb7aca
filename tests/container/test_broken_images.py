"""Images that are broken in one way each: `verify` catches every one, with a message that names the cause.

A row is a variation of a sound image (instructions on top of it), or the sound image with another handler. `check`
is the one that fails (any, where it is empty), `says` is in its message.
"""

import hashlib
import time
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from glue.engines import Engine
from glue.errors import FailedError
from glue.imagechecks import Patience, Subject
from glue.imagechecks.verification import checks
from tests.container.workshop import BUNDLED, QUICK, Workshop, manifest
from tests.timing import least

SERVER = """
import http.server, os, sys, time, threading, signal
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def log_message(self, *_): pass
    def reply(self, status, body=b"{}"):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def do_GET(self): self.ping()
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.predict(body)
    def ping(self): self.reply(200)
    def predict(self, body):
        self.reply(200 if self.headers["Content-Type"] == "application/json" else 415, body)
HOST, PORT = "0.0.0.0", 8080
def serve():
    server = http.server.ThreadingHTTPServer((HOST, PORT), Handler)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    server.serve_forever()
"""
"""A server of the standard library that does what SageMaker asks for: rows break it in one place."""

OWN = 'COPY server.py /server.py\nENTRYPOINT ["python", "/server.py"]'

HANDLER = """
def model_fn(model_dir):
    return None

def predict_fn(data, model):
    return data
"""


@dataclass(frozen=True)
class Broken:
    """One way to be broken."""

    name: str
    check: str
    says: str
    instructions: str = ""
    server: str | None = None
    """Statements between the server's definitions and its start."""
    handler: str | None = None
    needs: dict[str, Any] = field(default_factory=dict)
    patience: Patience = QUICK


SOON_GIVEN_UP = {"startup_seconds": 8}
"""What is not to get ready has time enough to start, however busy the machine is."""

IMAGES = [
    Broken("no entry point and no program serve", "start", "no program 'serve'", "ENTRYPOINT []"),
    Broken("an entry point in shell form", "entrypoint", "shell form", "ENTRYPOINT python -m serving"),
    Broken("an entry point that is not there", "start", "no program '/opt/run'", 'ENTRYPOINT ["/opt/run"]'),
    Broken(
        "an entry point that does not know serve",
        "start",
        "unrecognized arguments: serve",
        'ENTRYPOINT ["python", "-c", "import argparse; argparse.ArgumentParser().parse_args()"]',
    ),
    Broken(
        "a script in place of a server",
        "start",
        "exited with status 0 before it answered /ping",
        'ENTRYPOINT ["python", "-c", "print(1)"]',
        needs={"startup_seconds": 3600},
    ),
    Broken("the wrong port", "start", "the server listens on 5000", server="PORT = 5000", needs=SOON_GIVEN_UP),
    Broken("127.0.0.1 only", "address", "127.0.0.1:8080 only", server='HOST = "127.0.0.1"'),
    Broken("nothing listens", "start", "no server listens", server="time.sleep(600)", needs={"startup_seconds": 2}),
    Broken(
        "ping is not found",
        "start",
        "GET /ping: status 404",
        server="Handler.ping = lambda self: self.reply(404)",
        needs=SOON_GIVEN_UP,
    ),
    Broken(
        "ping is slow",
        "ping",
        "allowed are 2 s",
        server="Handler.ping = lambda self: (time.sleep(2.2), self.reply(200))",
    ),
    Broken(
        "ping waits for the prediction",
        "ping-while-predicting",
        "while a request runs",
        server="""
LOCK = threading.Lock()
def ping(self):
    with LOCK: self.reply(200)
def predict(self, body):
    with LOCK:
        time.sleep(3 if self.headers["Content-Type"] == "application/json" else 0)
    self.reply(200 if self.headers["Content-Type"] == "application/json" else 415, body)
Handler.ping, Handler.predict = ping, predict
""",
    ),
    Broken(
        "every answer is a server error",
        "golden",
        "expected a success, got status 500",
        server="Handler.predict = lambda self, body: self.reply(500)",
    ),
    Broken(
        "another answer than the golden one",
        "golden",
        "expected 42, found 43",
        handler=HANDLER.replace("return data", "return {**data, 'number': 43}"),
    ),
    Broken(
        "a bad request is answered as a good one",
        "bad-request",
        "as if it were a good one",
        server="Handler.predict = lambda self, body: self.reply(200, body)",
    ),
    Broken(
        "a bad request ends the server",
        "bad-request",
        "after a bad request",
        server="""
def predict(self, body):
    if self.headers["Content-Type"] != "application/json" and os.path.exists("/tmp/second"): os._exit(3)
    if self.headers["Content-Type"] != "application/json": open("/tmp/second", "w").close()
    self.reply(200 if self.headers["Content-Type"] == "application/json" else 415, body)
Handler.predict = predict
""",
    ),
    Broken(
        "no Content-Length",
        "golden",
        "no Content-Length",
        server="""
def predict(self, body):
    if self.headers["Content-Type"] != "application/json": return self.reply(415)
    self.send_response(200)
    self.send_header("Transfer-Encoding", "chunked")
    self.end_headers()
    self.wfile.write(b"%x\\r\\n%s\\r\\n0\\r\\n\\r\\n" % (len(body), body))
Handler.predict = predict
""",
    ),
    Broken("exits by itself", "", "exited with status 7", server="threading.Timer(2, lambda: os._exit(7)).start()"),
    Broken(
        "exits after 30 s",
        "stays-up",
        "exited with status 7 by itself, 3",
        server="threading.Timer(30, lambda: os._exit(7)).start()",
        patience=replace(QUICK, observe=40.0),
    ),
    Broken(
        "uses more memory than it has",
        "start",
        "used more memory than its limit",
        handler=HANDLER.replace("return None", "return bytearray(400 << 20)").replace("return data", "return data"),
        needs={"memory_mib": 128},
    ),
    Broken(
        "leaks",
        "leak",
        "memory leaks",
        server="""
KEPT = []
def predict(self, body):
    KEPT.append(b"x" * (1 << 20))
    self.reply(200 if self.headers["Content-Type"] == "application/json" else 415, body)
Handler.predict = predict
""",
    ),
    Broken("the handler is missing", "start", "the handler inference.py is missing", handler=""),
    Broken(
        "the handler lacks functions",
        "start",
        "predict_fn (or transform_fn) missing",
        handler="def model_fn(d): return 1\n",
    ),
    Broken("the handler does not import", "start", "No module named 'torch'", handler=f"import torch\n{HANDLER}"),
    Broken(
        "two versions that do not fit",
        "start",
        "ImportError: cannot import name 'nothing'",
        handler=f"from json import nothing\n{HANDLER}",
    ),
    Broken(
        "the model does not load",
        "start",
        "no weights",
        handler=HANDLER.replace("return None", "raise ValueError('no weights')"),
    ),
    Broken(
        "the model's folder is written",
        "start",
        "/opt/ml/model may not be written",
        handler=HANDLER.replace("return None", "open(model_dir + '/cache', 'w')"),
    ),
    Broken(
        "the network is wanted at start",
        "start",
        "the program wants the network",
        handler=HANDLER.replace(
            "return None", "import urllib.request; urllib.request.urlopen('http://models.example')"
        ),
    ),
    Broken(
        "the worker dies in a request",
        "golden",
        "worker_died",
        handler=HANDLER.replace("return data", "import os; os.kill(os.getpid(), 9)"),
    ),
    Broken(
        "SIGTERM is ignored",
        "sigterm",
        "still ran",
        server="signal.signal = lambda *_: None",
    ),
    Broken("works as root only", "other-user", "as user 65532:65532", server='open("/etc/shadow").close()'),
    Broken(
        "works as one user only",
        "other-user",
        "as user 0:0",
        server="assert os.getuid() == 1234",
        instructions="USER 1234",
    ),
    Broken("a secret in a variable", "secrets", "API_TOKEN", "ENV API_TOKEN=1234"),
    Broken("no labels", "provenance", "labels are missing", 'LABEL org.opencontainers.image.revision=""'),
    Broken(
        "another version than the workload's",
        "provenance",
        "not of noop 1.0.0",
        'LABEL org.opencontainers.image.version="0.9.0"',
    ),
    Broken(
        "a process that is started again and again",
        "logs",
        "started again: sleep",
        server="""
import subprocess
def supervise():
    while True: subprocess.run(["sleep", "0.5"])
threading.Thread(target=supervise, daemon=True).start()
""",
    ),
    Broken(
        "a worker that died, in the words of another server",
        "logs",
        "a worker of the server died",
        server='print("Backend worker process died", flush=True)',
    ),
    Broken(
        "nothing is left of the memory when idle",
        "idle-memory",
        "nothing is left for requests",
        server="HELD = b'x' * (470 << 20)",
        needs={"memory_mib": 512},
    ),
    Broken("a GPU where there is none", "start", "the engine has no GPU to give", needs={"variant": "cuda"}),
    Broken(
        "no Python to look with",
        "start",
        "no Python",
        "RUN rm -rf /usr/bin/python3* /usr/local/bin/python3* /opt/venv\n"
        'ENTRYPOINT ["/usr/bin/tail", "-f", "/dev/null"]',
    ),
]


@pytest.mark.parametrize("broken", IMAGES, ids=lambda broken: broken.name.replace(" ", "-"))
def test_a_broken_image_is_caught_and_its_cause_named(broken: Broken, workshop: Workshop) -> None:
    instructions, files = broken.instructions, {}
    if broken.server is not None:
        instructions = f"{OWN}\n{instructions}"
        files["server.py"] = f"{SERVER}\n{broken.server}\nserve()\n"
    image = workshop.variation(instructions, files) if instructions else workshop.sound.image
    workload = replace(workshop.noop, container=workshop.needs(**broken.needs))
    if broken.handler is not None:
        workload = workshop.with_handler(broken.handler, **broken.needs)
        if not broken.handler:
            workload = replace(workload, artifact={"code/other.py": next(iter(workload.artifact.values()))})
    found = workshop.until(broken.check or "stays-up", image, workload, broken.patience)
    told = {one.id: one.message for one in found if one.verdict == "fail"}
    if broken.check:
        assert broken.says in told.get(broken.check, ""), found
    else:  # whichever check runs when it happens
        assert any(broken.says in message for message in told.values()), found


def test_a_bundled_model_whose_folder_is_written_is_caught(workshop: Workshop) -> None:
    writing = f"{SERVER}\nopen('/opt/ml/model/cache', 'w').write('x')\nserve()\n"
    files = {"model/artifact-manifest.json": manifest({}, workshop.noop), "server.py": writing}
    image = workshop.variation(f"{BUNDLED}\nCOPY model/ /opt/ml/model/\n{OWN}", files)
    found = workshop.until("model-dir", image, replace(workshop.noop, container=workshop.needs()))
    told = {one.id: one.message for one in found if one.verdict == "fail"}
    assert list(told) == ["model-dir"]
    assert "/opt/ml/model/cache was written" in told["model-dir"]


def test_an_image_for_another_processor_is_caught(workshop: Workshop) -> None:
    found = workshop.until("platform", workshop.empty("linux/arm64"), workshop.noop)
    assert "the image is for linux/arm64, instances run linux/amd64" in found[0].message


def test_an_end_is_reported_within_a_second_of_it(workshop: Workshop, engine: Engine) -> None:
    last = "print('last words', flush=True); os._exit(7)"
    server = f"{SERVER}\ndef end():\n    {last}\nthreading.Timer(2, end).start()\nserve()\n"
    image = workshop.variation(OWN, {"server.py": server})
    workload = replace(workshop.noop, container=workshop.needs())

    def delay() -> float:
        with ExitStack() as resources:
            made = checks(Subject(image, workload), engine, workshop.reporter, replace(QUICK, observe=60.0), resources)
            caught = next(one for one in made if one.verdict == "fail")
            reported = time.time()
            [ended] = workshop.ends(image)
        assert "exited with status 7" in caught.message
        assert "last words" in caught.message
        assert reported >= ended
        return reported - ended

    assert least(delay, limit=1) < 1


CONTENT = b"the weights"
LISTED = {"weights.bin": (len(CONTENT), hashlib.sha256(CONTENT).hexdigest())}


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({}, "weights.bin: listed, and not in the image"),
        ({"weights.bin": b"other weigh"}, "weights.bin: 11 bytes with sha256"),
        ({"weights.bin": CONTENT[:3]}, "weights.bin: 3 bytes"),
    ],
    ids=["missing", "wrong-checksum", "cut-short"],
)
def test_a_bundled_model_that_is_not_as_listed_is_caught(
    files: dict[str, bytes], says: str, workshop: Workshop
) -> None:
    listing = manifest(LISTED, workshop.noop)
    image = workshop.variation(
        f"{BUNDLED}\nCOPY model/ /opt/ml/model/",
        {"model/artifact-manifest.json": listing, **{f"model/{name}": content for name, content in files.items()}},
    )
    verdicts = {check.id: check for check in workshop.verify(image).checks}
    assert verdicts["weights"].verdict == "fail"
    assert says in verdicts["weights"].message
    assert verdicts["start"].verdict == "skip"


def test_a_bundled_model_without_a_list_is_caught(workshop: Workshop) -> None:
    verdicts = {check.id: check for check in workshop.verify(workshop.variation(BUNDLED)).checks}
    assert "artifact-manifest.json is missing" in verdicts["weights"].message


def test_a_build_that_asks_a_question_is_ended_and_its_step_named(workshop: Workshop) -> None:
    workshop.sound  # noqa: B018 - built beforehand: its build is not what is timed
    question = "RUN echo 'Configuring tzdata' && echo 'Please select the geographic area' && sleep 300"
    with pytest.raises(FailedError, match=r"(?s)hung in .*Please select.*DEBIAN_FRONTEND=noninteractive"):
        workshop.variation(question, seconds=15.0)


def test_a_build_step_that_fails_is_named_with_its_last_lines(workshop: Workshop) -> None:
    with pytest.raises(FailedError, match=r"(?s)failed in .*RUN echo words.*exit code: 3"):
        workshop.variation("RUN echo words && exit 3")

"""A serving program for tests, which misbehaves as it is told: the file becomes `opt/program/program.py` of an image.

How it starts is told by `STARTS` (well, crash, exit, never_ready, deaf, tidy, lingering, with_child); what a request
does by its JSON body's `do`, and before that by its custom attributes. `STARTS_BEHIND` and `ENDS_BEHIND` name
files that are waited for, as `file:…`: a plain path below `/tmp` would be one of the container's own.
"""

import hashlib
import json
import os
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

HUGE = 64 * 1024 * 1024
PIECE = 1024 * 1024
LONGEST_WAIT = 120
BASE = Path(os.environ["SAGEMAKER_BASE_DIR"])


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.answer(503 if os.environ.get("STARTS") == "never_ready" else 200, b"")

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        self.leave_unread()
        if length > HUGE:
            self.digest(length)
            return
        body = self.rfile.read(length)
        try:
            order = json.loads(body)
        except ValueError:
            order = {"do": "size"}
        print(f"request {self.headers.get('X-Amzn-SageMaker-Inference-Id')} {order.get('do')}", flush=True)
        getattr(self, f"do_{order['do']}")(order, body)

    def leave_unread(self) -> None:
        """Let the body wait, for as many seconds as the custom attributes say: `unread=4`."""
        attribute, _, seconds = self.headers.get("X-Amzn-SageMaker-Custom-Attributes", "").partition("=")
        if attribute == "unread":
            time.sleep(float(seconds))

    def do_echo(self, order: dict[str, Any], body: bytes) -> None:
        self.answer(200, body, content_type=self.headers.get("Accept", "application/json"))

    def do_size(self, order: dict[str, Any], body: bytes) -> None:
        self.answer(200, str(len(body)).encode())

    def do_headers(self, order: dict[str, Any], body: bytes) -> None:
        self.answer(200, json.dumps(dict(self.headers)).encode())

    def do_environment(self, order: dict[str, Any], body: bytes) -> None:
        facts = {"environ": dict(os.environ), "model": sorted(str(p.relative_to(BASE)) for p in BASE.rglob("*"))}
        self.answer(200, json.dumps(facts).encode())

    def do_write(self, order: dict[str, Any], body: bytes) -> None:
        written = {}
        for name in order["paths"]:
            try:
                with Path(os.path.expandvars(name)).open("a") as file:
                    file.write("x")
                written[name] = "written"
            except OSError as error:
                written[name] = type(error).__name__
        self.answer(200, json.dumps(written).encode())

    def do_refuse(self, order: dict[str, Any], body: bytes) -> None:
        self.answer(order["status"], json.dumps({"error": {"message": order["message"]}}).encode())

    def do_hang(self, order: dict[str, Any], body: bytes) -> None:
        time.sleep(order["seconds"])
        self.answer(200, b"late")

    def do_trickle(self, order: dict[str, Any], body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "100")
        self.end_headers()
        for _ in range(100):
            self.wfile.write(b".")
            time.sleep(0.1)

    def digest(self, length: int) -> None:
        """Read what would not fit into memory, and say what it was."""
        sha256 = hashlib.sha256()
        left = length
        while left and (piece := self.rfile.read(min(left, PIECE))):
            left -= len(piece)
            sha256.update(piece)
        self.answer(200, json.dumps({"size": length - left, "sha256": sha256.hexdigest()}).encode())

    def do_large(self, order: dict[str, Any], body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(order["size"]))
        self.end_headers()
        for start in range(0, order["size"], PIECE):
            self.wfile.write(b"x" * min(PIECE, order["size"] - start))

    def do_die(self, order: dict[str, Any], body: bytes) -> None:
        os._exit(order.get("status", 9))

    def do_memory(self, order: dict[str, Any], body: bytes) -> None:
        """Take more and more memory."""
        taken = []
        while True:
            taken.append(b"x" * HUGE)

    def do_die_once(self, order: dict[str, Any], body: bytes) -> None:
        mark = Path(order["mark"])
        if not mark.exists():
            mark.touch()
            os._exit(9)
        self.answer(200, b"second time")

    def do_linger(self, order: dict[str, Any], body: bytes) -> None:
        """Hang up, and end a little later; until then hang up on everybody."""
        mark, process = Path(order["mark"]), str(os.getpid())
        if mark.exists() and mark.read_text() != process:
            self.answer(200, b"second time")
            return
        if not mark.exists():
            mark.write_text(process)
            threading.Timer(0.3, os._exit, (9,)).start()
        self.close_connection = True

    def do_gate(self, order: dict[str, Any], body: bytes) -> None:
        """Leave a mark, wait for another one."""
        Path(order["arrived"]).touch()
        wait_for(order["open"])
        self.answer(200, os.environ.get("VERSION", "through").encode())

    def do_no_length(self, order: dict[str, Any], body: bytes) -> None:
        self.send_response(200)
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(b"without length")
        self.close_connection = True

    def answer(self, status: int, body: bytes, *, content_type: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Silence: /ping is asked all the time."""


def wait_for(gate: str) -> None:
    """Wait until there is a file of that name."""
    deadline = time.monotonic() + LONGEST_WAIT
    while not Path(gate.removeprefix("file:")).exists() and time.monotonic() < deadline:
        time.sleep(0.01)


def linger(*_: object) -> None:
    """Take as long to end as the gate is closed."""
    wait_for(os.environ["ENDS_BEHIND"])
    sys.exit()


def tidy_up(*_: object) -> None:
    """Take a while to end, and say when all is done."""
    time.sleep(0.5)
    print("all put away", flush=True)
    sys.exit()


def main() -> None:
    starts = os.environ.get("STARTS", "well")
    print(f"program {sys.argv[1:]} starts {starts}", flush=True)
    if gate := os.environ.get("STARTS_BEHIND"):
        wait_for(gate)
    if starts == "crash":
        raise RuntimeError("the model cannot be loaded")
    if starts == "exit":
        sys.exit(7)
    if starts == "deaf":
        signal.signal(signal.SIGTERM, lambda *_: print("SIGTERM is not for me", flush=True))
    if starts == "tidy":
        signal.signal(signal.SIGTERM, tidy_up)
    if starts == "lingering":
        signal.signal(signal.SIGTERM, linger)
    if starts == "with_child" and os.fork() == 0:
        time.sleep(300)
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Handler)
    server.daemon_threads = True
    server.serve_forever()


if __name__ == "__main__":
    main()

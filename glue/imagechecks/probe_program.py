"""What is run inside a container to look at it: a program of its own that needs Python's standard library alone.

It reads a JSON object a line and answers each with one, in any order, with the same `id`. Being inside, it needs no
network between the machine and the container, and measures no way between them.
"""

import base64
import http.client
import json
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any


def exchange(  # noqa: PLR0917 - called by name
    port: int, method: str, path: str, headers: dict[str, str], body: str | None, timeout: float
) -> dict[str, Any]:
    """One HTTP request to this container's server: status, headers, body, and how long it took in seconds."""
    started = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.connect()
        connected = time.perf_counter() - started
        connection.request(method, path, body=base64.b64decode(body) if body is not None else None, headers=headers)
        response = connection.getresponse()
        content = response.read()
        return {
            "status": response.status,
            "headers": {name.lower(): value for name, value in response.getheaders()},
            "body": base64.b64encode(content).decode("ascii"),
            "connect_seconds": connected,
            "seconds": time.perf_counter() - started,
        }
    finally:
        connection.close()


def sockets() -> dict[str, str]:
    """The kernel's tables of this container's TCP sockets."""
    found = {}
    for name in ("tcp", "tcp6"):
        try:
            found[name] = Path("/proc/net", name).read_text()
        except OSError:
            found[name] = ""
    return found


def memory() -> dict[str, int]:
    """Bytes of memory that this container's processes, without this one, share with no file."""
    total = 0
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            lines = (entry / "status").read_text().splitlines()
        except OSError:
            continue  # it has just ended
        fields = dict(line.split(":", 1) for line in lines if ":" in line)
        total += int(fields.get("RssAnon", "0 kB").split()[0]) * 1024
    return {"anonymous": total}


ACTIONS: dict[str, Callable[..., Any]] = {"exchange": exchange, "sockets": sockets, "memory": memory}


def main() -> None:
    """Answer until the input ends."""
    lock = threading.Lock()

    def answer(asked: dict[str, Any]) -> None:
        try:
            reply = {"id": asked["id"], "answer": ACTIONS[asked["action"]](**asked["arguments"])}
        except Exception as error:  # noqa: BLE001 - whatever it is, the one who asked is told
            reply = {"id": asked["id"], "error": type(error).__name__ + ": " + str(error)}
        with lock:
            sys.stdout.write(json.dumps(reply) + "\n")
            sys.stdout.flush()

    for line in sys.stdin:
        threading.Thread(target=answer, args=(json.loads(line),), daemon=True).start()


if __name__ == "__main__":
    main()

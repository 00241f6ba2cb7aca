"""What is run inside a container to look at it: a program of its own that needs Python's standard library alone.

It is asked by a line of JSON, which says how many bytes of a body follow it, and answers with one. The body of an
answer comes before that, in pieces, each with a line that says how long it is. Being inside, the program needs no
network between the machine and the container and measures no way between them; it shares the container's memory, so
that no body is ever whole here.
"""

import contextlib
import http.client
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

PIECE = 1 << 16


class Body:
    """The next `left` bytes of `source`."""

    def __init__(self, source: BinaryIO, left: int) -> None:
        self.left = left
        self._source = source

    def read(self, size: int = PIECE) -> bytes:
        """At most `size` bytes; none at the end."""
        piece = self._source.read(min(size, PIECE, self.left))
        self.left -= len(piece)
        if not piece:
            self.left = 0
        return piece


def reply(line: dict[str, Any], piece: bytes = b"") -> None:
    """Write a line, and the piece of a body that it announces."""
    sys.stdout.buffer.write(json.dumps(line).encode() + b"\n" + piece)
    sys.stdout.buffer.flush()


def exchange(  # noqa: PLR0917 - called by name
    body: Body, port: int, method: str, path: str, headers: dict[str, str], timeout: float
) -> dict[str, Any]:
    """One HTTP request to this container's server: status, headers, and how long it took in seconds."""
    started = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.connect()
        connected = time.perf_counter() - started
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it wants no more, and may have said why
            connection.request(method, path, body=body if method == "POST" else None, headers=headers)
        response = connection.getresponse()
        while piece := response.read(PIECE):
            reply({"piece": len(piece)}, piece)
        if response.length:
            raise http.client.IncompleteRead(b"", response.length)
        return {
            "status": response.status,
            "headers": {name.lower(): value for name, value in response.getheaders()},
            "connect_seconds": connected,
            "seconds": time.perf_counter() - started,
        }
    finally:
        connection.close()


def sockets(_: Body) -> dict[str, str]:
    """The kernel's tables of this container's TCP sockets."""
    found = {}
    for name in ("tcp", "tcp6"):
        try:
            found[name] = Path("/proc/net", name).read_text()
        except OSError:
            found[name] = ""
    return found


def memory(_: Body) -> dict[str, int]:
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


def processes(_: Body) -> dict[str, str]:
    """The names of the container's own processes, each by its id and the moment of its start.

    Those that were started from outside, as this one was, have no parent inside.
    """
    found = {}
    for entry in Path("/proc").iterdir():
        try:
            text = (entry / "stat").read_text() if entry.name.isdigit() else ""
        except OSError:
            continue  # it has just ended
        name, _separator, rest = text.partition("(")[2].rpartition(") ")
        fields = rest.split()
        if fields and (fields[1] != "0" or entry.name == "1"):
            found[f"{entry.name}/{fields[19]}"] = name
    return found


ACTIONS: dict[str, Callable[..., Any]] = {
    "exchange": exchange,
    "sockets": sockets,
    "memory": memory,
    "processes": processes,
}


def main() -> None:
    """Answer until the input ends."""
    source = sys.stdin.buffer
    while line := source.readline():
        asked = json.loads(line)
        body = Body(source, asked["bytes"])
        try:
            last = {"answer": ACTIONS[asked["action"]](body, **asked["arguments"])}
        except Exception as error:  # noqa: BLE001 - whatever it is, the one who asked is told
            last = {"error": type(error).__name__ + ": " + str(error)}
        while body.left:
            body.read()
        reply(last)


if __name__ == "__main__":
    main()

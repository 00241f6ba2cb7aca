"""How answers reach a client, seen byte by byte."""

import json
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from glue.localcloud import daemon
from glue.localcloud.state import StateDir
from tests.localcloud.support import REGION

_AUTHORIZATION = f"AWS4-HMAC-SHA256 Credential=444455556666/20260101/{REGION}/sagemaker/aws4_request, Signature=0"


@contextmanager
def connection(cloud: daemon.Status) -> Iterator[socket.socket]:
    place = urlsplit(cloud.endpoint_url or "")
    with socket.create_connection((place.hostname, place.port), timeout=30) as opened:
        yield opened


def head(operation: str, body: bytes, *more: str) -> bytes:
    lines = [
        "POST / HTTP/1.1",
        "Host: localhost",
        f"Authorization: {_AUTHORIZATION}",
        f"X-Amz-Target: SageMaker.{operation}",
        "Content-Type: application/x-amz-json-1.1",
        f"Content-Length: {len(body)}",
        *more,
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def test_a_small_answer_comes_in_one_piece(cloud: daemon.Status) -> None:
    body = json.dumps({"EndpointConfigName": "nowhere"}).encode()
    for _ in range(100):  # in two pieces, they are seldom read together
        with connection(cloud) as client:
            client.sendall(head("DescribeEndpointConfig", body) + body)
            answer = client.recv(65536)
        assert b"Could not find endpoint configuration" in answer


def test_a_client_that_asks_whether_it_may_go_on_is_told_at_once(cloud: daemon.Status) -> None:
    body = json.dumps({"EndpointConfigName": "nowhere"}).encode()
    with connection(cloud) as client:
        client.sendall(head("DescribeEndpointConfig", body, "Expect: 100-continue"))
        assert client.recv(65536).startswith(b"HTTP/1.1 100 Continue\r\n\r\n")
        client.sendall(body)
        with client.makefile("rb") as stream:
            assert b"Could not find endpoint configuration" in stream.read()


def test_a_client_that_goes_away_leaves_no_trace(cloud: daemon.Status, cloud_dir: Path) -> None:
    body = json.dumps({"EndpointConfigName": "nowhere"}).encode()
    log = StateDir(cloud_dir).log_file
    before = len(log.read_text())
    for _ in range(20):
        with connection(cloud) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # ends with a reset
            client.sendall(head("DescribeEndpointConfig", body) + body)
    with connection(cloud) as client:
        client.sendall(head("DescribeEndpointConfig", body) + body)
        assert client.recv(65536)
    assert "Exception" not in log.read_text()[before:]

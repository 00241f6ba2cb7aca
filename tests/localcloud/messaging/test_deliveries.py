import http.server
import threading
from collections.abc import Iterator

import pytest

from glue.localcloud.messaging.deliveries import is_on_this_machine
from tests.localcloud.support import Account, eventually


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://127.0.0.1:8080/hook", True),
        ("https://localhost/hook", True),
        ("http://[::1]:1/", True),
        ("https://example.com/hook", False),
        ("https://127.0.0.1.example.com/", False),
        ("https://10.0.0.1/", False),
        ("https://", False),
    ],
)
def test_only_loopback_addresses_are_on_this_machine(url: str, here: bool) -> None:
    assert is_on_this_machine(url) == here


@pytest.fixture
def webhook() -> Iterator[tuple[str, list[bytes]]]:
    """A webhook on this machine: its address, and what it was sent."""
    received: list[bytes] = []

    class Hook(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/", received
    server.shutdown()
    thread.join()
    server.server_close()


def test_publishing_works_whatever_becomes_of_a_delivery(account: Account, webhook: tuple[str, list[bytes]]) -> None:
    url, received = webhook
    topic, inbox = account.topic("unlucky")
    sns = account.client("sns")
    for protocol, endpoint in (
        ("https", "https://webhook.example.com/"),
        ("http", "http://127.0.0.1:9/"),
        ("sqs", "arn:aws:sqs:us-east-1:111122223333:nowhere"),
        ("http", url),
    ):
        sns.subscribe(TopicArn=topic, Protocol=protocol, Endpoint=endpoint)
    sns.publish(TopicArn=topic, Message='{"eventName": "InferenceResult"}')
    assert len(inbox.results()) == 1
    eventually(lambda: any(b"InferenceResult" in body for body in received), what="the webhook is called")

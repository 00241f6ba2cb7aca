import http.server
import sys
import threading
from collections.abc import Iterator

import pytest

from glue.localcloud import daemon
from glue.localcloud.messaging.deliveries import is_on_this_machine
from tests.localcloud.support import Account, eventually, memory_of


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


@pytest.mark.skipif(sys.platform != "linux", reason="reads a process's memory in /proc")
def test_messages_that_were_delivered_take_no_memory(account: Account, cloud: daemon.Status) -> None:
    topic = account.client("sns").create_topic(Name="nobody-listens")["TopicArn"]
    message = "x" * 200_000

    def publish(times: int) -> None:
        for _ in range(times):
            account.client("sns").publish(TopicArn=topic, Message=message)

    publish(20)
    before = memory_of(cloud.pid, "VmRSS")
    publish(300)
    assert memory_of(cloud.pid, "VmRSS") - before < 300 * len(message) / 4

"""What speaks HTTP with one client."""

import contextlib

from moto.moto_server.werkzeug_app import MotoRequestHandler


class RequestHandler(MotoRequestHandler):  # type: ignore[misc]
    """Sends a small answer in one piece, as AWS does.

    Head and body sent one after the other lose answers: a client in Go may end the connection between the two and
    repeat a request that was carried out (https://github.com/aws/aws-sdk-go-v2/issues/2737), so that Terraform is
    told that what it creates exists already.
    """

    wbufsize = 64 * 1024

    def handle_expect_100(self) -> bool:
        """Tell a client at once that it may send its body."""
        goes_on: bool = super().handle_expect_100()
        self.wfile.flush()
        return goes_on

    def finish(self) -> None:
        """End the connection. What is left for a client that went away is nobody's loss."""
        with contextlib.suppress(ConnectionError):
            super().finish()

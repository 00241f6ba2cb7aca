import asyncio
import socket
from types import SimpleNamespace
from typing import Any

import pytest
import uvicorn
from hypothesis import given
from hypothesis import strategies as st

from serving.connections import Stalled, Together, waiting_for_clients


def connection(*, complete: bool, paused: bool = False, left: int = 0) -> SimpleNamespace:
    return SimpleNamespace(
        cycle=SimpleNamespace(response_complete=complete),
        flow=SimpleNamespace(write_paused=paused),
        transport=SimpleNamespace(get_write_buffer_size=lambda: left),
    )


def test_only_connections_whose_client_is_to_act_are_waited_for() -> None:
    idle, running = connection(complete=True), connection(complete=False)
    reading = connection(complete=False, paused=True, left=10)
    new = SimpleNamespace(cycle=None)
    waiting = waiting_for_clients([idle, running, reading, new])
    assert [one for one, _ in waiting] == [idle, reading, new]


@given(st.lists(st.tuples(st.floats(0, 30), st.integers(0, 1)), max_size=30))
def test_who_is_stalled_has_not_moved_for_the_whole_time(looks: list[tuple[float, int]]) -> None:
    stalled, now, since, last = Stalled(60), 0.0, 0.0, None
    for pause, progress in looks:
        now += pause
        if progress != last:
            since, last = now, progress
        assert stalled.found([("a", progress)], now) == (["a"] if now - since >= 60 else [])


def test_who_was_away_in_between_starts_anew() -> None:
    stalled = Stalled(60)
    stalled.found([("a", 1)], 0)
    stalled.found([], 30)
    assert stalled.found([("a", 1)], 70) == []


async def stream(scope: object, receive: object, send: Any) -> None:
    """An application whose answer is larger than any buffer."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"100000000")]})
    for _ in range(100):
        await send({"type": "http.response.body", "body": bytes(1_000_000), "more_body": True})
    await send({"type": "http.response.body"})


@pytest.mark.parametrize("parser", ["httptools", "h11"])
@pytest.mark.parametrize("sent", [b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"])
def test_uvicorns_connections_show_that_they_wait_and_can_be_ended(parser: Any, sent: bytes) -> None:
    async def scenario() -> None:
        server = uvicorn.Server(uvicorn.Config(stream, http=parser, lifespan="off", log_config=None))
        listener = socket.create_server(("127.0.0.1", 0))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        client = socket.create_connection(listener.getsockname())
        client.sendall(sent)
        async with asyncio.timeout(20):
            while not (waiting := waiting_for_clients(server.server_state.connections)):
                await asyncio.sleep(0)
        waiting[0][0].transport.abort()
        async with asyncio.timeout(20):
            while server.server_state.connections or server.server_state.tasks:
                await asyncio.sleep(0)
        client.close()
        server.should_exit = True
        await serving

    asyncio.run(scenario())


class Recorder(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.events: list[object] = []

    def writelines(self, list_of_data: object) -> None:
        self.events.append(list_of_data)

    def close(self) -> None:
        self.events.append("closed")


def test_what_is_written_in_one_turn_goes_out_at_once_and_before_the_end() -> None:
    recorder = Recorder()

    async def scenario() -> None:
        together = Together(recorder)
        together.write(b"head")
        together.write(b"body")
        assert recorder.events == []
        await asyncio.sleep(0)
        together.write(b"large" * 20_000)
        assert len(recorder.events) == 2
        together.write(b"last")
        together.close()

    asyncio.run(scenario())
    assert recorder.events == [[b"head", b"body"], [b"large" * 20_000], [b"last"], "closed"]

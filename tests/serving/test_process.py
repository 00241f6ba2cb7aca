"""One worker process, as the server holds it, at moments that a client cannot bring about."""

import asyncio
import os
import select
from typing import Any

from serving.payloads import Payload
from serving.process import Job, WorkerProcess
from tests.serving.conftest import DEADLINE, Launcher

HANDLER = """
    import signal

    def model_fn(model_dir):
        pass

    def transform_fn(model, body, content_type, accept):
        if body == b"hang":
            signal.pause()
        return body
"""


def job(body: bytes) -> Job:
    reply = asyncio.get_running_loop().create_future()
    return Job({"inference_id": None, "headers": {}}, Payload.of(body), reply)


def test_a_request_that_replied_while_it_was_given_up_does_not_take_the_next_one_with_it(launch: Launcher) -> None:
    launch.write(HANDLER)
    setup = {
        "model_dir": str(launch.model),
        "program": "inference.py",
        "search_paths": [str(launch.code)],
        "default_accept": "application/json",
        "warmup": None,
    }

    async def scenario() -> None:
        ready = asyncio.Event()

        def note(_: WorkerProcess, message: dict[str, Any]) -> None:
            if message["type"] == "ready":
                ready.set()

        worker = WorkerProcess(setup, on_message=note, on_idle=lambda _: None, on_line=lambda *_: None)
        async with asyncio.timeout(DEADLINE):
            await ready.wait()
        first, second = job(b"quick"), job(b"hang")
        worker.start(first)
        worker.start(second)
        worker._flush()
        assert select.select([worker._sock], [], [], DEADLINE)[0], "the first has its reply, not read yet"
        worker.give_up(first)
        os.waitpid(worker.pid, 0)
        assert worker.exited("was killed") == [second]
        assert first.reply.result().payload.data == b"quick"
        assert not second.reply.done()

    asyncio.run(scenario())

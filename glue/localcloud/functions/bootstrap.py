"""What runs a function's handler: the program of an execution environment. Standard library only.

Its one argument is the descriptor of a socket. An invocation comes as a line of JSON, and so goes its outcome.
https://docs.aws.amazon.com/lambda/latest/dg/python-context.html
"""

import importlib
import json
import os
import resource
import socket
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any

_FRAMES_OF_OUR_OWN = 1


class Context:
    """What a handler is told beside the event."""

    def __init__(self, request: dict[str, Any]) -> None:
        self.aws_request_id = request["request_id"]
        self.invoked_function_arn = request["function_arn"]
        self.function_name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = os.environ["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = os.environ["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = os.environ["AWS_LAMBDA_LOG_STREAM_NAME"]
        self.identity = None
        self.client_context = None
        self._deadline = time.monotonic() + request["seconds"]

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the run is killed."""
        return max(0, int((self._deadline - time.monotonic()) * 1000))


def main() -> None:
    """Run the handler for each invocation until the socket is closed."""
    sys.path.insert(0, os.environ["LAMBDA_TASK_ROOT"])
    with socket.socket(fileno=int(sys.argv[1])) as channel, channel.makefile("rwb") as stream:
        handler: Callable[[Any, Context], Any] | None = None
        for line in stream:
            request = json.loads(line)
            print(f"START RequestId: {request['request_id']} Version: $LATEST", flush=True)
            started = time.monotonic()
            outcome: dict[str, Any]
            try:
                handler = handler or _load(os.environ["_HANDLER"])
                outcome = {"result": json.dumps(handler(request["event"], Context(request)))}
            except Exception as error:  # noqa: BLE001 - whatever a handler raises is its outcome
                outcome = {"error": _described(error)}
                print(f"[ERROR] {type(error).__name__}: {error}\n{''.join(outcome['error']['stackTrace'])}", flush=True)
            milliseconds, used = (time.monotonic() - started) * 1000, _memory()
            sys.stdout.flush()
            print(
                f"END RequestId: {request['request_id']}\nREPORT RequestId: {request['request_id']}\t"
                f"Duration: {milliseconds:.2f} ms\tMemory Size: {os.environ['AWS_LAMBDA_FUNCTION_MEMORY_SIZE']} MB\t"
                f"Max Memory Used: {used} MB",
                flush=True,
            )
            stream.write(json.dumps(outcome).encode() + b"\n")
            stream.flush()


def _load(name: str) -> Callable[[Any, Context], Any]:
    module, _, function = name.rpartition(".")
    loaded: Callable[[Any, Context], Any] = getattr(importlib.import_module(module.replace("/", ".")), function)
    return loaded


def _described(error: Exception) -> dict[str, Any]:
    frames = traceback.extract_tb(error.__traceback__)[_FRAMES_OF_OUR_OWN:]
    return {
        "errorMessage": str(error),
        "errorType": type(error).__name__,
        "stackTrace": traceback.format_list(frames),
    }


def _memory() -> int:
    """The most megabytes of this process: the system counts kilobytes, macOS bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(peak / (1024 * 1024 if sys.platform == "darwin" else 1024))


if __name__ == "__main__":
    main()

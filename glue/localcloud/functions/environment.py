"""An execution environment: a process that runs one function's handler, one invocation at a time."""

import io
import json
import re
import socket
import sys
import uuid
import zipfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from glue.localcloud import trees
from glue.localcloud.clients import Clients
from glue.localcloud.compute.log_shipper import LogShipper, Stream
from glue.localcloud.compute.processes import Guard, ProcessContainer, confinement
from glue.localcloud.functions import bootstrap
from glue.localcloud.functions.definition import Definition

_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_-]")


@dataclass(frozen=True)
class Outcome:
    """What an invocation came to: the handler's answer as JSON, or, if it failed, the error as a document."""

    payload: str
    failed: bool

    @property
    def message(self) -> str:
        """What went wrong, in a sentence; "" for a success."""
        return str(json.loads(self.payload).get("errorMessage", "")) if self.failed else ""


def failure(message: str, kind: str) -> Outcome:
    """An invocation that ended without the handler's own error."""
    return Outcome(json.dumps({"errorMessage": message, "errorType": kind}), failed=True)


class BrokenError(Exception):
    """There is no environment any more; `outcome` is that of the invocation."""

    def __init__(self, message: str, kind: str) -> None:
        super().__init__(message)
        self.outcome = failure(message, kind)


@dataclass(frozen=True)
class Machine:
    """What environments are built with. Their folders lie in `folder`, the code of their functions in `code`."""

    clients: Clients
    logs: LogShipper
    guard: Guard
    folder: Path
    code: Path


class ExecutionEnvironment:
    """A process of a function, started with nothing of this machine's environment but the place of its interpreter."""

    def __init__(self, machine: Machine, function: Definition, now: datetime) -> None:
        self.revision = function.revision
        self._function = function
        identity = uuid.uuid4().hex
        self._folder = machine.folder / f"function-{_NOT_IN_A_NAME.sub('-', function.name)}-{identity[:12]}"
        log = Stream(function.scope, f"/aws/lambda/{function.name}", f"{now:%Y/%m/%d}/[$LATEST]{identity}")
        (self._folder / "tmp").mkdir(parents=True)
        self._sink = machine.logs.sink(log)
        self._channel, theirs = socket.socketpair()
        with theirs:
            descriptor = theirs.fileno()
            self._process = ProcessContainer(
                # Isolated: neither its variables nor its folder say where modules come from.
                [*confinement(), sys.executable, "-I", "-B", "-u", bootstrap.__file__, str(descriptor)],
                _variables(machine, function, self._folder, unpacked(machine.code, function), log=log),
                self._folder,
                port=0,
                sink=self._sink,
                the_guard=machine.guard,
                descriptors=(descriptor,),
            )
        self._stream = self._channel.makefile("rwb")

    def invoke(self, request_id: str, event: Any) -> Outcome:
        """Run the handler.

        Raises:
            BrokenError: it took longer than its timeout, or ended the process. This environment is of no more use.
        """
        seconds = self._function.timeout
        order = {"request_id": request_id, "event": event, "seconds": seconds, "function_arn": self._function.arn}
        self._channel.settimeout(seconds)  # of the machine's clock: what a handler does is real work
        try:
            self._stream.write(json.dumps(order).encode() + b"\n")
            self._stream.flush()
            answer = self._stream.readline()
        except TimeoutError:
            self.close()
            message = f"{request_id} Task timed out after {seconds:.2f} seconds"
            self._sink(message)
            raise BrokenError(message, "Sandbox.Timedout") from None
        except OSError:
            answer = b""
        if not answer.endswith(b"\n"):
            status = self._process.wait()
            self.close()
            message = f"RequestId: {request_id} Error: Runtime exited with error: exit status {status}"
            self._sink(message)
            raise BrokenError(message, "Runtime.ExitError")
        document = json.loads(answer)
        if "error" in document:
            return Outcome(json.dumps(document["error"]), failed=True)
        return Outcome(document["result"], failed=False)

    def close(self) -> None:
        """End it and all it started."""
        self._process.stop(0)
        self._channel.close()
        trees.remove(self._folder)


def unpacked(code: Path, function: Definition) -> Path:
    """The folder of the function's code, read-only as on Lambda; unpacked once.

    Raises:
        BrokenError: the package is no archive, or would write outside of its folder.
    """
    folder = code / f"function-{function.revision[:32]}"
    if folder.exists():
        return folder
    temporary = code / f"{folder.name}.{uuid.uuid4().hex}"
    temporary.mkdir(parents=True)
    try:
        with zipfile.ZipFile(io.BytesIO(function.code)) as package:
            for name in package.namelist():
                if not (temporary / name).resolve().is_relative_to(temporary.resolve()):
                    raise BrokenError(f"{name}: lies outside of the package", "InvalidZipFileException")
            package.extractall(temporary)
    except zipfile.BadZipFile as error:
        raise BrokenError(f"the function's package is no ZIP archive: {error}", "InvalidZipFileException") from error
    trees.make_read_only(temporary)
    try:
        temporary.rename(folder)
    except OSError:  # another environment was faster
        trees.remove(temporary)
    return folder


def _variables(machine: Machine, function: Definition, folder: Path, root: Path, *, log: Stream) -> dict[str, str]:
    """https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime."""
    temporary = str(folder / "tmp")
    return {
        **function.variables,
        "_HANDLER": function.handler,
        "AWS_ACCESS_KEY_ID": function.scope.account,
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_ENDPOINT_URL": machine.clients.url,
        "AWS_REGION": function.scope.region,
        "AWS_DEFAULT_REGION": function.scope.region,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.runtime}",
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory),
        "AWS_LAMBDA_LOG_GROUP_NAME": log.group,
        "AWS_LAMBDA_LOG_STREAM_NAME": log.name,
        "LAMBDA_TASK_ROOT": str(root),
        "HOME": temporary,
        "TMPDIR": temporary,
        "LANG": "C.UTF-8",
        "TZ": ":UTC",
        "PATH": "/usr/local/bin:/usr/bin:/bin",
    }

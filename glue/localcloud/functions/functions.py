"""All functions of the local cloud, each in a place of its own that is made when it is first invoked."""

import threading
from typing import Any

from glue.localcloud.accounts import Scope
from glue.localcloud.clock import Clock
from glue.localcloud.functions.counts import Counts
from glue.localcloud.functions.definition import Definition, definition
from glue.localcloud.functions.environment import Machine, Outcome
from glue.localcloud.functions.host import Host

_TENDED_EVERY = 0.5  # seconds of the machine's clock


class UnknownFunctionError(Exception):
    """There is no such function."""


class UnrunnableError(Exception):
    """The function is none of Python; the message says what it is."""


class Functions:
    """Invokes functions by name or ARN."""

    def __init__(self, machine: Machine, clock: Clock) -> None:
        self.counts = Counts()
        self._machine = machine
        self._clock = clock
        self._hosts: dict[str, Host] = {}
        self._lock = threading.Lock()
        self._closing = threading.Event()

    def submit(self, scope: Scope, name: str, payload: Any) -> str:
        """Put an event into the function's queue; its request id.

        Raises:
            UnknownFunctionError: no such function.
            UnrunnableError: it cannot be run here.
        """
        return self._host(scope, name).submit(payload)

    def call(self, scope: Scope, name: str, payload: Any) -> Outcome:
        """Run the function and wait for its outcome.

        Raises:
            UnknownFunctionError: no such function.
            UnrunnableError: it cannot be run here.
            ThrottledError: it runs as often as it may already.
        """
        return self._host(scope, name).call(payload)

    def find(self, scope: Scope, name: str) -> Definition:
        """The function's definition.

        Raises:
            UnknownFunctionError: no such function.
            UnrunnableError: it cannot be run here.
        """
        found = definition(scope, name)
        if found is None:
            raise UnknownFunctionError(name)
        if not found.runtime.startswith("python"):
            raise UnrunnableError(f"{found.name} has runtime {found.runtime or 'none'}: only Python's are run here")
        return found

    def close(self) -> None:
        """Start nothing more."""
        self._closing.set()
        with self._lock:
            for host in self._hosts.values():
                host.close()

    def _host(self, scope: Scope, name: str) -> Host:
        found = self.find(scope, name)
        with self._lock:
            if not self._hosts:
                threading.Thread(target=self._tend, name="functions", daemon=True).start()
            if found.arn not in self._hosts:
                self._hosts[found.arn] = Host(
                    self._machine, self._clock, self.counts, lambda: definition(scope, found.name)
                )
            return self._hosts[found.arn]

    def _tend(self) -> None:
        while not self._closing.wait(_TENDED_EVERY):
            with self._lock:
                hosts = list(self._hosts.values())
            for host in hosts:
                host.tend()

"""The checks that need the container to run: it is started, asked, watched and stopped."""

import threading
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from glue.checks.plan import Planned
from glue.checks.verdicts import Finding, failed, passed
from glue.engines import Container, Engine, ImageFacts, Limits
from glue.engines.commands import CommandError
from glue.imagechecks import judging
from glue.imagechecks.probe import Answer, Probe, ProbeError
from glue.imagechecks.sockets import listening
from glue.images.context import MODEL_DIR
from glue.ports import free_port
from glue.progress import Reporter
from glue.workloads import ContainerNeeds
from glue.workloads.golden import GoldenCase

START = "start"
GOLDEN = "golden"
PORT = 8080
OTHER_USER = "65532:65532"

_PORT_SETTING = "SAGEMAKER_BIND_TO_PORT"
_POLL_SECONDS = 0.05
_END_SECONDS = 0.5
"""How long after an answer that did not come a container may take until its end is known."""
_PING_PAUSE = 0.02
_BAD = ("content type application/x-no-such-type", "application/x-no-such-type", b"not a request\n")
_MOST_REQUESTS = 200


@dataclass(frozen=True)
class Patience:
    """How long is waited, in seconds: for a container that is watched, one request, and the end after SIGTERM."""

    observe: float
    request: float = 900.0
    stop: float = judging.STOP_SECONDS


@dataclass
class Exercise:
    """One image, run with what its workload needs and no more. `resources` ends what was started."""

    engine: Engine
    image: ImageFacts
    needs: ContainerNeeds
    cases: list[GoldenCase]
    model: Path | None
    patience: Patience
    reporter: Reporter
    resources: ExitStack
    _container: Container | None = field(default=None, init=False)
    _probe: Probe | None = field(default=None, init=False)
    _started: float = field(default=0.0, init=False)
    _processes: Mapping[str, str] = field(default_factory=dict, init=False)

    def planned(self) -> list[Planned]:
        """The checks in their order; those that need a server rest on `start`."""
        ready = (START,)
        checks = [
            Planned(START, self._start),
            Planned("address", self._address, ready),
            Planned("ping", self._ping, ready),
            Planned("idle-memory", self._idle_memory, ready),
            Planned(GOLDEN, self._golden, ready),
            Planned("bad-request", self._bad_request, ready),
            Planned("ping-while-predicting", self._ping_while_predicting, (START, GOLDEN)),
            Planned("leak", self._leak, (START, GOLDEN)),
            Planned("stays-up", self._stays_up, ready),
            Planned("logs", self._logs, ready),
            Planned("model-dir", self._model_dir, ready),
            Planned("sigterm", self._sigterm, (START, "stays-up")),
            Planned("other-user", self._other_user, ready),
        ]
        return [Planned(one.id, self._guarded(one), one.requires) for one in checks]

    def _guarded(self, planned: Planned) -> Callable[[], Finding]:
        """A check that says how the container ended, when that is why nothing answered."""

        def run() -> Finding:
            try:
                return planned.run()
            except ProbeError as error:
                container = self._container
                if container is not None and container.wait(_END_SECONDS):
                    return self._exited(container, f"during the check {planned.id}")
                return failed(f"the server did not answer: {error.message}")

        return run

    @property
    def _port(self) -> int:
        """The usual port; where the container shares the machine's network, one that is free there."""
        if not self.needs.network or self.engine.network != "host":
            return PORT
        return free_port()

    def _run(self, user: str | None) -> tuple[Finding, Container | None, Probe | None]:
        """Start a container and wait until it is ready."""
        port = self._port
        limits = Limits(
            memory=self.needs.memory_mib << 20,
            network=self.needs.network,
            mounts={MODEL_DIR: self.model} if self.model else {},
            user=user,
            gpus=self.needs.variant == "cuda",
        )
        started = time.monotonic()
        try:
            container = self.engine.run(
                self.image.id, ["serve"], limits, {} if port == PORT else {_PORT_SETTING: str(port)}
            )
        except CommandError as error:
            return judging.not_started(error.output.strip(), self.image), None, None
        self.resources.enter_context(container)
        try:
            probe = self.resources.enter_context(Probe(container, port))
        except ProbeError as error:
            if container.wait(_END_SECONDS):
                return self._exited(container, "before it answered /ping"), None, None
            return failed(error.message), None, None
        finding = self._await_ready(container, probe, port, started)
        return finding, container, probe

    def _await_ready(self, container: Container, probe: Probe, port: int, started: float) -> Finding:
        limit = self.needs.startup_seconds
        last = "no answer"
        while time.monotonic() - started < limit:
            try:
                answer = probe.http("GET", "/ping", seconds=min(judging.PING_SECONDS * 2, limit))
            except ProbeError as error:
                last = error.message
            else:
                if answer.status == 200:
                    seconds = time.monotonic() - started
                    return passed(
                        f"/ping answers 200 after {seconds:.1f} s",
                        seconds=round(seconds, 2),
                        network=self.engine.network if self.needs.network else "none",
                        memory_bytes=self.needs.memory_mib << 20,
                    )
                last = f"status {answer.status}: {answer.body[:200].decode('utf-8', errors='replace')}"
            if container.wait(_POLL_SECONDS):
                return self._exited(container, "before it answered /ping")
        # On the machine's own network the sockets are everybody's.
        found = None if port != PORT else listening(probe.sockets())
        return judging.not_ready(found, port, last, container.logs(), seconds=limit)

    def _start(self) -> Finding:
        self._started = time.monotonic()
        finding, self._container, self._probe = self._run(None)
        if finding.verdict == "pass":
            self._processes = self._running[1].processes()
        return finding

    @property
    def _running(self) -> tuple[Container, Probe]:
        assert self._container is not None and self._probe is not None  # noqa: S101, PT018 - `start` passed
        return self._container, self._probe

    def _exited(self, container: Container, when: str) -> Finding:
        return judging.exited(container.exit(), container.logs(), when=when)

    def _send(self, probe: Probe, content_type: str, body: bytes, accept: str | None = None) -> Answer:
        headers = {
            "Content-Type": content_type,
            "Accept": accept or "*/*",
            "X-Amzn-SageMaker-Inference-Id": uuid.uuid4().hex,
        }
        return probe.http("POST", "/invocations", headers=headers, body=body, seconds=self.patience.request)

    def _case(self, probe: Probe, case: GoldenCase) -> Answer:
        return self._send(probe, case.request.content_type, case.file.read_bytes(), case.request.accept)

    def _address(self) -> Finding:
        _, probe = self._running
        return judging.address(listening(probe.sockets()), probe.port)

    def _ping(self) -> Finding:
        _, probe = self._running
        seconds = judging.PING_SECONDS * 5
        return judging.ping([probe.http("GET", "/ping", seconds=seconds) for _ in range(3)], when="when idle")

    def _idle_memory(self) -> Finding:
        _, probe = self._running
        return judging.idle_memory(probe.memory(), self.needs.memory_mib << 20)

    def _golden(self) -> Finding:
        container, probe = self._running
        results: dict[str, str | None] = {}
        for number, case in enumerate(self.cases, start=1):
            try:
                results[case.name] = judging.wrong_answer(case, self._case(probe, case))
            except ProbeError as error:
                if container.wait(_END_SECONDS):
                    return self._exited(container, f"during the golden request {case.name}")
                results[case.name] = f"no answer: {error.message}"
            self.reporter.progress("golden requests", number, len(self.cases))
        return judging.golden(results)

    def _bad_request(self) -> Finding:
        container, probe = self._running
        bad = next((case for case in self.cases if case.expect.outcome == "failure"), None)
        what = f"golden request {bad.name}" if bad else _BAD[0]
        try:
            answer = self._case(probe, bad) if bad else self._send(probe, _BAD[1], _BAD[2])
            after = probe.http("GET", "/ping", seconds=judging.PING_SECONDS * 2)
        except ProbeError as error:
            if container.wait(_END_SECONDS):
                return self._exited(container, f"after a bad request ({what})")
            return failed(f"the bad request ({what}) got no answer: {error.message}")
        return judging.bad_request(what, answer, after)

    @property
    def _good(self) -> GoldenCase | None:
        return next((case for case in self.cases if case.expect.outcome == "success"), None)

    def _ping_while_predicting(self) -> Finding:
        container, probe = self._running
        case = self._good
        if case is None:
            return Finding("skip", "no golden request expects a success")
        answers: list[Answer] = []
        with Probe(container, probe.port) as pinging:
            request = threading.Thread(target=lambda: self._quietly(probe, case), daemon=True)
            request.start()
            try:
                while request.is_alive() or not answers:
                    answers.append(pinging.http("GET", "/ping", seconds=judging.PING_SECONDS * 5))
                    request.join(_PING_PAUSE)
            finally:  # its answer must not be taken for that to a later question
                request.join()
        return judging.ping(answers, when="while a request runs")

    def _quietly(self, probe: Probe, case: GoldenCase) -> None:
        try:
            self._case(probe, case)
        except ProbeError:
            return  # the next check tells how the container is

    def _leak(self) -> Finding:
        """Repeat one request while the container is watched: up to half of that time."""
        _, probe = self._running
        case = self._good
        if case is None:
            return Finding("skip", "no golden request expects a success")
        samples: list[int] = []
        until = time.monotonic() + self.patience.observe / 2
        while len(samples) < _MOST_REQUESTS and time.monotonic() < until:
            self._case(probe, case)
            samples.append(probe.memory())
            self.reporter.progress("equal requests", len(samples), None)
        return judging.leak(samples)

    def _stays_up(self) -> Finding:
        container, probe = self._running
        rest = max(0.0, self._started + self.patience.observe - time.monotonic())
        if container.wait(rest):
            seconds = time.monotonic() - self._started
            return self._exited(container, f"by itself, {seconds:.0f} s after its start")
        answer = probe.http("GET", "/ping", seconds=judging.PING_SECONDS * 2)
        return judging.ping([answer], when=f"{time.monotonic() - self._started:.0f} s after the start")

    def _logs(self) -> Finding:
        container, probe = self._running
        seconds = time.monotonic() - self._started
        restarted = judging.restarted(self._processes, probe.processes())
        return judging.logs(container.logs(), restarted, seconds=seconds)

    def _model_dir(self) -> Finding:
        return judging.model_dir(self._running[0].changes(), MODEL_DIR)

    def _sigterm(self) -> Finding:
        return self._stop(*self._running)

    def _stop(self, container: Container, probe: Probe) -> Finding:
        probe.close()
        started = time.monotonic()
        container.terminate()
        ended = container.wait(self.patience.stop)
        seconds = time.monotonic() - started
        return judging.stopped(container.exit() if ended else None, seconds, limit=self.patience.stop)

    def _other_user(self) -> Finding:
        """It works as root, and as a user that the image does not know: whichever it is not by itself."""
        root = self.image.user.partition(":")[0] in {"", "0", "root"}
        user = OTHER_USER if root else "0:0"
        self._running[0].remove()
        finding, container, probe = self._run(user)
        self._container, self._probe = container, probe
        if finding.verdict != "pass" or container is None or probe is None:
            return failed(f"as user {user}: {finding.message}", user=user)
        case = self._good
        problem = judging.wrong_answer(case, self._case(probe, case)) if case else None
        if problem:
            return failed(f"as user {user}: {case.name if case else ''}: {problem}", user=user)
        stopped = self._stop(container, probe)
        return stopped if stopped.verdict == "fail" else passed(f"works as user {user} as well", user=user)

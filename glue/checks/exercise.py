"""The checks that send requests through a deployed endpoint."""

from collections.abc import Sequence
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path

from glue.checks import verdicts
from glue.checks.golden import judge
from glue.checks.inspection import IN_SERVICE
from glue.checks.listener import Listener, listening
from glue.checks.plan import Planned
from glue.checks.subject import Subject
from glue.checks.uploads import UploadCheck
from glue.checks.verdicts import Finding, failed, passed
from glue.cloud import Cloud
from glue.evidence import GoldenResult
from glue.invocation import EndpointClient, Payload, Result, Status, body_name, invoke_all, patience
from glue.progress import Reporter
from glue.workloads.golden import GoldenCase

GOLDEN = "golden"
NOTIFICATION_SECONDS = 60.0
"""How long a notification may come after the object that it announces; SNS delivers within seconds."""
BAD_CONTENT_TYPE = "application/x-no-such-type"


class Exercise:
    """Requests to the endpoint of `subject`, and what became of them.

    What they need (clients, a queue for the notifications) is made when first needed and closed with `resources`.
    Answers are kept in `work_dir`.
    """

    def __init__(
        self, subject: Subject, cloud: Cloud, reporter: Reporter, resources: ExitStack, work_dir: Path
    ) -> None:
        self.golden_results: list[GoldenResult] = []
        self._subject = subject
        self._cloud = cloud
        self._reporter = reporter
        self._resources = resources
        self._work_dir = work_dir
        self._completed: list[Result] = []

    def planned(self) -> list[Planned]:
        """The checks in their order. The failure path is tried even where an answer was wrong."""
        return [
            Planned(GOLDEN, self._golden, (IN_SERVICE,)),
            Planned("success-path", self._success_path, (GOLDEN,)),
            Planned("failure-path", self._failure_path, (IN_SERVICE,)),
            *([Planned("upload-path", self._upload_path, (IN_SERVICE,))] if self._subject.deployed.trigger else []),
        ]

    @cached_property
    def _client(self) -> EndpointClient:
        return self._resources.enter_context(EndpointClient(self._subject.deployed, self._cloud))

    @cached_property
    def _listener(self) -> Listener:
        return self._resources.enter_context(listening(self._cloud, self._subject.deployed, self._reporter))

    def _send(self, payloads: Sequence[Payload]) -> list[Result]:
        batch = invoke_all(
            self._client,
            payloads,
            wait_seconds=patience(self._subject.deployed, len(payloads)),
            reporter=self._reporter,
            on_completed=lambda result: self._client.fetch(result, self._work_dir / body_name(result)),
        )
        if batch.interrupted:
            raise KeyboardInterrupt
        return batch.results

    def _golden(self) -> Finding:
        cases = self._subject.cases
        topic = self._subject.deployed.error_topic_arn
        listener = self._listener
        results = self._send([_payload(case) for case in cases])
        asked = [r.inference_id for case, r in zip(cases, results, strict=True) if _needs_notification(case, r)]
        heard = listener.wait_for(asked, topic, NOTIFICATION_SECONDS)
        for case, result in zip(cases, results, strict=True):
            body = result.body.read_bytes() if result.body else None
            finding = judge(case, result, body, heard.get(result.inference_id))
            self.golden_results.append(
                GoldenResult(
                    endpoint=self._subject.key,
                    case=case.name,
                    verdict=finding.verdict,
                    message=finding.message,
                    measured=dict(finding.measured),
                    seconds=round(result.answer_seconds or 0.0, 3),
                )
            )
        self._completed = [result for result in results if result.status is Status.COMPLETED]
        return verdicts.all_golden(self.golden_results)

    def _success_path(self) -> Finding:
        ids = [result.inference_id for result in self._completed]
        if not ids:
            return passed("no golden request expects a success: nothing to announce")
        topic = self._subject.deployed.success_topic_arn
        heard = self._listener.wait_for(ids, topic, NOTIFICATION_SECONDS)
        return verdicts.announced(ids, heard, topic=topic, status="Completed", seconds=NOTIFICATION_SECONDS)

    def _failure_path(self) -> Finding:
        listener = self._listener
        what, payload = self._bad_request()
        result = self._send([payload])[0]
        measured = {
            "request": what,
            "inference_id": result.inference_id,
            "failure_location": result.failure_location,
            "reason": result.reason,
        }
        if result.status is Status.COMPLETED:
            return failed(f"the bad request ({what}) was answered as if it were a good one", **measured)
        if result.status is not Status.FAILED:
            return failed(f"the bad request ({what}) did not fail as it should: {_sentence(result)}", **measured)
        topic = self._subject.deployed.error_topic_arn
        ids = [result.inference_id]
        heard = listener.wait_for(ids, topic, NOTIFICATION_SECONDS)
        finding = verdicts.announced(ids, heard, topic=topic, status="Failed", seconds=NOTIFICATION_SECONDS)
        text = f"{what}: failure object written; {finding.message}"
        return Finding(finding.verdict, text, measured | dict(finding.measured))

    def _upload_path(self) -> Finding:
        trigger = self._subject.deployed.trigger
        assert trigger is not None  # noqa: S101 - the check is planned for endpoints with a trigger only
        return UploadCheck(self._subject, self._cloud, self._client, self._work_dir).run(trigger)

    def _bad_request(self) -> tuple[str, Payload]:
        """The first golden request that must fail; a workload without one is sent a media type that nothing knows."""
        bad = next((case for case in self._subject.cases if case.expect.outcome == "failure"), None)
        if bad is not None:
            return f"golden request {bad.name}", _payload(bad)
        file = self._work_dir / "bad-request"
        file.write_bytes(b"not a request\n")
        return f"content type {BAD_CONTENT_TYPE}", Payload(file, BAD_CONTENT_TYPE)


def _payload(case: GoldenCase) -> Payload:
    return Payload(case.file, case.request.content_type, case.request.accept)


def _needs_notification(case: GoldenCase, result: Result) -> bool:
    """Whether only the error topic can tell the status that `case` expects (see `judge`)."""
    return result.status is Status.FAILED and case.expect.status is not None


def _sentence(result: Result) -> str:
    return f"{result.status.value}: {result.reason}" if result.reason else result.status.value

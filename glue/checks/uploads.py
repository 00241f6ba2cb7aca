"""The check that an upload under a trigger's prefix becomes a request, and the request a result."""

import hashlib
import json
import time
import uuid
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError
from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_fixed

from glue.checks.golden import judge
from glue.checks.subject import Subject
from glue.checks.verdicts import Finding, failed, passed
from glue.cloud import Cloud
from glue.deployed import DeployedTrigger
from glue.invocation import EndpointClient, Payload, Result, Status, patience
from glue.invocation.payloads import safe_name
from glue.workloads.golden import GoldenCase

EVENT_SECONDS = 420.0
"""How long S3 may take until it sends events: about five minutes after it was asked to, and seconds later on."""

_PAUSE = 0.5


class UploadCheck:
    """Uploads the first golden request of `subject` that is to succeed, and follows it to its answer."""

    def __init__(self, subject: Subject, cloud: Cloud, client: EndpointClient, work_dir: Path) -> None:
        self._subject = subject
        self._client = client
        self._work_dir = work_dir
        self._s3: Any = cloud.client("s3")

    def run(self, trigger: DeployedTrigger) -> Finding:
        """What became of the upload; which part of its way is broken when nothing did."""
        case = next((one for one in self._subject.cases if one.expect.outcome == "success"), None)
        if case is None:
            return passed("no golden request expects a success: nothing to upload")
        bucket, key = self._subject.deployed.data_bucket, upload_key(trigger, case.file.name)
        with case.file.open("rb") as body:
            answer = self._s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType=case.request.content_type)
        name = inference_id(bucket, key, answer["VersionId"])
        measured = {"upload": f"s3://{bucket}/{key}", "inference_id": name}
        receipt = self._settled(bucket, f"{trigger.receipt_prefix}{name}.json")
        if receipt is None:
            return failed(
                f"s3://{bucket}/{key} has no receipt after {EVENT_SECONDS:g} s: does the bucket send its events to "
                f"EventBridge, and what does {trigger.log_group} say?",
                **measured,
            )
        if receipt["status"] != "invoked":
            return failed(f"the trigger did not invoke the endpoint: {receipt['reason']}", **measured)
        finding = self._answered(case, receipt)
        return Finding(finding.verdict, f"uploaded to {trigger.upload_prefix}: {finding.message}", measured)

    def _settled(self, bucket: str, key: str) -> dict[str, Any] | None:
        """The receipt, once nobody works on the upload any more; None when there is none in time."""

        def look() -> dict[str, Any] | None:
            try:
                with self._s3.get_object(Bucket=bucket, Key=key)["Body"] as body:
                    receipt: dict[str, Any] = json.loads(body.read())
            except ClientError as error:
                if error.response["ResponseMetadata"]["HTTPStatusCode"] in {403, 404}:
                    return None
                raise
            return receipt if receipt["status"] != "claimed" else None

        found: dict[str, Any] | None = _wait(look, EVENT_SECONDS)
        return found

    def _answered(self, case: GoldenCase, receipt: dict[str, Any]) -> Finding:
        under_way = Result(
            Payload(case.file, case.request.content_type),
            receipt["inference_id"],
            Status.UNDER_WAY,
            input_location=receipt["input_location"],
            output_location=receipt["output_location"],
            failure_location=receipt["failure_location"],
        )
        started = time.monotonic()
        seconds = patience(self._subject.deployed, 1)
        result = _wait(lambda: self._client.look(under_way, time.monotonic() - started), seconds)
        if result is None:
            return failed(f"no answer at {under_way.output_location} after {seconds:g} s")
        if result.status is not Status.COMPLETED:
            return judge(case, result, None, None)
        fetched = self._client.fetch(result, self._work_dir / f"{result.inference_id}.out")
        return judge(case, result, (fetched.body or case.file).read_bytes(), None)


def upload_key(trigger: DeployedTrigger, name: str) -> str:
    """A key of its own that the trigger listens to: `name` with an end that is one of the trigger's."""
    fitting = not trigger.suffixes or name.endswith(tuple(trigger.suffixes))
    return f"{trigger.upload_prefix}verify/{uuid.uuid4()}/{safe_name(name)}{'' if fitting else trigger.suffixes[0]}"


def inference_id(bucket: str, key: str, version_id: str) -> str:
    """The inference id that the trigger's function gives to a version: `modules/upload_trigger/function`, `Upload`."""
    identity = "\0".join((bucket, key, version_id))
    return f"upload-{hashlib.sha256(identity.encode()).hexdigest()[:40]}"


def _wait(look: Any, seconds: float) -> Any:
    """The first answer of `look` that is not None, within `seconds`; else None."""
    try:
        return Retrying(
            retry=retry_if_result(lambda found: found is None), wait=wait_fixed(_PAUSE), stop=stop_after_delay(seconds)
        )(look)
    except RetryError:
        return None

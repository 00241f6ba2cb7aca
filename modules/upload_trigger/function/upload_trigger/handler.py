"""The Lambda function: one event of EventBridge in, one `InvokeEndpointAsync` out.

Whatever goes wrong until the endpoint has accepted is raised: Lambda tries the event again, and puts it into the
dead-letter queue in the end. Nothing is raised after that.
"""

import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ConnectionClosedError, ReadTimeoutError

from upload_trigger.receipts import BusyError, Claim, Receipts
from upload_trigger.uploads import RefusedError, Upload, check_size, content_type, readings

_UNREADABLE = frozenset({403, 404})  # S3 answers 403 for what is not there to those who may not list
_PAUSES = (1, 2, 4, 8)  # seconds between attempts to write down that a request was accepted


class UnansweredError(Exception):
    """Nobody knows whether the endpoint has accepted: it is asked again, under the same inference id."""


@dataclass(frozen=True)
class Settings:
    """The function's environment: an endpoint, and where in the bucket of an upload its copy and its receipt go."""

    endpoint: str
    input_prefix: str
    receipt_prefix: str
    invocation_timeout: int

    @classmethod
    def of(cls, variables: Mapping[str, str]) -> "Settings":
        """The settings in `variables`."""
        return cls(
            variables["ENDPOINT_NAME"],
            variables["INPUT_PREFIX"],
            variables["RECEIPT_PREFIX"],
            int(variables["INVOCATION_TIMEOUT_SECONDS"]),
        )


def handle(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Lambda's entry point: what became of the upload, which is logged as well.

    Raises:
        Exception: the upload was not put into the endpoint's queue.
    """
    trigger = Trigger(Settings.of(os.environ), *_clients())
    try:
        outcome = trigger.run(event, context.aws_request_id, context.get_remaining_time_in_millis() / 1000)
    except Exception as error:
        _log(outcome="refused" if isinstance(error, RefusedError) else "failed", reason=str(error), event=event)
        raise
    _log(**outcome)
    return outcome


@cache
def _clients() -> tuple[Any, Any]:
    """Clients of S3 and of the endpoint's runtime, kept between events; both give up before the function's time is up.

    The runtime's does not repeat a request by itself: one that was lost may have been accepted, and would run twice.
    """
    s3 = Config(retries={"mode": "standard", "total_max_attempts": 2}, connect_timeout=5, read_timeout=40)
    runtime = Config(retries={"total_max_attempts": 1}, connect_timeout=5, read_timeout=20)
    return boto3.client("s3", config=s3), boto3.client("sagemaker-runtime", config=runtime)


def _log(**facts: Any) -> None:
    print(json.dumps(facts, ensure_ascii=False, default=str), flush=True)


class Trigger:
    """Puts uploads into an endpoint's queue, each version of an object once."""

    def __init__(
        self, settings: Settings, s3: Any, runtime: Any, *, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self._settings = settings
        self._s3 = s3
        self._runtime = runtime
        self._pause = pause

    def run(self, event: Mapping[str, Any], owner: str, seconds: float) -> dict[str, Any]:
        """Invoke the endpoint for the upload that `event` is about, unless that has been done.

        `owner` names this run of the function, which ends within `seconds`. The receipt says what became of it.

        Raises:
            RefusedError: the upload can be no request.
            BusyError: another run works on the same upload.
            UnansweredError: the request was sent and not answered.
            ClientError: AWS refused.
        """
        upload, head = self._find(readings(event))
        receipts = Receipts(self._s3, upload.bucket, self._settings.receipt_prefix)
        claim = receipts.claim(upload, owner, seconds)
        if claim is None:
            return _outcome("repeated", upload)
        try:
            accepted = self._invoke(upload, head)
        except Exception as error:
            receipts.close(claim, "failed", reason=str(error))
            raise
        return _outcome("invoked", upload, **accepted, **self._note(receipts, claim, accepted))

    def _find(self, possible: list[Upload]) -> tuple[Upload, dict[str, Any]]:
        """The first of `possible` that is there, and what S3 knows of it."""
        for position, upload in enumerate(possible, start=1):
            try:
                return upload, self._s3.head_object(Bucket=upload.bucket, Key=upload.key, VersionId=upload.version_id)
            except ClientError as error:
                status = error.response["ResponseMetadata"]["HTTPStatusCode"]
                if status not in _UNREADABLE or (status != 404 and position == len(possible)):
                    raise
        raise RefusedError("the object's version is gone")

    def _invoke(self, upload: Upload, head: Mapping[str, Any]) -> dict[str, str | None]:
        """Put the upload into the endpoint's queue; where its input, its result and its failure lie."""
        check_size(head["ContentLength"])
        media_type = content_type(upload.key, head.get("ContentType"))
        location = self._freeze(upload, media_type)
        try:
            answer = self._runtime.invoke_endpoint_async(
                EndpointName=self._settings.endpoint,
                InputLocation=location,
                ContentType=media_type,
                InferenceId=upload.inference_id,
                InvocationTimeoutSeconds=self._settings.invocation_timeout,
            )
        except (ReadTimeoutError, ConnectionClosedError) as error:
            raise UnansweredError(f"no answer of the endpoint, which may have accepted the request: {error}") from error
        return {
            "input_location": location,
            "output_location": answer.get("OutputLocation"),
            "failure_location": answer.get("FailureLocation"),
        }

    def _note(self, receipts: Receipts, claim: Claim, accepted: Mapping[str, str | None]) -> dict[str, str]:
        """Write down that the endpoint has accepted; the error if that cannot be done.

        It is told and not raised: Lambda would try the event again, and the request would be made twice.
        """
        told = ""
        for pause in (0, *_PAUSES):
            self._pause(pause)
            try:
                receipts.close(claim, "invoked", **accepted)
            except BusyError as error:
                told = str(error)
                break
            except (BotoCoreError, ClientError) as error:
                told = str(error)
            else:
                return {}
        return {"receipt_error": told}

    def _freeze(self, upload: Upload, media_type: str) -> str:
        """Copy the version to a place of its own, because an input location cannot name a version."""
        key = self._settings.input_prefix + upload.inference_id
        self._s3.copy_object(
            Bucket=upload.bucket,
            Key=key,
            CopySource={"Bucket": upload.bucket, "Key": upload.key, "VersionId": upload.version_id},
            ContentType=media_type,
            MetadataDirective="REPLACE",
            TaggingDirective="REPLACE",
        )
        return f"s3://{upload.bucket}/{key}"


def _outcome(outcome: str, upload: Upload, **facts: Any) -> dict[str, Any]:
    return {
        "outcome": outcome,
        "inference_id": upload.inference_id,
        "bucket": upload.bucket,
        "key": upload.key,
        "version_id": upload.version_id,
        **facts,
    }

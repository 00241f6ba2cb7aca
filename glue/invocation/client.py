"""One asynchronous endpoint as its clients see it: upload, invoke, look for the answer, fetch it."""

import tempfile
import time
import uuid
from collections.abc import Callable
from concurrent.futures import CancelledError
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from boto3.s3.transfer import ProgressCallbackInvoker, TransferConfig, create_transfer_manager
from botocore.exceptions import ClientError

from glue.cloud import Cloud
from glue.deployed import DeployedEndpoint
from glue.errors import FailedError, UsageError
from glue.invocation.payloads import Payload, input_key
from glue.invocation.results import Result, Status
from glue.s3_uris import split_s3_uri

MAX_REASON_BYTES = 64 * 1024
BytesSent = Callable[[int], None]


class EndpointClient:
    """Talks to one endpoint. Safe to use from several threads, as boto3's clients are.

    Each request is given an inference id of our own, so that it can be named before it is accepted. The invocation
    timeout of the profile goes with each request, because SageMaker keeps none with the endpoint
    (InvokeEndpointAsync, `InvocationTimeoutSeconds`).
    """

    def __init__(self, endpoint: DeployedEndpoint, cloud: Cloud) -> None:
        self.endpoint = endpoint
        self._s3: Any = cloud.client("s3")
        self._runtime: Any = cloud.client("sagemaker-runtime")
        # Streams, in parts above 8 MB, and has S3 verify each part's checksum. A cancelled upload aborts its parts.
        # A client of its own: its threads and those that look for answers would overflow one connection pool.
        config = TransferConfig(preferred_transfer_client="classic")
        self._transfers: Any = create_transfer_manager(cloud.client("s3"), config)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give up uploads that still run, leaving nothing of them in the bucket; no more can be started."""
        # As its own `with` statement does on Ctrl-C: `shutdown(cancel=True)` of s3transfer 0.19 ends in a TypeError.
        self._transfers.__exit__(KeyboardInterrupt, KeyboardInterrupt("cancelled"), None)

    def submit(
        self, payload: Payload, *, ttl_seconds: int | None = None, on_bytes: BytesSent = lambda _: None
    ) -> Result:
        """Upload `payload` and put it into the endpoint's queue; the result is under way.

        `ttl_seconds` (60 to 21600) is how long the request may wait in the queue; 6 hours without it.

        Raises:
            ClientError: AWS refused.
            CancelledError: the client was closed during the upload (`concurrent.futures`).
        """
        started = time.monotonic()
        inference_id = str(uuid.uuid4())
        endpoint = self.endpoint
        key = input_key(endpoint.input_prefix, datetime.now(UTC), inference_id, payload.file.name)
        self._upload(payload, key, on_bytes)
        location = f"s3://{endpoint.data_bucket}/{key}"
        request = {
            "EndpointName": endpoint.name,
            "InputLocation": location,
            "ContentType": payload.content_type,
            "Accept": payload.accept,
            "InferenceId": inference_id,
            "InvocationTimeoutSeconds": endpoint.timeouts.invocation,
            "RequestTTLSeconds": ttl_seconds,
        }
        answer = self._runtime.invoke_endpoint_async(**{name: v for name, v in request.items() if v is not None})
        return Result(
            payload,
            answer.get("InferenceId", inference_id),
            Status.UNDER_WAY,
            upload_seconds=time.monotonic() - started,
            input_location=location,
            output_location=answer["OutputLocation"],
            failure_location=answer.get("FailureLocation"),
        )

    def _upload(self, payload: Payload, key: str, on_bytes: BytesSent) -> None:
        try:
            transfer = self._transfers.upload(
                str(payload.file),
                self.endpoint.data_bucket,
                key,
                extra_args={"ContentType": payload.content_type, "ChecksumAlgorithm": "SHA256"},
                subscribers=[ProgressCallbackInvoker(on_bytes)],
            )
        except RuntimeError as error:  # closed in this moment
            raise CancelledError from error
        transfer.result()

    def look(self, result: Result, seconds: float) -> Result | None:
        """What became of `result`, `seconds` after it was accepted: completed, failed, or None for not yet.

        A failure carries the text of the failure object as its reason.

        Raises:
            ClientError: AWS refused for another reason than that there is no object yet.
        """
        if result.output_location:
            head = self._head(result.output_location)
            if head is not None:
                return result.ended(Status.COMPLETED, seconds, content_type=head.get("ContentType"))
        if result.failure_location and self._head(result.failure_location) is not None:
            return result.ended(Status.FAILED, seconds, reason=self._text(result.failure_location))
        return None

    def _head(self, uri: str) -> dict[str, Any] | None:
        bucket, key = split_s3_uri(uri)
        try:
            return dict(self._s3.head_object(Bucket=bucket, Key=key))
        except ClientError as error:
            # HeadObject: 404 for an object that is not there, 403 where the caller may not list the bucket.
            if error.response["ResponseMetadata"]["HTTPStatusCode"] in {403, 404}:
                return None
            raise

    def _text(self, uri: str) -> str:
        bucket, key = split_s3_uri(uri)
        with self._s3.get_object(Bucket=bucket, Key=key)["Body"] as body:
            return bytes(body.read(MAX_REASON_BYTES)).decode("utf-8", errors="replace").strip()

    def fetch(self, result: Result, file: Path) -> Result:
        """Write the answer of `result` to `file`, whole or not at all, and return the result with its `body`.

        Raises:
            UsageError: `file` exists.
            FailedError: it cannot be written.
            ClientError: AWS refused.
        """
        if result.output_location is None:
            raise ValueError(f"{result.inference_id}: has no output location")
        bucket, key = split_s3_uri(result.output_location)
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=file.parent, prefix=".fetch-") as folder:
                part = Path(folder) / "body"
                self._transfers.download(bucket, key, str(part)).result()
                file.hardlink_to(part)  # unlike a rename, refuses to replace a file
        except FileExistsError:
            raise UsageError(f"{file}: exists already", hints=["choose another folder with --out"]) from None
        except OSError as error:
            raise FailedError(f"{file}: cannot be written: {error.strerror}") from error
        return replace(result, body=file)

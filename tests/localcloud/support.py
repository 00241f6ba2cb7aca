"""What the tests do to the local cloud, as its clients."""

import gzip
import hashlib
import io
import json
import resource
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import boto3
import pytest
from botocore.config import Config

from glue.localcloud.compute import venvs
from glue.s3_uris import split_s3_uri

REGION = "us-east-1"
PROGRAM = Path(__file__).parent / "program.py"
ROLE = "arn:aws:iam::{account}:role/execution"
PATIENCE = 90.0
"""Seconds of the machine's clock: nothing that tests wait for takes nearly as long, but a busy machine may."""
LONGEST_INVISIBLE = 12 * 60 * 60
"""The most seconds that SQS hides a message that was received: on a fast cloud, its usual ones are soon over."""
T = TypeVar("T")

needs_full_disk = pytest.mark.skipif(sys.platform != "linux", reason="takes the room that the files of a process have")
"""Marks tests that use `full_disk`."""


def eventually(look: Callable[[], T], *, within: float = PATIENCE, what: str = "condition") -> T:
    """The first truthy answer of `look`."""
    deadline = time.monotonic() + within
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come true within {within} s")
        time.sleep(0.02)


def tar(files: Mapping[str, str | bytes]) -> bytes:
    """A gzipped tar archive of `files`."""
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0) as packed, tarfile.open(fileobj=packed, mode="w") as archive:
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def running(processes: set[int]) -> set[int]:
    """Those of the processes that have not ended."""
    told = subprocess.run(["ps", "-A", "-o", "pid=,stat="], capture_output=True, text=True, check=True).stdout
    return {int(line.split()[0]) for line in told.splitlines() if "Z" not in line.split()[1]} & processes


def memory_of(pid: int | None, what: str) -> int:
    """Bytes of a process of this machine (Linux): `VmRSS`, or `VmHWM`, the most that it had."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(f"{what}:")).split()[1]) * 1024


@contextmanager
def full_disk(size: int, process: int = 0) -> Iterator[None]:
    """Files take `size` bytes and no more for this process, or another one: what is beyond is cut off, then refused."""
    soft, hard = resource.prlimit(process, resource.RLIMIT_FSIZE)
    resource.prlimit(process, resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.prlimit(process, resource.RLIMIT_FSIZE, (soft, hard))


def environment_of(tool: str) -> Path:
    """A virtual environment with what `<tool>.lock` names, in the user's cache folder: made when it is missing."""
    return venvs.environment_for(Path(__file__).with_name(f"{tool}.lock"), venvs.default_cache_dir())


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@dataclass
class Account:
    """A client's view of one account of the local cloud."""

    url: str
    id: str
    folder: Path
    _made: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        if service not in self._made:
            self._made[service] = boto3.client(
                service,
                region_name=REGION,
                endpoint_url=self.url,
                aws_access_key_id=self.id,
                aws_secret_access_key="any",
                config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
            )
        return self._made[service]

    @cached_property
    def bucket(self) -> str:
        name = f"tests-{self.id}"
        self.client("s3").create_bucket(Bucket=name)
        return name

    @property
    def role(self) -> str:
        return ROLE.format(account=self.id)

    def put(self, key: str, content: bytes) -> str:
        self.client("s3").put_object(Bucket=self.bucket, Key=key, Body=content)
        return f"s3://{self.bucket}/{key}"

    def read(self, uri: str) -> bytes:
        bucket, key = split_s3_uri(uri)
        body: bytes = self.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        return body

    def object(self, uri: str) -> dict[str, Any] | None:
        """What HeadObject says, None when there is no object."""
        bucket, key = split_s3_uri(uri)
        found = self.client("s3").list_objects_v2(Bucket=bucket, Prefix=key)
        return self.client("s3").head_object(Bucket=bucket, Key=key) if found["KeyCount"] else None

    # images

    def push_blob(self, repository: str, content: bytes) -> str:
        ecr = self.client("ecr")
        name = digest(content)
        known = ecr.batch_check_layer_availability(repositoryName=repository, layerDigests=[name])
        if not known["layers"]:
            upload = ecr.initiate_layer_upload(repositoryName=repository)["uploadId"]
            ecr.upload_layer_part(
                repositoryName=repository,
                uploadId=upload,
                partFirstByte=0,
                partLastByte=len(content) - 1,
                layerPartBlob=content,
            )
            ecr.complete_layer_upload(repositoryName=repository, uploadId=upload, layerDigests=[name])
        return name

    def repository(self, name: str) -> str:
        ecr = self.client("ecr")
        if name not in {known["repositoryName"] for known in ecr.describe_repositories()["repositories"]}:
            ecr.create_repository(repositoryName=name)
        return name

    def push_image(
        self,
        files: Mapping[str, str | bytes],
        *,
        repository: str = "tests/program",
        entrypoint: list[str],
        labels: Mapping[str, str] | None = None,
    ) -> str:
        """Push an image of one layer; its URI by digest."""
        self.repository(repository)
        layer = tar(files)
        settings = {"Entrypoint": entrypoint, "Cmd": ["serve"], "Labels": labels}
        config = json.dumps({"architecture": "amd64", "os": "linux", "config": settings}).encode()
        manifest = {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {
                "mediaType": "application/vnd.oci.image.config.v1+json",
                "digest": self.push_blob(repository, config),
                "size": len(config),
            },
            "layers": [
                {
                    "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
                    "digest": self.push_blob(repository, layer),
                    "size": len(layer),
                }
            ],
        }
        text = json.dumps(manifest)
        ecr = self.client("ecr")
        name = digest(text.encode())
        if not ecr.batch_get_image(repositoryName=repository, imageIds=[{"imageDigest": name}])["images"]:
            ecr.put_image(repositoryName=repository, imageManifest=text)
        return f"{self.id}.dkr.ecr.{REGION}.amazonaws.com/{repository}@{name}"

    def push_program(self, extra: str = "") -> str:
        """The image of `program.py`; `extra` makes it another one."""
        return self.push_image(
            {"opt/program/program.py": PROGRAM.read_text() + extra, "opt/program/requirements.lock": "# nothing\n"},
            entrypoint=["python", "-m", "program"],
            labels={"io.async-inference.runtime": "process"},
        )

    # endpoints

    def create_model(
        self, name: str, image: str, *, environment: dict[str, str] | None = None, **container: Any
    ) -> str:
        self.client("sagemaker").create_model(
            ModelName=name,
            PrimaryContainer={"Image": image, "Environment": environment or {}, **container},
            ExecutionRoleArn=self.role,
        )
        return name

    def create_config(self, name: str, model: str, **options: Any) -> str:
        """An endpoint config.

        `options`: count, concurrency, startup, download, topics, include, kms_key, results (a bucket).
        """
        output: dict[str, Any] = {
            "S3OutputPath": f"s3://{options.get('results', self.bucket)}/{name}/results/",
            "S3FailurePath": f"s3://{self.bucket}/{name}/failures/",
        }
        if "topics" in options:
            output["NotificationConfig"] = dict(zip(("SuccessTopic", "ErrorTopic"), options["topics"], strict=True))
            output["NotificationConfig"]["IncludeInferenceResponseIn"] = options.get("include", [])
        if "kms_key" in options:
            output["KmsKeyId"] = options["kms_key"]
        self.client("sagemaker").create_endpoint_config(
            EndpointConfigName=name,
            ProductionVariants=[
                {
                    "VariantName": "AllTraffic",
                    "ModelName": model,
                    "InitialInstanceCount": options.get("count", 1),
                    "InstanceType": "ml.m5.xlarge",
                    "ContainerStartupHealthCheckTimeoutInSeconds": options.get("startup", 60),
                    "ModelDataDownloadTimeoutInSeconds": options.get("download", 3600),
                }
            ],
            AsyncInferenceConfig={
                "ClientConfig": {"MaxConcurrentInvocationsPerInstance": options.get("concurrency", 1)},
                "OutputConfig": output,
            },
        )
        return name

    def create_endpoint(self, name: str, config: str, *, wait: bool = True, **options: Any) -> str:
        self.client("sagemaker").create_endpoint(EndpointName=name, EndpointConfigName=config, **options)
        if wait:
            self.settled(name)
        return name

    def deploy(self, name: str, *, environment: dict[str, str] | None = None, wait: bool = True, **options: Any) -> str:
        """Model, config and endpoint of the test program, all of the same name."""
        image = options.pop("image", None) or self.push_program()
        self.create_model(name, image, environment=environment, **options.pop("container", {}))
        self.create_config(name, name, **options)
        return self.create_endpoint(name, name, wait=wait)

    def describe(self, name: str) -> dict[str, Any]:
        document: dict[str, Any] = self.client("sagemaker").describe_endpoint(EndpointName=name)
        return document

    def settled(self, name: str) -> dict[str, Any]:
        """The endpoint, once it is in no state of transition."""

        def look() -> dict[str, Any]:
            found = self.describe(name)
            return found if found["EndpointStatus"] in {"InService", "Failed", "UpdateRollbackFailed"} else {}

        return eventually(look, what=f"endpoint {name} settles")

    def bakes(self, name: str) -> bool:
        """Whether an update of the endpoint is in its bake."""
        [variant] = self.describe(name).get("PendingDeploymentSummary", {}).get("ProductionVariants", [{}])
        return bool(variant.get("VariantStatus", [{}])[0].get("Status") == "Baking")

    def delete(self, name: str) -> None:
        self.settled(name)  # what changes is not deleted, and instances are seen to go before the endpoint has settled
        self.client("sagemaker").delete_endpoint(EndpointName=name)
        eventually(lambda: not self.client("sagemaker").list_endpoints(NameContains=name)["Endpoints"], what="deleted")

    def invoke(self, endpoint: str, order: Any, **params: Any) -> dict[str, Any]:
        """Send a request, its input by way of S3; the answer of InvokeEndpointAsync."""
        content = order if isinstance(order, bytes) else json.dumps(order).encode()
        where = self.put(f"inputs/{digest(content)[7:]}", content)
        answer: dict[str, Any] = self.client("sagemaker-runtime").invoke_endpoint_async(
            EndpointName=endpoint, InputLocation=where, **params
        )
        return answer

    def outcome(self, answer: Mapping[str, Any], *, within: float = PATIENCE, read: bool = True) -> tuple[str, bytes]:
        """("Completed" or "Failed", the object's content) of a request; no content unless it is to be `read`."""

        def look() -> tuple[str, bytes] | None:
            for status, place in (("Completed", "OutputLocation"), ("Failed", "FailureLocation")):
                if self.object(answer[place]):
                    return status, self.read(answer[place]) if read else b""
            return None

        found = eventually(look, within=within, what="outcome")
        assert found is not None
        return found

    def logs(self, endpoint: str) -> str:
        """All that the instances of an endpoint logged, as CloudWatch Logs has it."""
        group = f"/aws/sagemaker/Endpoints/{endpoint}"
        logs = self.client("logs")
        if not logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]:
            return ""
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group)
        return "\n".join(event["message"] for page in pages for event in page["events"])

    def handled_by(self, endpoint: str) -> dict[str, list[str]]:
        """The lines that say which request an instance had, by log stream."""
        pages = self.client("logs").get_paginator("filter_log_events")
        streams: dict[str, list[str]] = {}
        for page in pages.paginate(logGroupName=f"/aws/sagemaker/Endpoints/{endpoint}"):
            for event in page["events"]:
                if event["message"].startswith("request "):
                    streams.setdefault(event["logStreamName"], []).append(event["message"])
        return streams

    # notifications

    def topic(self, name: str) -> tuple[str, "Inbox"]:
        """A topic, and a queue that subscribes to it."""
        sns, sqs = self.client("sns"), self.client("sqs")
        topic: str = sns.create_topic(Name=name)["TopicArn"]
        queue = sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
        return topic, Inbox(sqs, queue)


@dataclass
class Inbox:
    """What was published to a topic."""

    sqs: Any
    queue: str
    messages: list[dict[str, Any]] = field(default_factory=list)

    def read(self) -> list[dict[str, Any]]:
        asked = {"QueueUrl": self.queue, "MaxNumberOfMessages": 10, "VisibilityTimeout": LONGEST_INVISIBLE}
        while received := self.sqs.receive_message(**asked).get("Messages"):
            self.messages += [json.loads(message["Body"]) for message in received]
            handles = [message["ReceiptHandle"] for message in received]
            self.sqs.delete_message_batch(
                QueueUrl=self.queue,
                Entries=[{"Id": str(number), "ReceiptHandle": handle} for number, handle in enumerate(handles)],
            )
        return self.messages

    def results(self) -> list[dict[str, Any]]:
        return [message for message in self.read() if message["eventName"] == "InferenceResult"]

    def result(self, inference_id: str) -> dict[str, Any]:
        return (
            eventually(
                lambda: next((found for found in self.results() if found["inferenceId"] == inference_id), None),
                what="notification",
            )
            or {}
        )

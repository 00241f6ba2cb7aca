"""The platform's own log of asynchronous requests: a line for each that an instance had, beside the container's log.

https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-monitor.html says where it lies and that its lines
bear the inference id; lines of failures have been seen on AWS, of the others the wording is ours.
"""

from datetime import datetime

from glue.localcloud.sagemaker.invocation import AsyncRequest, Failed, Outcome
from glue.localcloud.sagemaker.notifications import timestamp

STREAM = "data-log"
"""What the name of its stream has after that of the container's log and a slash."""


def line(request: AsyncRequest, outcome: Outcome, now: datetime) -> str:
    """What is logged when `request` has ended with `outcome`."""
    what = "Inference request succeeded."
    if isinstance(outcome, Failed):
        what = " ".join(outcome.reason.removeprefix("ClientError: ").split())
    took = round((now - request.received).total_seconds() * 1000)
    received = timestamp(request.received)
    return (
        f"{timestamp(now)[:-1]}:[sagemaker logs] [{request.inference_id}] {what} "
        f"(Received: {received}, TotalProcessingTime: {took} ms)"
    )

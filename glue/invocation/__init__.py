"""Sending requests to asynchronous endpoints and waiting for their answers."""

from glue.invocation.batch import Batch, invoke_all, patience
from glue.invocation.client import EndpointClient
from glue.invocation.payloads import Payload, payloads
from glue.invocation.results import Result, Status, body_name

__all__ = ["Batch", "EndpointClient", "Payload", "Result", "Status", "body_name", "invoke_all", "patience", "payloads"]

"""The operations of sagemaker-runtime.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpointAsync.html
"""

import uuid

from glue.localcloud.clock import Clock
from glue.localcloud.protocol import AwsError, Call, Document, Service
from glue.localcloud.sagemaker.endpoint import IN_SERVICE, new_request
from glue.localcloud.sagemaker.endpoints import Endpoints
from glue.localcloud.sagemaker.invocation import DEFAULT_TIMEOUT, DEFAULT_TTL, locations
from glue.s3_uris import split_s3_uri


def refused(message: str) -> AwsError:
    """The runtime's error for a request that cannot be served."""
    return AwsError("ValidationError", message)


class RuntimeApi:
    """Takes requests and puts them into the queues of endpoints."""

    def __init__(self, endpoints: Endpoints, clock: Clock) -> None:
        self._endpoints = endpoints
        self._clock = clock

    def service(self) -> Service:
        """The operations, ready to be served."""
        return Service(
            "sagemaker-runtime",
            {"InvokeEndpointAsync": self.invoke_endpoint_async, "InvokeEndpoint": self.invoke_endpoint},
            validation_code="ValidationError",
        )

    def invoke_endpoint_async(self, call: Call) -> Document:
        """Queue a request; say where its outcome will be."""
        params: Document = {"RequestTTLSeconds": DEFAULT_TTL, "InvocationTimeoutSeconds": DEFAULT_TIMEOUT} | call.params
        endpoint = self._endpoints.get(call.scope, params["EndpointName"])
        if endpoint is None or endpoint.status not in IN_SERVICE:
            raise refused(f"Endpoint {params['EndpointName']} of account {call.scope.account} not found.")
        settings = endpoint.async_config
        if settings is None:
            raise refused(f"Endpoint {endpoint.name} is not configured for asynchronous inference.")
        inline = bool(params.get("Body"))
        if inline == ("InputLocation" in params):
            raise refused("Exactly one of InputLocation and Body must be given.")
        if not inline:
            try:
                split_s3_uri(params["InputLocation"])
            except ValueError as error:
                raise refused(f"InputLocation {error}") from error
        key = str(uuid.uuid4())
        inference_id = params.get("InferenceId") or str(uuid.uuid4())
        places = locations(settings, key, params.get("S3OutputPathExtension"), params.get("Filename"))
        request = new_request(
            endpoint, params, key=key, inference_id=inference_id, locations=places, now=self._clock.now()
        )
        if not endpoint.queue.put(request):
            raise refused(f"Endpoint {endpoint.name} of account {call.scope.account} not found.")
        answer = {
            "InferenceId": inference_id,
            "OutputLocation": request.output_location,
            "FailureLocation": request.failure_location,
        }
        return {name: value for name, value in answer.items() if value}

    def invoke_endpoint(self, call: Call) -> Document:
        """Refused: the local cloud has asynchronous endpoints only, and canned answers would be no help."""
        raise refused(
            f"Endpoint {call.params['EndpointName']} takes asynchronous requests only: use InvokeEndpointAsync."
        )

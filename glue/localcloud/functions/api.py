"""The operations of Lambda that run functions. Everything else is moto's.

https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
"""

import json

from glue.localcloud.functions.functions import Functions, UnknownFunctionError, UnrunnableError
from glue.localcloud.functions.host import ThrottledError
from glue.localcloud.protocol import AwsError, Call, Document, Service


class LambdaApi:
    """Invokes functions."""

    def __init__(self, functions: Functions) -> None:
        self._functions = functions

    def service(self) -> Service:
        """The operations, ready to be served."""
        return Service(
            "lambda",
            {"Invoke": self.invoke, "CreateEventSourceMapping": self.create_event_source_mapping},
            validation_code="InvalidParameterValueException",
        )

    def invoke(self, call: Call) -> Document:
        """Run a function now, or put the event into its queue."""
        name, kind = call.params["FunctionName"], call.params.get("InvocationType", "RequestResponse")
        try:
            payload = json.loads(call.params.get("Payload") or b"null")
        except ValueError as error:
            message = f"Could not parse request body into json: {error}"
            raise AwsError("InvalidRequestContentException", message) from error
        try:
            if kind == "DryRun":
                self._functions.find(call.scope, name)
                return {"StatusCode": 204}
            if kind == "Event":
                self._functions.submit(call.scope, name, payload)
                return {"StatusCode": 202}
            outcome = self._functions.call(call.scope, name, payload)
        except UnknownFunctionError as error:
            raise AwsError("ResourceNotFoundException", f"Function not found: {name}") from error
        except UnrunnableError as error:
            raise AwsError("InvalidRuntimeException", str(error)) from error
        except ThrottledError as error:
            raise AwsError("TooManyRequestsException", "Rate Exceeded.") from error
        answer = {"StatusCode": 200, "ExecutedVersion": "$LATEST", "Payload": outcome.payload.encode()}
        return answer | ({"FunctionError": "Unhandled"} if outcome.failed else {})

    def create_event_source_mapping(self, call: Call) -> Document:
        """Refused: nothing polls queues or streams here, and a mapping that does nothing would be no help."""
        source = call.params.get("EventSourceArn", "the source")
        raise AwsError(
            "InvalidParameterValueException",
            f"The local cloud does not poll {source} for a function: use a rule of EventBridge.",
        )

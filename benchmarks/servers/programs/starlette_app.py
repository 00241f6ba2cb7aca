"""The handler behind starlette, in the process that also answers the health check."""

import inference
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

model = inference.model_fn("")


async def ping(_: Request) -> Response:
    """Always well."""
    return Response()


async def invocations(request: Request) -> Response:
    """One request through the handler."""
    data = inference.input_fn(await request.body(), request.headers["content-type"])
    result = inference.output_fn(inference.predict_fn(data, model), request.headers.get("accept", ""))
    body, content_type = result if isinstance(result, tuple) else (result, "application/json")
    return Response(body, media_type=content_type)


app = Starlette(routes=[Route("/ping", ping), Route("/invocations", invocations, methods=["POST"])])

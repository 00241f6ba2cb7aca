"""The handler behind Flask."""

from typing import Any

import inference
from flask import Flask, request

app = Flask(__name__)
model = inference.model_fn("")


@app.get("/ping")
def ping() -> str:
    """Always well."""
    return ""


@app.post("/invocations")
def invocations() -> Any:
    """One request through the handler."""
    data = inference.input_fn(request.get_data(), request.headers["content-type"])
    result = inference.output_fn(inference.predict_fn(data, model), request.headers.get("accept", ""))
    body, content_type = result if isinstance(result, tuple) else (result, "application/json")
    return app.response_class(body, content_type=content_type)

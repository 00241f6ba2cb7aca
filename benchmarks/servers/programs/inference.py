"""The handler that every server runs: JSON is answered with JSON, bytes with themselves."""

import ctypes
import json
from typing import Any


def model_fn(_model_dir: str) -> dict[str, int]:
    """No model: what is measured is the server."""
    return {"factor": 2}


def input_fn(body: Any, content_type: str) -> Any:
    """A JSON document, or the bytes as they are."""
    return json.loads(body) if content_type == "application/json" else body


def predict_fn(data: Any, model: dict[str, int]) -> Any:
    """A little work, or with `hold` none for so many seconds in one C call that never lets another thread run."""
    if not isinstance(data, dict):
        return data
    if "hold" in data:
        ctypes.PyDLL(None).usleep(int(data["hold"] * 1_000_000))
    return {"answer": data["number"] * model["factor"], "text": data["text"]}


def output_fn(prediction: Any, _accept: str) -> Any:
    """The same form as came."""
    return json.dumps(prediction) if isinstance(prediction, dict) else (prediction, "application/octet-stream")

"""SageMaker handler: finds the rooms in the image of a floor plan.

The four functions follow the convention of SageMaker's inference toolkits. The model directory holds `config.json` and
no weights.
"""

import json
from dataclasses import dataclass, field
from typing import Any

from room_detection.decoding import FORMATS, decode
from room_detection.detection import detect
from room_detection.errors import RequestError
from room_detection.requests import JSON, S3Image, media_type, parse_s3_image
from room_detection.rooms import Room
from room_detection.settings import Settings, load_settings
from room_detection.storage import fetch


@dataclass(frozen=True)
class Upload:
    """An image sent in the body: its bytes and the format that its content type declares."""

    data: bytes
    expected: str
    metadata: dict[str, Any] = field(default_factory=dict)


def model_fn(model_dir: str) -> Settings:
    """Load the settings from `config.json`; raises ConfigError where they are wrong: the model never gets ready."""
    return load_settings(model_dir)


def input_fn(body: bytes | str, content_type: str | None) -> Upload | S3Image:
    """Read a request; raises RequestError for the client's mistakes."""
    kind = media_type(content_type)
    data = body.encode() if isinstance(body, str) else bytes(body)
    return parse_s3_image(data) if kind == JSON else Upload(data, FORMATS[kind])


def predict_fn(data: Upload | S3Image, model: Settings) -> dict[str, Any]:
    """Decode the image and find its rooms; the answer is ready for JSON."""
    if isinstance(data, Upload):
        image = decode(data.data, model, expected=data.expected)
    else:
        image = decode(fetch(data, model.max_request_bytes), model)
    found = detect(image, min_area=model.min_area, max_area=model.max_area, epsilon_factor=model.epsilon_factor)
    return {
        "status": "success",
        "room_count": len(found),
        "rooms": [_described(number, room) for number, room in enumerate(found, start=1)],
        "image_shape": list(image.shape),
        "metadata": data.metadata,
    }


def output_fn(prediction: dict[str, Any], accept: str | None) -> tuple[bytes, str]:
    """Write the answer as JSON; raises RequestError (406) if the client accepts no JSON."""
    accepted = {part.split(";")[0].strip().lower() for part in (accept or "*/*").split(",")}
    if not accepted & {JSON, "application/*", "*/*", ""}:
        raise RequestError(406, f"the answer is {JSON}, which the request does not accept")
    return json.dumps(prediction, allow_nan=False).encode(), JSON


def _described(number: int, room: Room) -> dict[str, Any]:
    x, y, width, height = room.bounding_box
    return {
        "id": number,
        "area": room.area,
        "vertices": [{"x": int(x), "y": int(y)} for x, y in room.vertices],
        "bounding_box": {"x": x, "y": y, "width": width, "height": height},
        "confidence": round(room.confidence, 3),
    }

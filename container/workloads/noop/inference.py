"""SageMaker handler that answers its input: there is no model and nothing to compute."""

from typing import Any


def model_fn(model_dir: str) -> None:
    """Load nothing."""


def predict_fn(data: Any, model: None) -> Any:  # noqa: ARG001 - the convention's signature
    """Answer `data`."""
    return data

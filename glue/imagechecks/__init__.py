"""Verifying an image before it is pushed: it is run as SageMaker will run it, and what is seen is judged."""

from glue.imagechecks.exercise import Patience
from glue.imagechecks.gate import Gate, former_image
from glue.imagechecks.verification import Subject, Verification, keep, proves, verify

__all__ = [
    "Gate",
    "Patience",
    "Subject",
    "Verification",
    "former_image",
    "keep",
    "proves",
    "verify",
]

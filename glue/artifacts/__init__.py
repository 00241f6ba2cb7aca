"""Model artifacts: an archive or plain files, packed, verified and pushed."""

from glue.artifacts.handler import Interpreter
from glue.artifacts.packing import Packed, form_of, list_files, pack
from glue.artifacts.upload import push
from glue.artifacts.verification import Inspection, Verification, inspect, verify, verify_files

__all__ = [
    "Inspection",
    "Interpreter",
    "Packed",
    "Verification",
    "form_of",
    "inspect",
    "list_files",
    "pack",
    "push",
    "verify",
    "verify_files",
]

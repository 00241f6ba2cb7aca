"""Model artifacts: `model.tar.gz`, packed, verified and pushed."""

from glue.artifacts.handler import Interpreter
from glue.artifacts.packing import Packed, pack
from glue.artifacts.upload import push
from glue.artifacts.verification import Verification, verify

__all__ = ["Interpreter", "Packed", "Verification", "pack", "push", "verify"]

"""Container engines: found on this machine, and driven through their command lines."""

from glue.engines.containers import Container, Exit
from glue.engines.engine import Engine, ImageFacts, Layer, Limits, Push
from glue.engines.finding import ENGINE_SETTING, find_engine

__all__ = ["ENGINE_SETTING", "Container", "Engine", "Exit", "ImageFacts", "Layer", "Limits", "Push", "find_engine"]

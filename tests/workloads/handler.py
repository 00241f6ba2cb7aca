"""Loads the workload's handler as the server does: its folder on the path, `inference.py` as the program."""

import importlib.util
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

WORKLOAD = Path(__file__).parents[2] / "container/workloads/location_detector"


def model_dir() -> Path:
    """The folder that holds the shipped `config.json`."""
    return WORKLOAD


@cache
def load_handler() -> ModuleType:
    """Import `inference.py` under a name of its own: every workload has one."""
    if str(WORKLOAD) not in sys.path:
        sys.path.insert(0, str(WORKLOAD))
    spec = importlib.util.spec_from_file_location("location_detector_inference", WORKLOAD / "inference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module

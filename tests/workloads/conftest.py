"""Puts the workload's folder on the path, as the server does with `code/` of the artifact."""

import sys
from pathlib import Path

WORKLOAD = Path(__file__).parents[2] / "container/workloads/location_detector"

if str(WORKLOAD) not in sys.path:
    sys.path.insert(0, str(WORKLOAD))

"""The folder in which a local cloud keeps what others need to find it. Standard library only."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glue.localcloud.compute.leftovers import is_locked


@dataclass(frozen=True)
class StateDir:
    """A local cloud's folder. Whoever holds its lock is the cloud: that, not a process number, says that it runs."""

    folder: Path

    @property
    def lock_file(self) -> Path:
        """Locked as long as the local cloud lives."""
        return self.folder / "cloud.lock"

    @property
    def state_file(self) -> Path:
        """Process number, URL and settings of the running cloud; readable by its owner only."""
        return self.folder / "cloud.json"

    @property
    def log_file(self) -> Path:
        """What the local cloud itself logs."""
        return self.folder / "cloud.log"

    @property
    def instance_logs(self) -> Path:
        """The instances' output, a file each."""
        return self.folder / "logs"

    @property
    def instances(self) -> Path:
        """The instances' folders."""
        return self.folder / "instances"

    def held(self) -> bool:
        """Whether a local cloud lives here."""
        return is_locked(self.lock_file)

    def read(self) -> dict[str, Any] | None:
        """What the running cloud wrote; None when none runs (a file that a killed one left is stale)."""
        if not self.held():
            return None
        try:
            document = json.loads(self.state_file.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return None
        return document if isinstance(document, dict) else None

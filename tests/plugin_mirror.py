"""Where tests take Terraform's providers from: the registry, or a mirror on a machine that cannot reach it."""

import functools
import os
from pathlib import Path

from glue.terraform.mirrors import MIRROR_SETTING, fallback_mirror


@functools.cache
def plugin_mirror() -> Path | None:
    """A mirror's folder: what `TF_PLUGIN_MIRROR` names, else one in a usual place when the registry is silent.

    None means the registry.
    """
    setting = os.environ.get(MIRROR_SETTING)
    if setting:
        return Path(setting)
    return fallback_mirror()

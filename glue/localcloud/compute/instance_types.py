"""How much memory an instance has: SageMaker's types are those of EC2 with `ml.` in front, and moto has EC2's list."""

import functools
import os

from glue.errors import UsageError

MEMORY_SETTING = "GLUE_LOCAL_MEMORY_MIB"
"""The most memory, in MiB, that a container of the local cloud gets, whatever its instance type has."""

_MIB = 1 << 20


@functools.cache
def memory_of(instance_type: str) -> int | None:
    """The memory of an instance type (`ml.m5.xlarge`) in bytes; None for one that is not known.

    A container on SageMaker gets somewhat less: the instance's own programs have their share, which AWS does not tell.
    """
    from moto.ec2.models.instance_types import INSTANCE_TYPES  # noqa: PLC0415 - takes a second

    known = INSTANCE_TYPES.get(instance_type.removeprefix("ml."))
    return None if known is None else int(known["MemoryInfo"]["SizeInMiB"]) * _MIB


def memory_setting() -> int | None:
    """The setting, in bytes; None without one.

    Raises:
        UsageError: it is no whole number from 6, the least that Docker takes.
    """
    text = os.environ.get(MEMORY_SETTING, "").strip()
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and int(text) >= 6):
        raise UsageError(f"{MEMORY_SETTING}={text}: allowed is a whole number of MiB from 6")
    return int(text) * _MIB

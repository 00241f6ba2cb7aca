"""Requests that can be repeated: with the same time and the same chance, moto makes the same names and ids again."""

import base64
import contextlib
import random
import threading
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from moto.moto_api._internal import mock_random
from moto.moto_api._internal.moto_random import MotoRandom
from moto.s3.models import FakeMultipart

from glue.localcloud.clock import Clock

_UPLOAD_ID_BITS = 384
_here = threading.local()
_anyhow = random.Random()  # noqa: S311 - makes names, no secrets


class _RandomOfThread(MotoRandom):  # type: ignore[misc]
    """moto's source of chance, a thread's own where one was given: others draw from it at the same time."""

    def getrandbits(self, k: int) -> int:
        return _source().getrandbits(k)

    def random(self) -> float:
        return _source().random()


def install() -> None:
    """Make moto's chance a thread's own; it has no setting for that."""
    mock_random.__class__ = _RandomOfThread
    begin = FakeMultipart.__init__

    def with_repeatable_id(upload: Any, *arguments: Any, **options: Any) -> None:
        begin(upload, *arguments, **options)
        drawn = mock_random.getrandbits(_UPLOAD_ID_BITS).to_bytes(_UPLOAD_ID_BITS // 8, "big")
        upload.id = base64.b64encode(drawn, b"AZ").decode()

    FakeMultipart.__init__ = with_repeatable_id


@contextlib.contextmanager
def repeatable(clock: Clock, moment: datetime, seed: int) -> Iterator[None]:
    """What this thread does now, it does at `moment`, with the chance of `seed`."""
    _here.random = random.Random(seed)  # noqa: S311
    try:
        with clock.frozen(moment):
            yield
    finally:
        del _here.random


def _source() -> random.Random:
    return getattr(_here, "random", _anyhow)

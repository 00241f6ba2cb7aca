"""Samples are found by their metric and time, however many others there are."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from moto.cloudwatch.models import cloudwatch_backends

from glue.localcloud.accounts import Scope
from glue.localcloud.monitoring import metric_store
from glue.scaling.metrics import Sample
from tests.localcloud.support import REGION

SCOPE = Scope("777788889999", REGION)
NAMESPACE = "Tests"
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def empty() -> Iterator[None]:
    metric_store.install()
    cloudwatch_backends[SCOPE.account].pop(REGION, None)
    yield
    cloudwatch_backends[SCOPE.account].pop(REGION, None)


def put(name: str, minute: int, value: float = 1.0, unit: str = "Count") -> None:
    sample = Sample.of(BEGIN + minute * MINUTE, [value])
    metric_store.put(SCOPE, NAMESPACE, name, sample, dimensions={"One": "1", "Other": "2"}, unit=unit)


def values(name: str, since: int, unit: str | None = None) -> list[float]:
    key = (NAMESPACE, name, frozenset({("Other", "2"), ("One", "1")}))
    return [sample.total for sample in metric_store.samples(SCOPE, key, unit, BEGIN + since * MINUTE)]


def test_samples_are_those_of_a_metric_in_a_unit_since_a_moment_oldest_first() -> None:
    for minute in (3, 1, 2, 4):
        put("asked", minute, minute)
    put("asked", 5, 5, unit="Seconds")
    put("other", 5, 6)
    assert values("asked", 2) == [2, 3, 4, 5]
    assert values("asked", 2, "Count") == [2, 3, 4]
    assert values("nothing", 0) == []


def test_an_evaluation_looks_at_no_more_than_it_asks_for(monkeypatch: pytest.MonkeyPatch) -> None:
    for minute in range(2000):
        for name in ("asked", "other", "third"):
            put(name, minute, minute)
    looked, moment = [], metric_store._moment

    def counted(datum: Any) -> datetime:
        looked.append(datum)
        return moment(datum)

    monkeypatch.setattr(metric_store, "_moment", counted)
    assert values("asked", 1995) == [1995, 1996, 1997, 1998, 1999]
    assert len(looked) < 30


def test_what_cloudwatch_keeps_no_longer_is_forgotten_in_every_account() -> None:
    put("asked", 0, 1)
    put("asked", 2, 2)
    put("old", 0)
    metric_store.prune(BEGIN + metric_store.RETENTION + MINUTE)
    assert values("asked", 0) == [2]
    assert values("old", 0) == []
    assert len(cloudwatch_backends[SCOPE.account][REGION].metric_data) == 1

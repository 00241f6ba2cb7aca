"""Counters for Prometheus: https://prometheus.io/docs/instrumenting/exposition_formats/"""

from typing import Any

from prometheus_client import CollectorRegistry, Counter, Enum, Gauge, Histogram, ProcessCollector, exposition

from serving.health import State
from serving.supervisor import Supervisor

_SECONDS = (0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 3600)
_PHASES = ("queue", "load", "predict", "encode", "total")


class Metrics:
    """What `/metrics` shows of one server: its requests, fed by `observe`, and its state at the time of asking."""

    content_type = exposition.CONTENT_TYPE_LATEST.encode()

    def __init__(self, supervisor: Supervisor) -> None:
        registry = self._registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self._supervisor = supervisor
        self._requests = Counter(
            "serving_requests", "Requests that have ended.", ["outcome", "status"], registry=registry
        )
        self._seconds = Histogram(
            "serving_request_seconds", "Time of requests by phase.", ["phase"], buckets=_SECONDS, registry=registry
        )
        self._bytes = Counter("serving_bytes", "Bytes of bodies.", ["direction"], registry=registry)
        self._state = Enum(
            "serving_state", "State of the server.", states=[state.value for state in State], registry=registry
        )
        for name, help_, value in (
            ("serving_slots", "Requests that are taken at once.", lambda: supervisor.slots),
            ("serving_slots_taken", "Requests that are running or waiting for a worker.", lambda: supervisor.active),
            ("serving_workers", "Worker processes.", lambda: supervisor.workers),
        ):
            Gauge(name, help_, registry=registry).set_function(value)
        self._starts = Counter("serving_worker_starts", "Worker processes started.", registry=registry)
        self._starts_seen = 0

    def observe(self, record: dict[str, Any]) -> None:
        """Count a request by its record in the log."""
        self._requests.labels(record["outcome"], str(record.get("status", ""))).inc()
        for phase in _PHASES:
            if (milliseconds := record.get(f"{phase}_ms")) is not None:
                self._seconds.labels(phase).observe(milliseconds / 1000)
        for direction in ("request", "response"):
            self._bytes.labels(direction).inc(record.get(f"{direction}_bytes", 0))

    def text(self) -> bytes:
        """All metrics in Prometheus's text format."""
        self._state.state(self._supervisor.state.value)
        self._starts.inc(self._supervisor.starts - self._starts_seen)
        self._starts_seen = self._supervisor.starts
        return exposition.generate_latest(self._registry)

"""Figures for a monitor, in Prometheus' text format: what waits behind the bookings, and what is stuck.

Numbers over all organizations, without a name or an id. They are served only when the operator asks for it, on this
machine's own address unless said otherwise, by the process that may see every organization: the worker.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from prometheus_client import CollectorRegistry, Gauge, start_http_server

from holdfast.errors import SetupRefused
from holdfast.log.backlog import Backlog

LABELS: Final = ("what",)


class Metrics:
    """The gauges of this worker. ``what``: events, deliveries, messages, offers or jobs."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._waiting = self._gauge("waiting", "Due now and not done yet.")
        self._seconds = self._gauge("oldest_seconds", "How long the first of them has waited.")
        self._stuck = self._gauge("stuck", "Could not be sent, and needs a person.")
        self._active = Gauge("holdfast_relay_active", "Whether the relay of this worker works.", registry=self.registry)

    def _gauge(self, name: str, help: str) -> Gauge:
        return Gauge(f"holdfast_backlog_{name}", help, LABELS, registry=self.registry)

    def note(self, backlogs: Sequence[Backlog], jobs: int) -> None:
        """As it stands now."""
        for each in backlogs:
            self._waiting.labels(each.what).set(each.waiting)
            self._seconds.labels(each.what).set(each.seconds)
            self._stuck.labels(each.what).set(each.stuck)
        self._waiting.labels("jobs").set(jobs)

    def watch_relay(self, is_active: Callable[[], bool]) -> None:
        """Ask whether the relay works whenever the figures are fetched."""
        self._active.set_function(is_active)


@contextmanager
def serve_metrics(metrics: Metrics, host: str, port: int | None) -> Iterator[None]:
    """Answer ``GET /metrics`` meanwhile; nothing without a port. Raises SetupRefused for one that is taken."""
    if port is None:
        yield
        return
    try:
        server, thread = start_http_server(port, host, metrics.registry)
    except OSError:
        raise SetupRefused(
            f"Port {port} on {host} cannot be used for metrics: choose another HOLDFAST_METRICS_PORT."
        ) from None
    try:
        yield
    finally:
        server.shutdown()
        thread.join()

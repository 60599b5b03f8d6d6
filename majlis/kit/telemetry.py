"""Metrics for Prometheus and, when configured, traces for OpenTelemetry."""

import contextlib
from typing import Any

import prometheus_client as prometheus

from majlis.kit import log

logger = log.get("majlis.telemetry")

_BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
requests = prometheus.Histogram(
    "majlis_http_request_seconds",
    "Duration of requests by route and status.",
    ["method", "route", "status"],
    buckets=_BUCKETS,
)
jobs = prometheus.Counter("majlis_jobs_total", "Background jobs by name and result.", ["job", "result"])
jobs_waiting = prometheus.Gauge("majlis_jobs_waiting", "Background jobs that wait.")
pool_size = prometheus.Gauge("majlis_db_pool_connections", "Database connections.", ["pool", "state"])
sockets = prometheus.Gauge("majlis_sockets", "Open sockets.")
limited = prometheus.Counter("majlis_rate_limited_total", "Requests refused by a limit.", ["limit"])


def render() -> bytes:
    """The text exposition of this process's metrics."""
    return prometheus.generate_latest()


CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Traces:
    """Spans of requests and jobs; does nothing until started."""

    def __init__(self) -> None:
        self._tracer: Any = None
        self._provider: Any = None

    def start(self, endpoint: str, service: str, version: str) -> None:
        """Send spans to a collector (OTLP over HTTP). Needs the extra majlis[telemetry]."""
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        resource = Resource.create({"service.name": service, "service.version": version})
        self._provider = TracerProvider(resource=resource)
        exporter = OTLPSpanExporter(endpoint.rstrip("/") + "/v1/traces")
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer(service)

    def span(self, name: str, **attributes: str) -> contextlib.AbstractContextManager[Any]:
        """A span around a piece of work."""
        if self._tracer is None:
            return _NOTHING
        return self._tracer.start_as_current_span(name, attributes=attributes)  # type: ignore[no-any-return]

    @property
    def on(self) -> bool:
        """Whether spans are recorded at all."""
        return self._tracer is not None

    def close(self) -> None:
        """Send what is left."""
        if self._provider is not None:
            self._provider.shutdown()


_NOTHING: contextlib.AbstractContextManager[None] = contextlib.nullcontext()
traces = Traces()

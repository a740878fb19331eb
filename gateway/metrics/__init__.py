"""The Prometheus metrics."""

from gateway.metrics.metrics import Metrics

__all__ = ["Metrics"]

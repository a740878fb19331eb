"""The gateway that real clients talk to."""

from tests.clients.house import served

__all__ = ["served"]

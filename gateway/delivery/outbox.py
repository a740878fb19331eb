"""What delivery asks of the store: entries out, attempts back."""

from collections.abc import Sequence
from typing import Protocol

from gateway.store.attempt import Attempt, Report
from gateway.store.outbox import Entry

__all__ = ["Entry", "Outbox"]


class Outbox(Protocol):
    """The durable queue as the worker sees it."""

    async def take(self, limit: int) -> Sequence[Entry]:
        """Wait for entries and lease at most `limit`, first due first; fresh ones come from memory.

        Each is this worker's alone until it is settled or its `lease_until` is past. Cancelling a waiting
        take loses no entry.
        """
        ...

    def settle(self, entry: Entry, attempt: Attempt) -> None:
        """Note what came of an entry, in the next transaction. Does not block, never raises."""
        ...

    def report(self, report: Report) -> None:
        """Queue mail of the gateway's own, in the next transaction. Does not block, never raises."""
        ...

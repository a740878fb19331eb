"""What delivery asks of the store: entries out, attempts back."""

from collections.abc import Sequence
from typing import Protocol

from gateway.store.attempt import Attempt, Report


class Entry(Protocol):
    """One accepted delivery to one recipient.

    `raw` is what to send: RFC 5322 octets with CRLF line ends when `format` is "mime", canonical JSON of
    the native request when "json". `add_headers` are put before it. `attempts` counts those already
    made. Times are unix seconds. `relay` names a relay, "" for the channel's own. `notify`, `orcpt`,
    `dsn_return` and `dsn_envelope_id` are as RFC 3461 writes them on the wire.
    """

    @property
    def id(self) -> str: ...  # noqa: D102  # said above, as for all that follow
    @property
    def message_id(self) -> str: ...  # noqa: D102
    @property
    def channel(self) -> str: ...  # noqa: D102
    @property
    def envelope_from(self) -> str: ...  # noqa: D102
    @property
    def address(self) -> str: ...  # noqa: D102
    @property
    def relay(self) -> str: ...  # noqa: D102
    @property
    def raw(self) -> bytes: ...  # noqa: D102
    @property
    def format(self) -> str: ...  # noqa: D102
    @property
    def smtputf8(self) -> bool: ...  # noqa: D102
    @property
    def notify(self) -> str: ...  # noqa: D102
    @property
    def orcpt(self) -> str: ...  # noqa: D102
    @property
    def dsn_return(self) -> str: ...  # noqa: D102
    @property
    def dsn_envelope_id(self) -> str: ...  # noqa: D102
    @property
    def attempts(self) -> int: ...  # noqa: D102
    @property
    def queued_at(self) -> float: ...  # noqa: D102
    @property
    def due_at(self) -> float: ...  # noqa: D102
    @property
    def source(self) -> str: ...  # noqa: D102
    @property
    def controller(self) -> str: ...  # noqa: D102
    @property
    def campaign(self) -> str: ...  # noqa: D102
    @property
    def class_(self) -> str: ...  # noqa: D102
    @property
    def add_headers(self) -> tuple[tuple[str, str], ...]: ...  # noqa: D102


class Outbox(Protocol):
    """The durable queue as the worker sees it."""

    async def take(self, limit: int) -> Sequence[Entry]:
        """Wait for entries and lease at most `limit`, first due first; fresh ones come from memory.

        A lease holds until its entry is settled. Cancelling a waiting take loses no entry.
        """
        ...

    def settle(self, entry: Entry, attempt: Attempt) -> None:
        """Note what came of an entry, in the next transaction. Does not block, never raises."""
        ...

    def report(self, report: Report) -> None:
        """Queue mail of the gateway's own, in the next transaction. Does not block, never raises."""
        ...

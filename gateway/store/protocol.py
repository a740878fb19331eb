"""What the rest of the gateway may ask of a store, whichever database is behind it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from gateway.ledger.person import Person, Stop
from gateway.store.attempt import Attempt, Report
from gateway.store.draft import Unit
from gateway.store.outbox import Entry
from gateway.store.pauses import Pauses
from gateway.store.records import ConsentRow, DecisionRow, EventRow, HoldRow, MessageRow, Ref

T = TypeVar("T")


class StoreError(Exception):
    """The store cannot do this now; nothing was written. The text holds no personal data."""


class Unavailable(StoreError):
    """The database does not answer: try again soon (451, 503)."""


class Conflict(Unavailable):
    """The batch got in the way of another process; done again, it may well succeed."""


class DiskFull(StoreError):
    """There is no room: try again when there is (452, 503)."""


class WrongKeys(StoreError):
    """The key file is not the one that this database was made with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldFilter:
    """Which holds to list; empty fields match all. `before` and `after` page by hold id."""

    status: str = "open"
    source: str = ""
    campaign: str = ""
    channel: str = ""
    class_: str = ""
    code: str = ""
    cluster: str = ""
    message: str = ""
    controller: str = ""
    created_before: float = 0.0
    after: str = ""
    limit: int = 100


@dataclass(frozen=True, slots=True)
class Depths:
    """What waits: outbox rows and the oldest one's unix time, open holds by policy, the oldest of them that
    waits for more than the end of a pause."""

    outbox: int
    oldest_outbox: float
    holds: dict[str, int]
    oldest_hold: float
    unanswered: int


class Store(Protocol):
    """State that survives. Reads see what was committed; writes go through `run`."""

    @property
    def distributed(self) -> bool:
        """Whether the tables are spread over several nodes, which cannot answer every question."""
        ...

    @property
    def pauses(self) -> Pauses:
        """What is paused, as far as this process knows: whoever serves looks again each second."""
        ...

    async def start(self) -> None:
        """Load what lives in memory and begin to commit."""
        ...

    def expect(self, more: int) -> None:
        """So many more units, or fewer, are on their way to `run`: a batch waits a moment for them."""
        ...

    async def run(self, unit: Unit[T]) -> T:
        """Do a unit in the next batch and return once it is durable. Raises Unavailable, DiskFull,
        or what the unit raised."""
        ...

    async def person(self, ref: Ref) -> Person:
        """What is stored of a person, outside any batch."""
        ...

    def stops(self, ref: Ref) -> tuple[Stop, ...] | Awaitable[tuple[Stop, ...]]:
        """Why nobody may write to this person: at once where the database is embedded."""
        ...

    async def message(self, message_id: str) -> tuple[MessageRow, bytes] | None:
        """A message and its body; the body is empty once it is gone."""
        ...

    async def decisions(self, message_id: str) -> list[DecisionRow]:
        """Every decision of a message, by recipient."""
        ...

    async def hold(self, hold_id: str) -> HoldRow | None:
        """One hold."""
        ...

    async def holds(self, wanted: HoldFilter) -> list[HoldRow]:
        """Holds, oldest first."""
        ...

    async def due_holds(self, now: float, limit: int) -> list[HoldRow]:
        """Open holds whose expiry or recheck time has come, oldest first."""
        ...

    async def held_of(self, ref: Ref) -> list[HoldRow]:
        """The open holds of one person."""
        ...

    async def consents(self, ref: Ref) -> list[ConsentRow]:
        """The consent log of one person, oldest first."""
        ...

    async def sent_as(self, message_id: str) -> list[str]:
        """The messages that went out under a Message-ID (RFC 5322) in the last year, newest first."""
        ...

    async def sent_to(self, ref: Ref, limit: int = 20) -> list[str]:
        """The latest messages accepted for one person, newest first."""
        ...

    async def unmatched(self, after: str = "", limit: int = 100) -> list[EventRow]:
        """Replies that wait for a person to look at them, oldest first; `after` pages by id."""
        ...

    async def depths(self) -> Depths:
        """How much waits, for metrics."""
        ...

    async def take(self, limit: int) -> list[Entry]:
        """Deliveries to try now, leased to this process; waits until there is one."""
        ...

    def settle(self, entry: Entry, attempt: Attempt) -> None:
        """Tell how a delivery went; written with the next batch, within a tenth of a second."""
        ...

    async def attempts(self, message_id: str) -> list[tuple[Any, ...]]:
        """Every try to deliver a message: decision id, number, time, outcome, relay, code, text."""
        ...

    async def waiting(self, message_id: str) -> list[tuple[Any, ...]]:
        """What of a message is still in the outbox: decision id, when it is due (0 while somebody
        has it), attempts made."""
        ...

    def on_cancel(self, tell: Callable[[set[str]], None], count: Callable[[int], None]) -> None:
        """Call these with the ids of deliveries that this process cancelled, whoever has taken them, and with
        how many holds it did."""
        ...

    def report(self, report: Report) -> None:
        """Queue mail of the gateway's own; written with the next batch."""
        ...

    async def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """What a statement that only reads finds in what is committed. `sql` keeps to what SQLite and
        PostgreSQL both know, with `?` or `?1` for values."""
        ...

    async def few(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The same for a statement that finds a few hundred rows at most, each by its key: an embedded
        database answers at once, where `rows` goes to a thread."""
        ...

    async def fingerprint(self, keys: str) -> None:
        """Keep the fingerprint of the key file, or refuse one that differs. Raises WrongKeys."""
        ...

    def now(self) -> float:
        """Unix seconds by the clock that leases, expiry and decisions go by: a shared database's own."""
        ...

    def in_place(self) -> bool:
        """Whether what is written stays where it can be found again."""
        ...

    async def check(self) -> None:
        """Raises StoreError when the database cannot be written."""
        ...

    async def close(self) -> None:
        """Finish what is under way and let go of the database."""
        ...

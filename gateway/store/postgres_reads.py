"""What is committed, read outside any batch: the reading half of the store."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Sequence
from typing import Any

from gateway.keys import lane_of
from gateway.ledger.person import Person, Stop
from gateway.store import queries as q
from gateway.store.codec import unpack_person
from gateway.store.filters import filter_holds
from gateway.store.pauses import ALONE
from gateway.store.postgres_link import Link
from gateway.store.postgres_stops import Stops
from gateway.store.protocol import Depths, HoldFilter
from gateway.store.records import ConsentRow, DecisionRow, EventRow, HoldRow, MessageRow, Ref, sent_hash

OUTBOX_OF_MESSAGE = f"SELECT id, {q.NEXT_TRY}, attempts FROM outbox WHERE message_id = ? ORDER BY id"
SENT = (
    "SELECT message_id FROM sent_ids WHERE hash = ? AND day > ? - 366 AND day <= ? ORDER BY day DESC,"
    " message_id DESC LIMIT 20"
)
"""An index of its own in each month of days: no need to go through them one by one."""


class Reads(ABC):
    """Reads through the pool of a link. All raise StoreError."""

    _link: Link
    _stops: Stops

    @abstractmethod
    def now(self) -> float:
        """Unix seconds by the database's clock."""

    def stops(self, ref: Ref) -> Awaitable[tuple[Stop, ...]]:
        """Why nobody may write to this person."""
        return self._stops.find(ref)

    async def person(self, ref: Ref) -> Person:
        """What is stored of a person."""
        rows = await self._link.rows(q.PERSON, (lane_of(ref[1]), *ref))
        return unpack_person(rows[0][0]) if rows else Person()

    async def message(self, message_id: str) -> tuple[MessageRow, bytes] | None:
        """A message and its body, which is empty once it is gone."""
        rows = await self._link.rows(q.MESSAGE, (message_id,))
        return (MessageRow(*rows[0][:11]), rows[0][11] or b"") if rows else None

    async def decisions(self, message_id: str) -> list[DecisionRow]:
        """Every decision of a message."""
        return [DecisionRow(*row) for row in await self._link.rows(q.DECISIONS, (message_id,))]

    async def attempts(self, message_id: str) -> list[tuple[Any, ...]]:
        """Every try to deliver a message: id, number, time, outcome, relay, code, text."""
        return sorted(await self._link.rows(q.ATTEMPTS_OF_MESSAGE, (message_id,)))

    async def waiting(self, message_id: str) -> list[tuple[Any, ...]]:
        """What of a message is still in the outbox: id, when it is due (0: it is taken), attempts made."""
        return await self._link.rows(OUTBOX_OF_MESSAGE, (message_id,))

    async def hold(self, hold_id: str) -> HoldRow | None:
        """One hold."""
        rows = await self._link.rows(q.HOLD, (hold_id,))
        return HoldRow(*rows[0]) if rows else None

    async def holds(self, wanted: HoldFilter) -> list[HoldRow]:
        """Holds that match, oldest first."""
        return [HoldRow(*row) for row in await self._link.rows(*filter_holds(wanted))]

    async def due_holds(self, now: float, limit: int) -> list[HoldRow]:
        """Open holds whose expiry or recheck time has come."""
        return [HoldRow(*row) for row in await self._link.rows(q.HOLDS_DUE, (now, limit))]

    async def held_of(self, ref: Ref) -> list[HoldRow]:
        """The open holds of one person."""
        return [HoldRow(*row) for row in await self._link.rows(q.HOLDS_OF, (lane_of(ref[1]), *ref))]

    async def consents(self, ref: Ref) -> list[ConsentRow]:
        """The consent log of one person."""
        return [ConsentRow(*row) for row in await self._link.rows(q.CONSENTS, (lane_of(ref[1]), *ref))]

    async def sent_as(self, message_id: str) -> list[str]:
        """The messages that went out under a Message-ID (RFC 5322) in the last year, newest first."""
        today = int(self.now() // 86400)
        return [str(row[0]) for row in await self._link.rows(SENT, (sent_hash(message_id), today, today))]

    async def sent_to(self, ref: Ref, limit: int = 20) -> list[str]:
        """The latest messages accepted for one person, newest first."""
        wanted = (lane_of(ref[1]), ref[1], ref[0], limit)
        return [str(row[0]) for row in await self._link.rows(q.SENT_TO, wanted)]

    async def unmatched(self, after: str = "", limit: int = 100) -> list[EventRow]:
        """Replies that wait for a person to look at them, oldest first; `after` pages by id."""
        return [EventRow(*row) for row in await self._link.rows(q.UNMATCHED, (after, limit))]

    async def depths(self) -> Depths:
        """How much waits."""
        [(outbox, oldest)] = await self._link.rows(q.COUNT_OUTBOX, ())
        holds: dict[str, int] = {}
        oldest_hold = 0.0
        for codes, count, first in await self._link.rows(q.COUNT_HOLDS, ()):
            for policy in {code.partition("/")[0] for code in codes.split()} or {""}:
                holds[policy] = holds.get(policy, 0) + count
            if codes not in ALONE:
                oldest_hold = min(oldest_hold or first, first)
        [(unanswered,)] = await self._link.rows(q.COUNT_WAITING, ())
        return Depths(outbox, oldest, holds, oldest_hold, unanswered)

    async def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """What a statement that only reads finds; `?` or `?1` for values."""
        return await self._link.rows(sql, values)

    async def few(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The same for a few rows, each found by its key."""
        return await self._link.rows(sql, values)

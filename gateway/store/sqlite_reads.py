"""What is committed, read outside any batch: the reading half of the store.

What is found by its key is read at once. What may take a while is read in threads with connections of their
own: what a reviewer's page or an export looks through keeps nobody who submits waiting.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import apsw

from gateway.ledger.person import Person, Stop
from gateway.store import queries as q
from gateway.store.codec import unpack_person
from gateway.store.filters import filter_holds
from gateway.store.pauses import ALONE
from gateway.store.protocol import Depths, DiskFull, HoldFilter, StoreError, Unavailable
from gateway.store.records import ConsentRow, DecisionRow, EventRow, HoldRow, MessageRow, Ref, sent_hash

THREADS = 2
"""So that one who exports for a minute leaves room for those who look."""


DAMAGED = (
    "the database file is damaged, or is none of SQLite's; put a backup in its place (`galateo restore`)"
)
_CUT_OFF = frozenset({apsw.SQLITE_IOERR_SHORT_READ, apsw.SQLITE_IOERR_CORRUPTFS})
"""Errors of reading that are the file's own: it ends where it should go on."""
_TOLD: tuple[tuple[tuple[type[apsw.Error], ...], str], ...] = (
    ((apsw.NotADBError, apsw.CorruptError), DAMAGED),
    (
        (apsw.CantOpenError, apsw.ReadOnlyError, apsw.PermissionsError),
        "the database file cannot be opened for writing; this user must own it and its folder",
    ),
    ((apsw.IOError,), "the disk that holds the database gives errors, or the file is gone"),
)
"""Errors that do not pass by themselves: what an operator can do about them."""


def translate(error: apsw.Error, file: Path | None = None) -> StoreError:
    """What a database error means to a caller; the text names no value, but the `file` where it is given."""
    named = f"{file}: " if file is not None else ""
    if isinstance(error, apsw.FullError):
        return DiskFull(f"{named}the disk that holds the database is full")
    if getattr(error, "extendedresult", 0) in _CUT_OFF:
        return Unavailable(f"{named}{DAMAGED}")
    for kinds, words in _TOLD:
        if isinstance(error, kinds):
            return Unavailable(f"{named}{words}")
    return Unavailable(f"{named}the database does not answer ({type(error).__name__})")


class SlowReads:
    """Runs statements that only read; what is committed when one begins is what it sees. `connect` makes a
    read-only connection, one for each thread."""

    def __init__(self, connect: Callable[[], apsw.Connection]) -> None:
        self._connect = connect
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="read")
        self._own = threading.local()
        self._all: list[apsw.Connection] = []

    async def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """What a statement finds. Raises apsw.Error."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._read, sql, tuple(values))

    async def depths(self) -> Depths:
        """How much waits."""
        [(outbox, oldest)] = await self.rows(q.COUNT_OUTBOX)
        holds: dict[str, int] = {}
        oldest_hold = 0.0
        for codes, count, first in await self.rows(q.COUNT_HOLDS):
            for policy in {code.partition("/")[0] for code in codes.split()} or {""}:
                holds[policy] = holds.get(policy, 0) + count
            if codes not in ALONE:
                oldest_hold = min(oldest_hold or first, first)
        [(waiting,)] = await self.rows(q.COUNT_WAITING)
        return Depths(outbox, oldest, holds, oldest_hold, waiting)

    def close(self) -> None:
        """Finish what is being read, let go of the file."""
        self._pool.shutdown()
        for db in self._all:
            db.close()

    def _read(self, sql: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
        db: apsw.Connection | None = getattr(self._own, "db", None)
        if db is None:
            db = self._own.db = self._connect()
            self._all.append(db)
        return db.execute(sql, values).fetchall()


class Reads:
    """Reads of a store. All raise StoreError."""

    _reader: apsw.Connection
    _slow: SlowReads
    _clock: Callable[[], float]
    distributed = False

    async def person(self, ref: Ref) -> Person:
        """What is stored of a person."""
        row = self._read(q.PERSON, (int.from_bytes(ref[1][:2], "big") & 1023, *ref)).fetchone()
        return unpack_person(row[0]) if row else _NEW

    def stops(self, ref: Ref) -> tuple[Stop, ...] | Awaitable[tuple[Stop, ...]]:
        """Why nobody may write to this person: at once, and what fails where it is awaited."""
        try:
            row = self._read(q.PERSON, (int.from_bytes(ref[1][:2], "big") & 1023, *ref)).fetchone()
        except StoreError as error:
            return _fail(error)
        return unpack_person(row[0]).stops if row and b'"s":[' in row[0] else ()

    async def message(self, message_id: str) -> tuple[MessageRow, bytes] | None:
        """A message and its body, which is empty once it is gone."""
        row = self._read(q.MESSAGE, (message_id,)).fetchone()
        return (MessageRow(*row[:11]), row[11] or b"") if row else None

    async def decisions(self, message_id: str) -> list[DecisionRow]:
        """Every decision of a message."""
        return [DecisionRow(*row) for row in self._read(q.DECISIONS, (message_id,))]

    async def attempts(self, message_id: str) -> list[tuple[Any, ...]]:
        """Every try to deliver a message: id, number, time, outcome, relay, code, text."""
        return self._read(q.ATTEMPTS_OF_MESSAGE, (message_id,)).fetchall()

    async def waiting(self, message_id: str) -> list[tuple[Any, ...]]:
        """What of a message is still in the outbox: id, when it is due (0: it is taken), attempts made."""
        return self._read(q.OUTBOX_OF_MESSAGE, (message_id,)).fetchall()

    async def hold(self, hold_id: str) -> HoldRow | None:
        """One hold."""
        row = self._read(q.HOLD, (hold_id,)).fetchone()
        return HoldRow(*row) if row else None

    async def holds(self, wanted: HoldFilter) -> list[HoldRow]:
        """Holds that match, oldest first."""
        sql, values = filter_holds(wanted)
        return [HoldRow(*row) for row in await self.rows(sql, values)]

    async def due_holds(self, now: float, limit: int) -> list[HoldRow]:
        """Open holds whose expiry or recheck time has come."""
        return [HoldRow(*row) for row in self._read(q.HOLDS_DUE, (now, limit))]

    async def held_of(self, ref: Ref) -> list[HoldRow]:
        """The open holds of one person."""
        lane = int.from_bytes(ref[1][:2], "big") & 1023
        return [HoldRow(*row) for row in self._read(q.HOLDS_OF, (lane, *ref))]

    async def consents(self, ref: Ref) -> list[ConsentRow]:
        """The consent log of one person."""
        lane = int.from_bytes(ref[1][:2], "big") & 1023
        return [ConsentRow(*row) for row in self._read(q.CONSENTS, (lane, *ref))]

    async def sent_as(self, message_id: str) -> list[str]:
        """The messages that went out under a Message-ID (RFC 5322) in the last year, newest first."""
        today = int(self._clock() // 86400)
        return [str(name) for (name,) in self._read(q.SENT, (sent_hash(message_id), today))]

    async def sent_to(self, ref: Ref, limit: int = 20) -> list[str]:
        """The latest messages accepted for one person, newest first."""
        wanted = (int.from_bytes(ref[1][:2], "big") & 1023, ref[1], ref[0], limit)
        return [str(name) for (name,) in self._read(q.SENT_TO, wanted)]

    async def unmatched(self, after: str = "", limit: int = 100) -> list[EventRow]:
        """Replies that wait for a person to look at them, oldest first; `after` pages by id."""
        return [EventRow(*row) for row in self._read(q.UNMATCHED, (after, limit))]

    async def depths(self) -> Depths:
        """How much waits."""
        try:
            return await self._slow.depths()
        except apsw.Error as error:
            raise translate(error) from error

    async def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """What a statement that only reads finds."""
        try:
            return await self._slow.rows(sql, values)
        except apsw.Error as error:
            raise translate(error) from error

    async def few(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The same for a few rows, each found by its key."""
        return self._read(sql, tuple(values)).fetchall()

    def _read(self, sql: str, values: tuple[Any, ...] = ()) -> apsw.Cursor:
        try:
            return self._reader.execute(sql, values)
        except apsw.Error as error:
            raise translate(error) from error


async def _fail(error: StoreError) -> tuple[Stop, ...]:
    raise error


_NEW = Person()

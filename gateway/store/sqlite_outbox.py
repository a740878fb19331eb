"""The outbox on SQLite: fresh entries from memory, waiting ones from the file, results in batches."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import apsw
import orjson

from gateway.store import queries as q
from gateway.store.attempt import Attempt, Outcome, Report
from gateway.store.draft import Draft, Needs, Unit, Writes
from gateway.store.outbox import FEED_BYTES, Entry, Feed, queue_report, unpack_entry
from gateway.store.protocol import StoreError
from gateway.store.records import OutboxRow

log = logging.getLogger(__name__)

SETTLE_SECONDS = 0.05
POLL_SECONDS = 1.0
FRESH = 1.0
"""Seconds in memory after which an entry is looked up again before it goes: a command, which is another
process, may have cancelled it. What this process cancels leaves the memory at once."""
LEASED_AT_ONCE = 200
HELD_ROUNDS = 1800
"""Idle looks at the outbox, one a second, for which nobody else gets what somebody has. They are counted, as
the clock may jump by a day, and a process or its machine may sleep, while a delivery is under way."""


class SqliteOutbox:
    """What waits to be delivered. `take` gives each entry to one caller, under a lease. `db` is what batches
    write by, `reader` sees what is committed."""

    def __init__(
        self,
        db: apsw.Connection,
        reader: apsw.Connection,
        feed: Feed,
        clock: Callable[[], float],
        owner: str,
        lease: float,
    ) -> None:
        self._db = db
        self._reader = reader
        self._feed = feed
        self._clock = clock
        self._owner = owner
        self._lease = lease
        self._settled: list[tuple[Entry, Attempt]] = []
        self._written: list[tuple[Entry, Attempt]] = []
        self._reports: list[Report] = []
        self._run: Callable[[Unit[Any]], Awaitable[Any]] | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._due = asyncio.Event()
        self._rounds = 0
        self._held: dict[str, int] = {}

    def start(self, run: Callable[[Unit[Any]], Awaitable[Any]]) -> None:
        """Begin to look for due entries and to write results that no batch carried along."""
        self._run = run
        self._due.set()
        loop = asyncio.get_running_loop()
        self._tasks = [
            loop.create_task(self._write_idle(), name="settle"),
            loop.create_task(self._poll(), name="due"),
        ]

    async def stop(self) -> None:
        """Stop looking; write what is settled; give back the rest. Nothing may be under way any more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._run is None:
            return
        if self._settled or self._reports:
            try:
                await self._run(_Flush(self))
            except StoreError as error:
                lost = {"results": len(self._settled), "problem": str(error)}
                log.error("outbox.unwritten", extra=lost)  # these may go out again
                return
        with contextlib.suppress(StoreError):  # the next start gives it back
            await self._run(_Free(self))

    # -- out -------------------------------------------------------------------------------------

    def hand_over(self, writes: Writes) -> None:
        """Entries of a committed batch that are leased to this process, with their bodies."""
        if not writes.outbox:
            return
        bodies = {body.message_id: body.content for body in writes.bodies}
        entries = [
            unpack_entry(row, bodies[row.message_id])
            for row in writes.outbox
            if row.lease_until and row.message_id in bodies
        ]
        if entries:
            self._hold(entries)
        if len(entries) < len(writes.outbox):
            self._due.set()

    def _hold(self, entries: list[Entry]) -> None:
        """Offer entries, and remember that they are out until what came of them is written."""
        self._held.update((entry.id, self._rounds) for entry in entries)
        self._feed.offer(entries)

    async def take(self, limit: int) -> list[Entry]:
        """Entries to deliver now, in the order in which they fell due; waits until there is one."""
        while True:
            taken = self._feed.pop(limit, 0.0)  # whatever the clock says: nobody else takes them
            if taken:
                if taken := await self._confirm(taken):
                    return taken
                continue
            self._feed.wake.clear()
            if self._feed.spilled:
                self._due.set()
            await self._feed.wake.wait()

    async def _confirm(self, taken: list[Entry]) -> list[Entry]:
        """Those that nobody cancelled, where they lay here long enough for that, or where the clock was put
        elsewhere meanwhile."""
        fresh = self._clock() + self._lease
        if all(abs(fresh - entry.lease_until) <= FRESH for entry in taken):
            return taken
        try:
            return self._standing(taken)
        except apsw.Error:
            self._feed.offer(taken)
            await asyncio.sleep(POLL_SECONDS / 5)
            return []

    def _standing(self, entries: list[Entry]) -> list[Entry]:
        """Those whose row is there yet. Raises apsw.Error."""
        names = orjson.dumps([entry.id for entry in entries]).decode()
        there = {row[0] for row in self._reader.execute(q.STILL_QUEUED, (names,))}
        for entry in entries:
            if entry.id not in there:
                self._held.pop(entry.id, None)
        return [entry for entry in entries if entry.id in there]

    def forget(self, ids: set[str]) -> None:
        """Entries that were cancelled."""
        self._feed.drop(ids)
        for name in ids:
            self._held.pop(name, None)

    def _count_round(self) -> None:
        """A second has passed in which this process ran; whoever lost an entry had time enough."""
        self._rounds += 1
        for name in [name for name, since in self._held.items() if self._rounds - since > HELD_ROUNDS]:
            del self._held[name]

    async def _poll(self) -> None:
        """Lease due entries from the file whenever the feed has run dry."""
        while True:
            # Not wait_for: in Python 3.11 it loses a cancellation that comes just as its wait ends.
            try:
                async with asyncio.timeout(POLL_SECONDS):
                    await self._due.wait()
            except TimeoutError:
                self._count_round()
            self._due.clear()
            if len(self._feed) or self._run is None:
                continue
            try:
                entries, more = await self._run(_Lease(self, LEASED_AT_ONCE))
            except Exception:  # noqa: BLE001 - the database is down: look again in a second
                await asyncio.sleep(POLL_SECONDS)
                continue
            self._feed.spilled = more
            with contextlib.suppress(apsw.Error):  # else `take` looks in a second
                entries = self._standing(entries)  # the same batch may have cancelled some
            if entries:
                self._hold(entries)

    def lease_due(self, limit: int) -> tuple[list[Entry], bool]:
        """Inside a transaction: take due rows for this process, as many octets as memory is meant for, at
        least one message; those that are out stay with who has them. Also, whether more may be due."""
        now = self._clock()
        until = now + self._lease
        rows = self._db.execute(q.OUTBOX_DUE, (now, limit)).fetchall()
        entries: list[Entry] = []
        bodies: dict[str, bytes] = {}
        room = FEED_BYTES
        for fields in rows:
            *columns, entry, size = _typed(fields)
            row_id, message_id = columns[:2]
            out = row_id in self._held
            if not out and message_id not in bodies:
                if bodies and size > room:
                    return entries, True
                room -= size
                [(bodies[message_id],)] = self._db.execute(q.BODY, (message_id,))
            self._db.execute(q.LEASE_OUTBOX, (until, self._owner, row_id))
            if not out:
                entries.append(_leased(columns, self._owner, until, entry, bodies[message_id]))
        return entries, len(rows) == limit

    def free_leases(self) -> None:
        """Inside a transaction: give back all that was leased, also what a flush has just queued."""
        self._db.execute(q.FREE_LEASES)

    # -- back ------------------------------------------------------------------------------------

    def settle(self, entry: Entry, attempt: Attempt) -> None:
        """Note what came of an entry; the next batch writes it."""
        self._settled.append((entry, attempt))

    def report(self, report: Report) -> None:
        """Queue mail of the gateway's own; the next batch writes it."""
        self._reports.append(report)

    async def _write_idle(self) -> None:
        while True:
            await asyncio.sleep(SETTLE_SECONDS)
            if (self._settled or self._reports) and self._run is not None:
                flush = _Flush(self)
                try:
                    await self._run(flush)
                except Exception:  # noqa: BLE001 - kept in memory; the next round tries again
                    self._reports[:0] = flush.reports or []
                    await asyncio.sleep(POLL_SECONDS)

    def write_settled(self) -> None:
        """Inside a transaction: write the results that have come in."""
        if not self._settled:
            return
        self._written, self._settled = self._settled, []
        now, db = self._clock(), self._db
        done = [(e, a) for e, a in self._written if a.outcome is not Outcome.DEFERRED]
        db.executemany(q.DROP_OUTBOX, [(e.id,) for e, _ in done])
        db.executemany(q.DROP_BODY, [(e.message_id,) for e, a in done if e.alone and a.counted])
        for message_id in {e.message_id for e, a in done if not (e.alone and a.counted)}:
            db.execute(q.FREE_BODY, (message_id,))
        for entry, attempt in self._written:
            if attempt.outcome is Outcome.DEFERRED:
                db.execute(q.DEFER_OUTBOX, (attempt.next_at, entry.attempts + attempt.counted, entry.id))
        db.executemany(
            q.ADD_ATTEMPT,
            [
                (e.id, e.attempts + 1, now, a.outcome.value, a.relay, a.code, a.text)
                for e, a in self._written
                if a.counted
            ],
        )

    def settled(self) -> None:
        """The results that were written are committed."""
        for entry, _ in self._written:
            self._held.pop(entry.id, None)
        self._written = []

    def unwrite(self) -> None:
        """They are not: keep them for the next batch."""
        self._settled[:0] = self._written
        self._written = []

    def take_reports(self) -> list[Report]:
        """The gateway's own mail that waits to be queued."""
        reports, self._reports = self._reports, []
        return reports


class _Flush:
    """A batch of its own for results, when no acceptance carries them along."""

    needs = Needs()

    def __init__(self, outbox: SqliteOutbox) -> None:
        self._outbox = outbox
        self.reports: list[Report] | None = None

    def apply(self, draft: Draft[None]) -> None:
        """Queue reports; results are written with every batch anyway. May be done over."""
        if self.reports is None:
            self.reports = self._outbox.take_reports()
        for report in self.reports:
            queue_report(draft, report)


class _Lease:
    needs = Needs()

    def __init__(self, outbox: SqliteOutbox, limit: int) -> None:
        self._outbox = outbox
        self._limit = limit

    def apply(self, draft: Draft[tuple[list[Entry], bool]]) -> tuple[list[Entry], bool]:
        """Take due rows for this process."""
        return self._outbox.lease_due(self._limit)


class _Free:
    needs = Needs()

    def __init__(self, outbox: SqliteOutbox) -> None:
        self._outbox = outbox

    def apply(self, draft: Draft[None]) -> None:
        """Give back what is leased."""
        self._outbox.free_leases()


def _typed(fields: Any) -> Any:
    """A row of the outbox as its columns are declared."""
    return fields


def _leased(columns: list[Any], owner: str, until: float, entry: bytes, raw: bytes) -> Entry:
    """The entry of a row that has just been leased."""
    row_id, message_id, controller, subject, queued_at, due_at, attempts = columns
    given = (row_id, message_id, controller, subject, True, queued_at, due_at, attempts, owner, until, entry)
    return unpack_entry(OutboxRow(*given), raw)

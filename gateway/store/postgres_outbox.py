"""The outbox on PostgreSQL: fresh entries from memory, waiting ones under leases that replicas share."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Protocol

import asyncpg

from gateway.keys import lane_of
from gateway.store.attempt import Attempt, Outcome, Report
from gateway.store.draft import Draft, Needs, Unit, Writes
from gateway.store.outbox import FEED_BYTES, Entry, Feed, queue_report, unpack_entry
from gateway.store.postgres_link import LOST, Link, translate
from gateway.store.postgres_sql import Step
from gateway.store.postgres_writes import ADD_ATTEMPT, DEFER_OUTBOX, DROP_BODIES, DROP_OUTBOX, Writer
from gateway.store.protocol import StoreError
from gateway.store.records import OutboxRow

SETTLE_SECONDS = 0.05
POLL_SECONDS = 2.0
FRESH = 1.0
"""Seconds in memory after which an entry is looked up again before it goes: it may have been cancelled."""
LEASED_AT_ONCE = 200

_COLUMNS = "o.id, o.message_id, o.controller, o.subject, o.queued_at, o.entry, o.attempts, due.due_at"
_DUE = (
    "WITH due AS (SELECT lane, subject, id, due_at FROM outbox WHERE {lane}due_at <= $1"
    " ORDER BY due_at, id LIMIT $2 FOR UPDATE SKIP LOCKED)"
    " UPDATE outbox o SET due_at = $3, lease_owner = $4 FROM due"
    f" WHERE o.lane = due.lane AND o.subject = due.subject AND o.id = due.id RETURNING {_COLUMNS}"
)
LEASE = _DUE.format(lane="")
LEASE_LANE = (
    "UPDATE outbox o SET due_at = $3, lease_owner = $4 FROM (SELECT lane, subject, id, due_at FROM outbox"
    " WHERE lane = $5 AND due_at <= $1 ORDER BY due_at, id LIMIT $2 FOR UPDATE SKIP LOCKED) AS due"
    f" WHERE o.lane = $5 AND o.lane = due.lane AND o.subject = due.subject AND o.id = due.id"
    f" RETURNING {_COLUMNS}"
)
DUE_LANES = (
    "SELECT DISTINCT lane FROM (SELECT lane FROM outbox WHERE due_at <= $1 ORDER BY due_at LIMIT 2000) AS due"
)
BODY_SIZES = "SELECT message_id, octet_length(content) FROM bodies WHERE message_id = ANY ($1::text[])"
BODIES = "SELECT message_id, content FROM bodies WHERE message_id = ANY ($1::text[])"
FREE_LEASE = "UPDATE outbox SET due_at = $1, lease_owner = '' WHERE due_at = $2 AND lease_owner = $3"
UNLEASE = (
    "UPDATE outbox o SET due_at = d.due_at, lease_owner = ''"
    " FROM unnest($1::int[], $2::bytea[], $3::text[], $4::float8[]) AS d (lane, subject, id, due_at)"
    " WHERE o.lane = d.lane AND o.subject = d.subject AND o.id = d.id AND o.lease_owner = $5"
)
STILL_MINE = (
    "SELECT id FROM outbox WHERE id = ANY ($1::text[]) AND message_id = ANY ($2::text[]) AND lease_owner = $3"
)


class Holder(Protocol):
    """Who leases are made out to, and whether they still hold."""

    name: str

    @property
    def alive(self) -> bool:
        """Whether nobody can have taken over what this replica holds."""
        ...


class PostgresOutbox:
    """What waits to be delivered. `take` gives each entry to one caller of one replica, under a lease."""

    def __init__(
        self, link: Link, feed: Feed, holder: Holder, clock: Callable[[], float], lease: float
    ) -> None:
        self._link = link
        self._feed = feed
        self._holder = holder
        self._clock = clock
        self._lease = lease
        self._settled: list[tuple[Entry, Attempt]] = []
        self._written: list[tuple[Entry, Attempt]] = []
        self._reports: list[Report] = []
        self._run: Callable[[Unit[Any]], Awaitable[Any]] | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._due = asyncio.Event()
        self._lost_leases: list[tuple[float, str]] = []
        self.distributed = False

    def start(self, run: Callable[[Unit[Any]], Awaitable[Any]]) -> None:
        """Begin to look for due entries and to write results that no batch carried along."""
        self._run = run
        loop = asyncio.get_running_loop()
        self._tasks = [
            loop.create_task(self._write_idle(), name="settle"),
            loop.create_task(self._poll(), name="due"),
        ]

    async def stop(self) -> None:
        """Stop looking; write what is settled; give back what was never taken from memory."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._run is None:
            return
        with contextlib.suppress(StoreError):
            if self._settled or self._reports:
                await self._run(_Flush(self))
            left = self._feed.pop(len(self._feed), self._clock())
            await self._unlease(left)

    def wake(self) -> None:
        """Something may be due: look now."""
        self._due.set()

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
            self._feed.offer(entries)
        if len(entries) < len(writes.outbox):
            self._due.set()

    async def take(self, limit: int) -> list[Entry]:
        """Entries to deliver now, in the order in which they fell due; waits until there is one.

        None go out while the database cannot say that they are still this replica's.
        """
        while True:
            if not self._holder.alive:
                await asyncio.sleep(0.2)
                continue
            taken = self._feed.pop(limit, self._clock())
            if taken and (taken := await self._confirm(taken)):
                return taken
            if len(self._feed):
                continue
            self._feed.wake.clear()
            self._due.set()
            await self._feed.wake.wait()

    async def _confirm(self, taken: list[Entry]) -> list[Entry]:
        """Those that nobody cancelled or took over, where they lay here long enough for that."""
        since = self._clock() + self._lease - FRESH
        old = [entry for entry in taken if entry.lease_until < since]
        if not old:
            return taken
        ids, messages = [e.id for e in old], list({e.message_id for e in old})
        try:
            rows = await self._link.fetch(STILL_MINE, ids, messages, self._holder.name)
        except StoreError:
            self._feed.offer(taken)
            await asyncio.sleep(0.2)
            return []
        mine = {row[0] for row in rows}
        return [entry for entry in taken if entry.lease_until >= since or entry.id in mine]

    async def _poll(self) -> None:
        """Lease due entries from the database whenever the feed has run dry."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POLL_SECONDS):  # wait_for may lose a cancellation
                    await self._due.wait()
            self._due.clear()
            if len(self._feed) or not self._holder.alive:
                continue
            try:
                entries = await self._lease_due(LEASED_AT_ONCE)
            except StoreError:  # the database is down: look again soon
                await asyncio.sleep(POLL_SECONDS / 4)
                self._due.set()
                continue
            self._feed.spilled = len(entries) == LEASED_AT_ONCE
            if entries:
                self._feed.offer(entries)

    async def _lease_due(self, limit: int) -> list[Entry]:
        """Take due rows for this replica."""
        now = self._clock()
        until, owner = now + self._lease, self._holder.name
        try:
            async with self._link.reading() as db:
                await self._free_lost(db, now)
                if self.distributed:
                    rows = await self._by_lanes(db, now, limit, until, owner)
                else:
                    rows = await db.fetch(LEASE, now, limit, until, owner)
                rows.sort(key=lambda row: (row[7], row[0]))
                bodies, sizes = await self._bodies(db, rows)
        except BaseException as error:
            self._lost_leases.append((until, owner))
            if isinstance(error, (asyncpg.PostgresError, *LOST)):
                raise translate(error) from None
            raise
        entries: list[Entry] = []
        beyond: list[Entry] = []
        for row_id, message_id, controller, subject, queued_at, entry, attempts, due_at in rows:
            fields = (
                row_id,
                message_id,
                controller,
                subject,
                True,
                queued_at,
                due_at,
                attempts,
                owner,
                until,
            )
            unpacked = unpack_entry(OutboxRow(*fields, entry), bodies.get(message_id, b""))
            if message_id in sizes:  # else nothing is left to send
                (entries if message_id in bodies else beyond).append(unpacked)
        await self._unlease(beyond)
        return entries

    async def _by_lanes(
        self, db: asyncpg.Connection, now: float, limit: int, until: float, owner: str
    ) -> list[Any]:
        """The same, lane by lane: rows of several lanes cannot be locked at once across nodes."""
        rows: list[Any] = []
        for (lane,) in await db.fetch(DUE_LANES, now):
            rows += await db.fetch(LEASE_LANE, now, limit - len(rows), until, owner, lane)
            if len(rows) >= limit:
                break
        return rows

    async def _bodies(
        self, db: asyncpg.Connection, rows: Iterable[Any]
    ) -> tuple[dict[str, bytes], dict[str, int]]:
        """The octets of leased messages, as many as memory is meant for, at least one; and all sizes."""
        wanted = list(dict.fromkeys(row[1] for row in rows))
        sizes: dict[str, int] = {}
        if wanted:
            sizes = {row[0]: row[1] for row in await db.fetch(BODY_SIZES, wanted)}
        chosen: list[str] = []
        room = FEED_BYTES
        for message_id in wanted:
            if message_id in sizes and (not chosen or sizes[message_id] <= room):
                chosen.append(message_id)
                room -= sizes[message_id]
        bodies = await db.fetch(BODIES, chosen) if chosen else []
        return {row[0]: row[1] for row in bodies}, sizes

    async def _unlease(self, entries: list[Entry]) -> None:
        """Give entries back untried."""
        if not entries:
            return
        columns = zip(*((*_where(e), e.due_at) for e in entries), strict=True)
        try:
            async with self._link.reading() as db:
                await db.execute(UNLEASE, *map(list, columns), self._holder.name)
        except StoreError:
            self._lost_leases += {(entry.lease_until, self._holder.name) for entry in entries}

    def lose_lease(self, until: float, owner: str) -> None:
        """A batch may have leased rows that nobody here holds: they are freed as soon as may be."""
        if until:
            self._lost_leases.append((until, owner))

    async def _free_lost(self, db: asyncpg.Connection, now: float) -> None:
        while self._lost_leases:
            until, owner = self._lost_leases[-1]
            await db.execute(FREE_LEASE, now, until, owner)
            self._lost_leases.pop()

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
                    await asyncio.sleep(POLL_SECONDS / 4)

    def settle_steps(self, writer: Writer) -> tuple[list[Step], set[str]]:
        """The statements that write the results that have come in, and the messages whose body may go.

        What was delivered leaves the outbox whoever holds it now; anything else only its holder may say.
        """
        self._written, self._settled = self._settled + self._written, []
        if not self._written:
            return [], set()
        now, owner = self._clock(), self._holder.name
        done = [(e, a) for e, a in self._written if a.outcome is not Outcome.DEFERRED]
        later = [(e, a) for e, a in self._written if a.outcome is Outcome.DEFERRED]
        gone = [e.message_id for e, a in done if e.alone and a.outcome is Outcome.DELIVERED]
        steps = []
        if done:
            rows = [(*_where(e), a.outcome is Outcome.DELIVERED) for e, a in done]
            steps += [
                Step(DROP_OUTBOX, [*map(list, zip(*rows, strict=True)), owner]),
                Step(DROP_BODIES, [gone]),
            ]
        if later:
            moved = [(*_where(e), a.next_at, e.attempts + a.counted) for e, a in later]
            steps.append(Step(DEFER_OUTBOX, [*map(list, zip(*moved, strict=True)), owner]))
        tries = [
            (e.id, e.attempts + 1, now, a.outcome.value, a.relay, a.code, a.text, lane_of(e.subject_key))
            for e, a in self._written
            if a.counted
        ]
        if tries:
            steps.append(writer.insert(ADD_ATTEMPT, tries))
        return steps, {e.message_id for e, _ in done} - set(gone)

    def settled(self) -> None:
        """The results that were written are committed."""
        self._written = []

    def unwrite(self) -> None:
        """They are not: keep them for the next batch."""
        self._settled[:0] = self._written
        self._written = []

    def take_reports(self) -> list[Report]:
        """The gateway's own mail that waits to be queued."""
        reports, self._reports = self._reports, []
        return reports


def _where(entry: Entry) -> tuple[int, bytes, str]:
    """The key of an entry's row."""
    return lane_of(entry.subject_key), entry.subject_key, entry.id


class _Flush:
    """A batch of its own for results, when no acceptance carries them along."""

    needs = Needs()

    def __init__(self, outbox: PostgresOutbox) -> None:
        self._outbox = outbox
        self.reports: list[Report] | None = None

    def apply(self, draft: Draft[None]) -> None:
        """Queue reports; results are written with every batch anyway. May be done over."""
        if self.reports is None:
            self.reports = self._outbox.take_reports()
        for report in self.reports:
            queue_report(draft, report)

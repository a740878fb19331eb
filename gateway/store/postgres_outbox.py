"""The outbox on PostgreSQL: fresh entries from memory, waiting ones under leases that replicas share."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

from gateway.keys import lane_of
from gateway.store.attempt import Attempt, Outcome, Report
from gateway.store.draft import Draft, Needs, Unit, Writes
from gateway.store.outbox import Entry, Feed, queue_report, unpack_entry
from gateway.store.postgres_leases import Holder, Leases, row_of
from gateway.store.postgres_sql import Step
from gateway.store.postgres_writes import ADD_ATTEMPT, DEFER_OUTBOX, DROP_BODIES, DROP_OUTBOX, Writer
from gateway.store.protocol import StoreError

SETTLE_SECONDS = 0.05
POLL_SECONDS = 2.0
FRESH = 1.0
"""Seconds in memory after which an entry is looked up again before it goes: it may have been cancelled."""
LEASED_AT_ONCE = 200


class PostgresOutbox:
    """What waits to be delivered. `take` gives each entry to one caller of one replica, under a lease."""

    def __init__(
        self, leases: Leases, feed: Feed, holder: Holder, clock: Callable[[], float], lease: float
    ) -> None:
        self._leases = leases
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
            await self._leases.give_back(left)

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
            if self._feed.spilled:
                self._due.set()
            await self._feed.wake.wait()

    async def _confirm(self, taken: list[Entry]) -> list[Entry]:
        """Those that nobody cancelled or took over, where they lay here long enough for that."""
        since = self._clock() + self._lease - FRESH
        old = [entry for entry in taken if entry.lease_until < since]
        if not old:
            return taken
        try:
            mine = await self._leases.confirm(old)
        except StoreError:
            self._feed.offer(taken)
            await asyncio.sleep(0.2)
            return []
        except BaseException:  # whoever waited for them waits no longer
            self._feed.offer(taken)
            raise
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
                entries, more = await self._leases.take(LEASED_AT_ONCE)
            except StoreError:  # the database is down: look again soon
                await asyncio.sleep(POLL_SECONDS / 4)
                self._due.set()
                continue
            self._feed.spilled = more
            if entries:
                self._feed.offer(entries)

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
            rows = [(*row_of(e), a.outcome is Outcome.DELIVERED) for e, a in done]
            steps += [
                Step(DROP_OUTBOX, [*map(list, zip(*rows, strict=True)), owner]),
                Step(DROP_BODIES, [gone]),
            ]
        if later:
            moved = [(*row_of(e), a.next_at, e.attempts + a.counted) for e, a in later]
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

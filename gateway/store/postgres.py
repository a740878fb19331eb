"""The shared store: PostgreSQL through asyncpg, for as many processes and machines as there are.

One batch is one transaction, a few round trips long. Who may write about a person is settled by an
advisory lock for each of them, taken in one order before anything is read, so that any number of
replicas decide as one process would.
"""

import asyncio
import os
import secrets
import time
from collections.abc import Callable
from typing import Any, TypeVar

import asyncpg

from gateway.store import queries as q
from gateway.store.attempt import Attempt, Report
from gateway.store.committer import Committer
from gateway.store.draft import Draft, Needs, Unit
from gateway.store.outage import Outage
from gateway.store.outbox import Entry, Feed
from gateway.store.pace import PaceIndex
from gateway.store.pauses import Pauses
from gateway.store.postgres_batch import Batches
from gateway.store.postgres_counters import Counters
from gateway.store.postgres_leases import Leases
from gateway.store.postgres_link import LOST, Link, read_address, translate
from gateway.store.postgres_outbox import PostgresOutbox
from gateway.store.postgres_reads import Reads
from gateway.store.postgres_replica import Replica, steady
from gateway.store.postgres_schema import add_partitions, check
from gateway.store.postgres_sql import numbered
from gateway.store.postgres_stops import Stops
from gateway.store.postgres_tidy import keep_tidy
from gateway.store.protocol import WrongKeys
from gateway.store.sameness import SamenessIndex
from gateway.store.sqlite import LEASE
from gateway.store.sqlite_writes import AuditChain

T = TypeVar("T")


class PostgresStore(Reads):
    """State in a database that others share. `serving` makes this process a replica that delivers.

    Without a `clock` the time is the database's, so that a machine whose clock is wrong decides like the
    others.
    """

    def __init__(
        self,
        url: str,
        *,
        clock: Callable[[], float] | None = None,
        observe: Callable[[float, int], None] = lambda seconds, size: None,
        serving: bool = True,
        chain: str = "gateway",
    ) -> None:
        name = f"{chain}-{int(time.time()):x}-{os.getpid():x}-{secrets.token_hex(3)}"
        self._own_clock = clock
        self._serving = serving
        self._tidy: asyncio.Task[None] | None = None
        self._link = Link(read_address(url), name)
        self._stops = Stops(self._link)
        self._replica = Replica(self._link, self.now, LEASE)
        sameness, pace = SamenessIndex(), PaceIndex()
        self.pauses = Pauses()
        self._feed = Feed()
        self._counters = Counters(self._link, sameness, pace, self.now)
        self._leases = Leases(self._link, self._replica, self.now, LEASE)
        self._outbox = PostgresOutbox(self._leases, self._feed, self._replica, self.now, LEASE)
        self._batches = Batches(
            self._link, self._replica, self._outbox, self._leases, self._feed, self._counters,
            AuditChain(name), self.now,
        )  # fmt: skip
        outage = Outage("batches") if serving else None  # a command says by itself what fails
        self._committer = Committer(self._batches, sameness, pace, self.now, observe, outage, self.pauses)
        self._replica.on_notice = self._hear
        self._replica.on_death = self._forget
        self._replica.on_return = self._outbox.wake

    @property
    def owner(self) -> str:
        """The name of this process on leases."""
        return self._replica.name

    @property
    def distributed(self) -> bool:
        """Whether the tables are spread over several nodes."""
        return self._leases.distributed

    def now(self) -> float:
        """Unix seconds by the database's clock."""
        return self._own_clock() if self._own_clock is not None else steady() + self._replica.offset

    async def start(self) -> None:
        """Look at the schema, join the others, load what lives in memory, begin to commit."""
        try:
            db = await self._batches.connect_first(check)
            if self._serving:
                await self._add_partitions(db)
                await self._replica.start()
            else:
                await self._replica.measure()
            await self._counters.load()
        except BaseException:
            await self._let_go()
            raise
        self._committer.start()
        if self._serving:
            self._counters.start()
            self._batches.leasing = True
            self._outbox.start(self._committer.run)
            tidying = keep_tidy(self._link, self.now, lambda: self.distributed)
            self._tidy = asyncio.get_running_loop().create_task(tidying, name="tidy")

    @staticmethod
    async def _add_partitions(db: asyncpg.Connection) -> None:
        try:
            await add_partitions(db)
        except (asyncpg.PostgresError, *LOST) as error:
            raise translate(error) from None

    def _hear(self, said: dict[str, Any]) -> None:
        """What another replica, or this one, told everybody."""
        if ids := said.get("drop"):
            self._feed.drop(set(ids))
        if owed := said.get("owe"):
            self._counters.hear(owed)
        if said.get("due"):
            self._outbox.wake()

    def _forget(self) -> None:
        """Others took over what this replica held in memory."""
        self._feed.pop(len(self._feed), 0.0)

    async def run(self, unit: Unit[T]) -> T:
        """Do a unit in the next batch; returns once it is durable."""
        return await self._committer.run(unit)

    def expect(self, more: int) -> None:
        """So many more units, or fewer, are on their way: a batch waits a moment for them."""
        self._committer.expect(more)

    def queue(self, unit: Unit[T]) -> "asyncio.Future[T]":
        """The same without a coroutine, for the hot path."""
        return self._committer.run(unit)

    async def take(self, limit: int) -> list[Entry]:
        """Deliveries to try now; waits until there is one."""
        return await self._outbox.take(limit)

    def settle(self, entry: Entry, attempt: Attempt) -> None:
        """Tell how a delivery went."""
        self._outbox.settle(entry, attempt)

    def on_cancel(self, tell: Callable[[set[str]], None], count: Callable[[int], None]) -> None:
        """Call these with the ids of deliveries that were cancelled, and with how many holds were."""
        self._feed.on_cancel = tell
        self._committer.on_cancel = count

    def report(self, report: Report) -> None:
        """Queue mail of the gateway's own."""
        self._outbox.report(report)

    async def fingerprint(self, keys: str) -> None:
        """Keep the fingerprint of the key file, or refuse one that differs."""
        await self._link.fetch(numbered(q.KEEP_FINGERPRINT), keys)
        [(kept,)] = await self._link.fetch(q.FINGERPRINT)
        if kept != keys:
            raise WrongKeys(
                "this database was made with another key file: give every replica the same one by"
                " GALATEO_KEYS, or nobody stored here would be recognized"
            )

    def in_place(self) -> bool:
        """Always: there is no file to take away."""
        return True

    async def check(self) -> None:
        """Raises StoreError when the database cannot be written."""
        await self.run(_NOTHING)

    async def close(self) -> None:
        """Finish what is under way, give back leases, let go of the database."""
        self._batches.leasing = False
        if self._tidy is not None:
            self._tidy.cancel()
        await self._outbox.stop()
        await self._committer.close()
        await self._counters.stop()
        await self._stops.stop()
        await self._let_go()

    async def _let_go(self) -> None:
        await self._replica.stop()
        if not self._serving:
            await self._batches.leave()
        await self._batches.drop()
        await self._link.close()
        await asyncio.sleep(0.01)  # sockets that were told to close do so now


class _Nothing:
    needs = Needs()

    def apply(self, draft: Draft[None]) -> None:
        """Nothing: the commit itself is the question."""


_NOTHING = _Nothing()

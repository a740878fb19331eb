"""One batch on PostgreSQL: locks, facts, writes, commit; and what became of a commit nobody answered for."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

import asyncpg

from gateway.keys import lane_of
from gateway.ledger.person import Person
from gateway.store import queries as q
from gateway.store.codec import unpack_person
from gateway.store.draft import Loaded, Needs, Unit, Writes, linked, union
from gateway.store.outbox import Feed
from gateway.store.postgres_counters import Counters
from gateway.store.postgres_leases import Leases
from gateway.store.postgres_link import LOST, Link, is_lost, let_go, translate
from gateway.store.postgres_outbox import PostgresOutbox
from gateway.store.postgres_replica import Replica, enlist
from gateway.store.postgres_schema import is_distributed, read_catalog
from gateway.store.postgres_sql import Step, numbered
from gateway.store.postgres_writes import MARK, Writer, notify
from gateway.store.protocol import StoreError, Unavailable
from gateway.store.records import HoldRow, MessageRow, Ref
from gateway.store.sqlite_writes import AuditChain

AGAIN_SECONDS = 0.3
"""After a connection could not be made, batches fail at once for this long."""
DOUBT_SECONDS = 8.0
"""How long a batch waits to learn whether its commit was done before its senders are told to try again."""
KNOWN_ALIASES = 50_000

PEOPLE = (
    "SELECT p.controller, p.subject, p.state FROM unnest($1::int[], $2::text[], $3::bytea[])"
    " AS w (lane, controller, subject) JOIN people p"
    " ON p.lane = w.lane AND p.controller = w.controller AND p.subject = w.subject"
)
PEOPLE_SPREAD = (
    "SELECT controller, subject, state FROM people WHERE lane = ANY ($1::int[])"
    " AND controller = ANY ($2::text[]) AND subject = ANY ($3::bytea[])"
)
"""The same for Citus, which asks only the shards that these lanes are on; it may find a namesake of another
controller as well."""
REPLAYS = "SELECT key, answer FROM replays WHERE key = ANY ($1::bytea[]) AND expires_at > $2"
HOLDS = f"SELECT {q.HOLD_COLUMNS} FROM holds WHERE id = ANY ($1::text[])"
EVENTS = "SELECT dedup, controller FROM events WHERE dedup = ANY ($1::bytea[])"
DONE = "SELECT batch FROM writers WHERE name = $1 FOR UPDATE"

_NEW = Person()


class Batches:
    """The backend of the committer: one connection that does one batch at a time."""

    def __init__(
        self,
        link: Link,
        replica: Replica,
        outbox: PostgresOutbox,
        leases: Leases,
        feed: Feed,
        counters: Counters,
        chain: AuditChain,
        clock: Callable[[], float],
    ) -> None:
        self._link, self._replica, self._outbox, self._feed = link, replica, outbox, feed
        self._leases = leases
        self._counters, self._chain, self._clock = counters, chain, clock
        self._db: asyncpg.Connection | None = None
        self._writer: Writer | None = None
        self._down_until = 0.0
        self._batch = 0
        self._enlisted = ""
        self._aliases: dict[Ref, tuple[Ref, ...]] = {}
        self._in_transaction = False
        self._cancelled: set[str] = set()
        self._leased_until = 0.0
        self.leasing = False

    @property
    def owner(self) -> str:
        """Who leases are made out to."""
        return self._replica.name

    def lease(self, now: float) -> float:
        """Until when new entries are leased to this process, 0 when they should wait in the database."""
        ours = self.leasing and self._replica.alive and self._feed.has_room
        self._leased_until = self._leases.end(now) if ours else 0.0
        return self._leased_until

    async def connect_first(
        self, check: Callable[[asyncpg.Connection], Awaitable[None]]
    ) -> asyncpg.Connection:
        """The first connection, once `check` finds nothing wrong with the database."""
        db = await self._link.connect()
        try:
            await check(db)
        except (asyncpg.PostgresError, *LOST) as error:
            raise translate(error) from None
        finally:
            await let_go(db)
        return await self.connect()

    async def leave(self) -> None:
        """Take this writer off the list."""
        if self._db is not None:
            with contextlib.suppress(asyncpg.PostgresError, *LOST):
                await self._db.execute("DELETE FROM writers WHERE name = $1", self.owner)

    async def connect(self) -> asyncpg.Connection:
        """The connection, made anew where it was lost. Fails at once while the database is away."""
        if self._db is not None and not self._db.is_closed() and self._enlisted == self.owner:
            return self._db
        now = asyncio.get_running_loop().time()
        if now < self._down_until:
            raise Unavailable("the database does not answer")
        await self.drop()
        try:
            self._db = await self._link.connect()
            await self._prepare(self._db)
        except BaseException as error:  # noqa: BLE001 - raised again, in other words
            self._down_until = asyncio.get_running_loop().time() + AGAIN_SECONDS
            await self.drop()
            raise _told(error) from None
        return self._db

    async def _prepare(self, db: asyncpg.Connection) -> None:
        if self._writer is None or self._writer.distributed != await is_distributed(db):
            self._writer = Writer(await read_catalog(db), distributed=await is_distributed(db))
            self._leases.distributed = self._writer.distributed
        if await db.fetchval("SHOW synchronous_commit") == "off":
            await db.execute("SET synchronous_commit = on")
        await enlist(db, self.owner)
        self._batch = await self._last_batch(db)
        self._enlisted = self.owner
        head = await db.fetchrow(numbered(q.CHAIN_HEAD), self._chain.name)
        if head:
            self._chain.go_on(*head)

    async def _last_batch(self, db: asyncpg.Connection) -> int:
        """The last batch that was committed; waits for one whose end is still under way."""
        return int(await db.fetchval(DONE, self.owner) or 0)

    async def drop(self) -> None:
        """Let go of the connection as it is."""
        db, self._db, self._in_transaction = self._db, None, False
        await let_go(db)

    # -- begin -----------------------------------------------------------------------------------

    async def begin(self, units: Sequence[Unit[Any]]) -> Loaded:
        """Open a transaction, lock the people (and their aliases) in order, load what the units need."""
        db = await self.connect()
        self._counters.fold()
        needs = union(units)
        wanted = set(needs.people)
        if self._aliases:
            for ref in needs.people:
                wanted.update(self._aliases.get(ref, ()))
        try:
            while True:
                await self._lock(db, wanted, needs)
                loaded = Loaded()
                await self._load_people(db, loaded, wanted)
                if not linked(loaded.people):
                    break
                while more := linked(loaded.people):
                    await self._load_people(db, loaded, more)
                await db.execute("ROLLBACK")
                self._remember(loaded, needs.people)
                wanted = set(loaded.people)
            await self._load_rest(db, loaded, needs)
        except BaseException as error:  # noqa: BLE001 - raised again, in other words
            if is_lost(error):
                await self.drop()
            raise _told(error) from None
        return loaded

    def _remember(self, loaded: Loaded, refs: Iterable[Ref]) -> None:
        """Keep who is linked to whom, so that the next batch locks them at once."""
        if len(self._aliases) > KNOWN_ALIASES:
            self._aliases.clear()
        for ref in refs:
            if aliases := loaded.people[ref].aliases:
                self._aliases[ref] = tuple((ref[0], bytes.fromhex(alias)) for alias in aliases)

    async def _lock(self, db: asyncpg.Connection, people: Iterable[Ref], needs: Needs) -> None:
        """Begin, and hold until commit a lock for each person, event and idempotency key, in one order."""
        keys = {_number(subject) for _, subject in people}
        keys.update(map(_number, needs.replays), map(_number, needs.events))
        self._in_transaction = True
        begin = "BEGIN ISOLATION LEVEL READ COMMITTED"
        if keys:
            listed = ",".join(map(str, sorted(keys)))
            begin += f"; SELECT count(pg_advisory_xact_lock(k)) FROM unnest('{{{listed}}}'::bigint[]) AS k"
        await db.execute(begin)

    async def _load_people(self, db: asyncpg.Connection, loaded: Loaded, refs: Iterable[Ref]) -> None:
        refs = list(refs)
        if not refs:
            return
        loaded.people.update(dict.fromkeys(refs, _NEW))
        lanes = [lane_of(subject) for _, subject in refs]
        sql = PEOPLE_SPREAD if self._leases.distributed else PEOPLE
        asked = set(refs)
        for controller, subject, state in await db.fetch(
            sql, lanes, [c for c, _ in refs], [s for _, s in refs]
        ):
            if (controller, subject) in asked:
                loaded.people[(controller, subject)] = unpack_person(state)

    async def _load_rest(self, db: asyncpg.Connection, loaded: Loaded, needs: Needs) -> None:
        if needs.replays:
            rows = await db.fetch(REPLAYS, list(needs.replays), self._clock())
            loaded.replays.update((key, answer) for key, answer in rows)
        if needs.holds:
            rows = await db.fetch(HOLDS, list(needs.holds))
            loaded.holds.update((row[0], HoldRow(*row)) for row in rows)
        for message_id in needs.messages:
            for row in await db.fetch(numbered(q.MESSAGE), message_id):
                loaded.messages[message_id] = MessageRow(*row[:11]), row[11] or b""
        if needs.events:
            rows = await db.fetch(EVENTS, list(needs.events))
            loaded.events.update((row[0], row[1]) for row in rows)

    # -- end -------------------------------------------------------------------------------------

    async def finish(self, writes: Writes) -> None:
        """Write everything and commit. Raises StoreError; then nothing was written that is not freed."""
        assert self._db is not None
        assert self._writer is not None
        db, writer = self._db, self._writer
        mark = Step(MARK, (self._batch + 1, self.owner))
        try:
            steps, freed = self._outbox.settle_steps(writer)
            self._cancelled = await writer.write(db, writes, self._chain, steps, mark)
            if freed:
                await writer.free(db, freed)
            if writes.outbox and not self.leasing:
                await notify(db, due=1)
        except BaseException as error:  # noqa: BLE001 - raised again, in other words
            if is_lost(error):
                await self.drop()
            raise _told(error) from None
        await self._commit(db)
        self._in_transaction = False

    async def _commit(self, db: asyncpg.Connection) -> None:
        try:
            await db.execute("COMMIT")
            self._batch += 1
        except (asyncpg.PostgresError, *LOST) as error:
            if isinstance(error, asyncpg.PostgresError) and not is_lost(error):
                raise _told(error) from None
            if not await self._was_done(self._batch + 1):
                self._leases.lose(self._leased_until, self.owner)
                raise _told(error) from None

    async def _was_done(self, batch: int) -> bool:
        """Ask again, on a new connection, whether a commit that was not answered took place."""
        owner = self.owner
        deadline = asyncio.get_running_loop().time() + DOUBT_SECONDS
        await self.drop()
        while asyncio.get_running_loop().time() < deadline and owner == self.owner:
            try:
                await self.connect()
            except StoreError:
                await asyncio.sleep(AGAIN_SECONDS / 2)
            else:
                return self._batch == batch
        return False

    async def rollback(self) -> None:
        """Forget the transaction, if one is open."""
        self._chain.rollback()
        self._outbox.unwrite()
        db = self._db
        if db is None or not self._in_transaction:
            return
        self._in_transaction = False
        try:
            if db.is_in_transaction():
                await db.execute("ROLLBACK")
        except (asyncpg.PostgresError, *LOST):
            await self.drop()

    def committed(self, writes: Writes) -> None:
        """Hand over what went into the outbox; drop what a stop took out of it."""
        self._chain.settle()
        self._outbox.settled()
        self._outbox.hand_over(writes)
        if self._cancelled:
            self._feed.drop(self._cancelled)
            self._cancelled = set()

    async def rest(self) -> None:
        """Nothing: the server looks after its own log."""


def _told(error: BaseException) -> BaseException:
    """The error for callers; what only says that this task was cancelled stays as it is."""
    if isinstance(error, (asyncio.CancelledError, KeyboardInterrupt, SystemExit)):
        return error
    return translate(error) if isinstance(error, (asyncpg.PostgresError, *LOST)) else error


def _number(key: bytes) -> int:
    """The advisory lock of a key."""
    return int.from_bytes(key[:8], "big", signed=True)

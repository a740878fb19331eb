"""One replica among others: its name on leases, the session that shows it is alive, what others tell.

A replica's session holds an advisory lock, its guard. When the process dies the lock is gone at once, and
others take over what it had leased; while the process is only stopped the lock stays, and so do its
leases, until they end by time. A replica that lost its session sends nothing until it has one again, and
forgets what it held where others took it.
"""

import asyncio
import contextlib
import json
import logging
import secrets
import time
from collections.abc import Callable
from typing import Any

import asyncpg

from gateway.store.postgres_link import LOST, Link, let_go, translate
from gateway.store.postgres_writes import CHANNEL
from gateway.store.protocol import StoreError, Unavailable

log = logging.getLogger(__name__)

BEAT_SECONDS = 2.0
BEAT_TIMEOUT = 4.0
SILENT_SECONDS = 10.0
"""Silence after which a replica whose guard is free counts as dead."""
SETTLING_SECONDS = 15.0
"""After a session begins nobody is declared dead: all lose their sessions when a database fails over."""

BEAT = (
    "UPDATE writers SET seen_at = clock_timestamp() WHERE name = $1"
    " RETURNING extract(epoch FROM clock_timestamp())::float8"
)
ENLIST = (
    "INSERT INTO writers (name, guard) VALUES ($1, $2)"
    " ON CONFLICT (name) DO UPDATE SET guard = excluded.guard"
)
MOVE_GUARD = "UPDATE writers SET guard = $2, seen_at = clock_timestamp() WHERE name = $1 RETURNING batch"
SILENT = (
    "SELECT name, guard FROM writers WHERE seen_at < clock_timestamp() - make_interval(secs => $1)"
    " AND name <> $2 AND guard <> 0"
)
STRIKE = (
    "DELETE FROM writers WHERE name = $1 AND guard = $2"
    " AND seen_at < clock_timestamp() - make_interval(secs => $3) RETURNING 1"
)
TAKE_OVER = (
    "UPDATE outbox SET due_at = $1, lease_owner = '' WHERE lease_owner = $2 AND due_at > $1 AND due_at < $3"
)
_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
OLD_WRITERS = "DELETE FROM writers WHERE guard = 0 AND seen_at < clock_timestamp() - interval '1 day'"


def steady() -> float:
    """Seconds that go on evenly, also while the machine sleeps. Between two questions for the database's time
    nothing rests on this machine's clock, which may be put right by a day in a moment: then leases of others
    would seem to be over."""
    return time.clock_gettime(_STEADY)


class Replica:
    """This process as the others see it. `name` changes when they took it for dead."""

    def __init__(self, link: Link, now: Callable[[], float], lease: float) -> None:
        self._link = link
        self._now = now
        self._lease = lease
        self._guard = secrets.randbits(62) + 1
        self._db: asyncpg.Connection | None = None
        self._task: asyncio.Task[None] | None = None
        self._proven = 0.0
        self._began = 0.0
        self.name = link.name
        self.offset = time.time() - steady()
        """Seconds to add to `steady` to get the database's clock."""
        self.on_notice: Callable[[dict[str, Any]], None] = lambda said: None
        self.on_death: Callable[[], None] = lambda: None
        self.on_return: Callable[[], None] = lambda: None

    @property
    def alive(self) -> bool:
        """Whether nobody can have taken over what this replica holds."""
        if self._link.address.pooled:
            return True
        return self._db is not None and asyncio.get_running_loop().time() - self._proven < SILENT_SECONDS

    async def start(self) -> None:
        """Open the session and join. Raises StoreError."""
        await self._join()
        self._task = asyncio.get_running_loop().create_task(self._live(), name="replica")

    async def stop(self) -> None:
        """Leave: what is still leased to this replica is free for the others at once."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        db, self._db = self._db, None
        if db is not None and not db.is_closed():
            with contextlib.suppress(asyncpg.PostgresError, *LOST):
                async with asyncio.timeout(BEAT_TIMEOUT):
                    await db.execute(TAKE_OVER, self._now(), self.name, self._now() + 2 * self._lease)
                    await db.execute("DELETE FROM writers WHERE name = $1", self.name)
                    await db.close()
        await let_go(db)

    def rename(self) -> None:
        """The others took this replica for dead: what it held is theirs."""
        self.name = f"{self._link.name}-{secrets.token_hex(3)}"
        log.warning("replica.renamed", extra={"replica": self.name})
        self.on_death()

    # -- the session -----------------------------------------------------------------------------

    async def _join(self) -> None:
        if self._link.address.pooled:
            await self.measure()
            return
        db = await self._link.connect()
        try:
            async with asyncio.timeout(BEAT_TIMEOUT * 2):
                await self._take_guard(db)
                await db.add_listener(CHANNEL, self._hear)
                await self._beat(db)
        except (asyncpg.PostgresError, *LOST) as error:
            await let_go(db)
            raise translate(error) from None
        self._db = db
        self._began = asyncio.get_running_loop().time()

    async def _take_guard(self, db: asyncpg.Connection) -> None:
        while not await db.fetchval("SELECT pg_try_advisory_lock($1)", self._guard):
            self._guard = secrets.randbits(62) + 1  # the old session is not over for the server yet
        joined_before = self._began > 0
        if await db.fetchval(MOVE_GUARD, self.name, self._guard) is None:
            if joined_before:
                self.rename()
            await db.execute(ENLIST, self.name, self._guard)

    def _hear(self, connection: Any, pid: int, channel: str, payload: Any) -> None:
        with contextlib.suppress(ValueError):
            said = json.loads(str(payload))
            if isinstance(said, dict):
                self.on_notice(said)

    async def _live(self) -> None:
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            try:
                if self._link.address.pooled:
                    await self.measure()
                    continue
                if self._db is None:
                    await self._join()
                    self.on_return()
                assert self._db is not None
                async with asyncio.timeout(BEAT_TIMEOUT):
                    await self._beat(self._db)
                    await self._bury()
            except (asyncpg.PostgresError, StoreError, *LOST):
                await self._part()

    async def measure(self) -> None:
        """Ask the database for the time. Raises StoreError."""
        rows = await self._link.fetch("SELECT extract(epoch FROM clock_timestamp())::float8")
        self.offset += rows[0][0] - self._now()

    async def _part(self) -> None:
        db, self._db = self._db, None
        await let_go(db)

    async def _beat(self, db: asyncpg.Connection) -> None:
        began = asyncio.get_running_loop().time()
        moment = await db.fetchval(BEAT, self.name)
        if moment is None:
            self.rename()
            await db.execute(ENLIST, self.name, self._guard)
            return
        self.offset += moment - self._now()
        self._proven = began

    async def _bury(self) -> None:
        """Take over from replicas that died."""
        db = self._db
        if db is None or asyncio.get_running_loop().time() - self._began < SETTLING_SECONDS:
            return
        for name, guard in await db.fetch(SILENT, SILENT_SECONDS, self.name):
            async with db.transaction():
                if await db.fetchval("SELECT pg_try_advisory_xact_lock($1)", guard) and await db.fetchval(
                    STRIKE, name, guard, SILENT_SECONDS
                ):
                    now = self._now()
                    freed = await db.execute(TAKE_OVER, now, name, now + 2 * self._lease)
                    log.warning("replica.buried", extra={"replica": name, "freed": freed.split()[-1]})
        await db.execute(OLD_WRITERS)


async def enlist(db: asyncpg.Connection, name: str) -> None:
    """List a writer that has no session of its own (a command, or behind a pooler)."""
    await db.execute("INSERT INTO writers (name) VALUES ($1) ON CONFLICT (name) DO NOTHING", name)


def require_alive(replica: Replica) -> None:
    """Raises Unavailable where the replica has lost its session."""
    if not replica.alive:
        raise Unavailable("the database does not answer")

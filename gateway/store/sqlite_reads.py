"""Reads that may take a while, in threads with connections of their own: what a reviewer's page or an
export looks through keeps nobody who submits waiting."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import apsw

from gateway.store import queries as q
from gateway.store.protocol import Depths

THREADS = 2
"""So that one who exports for a minute leaves room for those who look."""


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

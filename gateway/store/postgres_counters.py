"""What other replicas counted, brought into this one's memory twice a second."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from typing import Any

from gateway.store import queries as q
from gateway.store.pace import KEPT_SLOTS, SLOT, PaceIndex
from gateway.store.postgres_link import Link
from gateway.store.protocol import StoreError
from gateway.store.sameness import SamenessIndex, unpack_hashes

POLL_SECONDS = 0.5
LATE_SECONDS = 3.0
"""Rows of a transaction that began earlier may show up after later ones; they are looked for this long."""
FINGERPRINT_DAYS = 30
FINGERPRINTS = 100_000
AT_ONCE = 20_000

NEW_FINGERPRINTS = (
    "SELECT seq, controller, at, mark, hashes FROM fingerprints WHERE seq > $1 AND origin <> $2"
    " ORDER BY seq LIMIT $3"
)
LAST_FINGERPRINT = "SELECT coalesce(max(seq), 0) FROM fingerprints"
NEW_PACES = (
    "SELECT controller, sender, class, slot, origin, sent, updated FROM paces"
    " WHERE updated > least($1, extract(epoch FROM statement_timestamp())::float8 - $4)"
    " AND origin <> $2 ORDER BY updated LIMIT $3"
)
"""Since the last look, also where the database's clock was put back meanwhile."""
DATABASE_TIME = "SELECT extract(epoch FROM clock_timestamp())::float8"

_Pace = tuple[str, str, str, int, str]


class Counters:
    """Keeps the two indexes in memory up to date. What is found waits until no batch is under way."""

    def __init__(
        self, link: Link, sameness: SamenessIndex, pace: PaceIndex, clock: Callable[[], float]
    ) -> None:
        self._link, self._sameness, self._pace, self._clock = link, sameness, pace, clock
        self._waiting: list[Callable[[], object]] = []
        self._task: asyncio.Task[None] | None = None
        self._last_seq = 0
        self._seen: set[int] = set()
        self._tops: deque[tuple[float, int]] = deque()
        self._paces: dict[_Pace, int] = {}
        self._updated = 0.0

    async def load(self) -> None:
        """Fill the indexes at start. Raises StoreError."""
        now = self._clock()
        self._last_seq = (await self._link.fetch(LAST_FINGERPRINT))[0][0]
        self._updated = (await self._link.fetch(DATABASE_TIME))[0][0]
        since = now - FINGERPRINT_DAYS * 86400
        rows = await self._link.rows(q.RECENT_FINGERPRINTS, (since, FINGERPRINTS))
        for controller, at, mark, hashes in reversed(rows):
            self._sameness.add(controller, unpack_hashes(hashes), mark, at)
        for controller, sender, class_, slot, sent in await self._link.rows(
            q.RECENT_PACES, (int(now // SLOT) - KEPT_SLOTS,)
        ):
            self._pace.add(controller, sender, class_, slot * float(SLOT), sent)
        for controller, sender, subject, since in await self._link.rows(q.ALL_WAITING_REPLIES, ()):
            self._pace.owe(controller, sender, subject, since)
        self._settle()

    def start(self) -> None:
        """Begin to look what others counted."""
        self._task = asyncio.get_running_loop().create_task(self._poll(), name="counters")

    async def stop(self) -> None:
        """Stop looking."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def fold(self) -> None:
        """Take in what was found; called only while no batch is under way."""
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            for action in waiting:
                action()
            self._settle()

    def hear(self, owed: list[Any]) -> None:
        """Another replica tells that someone waits for an answer, or no longer does."""
        controller, sender, subject, since = owed
        key = bytes.fromhex(subject)
        self._waiting.append(lambda: self._pace.owe(controller, sender, key, float(since)))

    def _settle(self) -> None:
        self._sameness.settle()
        self._pace.settle()

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(POLL_SECONDS)
            with contextlib.suppress(StoreError):
                await self._look_for_fingerprints()
                await self._look_for_paces()

    async def _look_for_fingerprints(self) -> None:
        rows = await self._link.fetch(NEW_FINGERPRINTS, self._last_seq, self._link.name, AT_ONCE)
        top = self._last_seq
        for seq, controller, at, mark, hashes in rows:
            top = max(top, seq)
            if seq not in self._seen:
                self._seen.add(seq)
                self._waiting.append(self._adding(controller, hashes, mark, at))
        now = asyncio.get_running_loop().time()
        self._tops.append((now, top))
        if len(rows) == AT_ONCE:  # far behind: completeness gives way
            self._tops.clear()
            self._last_seq = top
        while self._tops and self._tops[0][0] < now - LATE_SECONDS:
            self._last_seq = self._tops.popleft()[1]
        if rows and len(self._seen) > 2 * len(rows):
            self._seen = {seq for seq in self._seen if seq > self._last_seq}

    def _adding(self, controller: str, hashes: bytes, mark: int, at: float) -> Callable[[], object]:
        return lambda: self._sameness.add(controller, unpack_hashes(hashes), mark, at)

    async def _look_for_paces(self) -> None:
        rows = await self._link.fetch(
            NEW_PACES, self._updated - LATE_SECONDS, self._link.name, AT_ONCE, LATE_SECONDS
        )
        for controller, sender, class_, slot, origin, sent, updated in rows:
            key = (controller, sender, class_, slot, origin)
            more = sent - self._paces.get(key, 0)
            self._paces[key] = sent
            self._updated = max(self._updated, updated)
            if more > 0:
                self._waiting.append(self._counting(controller, sender, class_, slot, more))
        oldest = self._clock() // SLOT - 12
        if len(self._paces) > 100_000:
            self._paces = {key: sent for key, sent in self._paces.items() if key[3] > oldest}

    def _counting(
        self, controller: str, sender: str, class_: str, slot: int, more: int
    ) -> Callable[[], object]:
        return lambda: self._pace.add(controller, sender, class_, slot * float(SLOT), more)

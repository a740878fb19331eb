"""Leases on outbox rows: taken by one replica, given back, freed where nobody knows who has them."""

from collections.abc import Callable, Iterable
from typing import Any, Protocol

import asyncpg

from gateway.keys import lane_of
from gateway.store.outbox import FEED_BYTES, Entry, unpack_entry
from gateway.store.postgres_link import LOST, Link, translate
from gateway.store.protocol import StoreError
from gateway.store.records import OutboxRow

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
CLOSE = 2e-6
"""Seconds: what tells two ends apart, and more than a float of this century is exact to."""
STEP = 60.0
"""Seconds: a clock put back by more than this is followed."""
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


class Leases:
    """Takes due rows of the outbox for this replica."""

    def __init__(self, link: Link, holder: Holder, clock: Callable[[], float], lease: float) -> None:
        self._link = link
        self._holder = holder
        self._clock = clock
        self._lease = lease
        self._lost: list[tuple[float, str]] = []
        self._ends = 0.0
        self.distributed = False

    def end(self, now: float) -> float:
        """When a lease that begins now ends. No two end alike, even where the clock stands or goes back a
        little: a lease that was lost is found again by its end, and nothing else may be freed with it, least
        of all what went out and was not yet told of."""
        end, later = now + self._lease, self._ends + CLOSE
        self._ends = end if end >= later or end < later - STEP else later
        return self._ends

    async def take(self, limit: int) -> tuple[list[Entry], bool]:
        """Take due rows for this replica, as many octets as memory is meant for. Also, whether more may be
        due."""
        now = self._clock()
        until, owner = self.end(now), self._holder.name
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
            self._lost.append((until, owner))
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
        await self.give_back(beyond)
        return entries, bool(beyond) or len(rows) == limit

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

    async def give_back(self, entries: list[Entry]) -> None:
        """Give entries back untried."""
        if not entries:
            return
        columns = zip(*((*row_of(e), e.due_at) for e in entries), strict=True)
        try:
            async with self._link.reading() as db:
                await db.execute(UNLEASE, *map(list, columns), self._holder.name)
        except StoreError:
            self._lost += {(entry.lease_until, self._holder.name) for entry in entries}

    def lose(self, until: float, owner: str) -> None:
        """A batch may have leased rows that nobody here holds: they are freed as soon as may be."""
        if until:
            self._lost.append((until, owner))

    async def _free_lost(self, db: asyncpg.Connection, now: float) -> None:
        while self._lost:
            until, owner = self._lost[-1]
            await db.execute(FREE_LEASE, now, until, owner)
            self._lost.pop()

    async def confirm(self, entries: list[Entry]) -> set[str]:
        """The ids of those entries that are still leased to this replica. Raises StoreError."""
        ids, messages = [e.id for e in entries], list({e.message_id for e in entries})
        rows = await self._link.fetch(STILL_MINE, ids, messages, self._holder.name)
        return {row[0] for row in rows}


def row_of(entry: Entry) -> tuple[int, bytes, str]:
    """The key of an entry's row."""
    return lane_of(entry.subject_key), entry.subject_key, entry.id

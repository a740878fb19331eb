"""What no statement of a batch does: months made ahead, what expired removed. By one replica at a time."""

import asyncio
import logging
from collections.abc import Callable

import asyncpg

from gateway.message.ids import new_id
from gateway.store.postgres_counters import FINGERPRINT_DAYS
from gateway.store.postgres_link import Link, translate
from gateway.store.postgres_schema import MIGRATE_LOCK, add_partitions, drop_emptied
from gateway.store.postgres_writes import DROP_BODIES, unwanted

log = logging.getLogger(__name__)

EVERY_SECONDS = 3600.0
TIDY_LOCK = MIGRATE_LOCK + 2
SLICE = 5000
DAY = 86400.0

EXPIRED = (
    "DELETE FROM replays WHERE key IN (SELECT key FROM replays WHERE expires_at < $1 LIMIT $2)",
    "DELETE FROM paces WHERE slot < $1::float8 / 300 - 576 AND $2 > 0",
    f"DELETE FROM fingerprints WHERE at < $1::float8 - {FINGERPRINT_DAYS * DAY} AND $2 > 0",
)
ORPHANS = (
    "SELECT b.message_id FROM bodies b WHERE b.message_id < $1"
    " AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.message_id = b.message_id)"
    " AND NOT EXISTS (SELECT 1 FROM holds h WHERE h.message_id = b.message_id AND h.status = 'open')"
    " LIMIT $2"
)
"""Bodies whose last two entries were settled by two replicas in the same moment."""
OLD_BODIES = (
    "SELECT message_id FROM bodies WHERE message_id > $1 AND message_id < $2 ORDER BY message_id LIMIT $3"
)


async def tidy(link: Link, now: float, *, distributed: bool) -> None:
    """Once: make months ahead, remove what expired and months left empty. Raises StoreError."""
    async with link.reading() as db, db.transaction():
        if not await db.fetchval("SELECT pg_try_advisory_xact_lock($1)", TIDY_LOCK):
            return
        await add_partitions(db)
        for sql in EXPIRED:
            await db.execute(sql, now, SLICE)
        old = new_id(now - 2 * DAY, bytes(10))
        ids = await (_spread_orphans(db, old) if distributed else _orphans(db, old))
        await db.execute(DROP_BODIES, ids)
    async with link.reading() as db:
        await drop_emptied(db, now)


async def _orphans(db: asyncpg.Connection, old: str) -> list[str]:
    return [row[0] for row in await db.fetch(ORPHANS, old, SLICE)]


async def _spread_orphans(db: asyncpg.Connection, old: str) -> list[str]:
    """The same where entries and bodies lie on different nodes: slice by slice, until some are found."""
    last, found = "", list[str]()
    while not found and (ids := [row[0] for row in await db.fetch(OLD_BODIES, last, old, SLICE)]):
        last, found = ids[-1], await unwanted(db, ids)
    return found


async def keep_tidy(link: Link, clock: Callable[[], float], distributed: Callable[[], bool]) -> None:
    """Every hour, until cancelled."""
    while True:
        await asyncio.sleep(EVERY_SECONDS)
        try:
            await tidy(link, clock(), distributed=distributed())
        except Exception as error:  # noqa: BLE001 - without months ahead nothing could be stored one day
            log.error("database.untidy", extra={"problem": str(translate(error))})

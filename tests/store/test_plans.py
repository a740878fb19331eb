"""Every statement finds its rows by an index: asked of the planner, on enough data for it to choose."""

import time
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from gateway.store import postgres_batch as batch
from gateway.store import postgres_counters as counters
from gateway.store import postgres_leases as outbox
from gateway.store import postgres_reads as reads
from gateway.store import postgres_tidy as tidy
from gateway.store import postgres_writes as writes
from gateway.store import queries as q
from gateway.store.filters import filter_holds
from gateway.store.postgres_schema import is_distributed
from gateway.store.postgres_sql import numbered
from gateway.store.protocol import HoldFilter
from tests.postgres import database

pytestmark = pytest.mark.postgres

ROWS = 40_000
"""In each table: see fill.sql."""

TODAY = int(time.time() // 86400)
KEY = b"\x01" * 16
WHO = (5, "c", KEY)
WANTED = {
    "person": (q.PERSON, WHO),
    "people of a batch": (batch.PEOPLE, ([5, 6], ["c", "c"], [KEY, KEY])),
    "people of a batch, spread": (batch.PEOPLE_SPREAD, ([5, 6], ["c"], [KEY, KEY])),
    "replays": (batch.REPLAYS, ([KEY], 1.0)),
    "holds of a batch": (batch.HOLDS, (["m1-0"],)),
    "events known": (batch.EVENTS, ([KEY],)),
    "message": (q.MESSAGE, ("m5",)),
    "decisions": (q.DECISIONS, ("m5",)),
    "attempts": (q.ATTEMPTS_OF_MESSAGE, ("m5",)),
    "waiting": (reads.OUTBOX_OF_MESSAGE, ("m5",)),
    "sent as": (reads.SENT, (KEY, TODAY, TODAY)),
    "sent to": (q.SENT_TO, (5, KEY, "c", 20)),
    "consents": (q.CONSENTS, WHO),
    "hold": (q.HOLD, ("m5-0",)),
    "open holds": filter_holds(HoldFilter()),
    "holds of a message": filter_holds(HoldFilter(status="", message="m5")),
    "holds of a cluster": filter_holds(HoldFilter(cluster="x")),
    "holds of a person": (q.HOLDS_OF, WHO),
    "due holds": (q.HOLDS_DUE, (5.0, 20)),
    "unmatched": (q.UNMATCHED, ("", 100)),
    "cancel holds": (q.CANCEL_HOLDS, (1.0, "r", *WHO, "transactional")),
    "cancel outbox": (q.CANCEL_OUTBOX, (*WHO, 1)),
    "cancel many holds": (writes.CANCEL_HOLDS_OF, ([5], ["c"], [KEY], [1.0], ["r"], ["transactional"])),
    "cancel much of the outbox": (writes.CANCEL_OUTBOX_OF, ([5], ["c"], [KEY], [1])),
    "recheck": (q.RECHECK_HOLDS, (1.0, *WHO, "reply")),
    "recheck backlog": (q.RECHECK_BACKLOG, (1.0, "c", "e")),
    "answer": (q.ANSWER_REPLY, ("c", "e", KEY)),
    "answer many": (writes.ANSWER_REPLIES, (["c"], ["e"], [KEY])),
    "free a body": (writes.FREE_AT_ONCE, (["m5"],)),
    "bodies that are old": (tidy.OLD_BODIES, ("", "m5", 100)),
    "drop bodies": (writes.DROP_BODIES, (["m5"],)),
    "still wanted": (writes.STILL_WANTED[0], (["m5"],)),
    "still held": (writes.STILL_WANTED[1], (["m5"],)),
    "drop entries": (writes.DROP_OUTBOX, ([5], [KEY], ["m5-0"], [True], "o")),
    "put off": (writes.DEFER_OUTBOX, ([5], [KEY], ["m5-0"], [1.0], [1], "o")),
    "lease": (outbox.LEASE, (50.0, 200, 99.0, "o")),
    "lease by lane": (outbox.LEASE_LANE, (50.0, 200, 99.0, "o", 5)),
    "due lanes": (outbox.DUE_LANES, (50.0,)),
    "free a lease": (outbox.FREE_LEASE, (1.0, 2.0, "o")),
    "still mine": (outbox.STILL_MINE, (["m5-0"], ["m5"], "o")),
    "new fingerprints": (counters.NEW_FINGERPRINTS, (ROWS - 50, "o", 100)),
    "new paces": (counters.NEW_PACES, (float(ROWS - 50), "x", 100, 5.0)),
    "recent fingerprints": (q.RECENT_FINGERPRINTS, (float(ROWS - 50), 100)),
    "recent paces": (q.RECENT_PACES, (ROWS - 50,)),
    "chain head": (q.CHAIN_HEAD, ("a5",)),
}
"""Everything that is asked while messages pass, and what an operator asks of one message or person."""
ONE_SERVER = ("free a body", "lease", "cancel many holds", "cancel much of the outbox", "answer many")
"""Statements that stores with spread tables do otherwise."""


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def filled(postgres_server: str) -> AsyncIterator[asyncpg.Connection]:
    async with database(postgres_server) as url:
        db = await asyncpg.connect(url)
        await db.execute((Path(__file__).parent / "fill.sql").read_text())
        await db.execute("VACUUM ANALYZE")
        yield db
        await db.close()


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("name", WANTED)
async def test_it_finds_its_rows_by_an_index(filled: asyncpg.Connection, name: str) -> None:
    if name in ONE_SERVER and await is_distributed(filled):
        pytest.skip("done otherwise where tables are spread")
    sql, values = WANTED[name]
    rows = await filled.fetch(f"EXPLAIN {numbered(sql)}", *values)
    plan = "\n".join(row[0] for row in rows)
    scans = [line for line in plan.splitlines() if "Seq Scan on" in line and not empty(line)]
    assert not scans, plan


def empty(line: str) -> bool:
    """Whether a scan goes over a partition in which nothing lies: cheaper than its index."""
    return "_past" in line or any(f"_{year}_" in line for year in range(2026, 2100))


@pytest.mark.asyncio(loop_scope="module")
async def test_the_month_that_holds_rows_is_searched_by_its_index(filled: asyncpg.Connection) -> None:
    for name in ("message", "decisions", "attempts", "sent as", "sent to", "events known", "unmatched"):
        sql, values = WANTED[name]
        plan = "\n".join(row[0] for row in await filled.fetch(f"EXPLAIN {numbered(sql)}", *values))
        month = await filled.fetchval("SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY_MM')")
        assert f"_{month}" in plan, plan
        assert not [line for line in plan.splitlines() if "Seq Scan" in line and f"_{month}" in line], plan

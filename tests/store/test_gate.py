"""What waits for long is asked about before it leaves, and none is lost where that comes to nothing."""

import asyncio

import apsw
import asyncpg
import pytest

from gateway.intake.gate import WAITED, GatedOutbox
from gateway.store.attempt import Attempt, Kind, Outcome
from gateway.store.outbox import Entry
from tests.intake.policies import policies
from tests.line import DAY, KEYS, Line
from tests.store.conftest import Stores

HERE = "version: 1\npolicy: p\nrules:\n  - {rule: reply_duty, outcome: hold}\n"
COUNT = 30


async def waiting(stores: Stores) -> tuple[Line, GatedOutbox, set[str]]:
    """A line in whose outbox messages have waited so long that the gate asks about them; their entries."""
    line = await stores.line(policies=policies(stores.folder, HERE))
    texts = (f"Buongiorno, le scrivo per il suo articolo numero {n} sulle api." for n in range(COUNT))
    receipts = [
        await line.submit(class_="outreach", to=f"a{n}@example.org", text=text)
        for n, text in enumerate(texts)
    ]
    assert {receipt.status for receipt in receipts} == {"accepted"}
    stores.clock.now += 2 * WAITED
    gate = GatedOutbox(line.store, line.policies, line.access, KEYS, 14 * DAY, clock=stores.clock)
    return line, gate, {f"{receipt.id}-0" for receipt in receipts}


def back(entry: Entry) -> Attempt:
    return Attempt(outcome=Outcome.DEFERRED, kind=Kind.RETURNED, relay="", next_at=entry.due_at)


async def leave(gate: GatedOutbox, names: set[str]) -> None:
    """All of them come out, within seconds."""
    found: set[str] = set()
    async with asyncio.timeout(20):
        while found != names:
            found |= {entry.id for entry in await gate.take(COUNT)}


@pytest.mark.parametrize("seconds", [0.0, 0.01, 0.03])
async def test_whoever_waits_no_longer_leaves_all_to_the_next(stores: Stores, seconds: float) -> None:
    line, gate, names = await waiting(stores)
    taking = asyncio.ensure_future(gate.take(COUNT))
    for _ in range(5):
        await asyncio.sleep(seconds)
    taking.cancel()
    for taken in await asyncio.gather(taking, return_exceptions=True):
        for entry in [] if isinstance(taken, BaseException) else taken:
            line.store.settle(entry, back(entry))
    await leave(gate, names)


async def test_a_store_that_fails_while_it_is_asked_keeps_none_for_long(stores: Stores) -> None:
    _, gate, names = await waiting(stores)
    await state(stores, "ALTER TABLE decisions RENAME TO elsewhere")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1):
            await gate.take(COUNT)
    await state(stores, "ALTER TABLE elsewhere RENAME TO decisions")
    stores.clock.now += 2 * WAITED
    await leave(gate, names)


async def state(stores: Stores, sql: str) -> None:
    """Somebody else changes the database."""
    if stores.kind == "sqlite":
        db = apsw.Connection(str(stores.folder / "line.db"))
        db.set_busy_timeout(5000)
        db.execute(sql)
        db.close()
    else:
        link = await asyncpg.connect(stores.url)
        await link.execute(sql)
        await link.close()

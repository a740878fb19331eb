"""Several replicas on one PostgreSQL decide as one process would."""

import asyncio
import time
from contextlib import AsyncExitStack
from pathlib import Path

import asyncpg
import pytest

from gateway.policy.load import load
from gateway.policy.policies import PolicySet
from gateway.store.attempt import Attempt, Kind, Outcome
from gateway.store.postgres import PostgresStore
from gateway.store.postgres_replica import Replica
from tests.line import Line, line, reader
from tests.postgres import eventually
from tests.store.conftest import Stores

pytestmark = pytest.mark.postgres

CAP = """\
version: 1
policy: cap
title: Five a day
owner: compliance@example.com
why: Nobody wants more.
mode: enforce
applies_to:
  class: [outreach]
rules:
  - rule: contact_cap
    limit: 5
    per: day
    outcome: reject
"""
WAY_OUT = {"list_unsubscribe": "<https://a.example/u>", "list_unsubscribe_post": "List-Unsubscribe=One-Click"}


def capped(folder: Path) -> PolicySet:
    (folder / "capped").mkdir()
    (folder / "capped" / "cap.yaml").write_text(CAP)
    return load(folder / "capped", reader())


async def submit_all(line: Line, addresses: list[str], senders: int) -> list[str]:
    """One message to each address, by so many senders at once."""
    waiting = iter(addresses)

    async def send() -> list[str]:
        return [
            (await line.submit(to=to, class_="outreach", text="Buongiorno, come sta?")).status
            for to in waiting
        ]

    return [status for part in await asyncio.gather(*(send() for _ in range(senders))) for status in part]


async def test_three_replicas_keep_a_cap_for_one_recipient(postgres: Stores, tmp_path: Path) -> None:
    policies = capped(tmp_path)
    lines = [await postgres.line(policies=policies) for _ in range(3)]
    addresses = ["anna@example.org"] * 334
    parts = await asyncio.gather(*(submit_all(line, addresses, 67) for line in lines))
    statuses = [status for part in parts for status in part]
    assert len(statuses) == 1002
    assert statuses.count("accepted") == 5
    assert statuses.count("rejected") == 997


async def test_three_replicas_keep_a_cap_for_fifty_recipients(postgres: Stores, tmp_path: Path) -> None:
    policies = capped(tmp_path)
    lines = [await postgres.line(policies=policies) for _ in range(3)]
    addresses = [f"p{n % 50}@example.org" for n in range(400)]
    parts = await asyncio.gather(*(submit_all(line, addresses, 40) for line in lines))
    assert sum(part.count("accepted") for part in parts) == 250
    rows = await lines[0].store.rows(
        "SELECT subject, count(*) FROM decisions WHERE outcome = 0 GROUP BY subject"
    )
    assert {count for _, count in rows} == {5}
    assert len(rows) == 50


async def test_one_chain_of_audit_for_each_writer(postgres: Stores) -> None:
    lines = [await postgres.line() for _ in range(2)]
    await asyncio.gather(*(line.submit(to=f"p{n}@example.org") for n in range(10) for line in lines))
    rows = await lines[0].store.rows("SELECT chain, min(seq), max(seq), count(*) FROM audit GROUP BY chain")
    assert sorted(row[1:] for row in rows) == [(1, 10, 10), (1, 10, 10)]


async def test_what_one_replica_sends_the_other_counts(postgres: Stores) -> None:
    first, second = await postgres.line(), await postgres.line()
    for n in range(3):
        assert (await first.submit(to=f"p{n}@example.org")).status == "accepted"
    await asyncio.sleep(1.2)
    await second.store.check()
    assert isinstance(second.store, PostgresStore)
    mine = {key: value for key, value in (await paces(first)).items() if value}
    assert mine
    assert await paces(second) == mine


async def test_what_others_send_counts_also_once_the_databases_clock_was_put_back(postgres: Stores) -> None:
    first, second = await postgres.line(), await postgres.line()
    await first.submit(to="before@example.org")
    db = await asyncpg.connect(postgres.url)
    await db.execute("UPDATE paces SET updated = updated + 3600")  # as if an hour ahead until now
    await asyncio.sleep(1.2)
    await db.execute("UPDATE paces SET updated = updated - 3600, sent = sent + 3")
    await db.close()
    await asyncio.sleep(1.2)
    await second.store.check()
    assert [total for total in (await paces(second)).values() if total] == [4]


async def paces(line: Line) -> dict[object, int]:
    index = line.store._counters._pace  # type: ignore[attr-defined]
    now = line.clock()
    return {
        (pair, class_): total
        for pair in index._sent
        for (class_, window), total in index.pace(*pair, now).sent.items()
        if window == 3600
    }


async def test_a_stop_reaches_what_lies_in_anothers_memory(postgres: Stores) -> None:
    first, second = await postgres.line(), await postgres.line()
    await first.consent("anna@example.org")
    sent = await first.submit(
        class_="newsletter", purpose="newsletter", text="Le novità di marzo della libreria.", **WAY_OUT
    )
    assert sent.status == "accepted"
    await second.consent("anna@example.org", action="withdrawn", purpose="", at=second.clock())
    await asyncio.sleep(0.3)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.7):
            await first.store.take(1)


async def test_a_dead_replica_is_buried_and_its_entries_go_out(
    postgres: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    import gateway.store.postgres_replica as replica

    monkeypatch.setattr(replica, "SILENT_SECONDS", 1.0)
    monkeypatch.setattr(replica, "SETTLING_SECONDS", 0.5)
    monkeypatch.setattr(replica, "BEAT_SECONDS", 0.3)
    stack = AsyncExitStack()
    dying = postgres.make()
    gateway = await stack.enter_async_context(line(postgres.folder, clock=postgres.clock, store=dying))
    receipt = await gateway.submit()
    await die(dying)
    survivor = await postgres.line()
    async with asyncio.timeout(15):
        [entry] = await survivor.store.take(1)
    assert entry.message_id == receipt.id


async def die(store: object) -> None:
    """As SIGKILL would: every connection gone, nothing written."""
    assert isinstance(store, PostgresStore)
    for task in (store._replica._task, store._counters._task, *store._outbox._tasks, store._committer._task):
        if task is not None:
            task.cancel()
    if store._replica._db is not None:
        store._replica._db.terminate()
    await store._batches.drop()
    await store._link.close()
    await asyncio.sleep(0.05)


async def test_a_holder_that_was_taken_for_dead_settles_nothing_twice(postgres: Stores) -> None:
    first, second = await postgres.line(), await postgres.line()
    await first.submit()
    [entry] = await first.store.take(1)
    stale: Replica = first.store._replica  # type: ignore[attr-defined]
    old = stale.name
    await first.store.rows(
        "WITH w AS (DELETE FROM writers WHERE name = ? RETURNING 1), o AS (UPDATE outbox SET due_at = 0,"
        " lease_owner = '' WHERE lease_owner = ? RETURNING 1) SELECT count(*) FROM w, o",
        (old, old),
    )
    second.store._outbox.wake()  # type: ignore[attr-defined]  # else whoever looks first has it
    async with asyncio.timeout(10):
        [again] = await second.store.take(1)
    assert again.id == entry.id
    late = Attempt(
        outcome=Outcome.FAILED, kind=Kind.PERMANENT, relay="smtp", code=550, text="too late to count"
    )
    first.store.settle(entry, late)

    async def renamed() -> bool:
        return stale.name != old

    await eventually(renamed)
    assert (await first.submit(to="bo@example.org")).status == "accepted"
    waiting = await second.store.waiting(entry.message_id)
    assert [row[0] for row in waiting] == [entry.id]
    second.store.settle(
        again, Attempt(outcome=Outcome.DELIVERED, kind=Kind.DELIVERED, relay="smtp", code=250)
    )

    async def gone() -> bool:
        return not await second.store.waiting(entry.message_id)

    await eventually(gone)


async def test_aliases_are_locked_together(postgres: Stores, tmp_path: Path) -> None:
    """Two identifiers of one person, written to through two replicas at once: one cap."""
    from gateway.message.envelope import Identifier, Recipient

    policies = capped(tmp_path)
    lines = [await postgres.line(policies=policies) for _ in range(2)]
    alias = Identifier(channel="linkedin", address="https://linkedin.com/in/anna", key="anna-li")

    def recipient(n: int) -> Recipient:
        email = Recipient(
            channel="email", address="anna@example.org", key="anna@example.org", aliases=(alias,)
        )
        return (
            email if n % 2 else Recipient(channel="email", address="anna@example.org", key="anna@example.org")
        )

    async def send(line: Line, n: int) -> str:
        from msgspec.structs import replace

        from tests.line import message

        given = message(to="anna@example.org", class_="outreach", text="Buongiorno", now=line.clock())
        return (await line.intake.submit(replace(given, recipients=(recipient(n),)))).status

    statuses = await asyncio.gather(*(send(line, n) for line in lines for n in range(30)))
    assert statuses.count("accepted") == 5


async def test_a_clock_two_minutes_off_is_put_right(
    postgres: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = time.time
    for wrong in (120.0, -120.0):
        for serving in (True, False):
            monkeypatch.setattr(time, "time", lambda wrong=wrong: real() + wrong)
            store = PostgresStore(postgres.url, serving=serving)
            await store.start()
            assert abs(store.now() - real()) < 2
            await store.close()
            monkeypatch.undo()


async def test_a_clock_that_is_put_right_meanwhile_changes_nothing(
    postgres: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a replica would take over, until it asks the database again, what others are delivering."""
    real = time.time
    store = PostgresStore(postgres.url)
    await store.start()
    for wrong in (86400.0, -86400.0):
        monkeypatch.setattr(time, "time", lambda wrong=wrong: real() + wrong)
        assert abs(store.now() - real()) < 2
        monkeypatch.undo()
    await store.close()


async def test_what_a_command_releases_is_heard_of_at_once(postgres: Stores) -> None:
    replica = await postgres.line()
    command = await postgres.stack.enter_async_context(
        line(postgres.folder, clock=postgres.clock, store=postgres.make(serving=False))
    )
    taking = asyncio.create_task(replica.store.take(1))
    await asyncio.sleep(0.3)
    receipt = await command.submit()
    async with asyncio.timeout(1.5):
        [entry] = await taking
    assert entry.message_id == receipt.id

"""What the log says of a database that takes no work, and what an embedded one does when it is damaged."""

import asyncio
import logging
from pathlib import Path

import apsw
import pytest

from gateway.store.attempt import Attempt, Kind, Outcome
from gateway.store.outage import AGAIN_SECONDS, QUIET_SECONDS, Outage
from gateway.store.protocol import StoreError, Unavailable
from gateway.store.sqlite import _NOTHING, SqliteStore
from gateway.store.sqlite_reads import DAMAGED
from tests.line import KEYS, Clock, line

DELIVERED = Attempt(outcome=Outcome.DELIVERED, kind=Kind.DELIVERED, relay="smtp", code=250)


def test_an_outage_is_told_at_its_beginning_each_minute_and_at_its_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    now = 100.0
    outage = Outage("batches", lambda: now)
    outage.end()
    for _ in range(500):
        outage.fail(Unavailable("the database does not answer"))
    assert caplog.messages == ["database.failing"]
    now += AGAIN_SECONDS + 1
    outage.fail(Unavailable("the database does not answer"))
    outage.end()
    assert caplog.messages == ["database.failing", "database.failing"]  # one success is not the end
    now += QUIET_SECONDS
    outage.end()
    outage.end()
    assert caplog.messages == ["database.failing", "database.failing", "database.back"]
    last = caplog.records[-1]
    assert (last.failures, last.seconds) == (501, AGAIN_SECONDS + 1)  # type: ignore[attr-defined]


async def test_a_gateway_that_cannot_write_says_why(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.store.sqlite.BUSY_SECONDS", 0.05)
    monkeypatch.setattr("gateway.store.outage.QUIET_SECONDS", 0.0)
    caplog.set_level(logging.INFO)
    async with line(tmp_path) as gateway:
        other = apsw.Connection(str(tmp_path / "line.db"))
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError):
            await gateway.submit()
        [failing] = [record for record in caplog.records if record.message == "database.failing"]
        assert failing.problem == "another process keeps the database busy"  # type: ignore[attr-defined]
        other.execute("ROLLBACK")
        other.close()
        await gateway.submit()
        assert "database.back" in caplog.messages


async def test_an_idle_gateway_says_when_the_database_is_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, seconds in (
        ("sqlite.BUSY_SECONDS", 0.05),
        ("outage.QUIET_SECONDS", 0.2),
        ("committer.PROBE", 0.3),
    ):
        monkeypatch.setattr(f"gateway.store.{name}", seconds)
    async with line(tmp_path) as gateway:
        other = apsw.Connection(str(tmp_path / "line.db"))
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError):
            await gateway.submit()
        await asyncio.sleep(0.8)
        assert "database.back" not in caplog.messages
        other.execute("ROLLBACK")
        other.close()
        for _ in range(100):
            if "database.back" in caplog.messages:
                break
            await asyncio.sleep(0.05)
        assert caplog.messages.count("database.back") == 1
        assert caplog.messages.count("database.failing") == 1


async def test_results_that_cannot_be_written_at_the_end_do_not_keep_the_rest_from_closing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.store.sqlite.BUSY_SECONDS", 0.05)
    other = apsw.Connection(str(tmp_path / "line.db"))
    other.set_busy_timeout(5000)  # the gateway may just be committing
    async with line(tmp_path) as gateway:
        await gateway.submit()
        [entry] = await gateway.store.take(1)
        other.execute("BEGIN IMMEDIATE")
        gateway.store.settle(entry, DELIVERED)
    assert "outbox.unwritten" in caplog.messages
    other.execute("ROLLBACK")
    other.close()
    async with line(tmp_path) as again:  # the lock was let go of, and the entry is still there
        assert [each.id for each in await again.store.take(5)] == [entry.id]


async def test_a_log_that_is_deleted_stops_what_would_be_lost(tmp_path: Path) -> None:
    async with line(tmp_path) as gateway:
        await gateway.submit()
        (tmp_path / "line.db-wal").unlink()
        with pytest.raises(Unavailable, match="deleted"):
            await gateway.submit()


@pytest.mark.parametrize("canceled", [False, True])
async def test_a_look_at_the_files_says_nothing_of_the_next_batch(tmp_path: Path, canceled: bool) -> None:
    async with line(tmp_path) as gateway:
        await gateway.submit()
        store = gateway.store
        assert isinstance(store, SqliteStore)
        await asyncio.sleep(0.1)
        asked = store.queue(_NOTHING)
        if canceled:  # so that no batch comes of it
            asked.cancel()
        await asyncio.sleep(0.05)
        (tmp_path / "line.db").rename(tmp_path / "elsewhere.db")
        with pytest.raises(Unavailable, match="deleted"):
            store.queue(_NOTHING)


async def test_what_cannot_be_read_at_rcpt_fails_where_it_is_awaited(tmp_path: Path) -> None:
    """The listener answers 451 to what it awaits; what is raised at once would cost the session."""
    async with line(tmp_path) as gateway:
        store = gateway.store
        assert isinstance(store, SqliteStore)
        whom = ("default", KEYS.subject("email", "anna@example.org"))
        assert store.stops(whom) == ()
        store._db.execute("ALTER TABLE people RENAME TO nobody")
        found = store.stops(whom)
        assert not isinstance(found, tuple)
        with pytest.raises(StoreError):
            await found
        store._db.execute("ALTER TABLE nobody RENAME TO people")


def test_a_file_that_was_cut_off_is_damaged(tmp_path: Path) -> None:
    file = tmp_path / "cut.db"
    store = SqliteStore(file, clock=Clock())
    asyncio.run(_close(store))
    octets = file.read_bytes()
    file.write_bytes(octets[: len(octets) // 2])
    with pytest.raises(Unavailable) as told:
        asyncio.run(_use(file))
    assert str(told.value) == f"{file}: {DAMAGED}"


async def _close(store: SqliteStore) -> None:
    await store.start()
    await store.close()


async def _use(file: Path) -> None:
    store = SqliteStore(file, clock=Clock())
    try:
        await store.start()
        await store.check()
        for table in ("messages", "people", "outbox", "holds", "audit"):
            await store.rows(f"SELECT * FROM {table}")
    finally:
        await store.close()

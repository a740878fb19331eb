"""The database goes away and comes back: nothing acknowledged is lost, nothing goes out twice."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from gateway.store.attempt import Attempt, Kind, Outcome
from gateway.store.postgres import PostgresStore
from gateway.store.postgres_link import Link, read_address
from gateway.store.postgres_schema import migrate
from gateway.store.protocol import StoreError, Unavailable
from tests.line import Clock, Line, line
from tests.postgres import Cluster, cluster, database

pytestmark = pytest.mark.postgres
"""On a server of its own, which a test may stop: whatever GALATEO_TEST_POSTGRES names goes on running."""

DELIVERED = Attempt(outcome=Outcome.DELIVERED, kind=Kind.DELIVERED, relay="smtp", code=250)
RECOVERY_SECONDS = 10.0


@pytest.fixture
def private() -> Iterator[Cluster]:
    with cluster(durable=True) as server:
        yield server


class Load:
    """Senders and a delivery on one line, until told to stop; what each of them saw."""

    def __init__(self, gateway: Line) -> None:
        self.line = gateway
        self.acknowledged: set[str] = set()
        self.refused: list[float] = []
        self.answered: list[float] = []
        self.slowest = 0.0
        self.sent: Counter[str] = Counter()
        self.over = False

    async def send(self, sender: int) -> None:
        number = 0
        while not self.over:
            number += 1
            began = time.monotonic()
            try:
                receipt = await self.line.submit(to=f"p{sender}-{number}@example.org")
            except StoreError:
                self.refused.append(time.monotonic())
                await asyncio.sleep(0.05)
            else:
                self.acknowledged.add(receipt.id)
                self.answered.append(time.monotonic())
            self.slowest = max(self.slowest, time.monotonic() - began)
            await asyncio.sleep(0.02)

    async def deliver(self) -> None:
        while True:
            for entry in await self.line.store.take(16):
                self.sent[entry.message_id] += 1
                self.line.store.settle(entry, DELIVERED)


@asynccontextmanager
async def loaded(url: str, folder: Path, senders: int = 8) -> AsyncIterator[Load]:
    async with line(folder, store=PostgresStore(url, clock=Clock())) as gateway:
        load = Load(gateway)
        tasks = [asyncio.create_task(load.send(n)) for n in range(senders)]
        delivery = asyncio.create_task(load.deliver())
        try:
            await until(lambda: len(load.acknowledged) > 50)
            yield load
            load.over = True
            await asyncio.gather(*tasks)
            await until(lambda: load.acknowledged <= set(load.sent), 20)
        finally:
            load.over = True
            for task in (*tasks, delivery):
                task.cancel()
            await asyncio.gather(*tasks, delivery, return_exceptions=True)


async def until(condition: Callable[[], bool], seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came to be"
        await asyncio.sleep(0.02)


async def recovered(load: Load) -> float:
    """Seconds from now until submissions are answered again."""
    began = time.monotonic()
    await until(lambda: bool(load.answered) and load.answered[-1] > began, RECOVERY_SECONDS)
    return time.monotonic() - began


def check(load: Load) -> None:
    assert load.acknowledged <= set(load.sent)
    assert {message: n for message, n in load.sent.items() if n > 1} == {}


async def outage(
    private: Cluster, folder: Path, happen: Callable[[], Awaitable[None]], *, seen: bool = True
) -> Load:
    async with database(private.url()) as url, loaded(url, folder) as load:
        before = len(load.refused)
        await happen()
        assert await recovered(load) < RECOVERY_SECONDS
        assert len(load.refused) > before or not seen
        await asyncio.sleep(0.5)
    check(load)
    assert load.slowest < 15
    return load


async def test_a_restart(private: Cluster, tmp_path: Path) -> None:
    async def restart() -> None:
        await asyncio.to_thread(private.stop, "fast")
        await asyncio.sleep(1)
        await asyncio.to_thread(private.start)

    await outage(private, tmp_path, restart)


async def test_a_crash(private: Cluster, tmp_path: Path) -> None:
    async def crash() -> None:
        await asyncio.to_thread(private.kill)
        await asyncio.sleep(1)
        await asyncio.to_thread(private.start)

    await outage(private, tmp_path, crash)


async def test_connections_cut(private: Cluster, tmp_path: Path) -> None:
    async def cut() -> None:
        db = await asyncpg.connect(private.url())
        for _ in range(20):
            await db.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                " AND datname LIKE 'galateo_test%'"
            )
            await asyncio.sleep(0.1)
        await db.close()

    await outage(private, tmp_path, cut, seen=False)


async def test_read_only(private: Cluster, tmp_path: Path) -> None:
    async def freeze() -> None:
        db = await asyncpg.connect(private.url())
        await db.execute("ALTER SYSTEM SET default_transaction_read_only = on")
        await db.execute("SELECT pg_reload_conf()")
        await asyncio.sleep(2)
        await db.execute("SET default_transaction_read_only = off")
        await db.execute("ALTER SYSTEM RESET default_transaction_read_only")
        await db.execute("SELECT pg_reload_conf()")
        await db.close()

    load = await outage(private, tmp_path, freeze)
    assert load.refused


async def test_failover_to_a_standby(private: Cluster, tmp_path: Path) -> None:
    standby = Cluster(private.folder / "standby", durable=True, standby_of=private).start()
    try:
        db = await asyncpg.connect(private.url())
        await db.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
        await db.execute("SELECT pg_reload_conf()")
        await db.close()
        async with database(private.url()) as url:
            name = url.rpartition("/")[2]
            both = f"postgresql://postgres@127.0.0.1:{private.port},127.0.0.1:{standby.port}/{name}"
            async with loaded(both, tmp_path) as load:
                await asyncio.to_thread(private.kill)
                await asyncio.to_thread(standby.promote)
                assert await recovered(load) < RECOVERY_SECONDS
                await asyncio.sleep(0.5)
            check(load)
            await asyncio.to_thread(private.start)  # so that the database can be dropped
            db = await asyncpg.connect(private.url())
            await db.execute("ALTER SYSTEM RESET synchronous_standby_names")
            await db.execute("SELECT pg_reload_conf()")
            await db.close()
    finally:
        standby.stop("immediate")


async def test_a_commit_whose_answer_was_lost_is_found_again(private: Cluster, tmp_path: Path) -> None:
    """The connection breaks after COMMIT went out: the submission is answered, once, from what is there."""
    async with (
        database(private.url()) as url,
        line(tmp_path, store=PostgresStore(url, clock=Clock())) as gateway,
    ):
        store = gateway.store
        assert isinstance(store, PostgresStore)
        await gateway.submit(to="first@example.org")
        real = store._batches._commit

        class Breaking:
            def __init__(self, db: asyncpg.Connection) -> None:
                self._db = db

            async def execute(self, sql: str) -> str:
                await self._db.execute(sql)
                self._db.terminate()
                raise ConnectionResetError

        async def commit(db: asyncpg.Connection) -> None:
            store._batches._commit = real  # type: ignore[method-assign]
            await real(Breaking(db))  # type: ignore[arg-type]

        store._batches._commit = commit  # type: ignore[method-assign]
        receipt = await gateway.submit(to="anna@example.org")
        assert receipt.status == "accepted"
        assert len(await store.rows("SELECT id FROM messages")) == 2
        assert {entry.message_id for entry in await store.take(5)} >= {receipt.id} or await store.take(5)
        chain = await store.rows("SELECT seq FROM audit ORDER BY seq")
        await gateway.submit(to="bo@example.org")
        assert [row[0] for row in await store.rows("SELECT seq FROM audit ORDER BY seq")] == [
            *range(1, len(chain) + 2)
        ]


async def test_a_wrong_password_is_told_without_it(private: Cluster, tmp_path: Path) -> None:
    with (private.data / "pg_hba.conf").open("r+") as file:
        rest = file.read()
        file.seek(0)
        file.write("host all locked 127.0.0.1/32 scram-sha-256\n" + rest)
    db = await asyncpg.connect(private.url())
    await db.execute("CREATE ROLE locked LOGIN PASSWORD 'right'")
    await db.execute("SELECT pg_reload_conf()")
    await db.close()
    url = private.url().replace("postgres@", "locked:hunter2secret@")
    with pytest.raises(Unavailable) as told:
        await PostgresStore(url).start()
    assert "password" in str(told.value)
    assert "hunter2secret" not in str(told.value) + repr(told.value) + str(told.value.__cause__)
    with pytest.raises(Unavailable) as told:
        await PostgresStore("postgresql://u:hunter2secret@[bad/x").start()
    assert "hunter2secret" not in str(told.value)


async def test_what_a_database_lacks_is_named(private: Cluster) -> None:
    db = await asyncpg.connect(private.url())
    await db.execute("CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C'")
    await db.execute("CREATE ROLE weak LOGIN")
    await db.close()
    latin = await asyncpg.connect(private.url("latin"))
    with pytest.raises(StoreError, match=r"encoding LATIN1.*ENCODING 'UTF8'"):
        await migrate(latin)
    await latin.close()
    with pytest.raises(StoreError, match="encoding LATIN1"):
        await PostgresStore(private.url("latin")).start()
    async with database(private.url()) as url:
        weak = PostgresStore(url.replace("postgres@", "weak@"))
        with pytest.raises(Unavailable, match="permission denied for table schema_versions"):
            await weak.start()
        db = await asyncpg.connect(url)
        await db.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO weak")
        ahead = await db.fetchval(
            "SELECT relname FROM pg_class WHERE relname ~ '^events_2' AND relkind = 'r' ORDER BY 1 DESC"
        )
        await db.execute(f"DROP TABLE {ahead}")
        await db.close()
        with pytest.raises(Unavailable, match="lacks a right that the gateway needs"):
            await PostgresStore(url.replace("postgres@", "weak@")).start()


async def test_what_somebody_keeps_locked_is_told(private: Cluster, tmp_path: Path) -> None:
    async with (
        database(private.url()) as url,
        line(tmp_path, store=PostgresStore(url, clock=Clock())) as gateway,
    ):
        somebody = await asyncpg.connect(url)
        await somebody.execute("BEGIN; LOCK TABLE messages IN SHARE MODE")
        with pytest.raises(Unavailable, match=r"another session of the database keeps locked .*\(55P03\)"):
            await gateway.submit(to="a@example.org")
        await somebody.close()
        assert (await gateway.submit(to="a@example.org")).status == "accepted"


async def test_no_connection_left(private: Cluster, tmp_path: Path) -> None:
    async with (
        database(private.url()) as url,
        line(tmp_path, store=PostgresStore(url, clock=Clock())) as gateway,
    ):
        await gateway.submit(to="a@example.org")
        taken: list[asyncpg.Connection] = []

        async def crowd() -> None:
            with contextlib.suppress(asyncpg.TooManyConnectionsError):
                while True:
                    taken.append(await asyncpg.connect(url))

        await crowd()
        with pytest.raises(Unavailable):  # noqa: PT012
            while True:
                await taken[0].execute(
                    "SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity"
                    " WHERE application_name LIKE 'gateway%'"
                )
                await crowd()
                await gateway.submit(to="b@example.org")
        for db in taken:
            db.terminate()

        async def again() -> bool:
            try:
                return (await gateway.submit(to="c@example.org")).status == "accepted"
            except StoreError:
                return False

        deadline = time.monotonic() + RECOVERY_SECONDS
        while not await again():
            assert time.monotonic() < deadline
            await asyncio.sleep(0.1)


@asynccontextmanager
async def silent() -> AsyncIterator[str]:
    """Where whoever connects hears nothing at all."""

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            await reader.read()
        writer.close()

    async with await asyncio.start_server(hear, "127.0.0.1", 0) as server:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("order", ["first", "last"])
async def test_a_server_that_says_nothing_does_not_keep_from_the_other(private: Cluster, order: str) -> None:
    """As a machine that is gone, or was stopped."""
    there = f"127.0.0.1:{private.port}"
    async with silent() as gone:
        hosts = f"{gone},{there}" if order == "first" else f"{there},{gone}"
        link = Link(read_address(f"postgresql://postgres@{hosts}/postgres"), "galateo")
        assert await link.fetch("SELECT 1") == [(1,)]
        began = time.monotonic()
        await (await link.connect()).close()
        assert time.monotonic() - began < 2, "who was found is asked first"
        await link.close()


async def test_servers_that_say_nothing_are_given_up_together() -> None:
    async with silent() as gone:
        link = Link(read_address(f"postgresql://galateo:s3cret@{','.join([gone] * 4)}/mail"), "galateo")
        began = time.monotonic()
        with pytest.raises(Unavailable, match="does not answer"):
            await link.connect()
        assert time.monotonic() - began < 12

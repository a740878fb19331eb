"""Schemas: both databases in step, two phases side by side, refusals; a copy from one to the other."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest

from gateway.store import postgres_link
from gateway.store import postgres_schema as schema
from gateway.store.copy import Copied, copy_database
from gateway.store.distributed import distribute, is_available
from gateway.store.migrate import SchemaError
from gateway.store.migrate import scripts as sqlite_scripts
from gateway.store.postgres import PostgresStore
from gateway.store.postgres_tidy import tidy
from gateway.store.protocol import Unavailable
from gateway.store.sqlite import connect
from tests.line import Clock, line
from tests.postgres import database
from tests.store.conftest import Stores

pytestmark = pytest.mark.postgres


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[asyncpg.Connection]:
    db = await asyncpg.connect(url)
    try:
        yield db
    finally:
        await db.close()


async def test_postgresql_has_every_table_and_column_of_sqlite_in_order(
    postgres: Stores, tmp_path: Path
) -> None:
    store = Stores("sqlite", "", tmp_path, postgres.stack).make()
    await store.start()
    await store.close()
    db = connect(tmp_path / "line.db", readonly=True)
    async with connected(postgres.url) as other:
        catalog = await schema.read_catalog(other)
    for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
        if name == "schema_versions":
            continue
        columns = [str(row[1]) for row in db.execute(f"PRAGMA table_info({name})")]
        present = [column for column, _ in catalog[str(name)].columns]
        assert present[: len(columns)] == columns, name
    db.close()


async def test_phases_come_in_order_and_once(postgres_server: str) -> None:
    extra = [
        *schema.scripts(),
        (900, "pre", "0900_x.pre.sql", "CREATE TABLE extra (a int)"),
        (900, "post", "0900_x.post.sql", "ALTER TABLE extra ADD b int"),
    ]
    async with database(postgres_server) as url, connected(url) as db:
        with pytest.raises(SchemaError, match="first phase"):
            await schema.migrate(db, "post", extra)
        assert await schema.migrate(db, "pre", extra) == ["0900_x.pre.sql"]
        await schema.check(db)  # an older replica may go on, and start again
        assert await schema.migrate(db, "pre", extra) == []
        assert await schema.migrate(db, "post", extra) == ["0900_x.post.sql"]
        with pytest.raises(SchemaError, match="knows up to"):
            await schema.check(db)
        with pytest.raises(SchemaError, match="knows up to"):
            await PostgresStore(url).start()


async def test_an_altered_migration_is_refused(postgres_server: str) -> None:
    async with database(postgres_server) as url, connected(url) as db:
        await db.execute("UPDATE schema_versions SET checksum = 'other' WHERE number = 1")
        with pytest.raises(SchemaError, match="another form"):
            await schema.migrate(db)


async def test_two_migrations_at_once_are_one(postgres_server: str) -> None:
    async with database(postgres_server, migrated=False) as url, connected(url) as one, connected(url) as two:
        done = await asyncio.gather(schema.migrate(one), schema.migrate(two))
        assert sorted(map(len, done)) == [0, len(schema.scripts())]


async def test_every_earlier_schema_with_data_comes_up_to_date(postgres_server: str, tmp_path: Path) -> None:
    """From the first schema on, with a message in it."""
    known = schema.scripts()
    for upto in range(1, len({number for number, *_ in known}) + 1):
        first = [script for script in known if script[0] <= upto]
        async with database(postgres_server, migrated=False) as url:
            async with connected(url) as db:
                await schema.migrate(db, known=first)
                await db.execute("INSERT INTO people VALUES (0, 'default', '\\x0000', '{}')")
                await schema.migrate(db)
                assert await db.fetchval("SELECT count(*) FROM people") == 1
            async with line(tmp_path, store=PostgresStore(url, clock=Clock())) as gateway:
                assert (await gateway.submit()).status == "accepted"


async def test_months_are_made_ahead_and_dropped(postgres: Stores) -> None:
    async with connected(postgres.url) as db:
        assert await schema.add_partitions(db) == []
        made = await schema.add_partitions(db, ahead=5)
        assert len(made) == 2 * (len(schema.PARTITIONED) + 1)
        now = float(await db.fetchval("SELECT extract(epoch FROM now())::float8"))
        assert await schema.drop_emptied(db, now) == []
        await db.execute("INSERT INTO attempts VALUES ('m-0', 1, $1, 'delivered', 'smtp', 250, '')", now)
        dropped = await schema.drop_emptied(db, now + 40 * 86400)
        months = {name.removeprefix("decisions_") for name in dropped if name.startswith("decisions_")}
        assert months
        assert {f"events_{month}" for month in months} <= set(dropped)
        assert f"attempts_{datetime.fromtimestamp(now, UTC):%Y_%m}" not in dropped


async def test_distributing_needs_the_extension(postgres: Stores) -> None:
    async with connected(postgres.url) as db:
        if await is_available(db):
            assert await distribute(db) == []
        else:
            with pytest.raises(SchemaError, match="no Citus extension"):
                await distribute(db)


async def _filled(folder: Path) -> None:
    async with line(folder) as gateway:
        await gateway.consent(*(f"p{n}@example.org" for n in range(30)))
        await asyncio.gather(*(gateway.submit(to=f"p{n}@example.org", campaign=f"è{n}") for n in range(40)))
        await gateway.store.fingerprint("keys")
        [entry] = await gateway.store.take(1)
        assert entry.address


async def test_a_copy_has_everything_and_goes_on_where_it_stopped(
    postgres: Stores, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import gateway.store.copy as copying

    monkeypatch.setattr(copying, "SLICE", 7)
    await _filled(tmp_path)
    told: list[Copied] = []

    def interrupt(table: Copied) -> None:
        told.append(table)
        if table.name == "decisions":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await copy_database(tmp_path / "line.db", postgres.url, interrupt)
    done = await copy_database(tmp_path / "line.db", postgres.url, told.append)
    assert all(table.same for table in done)
    rows = {table.name: table.rows for table in done}
    assert (rows["messages"], rows["outbox"], rows["consent_events"]) == (40, 40, 30)
    async with line(tmp_path, store=PostgresStore(postgres.url, clock=Clock())) as gateway:
        assert len(await gateway.store.rows("SELECT id FROM messages")) == 40
        await gateway.store.fingerprint("keys")
        assert (await gateway.submit(to="new@example.org")).status == "accepted"
    with pytest.raises(SchemaError, match="holds rows already"):
        await copy_database(tmp_path / "line.db", postgres.url, told.append)


async def test_what_a_killed_gateway_had_taken_is_due_in_the_copy(postgres: Stores, tmp_path: Path) -> None:
    killed = tmp_path / "killed"
    killed.mkdir()
    async with line(tmp_path) as gateway:
        receipt = await gateway.submit()
        for name in ("line.db", "line.db-wal"):
            shutil.copy(tmp_path / name, killed)  # as a kill leaves them
    done = await copy_database(killed / "line.db", postgres.url, lambda table: None)
    assert all(table.same for table in done)
    async with line(tmp_path, store=PostgresStore(postgres.url, clock=Clock())) as gateway:
        async with asyncio.timeout(20):
            assert [each.message_id for each in await gateway.store.take(5)] == [receipt.id]


async def test_a_gateway_that_stops_gives_back_what_it_had_taken(tmp_path: Path) -> None:
    async with line(tmp_path) as gateway:
        await gateway.submit()
        await gateway.submit(to="bo@example.org")
        assert len(await gateway.store.take(1)) == 1
    db = connect(tmp_path / "line.db", readonly=True)
    rows = db.execute("SELECT lease_owner, due_at - queued_at FROM outbox").fetchall()
    db.close()
    assert rows == [("", 0.0), ("", 0.0)]


async def test_a_copy_of_a_file_that_is_served_is_refused(postgres: Stores, tmp_path: Path) -> None:
    async with line(tmp_path):
        with pytest.raises(Unavailable, match="Stop it first"):
            await copy_database(tmp_path / "line.db", postgres.url, print)


async def test_a_copy_whose_lock_cannot_be_had(postgres: Stores, tmp_path: Path) -> None:
    await _filled(tmp_path)
    (tmp_path / "line.db.lock").unlink()
    (tmp_path / "line.db.lock").mkdir()  # for root, too, no file can be opened there
    with pytest.raises(Unavailable, match=r"this user cannot write line.db.lock in /.* must be this user's"):
        await copy_database(tmp_path / "line.db", postgres.url, print)


async def test_a_copy_that_differs_is_told(postgres: Stores, tmp_path: Path) -> None:
    await _filled(tmp_path)

    async with connected(postgres.url) as db:
        await db.execute(
            "CREATE OR REPLACE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN NEW.kind = 'other'; RETURN NEW; END $$"
        )
        await db.execute("CREATE TRIGGER spoil BEFORE INSERT ON audit FOR EACH ROW EXECUTE FUNCTION spoil()")
        done = await copy_database(tmp_path / "line.db", postgres.url, lambda table: None)
        await db.execute("DROP FUNCTION spoil CASCADE")
    assert [table.name for table in done if not table.same] == ["audit"]


def test_both_databases_have_migrations() -> None:
    assert sqlite_scripts("sqlite")
    assert schema.scripts()[0][:3] == (1, "pre", "0001_first.pre.sql")


async def test_what_expired_is_removed_and_what_waits_stays(postgres: Stores) -> None:
    gateway = await postgres.line()
    receipt = await gateway.submit(idempotency_key="k")
    async with connected(postgres.url) as db:
        await db.execute("INSERT INTO bodies VALUES ('00000000000000000000000000', 'orphan')")
    store = gateway.store
    assert isinstance(store, PostgresStore)
    now = gateway.clock() + 40 * 86400
    await tidy(store._link, now, distributed=store.distributed)
    for table in ("replays", "paces"):
        assert await store.rows(f"SELECT 1 FROM {table}") == []
    assert await store.rows("SELECT message_id FROM bodies ORDER BY message_id") == [(receipt.id,)]


async def test_a_migration_may_take_its_time(postgres_server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres_link, "COMMAND_SECONDS", 0.1)
    link = postgres_link.Link(postgres_link.read_address(postgres_server), "galateo-migrate")
    hasty, patient = await link.connect(), await link.connect(patient=True)
    with pytest.raises(TimeoutError):
        await hasty.execute("SELECT pg_sleep(0.5)")
    await patient.execute("SELECT pg_sleep(0.5)")
    for db in (hasty, patient):
        await db.close()

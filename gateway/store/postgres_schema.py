"""The schema on PostgreSQL: migrations in two phases, months of partitions, what the catalog says."""

import contextlib
import itertools
from datetime import UTC, datetime
from importlib.resources import files

import asyncpg

from gateway.store.migrate import SchemaError, checksum
from gateway.store.postgres_sql import Catalog, Table

MONTHS_AHEAD = 3
MIGRATE_LOCK = 0x67616C6174656F
"""The advisory lock that only one migration holds ("galateo")."""
PARTITION_LOCK = MIGRATE_LOCK + 1

PARTITIONED = ("messages", "decisions", "attempts", "events")
"""Tables in months of unix seconds; `sent_ids` is in months of unix days."""

PHASES = ("pre", "post")
Script = tuple[int, str, str, str]

_KEPT = """
CREATE TABLE IF NOT EXISTS schema_versions (
    number integer NOT NULL,
    checksum text NOT NULL,
    phase text NOT NULL DEFAULT 'post',
    applied_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (number, phase)
);
CREATE TABLE IF NOT EXISTS settings (name text PRIMARY KEY, value text NOT NULL);
"""


def scripts() -> list[Script]:
    """(number, phase, name, SQL) of every migration, in order; `pre` of a number before its `post`."""
    folder = files("gateway.store.migrations") / "postgres"
    found: list[Script] = []
    for item in folder.iterdir():
        if item.name.endswith(".sql"):
            stem, phase, _ = item.name.rsplit(".", 2)
            found.append((int(stem.split("_")[0]), phase, item.name, item.read_text("utf-8")))
    return sorted(found, key=lambda script: (script[0], PHASES.index(script[1])))


async def applied(db: asyncpg.Connection) -> dict[tuple[int, str], str]:
    """Checksums of what was applied, by number and phase; empty for a database never migrated."""
    if await db.fetchval("SELECT to_regclass('schema_versions')") is None:
        return {}
    rows = await db.fetch("SELECT number, phase, checksum FROM schema_versions")
    return {(row[0], row[1]): row[2] for row in rows}


def pending(done: dict[tuple[int, str], str], known: list[Script]) -> list[Script]:
    """What is still to run. Raises SchemaError where the database is newer, or was made otherwise.

    Additions (`pre`) of a newer version are no reason to refuse: during an upgrade old replicas go on,
    and may be started again, until its second phase was run.
    """
    newest = max(number for number, *_ in known)
    newer = [number for number, phase in done if number > newest and phase == "post"]
    if newer:
        raise SchemaError(
            f"the database has schema {max(newer)}, this version knows up to {newest}:"
            " start the newer version, or restore the backup made before the upgrade"
        )
    for number, phase, name, sql in known:
        if done.get((number, phase), checksum(sql)) != checksum(sql):
            raise SchemaError(f"migration {name} was applied in another form; restore the released file")
    return [script for script in known if (script[0], script[1]) not in done]


async def migrate(db: asyncpg.Connection, phase: str = "pre", known: list[Script] | None = None) -> list[str]:
    """Apply one phase; returns the names of the files applied. Only one process at a time does it.

    A `post` waits for its own `pre`; a new database gets both at once, for nobody uses it yet.
    """
    known = scripts() if known is None else known
    await require_utf8(db)
    await db.execute("SELECT pg_advisory_lock($1)", MIGRATE_LOCK)
    try:
        fresh = not await applied(db)
        await db.execute(_KEPT)
        done: list[str] = []
        for number, its_phase, name, sql in pending(await applied(db), known):
            if its_phase != phase and not fresh:
                continue
            if its_phase == "post" and not fresh and (number, "pre") in _missing(await applied(db), known):
                raise SchemaError(f"{name} needs the first phase: run `galateo migrate` before it")
            async with db.transaction():
                await db.execute(sql)
                await db.execute(
                    "INSERT INTO schema_versions (number, phase, checksum) VALUES ($1, $2, $3)",
                    number, its_phase, checksum(sql),
                )  # fmt: skip
            done.append(name)
        await add_partitions(db)
        return done
    finally:
        await db.execute("SELECT pg_advisory_unlock($1)", MIGRATE_LOCK)


def _missing(done: dict[tuple[int, str], str], known: list[Script]) -> set[tuple[int, str]]:
    return {(number, phase) for number, phase, *_ in known} - set(done)


async def check(db: asyncpg.Connection) -> None:
    """Raises SchemaError unless this version can work on the database."""
    await require_utf8(db)
    done = await applied(db)
    waiting = [name for _, phase, name, _ in pending(done, scripts()) if phase == "pre"]
    if waiting:
        what = "is not up to date" if done else "holds no schema yet"
        raise SchemaError(f"the database {what}: run `galateo migrate` with the same settings first")


async def require_utf8(db: asyncpg.Connection) -> None:
    """Raises SchemaError where the database cannot store every text."""
    encoding = await db.fetchval("SHOW server_encoding")
    if encoding not in ("UTF8", "UTF-8"):
        raise SchemaError(
            f"the database has the encoding {encoding}, in which not every letter can be stored:"
            " make one with ENCODING 'UTF8' and TEMPLATE template0"
        )


async def read_catalog(db: asyncpg.Connection) -> Catalog:
    """The tables with their columns and keys, as the database has them."""
    found: dict[str, list[tuple[str, str]]] = {}
    for table, column, type_ in await db.fetch(
        "SELECT c.relname, a.attname, format_type(a.atttypid, NULL) FROM pg_attribute a"
        " JOIN pg_class c ON c.oid = a.attrelid WHERE c.relnamespace = current_schema()::regnamespace"
        " AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND a.attnum > 0 AND NOT a.attisdropped"
        " ORDER BY c.relname, a.attnum"
    ):
        found.setdefault(table, []).append((column, type_))
    keys: dict[str, tuple[str, ...]] = {}
    for table, columns in await db.fetch(
        "SELECT c.relname, array_agg(a.attname::text ORDER BY array_position(i.indkey::int2[], a.attnum))"
        " FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid"
        " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey::int2[])"
        " WHERE i.indisprimary AND c.relnamespace = current_schema()::regnamespace GROUP BY c.relname"
    ):
        keys[table] = tuple(columns)
    return {name: Table(tuple(columns), keys.get(name, ())) for name, columns in found.items()}


async def is_distributed(db: asyncpg.Connection) -> bool:
    """Whether `galateo migrate --distributed` was run here."""
    if await db.fetchval("SELECT to_regclass('pg_dist_partition')") is None:
        return False
    return bool(await db.fetchval("SELECT count(*) FROM pg_dist_partition WHERE partmethod = 'h'"))


def month_starts(now: datetime, ahead: int) -> list[datetime]:
    """The first moments of this month and of `ahead` + 1 months after it, UTC."""
    first = now.year * 12 + now.month - 1
    return [datetime(n // 12, n % 12 + 1, 1, tzinfo=UTC) for n in range(first, first + ahead + 2)]


async def add_partitions(db: asyncpg.Connection, ahead: int = MONTHS_AHEAD) -> list[str]:
    """Make the partitions of this month and of those ahead that are missing; returns their names."""
    async with db.transaction():
        await db.execute("SELECT pg_advisory_xact_lock($1)", PARTITION_LOCK)
        return await _add_missing(db, ahead)


async def _add_missing(db: asyncpg.Connection, ahead: int) -> list[str]:
    now = await db.fetchval("SELECT now()")
    present = {
        row[0]
        for row in await db.fetch(
            "SELECT relname FROM pg_class WHERE relispartition"
            " AND relnamespace = current_schema()::regnamespace"
        )
    }
    made: list[str] = []
    starts = month_starts(now, ahead)
    for table in (*PARTITIONED, "sent_ids"):
        ranges = [(f"{table}_past", "MINVALUE", _bound(table, starts[0]))] if not any(
            name.startswith(f"{table}_") for name in present
        ) else []  # fmt: skip
        ranges += [
            (f"{table}_{start:%Y_%m}", _bound(table, start), _bound(table, end))
            for start, end in itertools.pairwise(starts)
        ]
        for name, low, high in ranges:
            if name not in present:
                await db.execute(
                    f"CREATE TABLE {name} PARTITION OF {table} FOR VALUES FROM ({low}) TO ({high})"
                    f"{_STORAGE.get(table, '')}"
                )
                made.append(name)
    return made


_STORAGE = dict.fromkeys(("messages", "decisions"), " WITH (toast_tuple_target = 8160)")


def _bound(table: str, moment: datetime) -> str:
    seconds = int(moment.timestamp())
    return str(seconds // 86400 if table == "sent_ids" else seconds)


async def drop_emptied(db: asyncpg.Connection, before: float) -> list[str]:
    """Drop the months that ended before then (unix seconds) and that retention left without a row, so that
    what was deleted leaves no bloat; returns their names. A month in use is left for the next time."""
    dropped = []
    for table in (*PARTITIONED, "sent_ids"):
        for name in await _months(db, table, datetime.fromtimestamp(before, UTC)):
            with contextlib.suppress(asyncpg.LockNotAvailableError):
                async with db.transaction():
                    await db.execute("SET LOCAL lock_timeout = '500ms'")
                    if await db.fetchval(f"SELECT NOT EXISTS (SELECT 1 FROM {name})"):
                        await db.execute(f"LOCK TABLE {name} IN ACCESS EXCLUSIVE MODE")
                        if await db.fetchval(f"SELECT NOT EXISTS (SELECT 1 FROM {name})"):
                            await db.execute(f"DROP TABLE {name}")
                            dropped.append(name)
    return dropped


async def _months(db: asyncpg.Connection, table: str, before: datetime) -> list[str]:
    """The partitions of a table that hold one month each, which ended before then."""
    names = await db.fetch(
        "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
        " WHERE i.inhparent = to_regclass($1) ORDER BY 1",
        table,
    )
    months = [(name, name.removeprefix(f"{table}_")) for (name,) in names]
    return [name for name, month in months if month != "past" and month < f"{before:%Y_%m}"]

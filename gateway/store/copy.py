"""An SQLite database copied into PostgreSQL: in slices that may be done over, counted and compared."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import apsw
import asyncpg

from gateway.store import queries as q
from gateway.store.lock import lock
from gateway.store.migrate import SchemaError, migrate_sqlite
from gateway.store.postgres_link import LOST, Link, read_address, translate
from gateway.store.postgres_schema import check, read_catalog
from gateway.store.postgres_sql import Table, arrays_of
from gateway.store.sqlite import connect
from gateway.store.sqlite_reads import translate as translate_sqlite

SLICE = 2000
SLICE_BYTES = 32 * 1024 * 1024

KEPT_BACK = frozenset({"schema_versions", "copied"})
"""Tables of the database itself."""

_LANE_OF_MESSAGE = "(SELECT lane FROM decisions WHERE message_id = substr(attempts.id, 1, 26) LIMIT 1)"
EXTRA = {
    "attempts": {"lane": f"coalesce({_LANE_OF_MESSAGE}, 0)"},
    "paces": {"origin": "'sqlite'", "updated": "0.0"},
    "fingerprints": {"origin": "'sqlite'"},
}
"""Columns that only PostgreSQL has, as SQLite can tell them."""

_PROGRESS = (
    "CREATE TABLE IF NOT EXISTS copied (name text PRIMARY KEY, position bytea NOT NULL, rows bigint NOT NULL,"
    " digest numeric NOT NULL, finished boolean NOT NULL)"
)
MODULUS = 1 << 64


@dataclass(frozen=True, slots=True)
class Copied:
    """One table: how many rows were copied, and whether both sides say the same."""

    name: str
    rows: int
    same: bool


async def copy_database(file: Path, url: str, say: Callable[[Copied], None]) -> list[Copied]:
    """Copy every table, telling `say` of each. Raises StoreError; may be run again after one."""
    held = lock(file)
    source = None
    try:
        source = _open(file)
        target = await Link(read_address(url), "galateo-copy").connect(patient=True)
        try:
            await target.execute("SET statement_timeout = 0")
            await check(target)
            return await _copy_all(source, target, say)
        except (asyncpg.PostgresError, *LOST) as error:
            raise translate(error) from None
        finally:
            await target.close()
    finally:
        if source is not None:
            source.close()
        os.close(held)


def _open(file: Path) -> apsw.Connection:
    """The database in the file, with today's schema and without leases: their holder does not run, and no
    replica would know its name. Raises StoreError."""
    try:
        source = connect(file)
        migrate_sqlite(source)
        source.execute(q.FREE_LEASES)
    except apsw.Error as error:
        raise translate_sqlite(error, file) from error
    return source


async def _copy_all(
    source: apsw.Connection, target: asyncpg.Connection, say: Callable[[Copied], None]
) -> list[Copied]:
    catalog = await read_catalog(target)
    tables = [
        str(row[0])
        for row in source.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
        if row[0] not in KEPT_BACK and not str(row[0]).startswith("sqlite_")
    ]
    if missing := [name for name in tables if name not in catalog]:
        raise SchemaError(
            f"PostgreSQL has no table {missing[0]}: run `galateo migrate` of this version on it"
        )
    await target.execute(_PROGRESS)
    done: list[Copied] = []
    for name in tables:
        table = _Source(source, name, catalog[name])
        if not await target.fetchval("SELECT 1 FROM copied WHERE name = $1", name):
            if name != "settings" and await target.fetchval(f"SELECT 1 FROM {name} LIMIT 1"):
                raise SchemaError(
                    f"the table {name} in PostgreSQL holds rows already: copy into a new database"
                )
            await target.execute("INSERT INTO copied VALUES ($1, '', 0, 0, false)", name)
        rows, digest = await _copy_table(table, target)
        copied = Copied(name, rows, (rows, digest) == await _sum_up(table, target))
        say(copied)
        done.append(copied)
    if all(table.same for table in done):
        await target.execute("DROP TABLE copied")
    return done


class _Source:
    """One table of the SQLite file, read in the order of its key."""

    def __init__(self, db: apsw.Connection, name: str, table: Table) -> None:
        self.db, self.name, self.table = db, name, table
        info = db.execute(f"PRAGMA table_info({name})").fetchall()
        own = {str(row[1]) for row in info}
        extra = EXTRA.get(name, {})
        self.columns = [(c, t) for c, t in table.columns if c in own or c in extra]
        self.key = [str(row[1]) for row in sorted(info, key=lambda row: int(str(row[5]))) if row[5]] or [
            "rowid"
        ]
        self.expressions = [c if c in own else extra[c] for c, _ in self.columns]

    @property
    def types(self) -> tuple[str, ...]:
        """The types of the columns in PostgreSQL."""
        return tuple(type_ for _, type_ in self.columns)

    def after(self, position: Sequence[Any] | None) -> list[tuple[tuple[Any, ...], tuple[Any, ...]]]:
        """The next rows behind a key, each with its own key."""
        key, width = ", ".join(self.key), len(self.key)
        where = f" WHERE ({key}) > ({', '.join('?' * width)})" if position else ""
        wanted = ", ".join(self.expressions)
        sql = f"SELECT {key}, {wanted} FROM {self.name}{where} ORDER BY {key} LIMIT {SLICE}"
        found: list[tuple[tuple[Any, ...], tuple[Any, ...]]] = []
        size = 0
        for row in self.db.execute(sql, tuple(position or ())):
            found.append((row[:width], row[width:]))
            size += sum(len(value) for value in row if isinstance(value, bytes | str))
            if size > SLICE_BYTES:
                break
        return found


async def _copy_table(table: _Source, target: asyncpg.Connection) -> tuple[int, int]:
    """Copy what is still missing of a table; the rows and the digest of the original."""
    rows, digest = 0, 0
    position: Sequence[Any] | None = None
    state = await target.fetchrow("SELECT position, rows, digest FROM copied WHERE name = $1", table.name)
    assert state is not None
    if state[0]:
        position, rows, digest = _unpack(state[0]), int(state[1]), int(state[2])
    names = ", ".join(column for column, _ in table.columns)
    arrays = ", ".join(f"${n}::{type_}[]" for n, type_ in enumerate(table.types, 1))
    override = " OVERRIDING SYSTEM VALUE" if table.name == "fingerprints" else ""
    sql = f"INSERT INTO {table.name} ({names}){override} SELECT * FROM unnest({arrays})"
    if table.name == "settings":
        sql += " ON CONFLICT (name) DO UPDATE SET value = excluded.value"
    while found := table.after(position):
        position = found[-1][0]
        columns = arrays_of([values for _, values in found], table.types)
        rows += len(found)
        digest = (digest + sum(map(_digest, zip(*columns, strict=True)))) % MODULUS
        async with target.transaction():
            await target.execute(sql, *columns)
            await target.execute(
                "UPDATE copied SET position = $2, rows = $3, digest = $4::text::numeric WHERE name = $1",
                table.name, _pack(position), rows, str(digest),
            )  # fmt: skip
    if table.name == "fingerprints":
        await target.execute(
            "SELECT setval(pg_get_serial_sequence('fingerprints', 'seq'),"
            " (SELECT coalesce(max(seq), 1) FROM fingerprints))"
        )
    await target.execute("UPDATE copied SET finished = true WHERE name = $1", table.name)
    return rows, digest


async def _sum_up(table: _Source, target: asyncpg.Connection) -> tuple[int, int]:
    """The rows and the digest of what PostgreSQL has: read back, whole."""
    rows, digest = 0, 0
    names = ", ".join(column for column, _ in table.columns)
    async with target.transaction():
        async for row in target.cursor(f"SELECT {names} FROM {table.name}", prefetch=SLICE):
            rows += 1
            digest += _digest(tuple(row))
    return rows, digest % MODULUS


def _digest(values: Sequence[Any]) -> int:
    """64 bits of a row; sums of them do not depend on the order."""
    said = "\0".join(_plain(value) for value in values)
    return int.from_bytes(blake2b(said.encode(), digest_size=8).digest(), "big")


def _plain(value: Any) -> str:
    if isinstance(value, bytes):
        return f"x{value.hex()}"
    if isinstance(value, str):
        return f"t{value}"
    return f"n{float(value)!r}"


def _pack(position: Sequence[Any]) -> bytes:
    return repr(tuple(position)).encode()


def _unpack(position: bytes) -> Sequence[Any]:
    import ast

    found: Sequence[Any] = ast.literal_eval(position.decode())
    return found

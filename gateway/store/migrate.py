"""Numbered SQL files, applied once each, in order, with their checksums kept."""

from hashlib import sha256
from importlib.resources import files

import apsw

from gateway.store.protocol import StoreError


class SchemaError(StoreError):
    """The database's schema and this version of the gateway do not belong together."""


def scripts(dialect: str) -> list[tuple[int, str, str]]:
    """(number, name, SQL) of every migration of a database, in order."""
    folder = files("gateway.store.migrations") / dialect
    found = [(item.name, item.read_text("utf-8")) for item in folder.iterdir() if item.name.endswith(".sql")]
    return [(int(name.split("_")[0]), name, sql) for name, sql in sorted(found)]


def checksum(sql: str) -> str:
    """What the database keeps of an applied file."""
    return sha256(sql.encode()).hexdigest()[:16]


def pending(dialect: str, applied: dict[int, str]) -> list[tuple[int, str, str]]:
    """The migrations still to run. Raises SchemaError when the database is newer or differs."""
    known = scripts(dialect)
    newest = known[-1][0]
    if applied and max(applied) > newest:
        raise SchemaError(
            f"the database has schema {max(applied)}, this version knows up to {newest}:"
            " start the newer version, or restore the backup made before the upgrade"
        )
    for number, name, sql in known:
        if number in applied and applied[number] != checksum(sql):
            raise SchemaError(f"migration {name} was applied in another form; restore the released file")
    return [entry for entry in known if entry[0] not in applied]


def migrate_sqlite(db: apsw.Connection) -> list[str]:
    """Bring a SQLite database up to date; returns the names of the files applied."""
    known = db.execute("SELECT 1 FROM sqlite_master WHERE name = 'schema_versions'").fetchone()
    if known and not pending("sqlite", _applied(db)):
        return []
    done: list[str] = []
    db.set_busy_timeout(10_000)
    try:
        db.execute("BEGIN IMMEDIATE")
        with db:
            db.execute(
                "CREATE TABLE IF NOT EXISTS schema_versions"
                " (number INTEGER PRIMARY KEY, checksum TEXT NOT NULL)"
            )
            db.execute("CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL)")
            for number, name, sql in pending("sqlite", _applied(db)):
                db.execute(sql)
                db.execute("INSERT INTO schema_versions VALUES (?, ?)", (number, checksum(sql)))
                done.append(name)
        db.execute("COMMIT")
    except BaseException:
        if not db.get_autocommit():
            db.execute("ROLLBACK")
        raise
    finally:
        db.set_busy_timeout(0)
    return done


def _applied(db: apsw.Connection) -> dict[int, str]:
    rows = db.execute("SELECT number, checksum FROM schema_versions").fetchall()
    return {int(str(number)): str(mark) for number, mark in rows}

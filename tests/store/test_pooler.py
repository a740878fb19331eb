"""PostgreSQL behind PgBouncer, a real one, in both of its modes."""

import asyncio
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import pytest

from gateway.store.postgres_link import SETTINGS, Link, read_address
from gateway.store.protocol import Unavailable
from tests.postgres import account
from tests.store.conftest import Stores
from tests.tools import need

LOCKS = "SELECT current_setting('lock_timeout'), current_setting('jit')"


@contextmanager
def pooled(url: str, mode: str, more: str = "") -> Iterator[str]:
    """The same database behind a pooler, with `more` among its settings."""
    program, to = need("pgbouncer"), urlsplit(url)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = Path(tempfile.mkdtemp(prefix="galateo-pool-", dir="/tmp"))
    behind = f"host={to.hostname} port={to.port or 5432} user={to.username}"
    behind += f" password={to.password}" if to.password else ""
    (folder / "users").write_text(f'"{to.username}" ""\n')
    (folder / "pool.ini").write_text(
        f"[databases]\n* = {behind}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n"
        f"auth_type = trust\nauth_file = {folder}/users\npool_mode = {mode}\nunix_socket_dir =\n{more}"
    )
    line = [program, str(folder / "pool.ini")]
    if os.getuid() == 0:
        for path in (folder, *folder.iterdir()):
            shutil.chown(path, account())
        line = ["runuser", "-u", account(), "--", *line]
    with (folder / "log").open("wb") as log:
        pooler = subprocess.Popen(line, stdout=log, stderr=log)
    try:
        _wait(port, pooler)
        yield f"postgresql://{to.username}@127.0.0.1:{port}{to.path}"
    finally:
        pooler.terminate()
        pooler.wait(10)
        shutil.rmtree(folder)


def _wait(port: int, pooler: "subprocess.Popen[bytes]") -> None:
    for _ in range(200):
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.1):
            return
        assert pooler.poll() is None, "the pooler ended"
        time.sleep(0.05)


@pytest.mark.parametrize(("mode", "query"), [("session", ""), ("transaction", "?statement_cache_size=0")])
async def test_a_gateway_works_behind_a_pooler(postgres: Stores, mode: str, query: str) -> None:
    with pooled(postgres.url, mode) as url:
        there = Stores("postgres", url + query, postgres.folder, postgres.stack)
        first, second = await there.line(), await there.line()
        receipt = await first.submit(to="anna@example.org")
        assert receipt.status == "accepted"
        entries = await first.store.take(5)
        assert [entry.address for entry in entries] == ["anna@example.org"]
        assert await second.store.rows("SELECT COUNT(*) FROM decisions", ()) == [(1,)]
        for line in (first, second):
            await line.store.close()


async def test_a_session_behind_a_pooler_has_its_settings(postgres: Stores) -> None:
    with pooled(postgres.url, "session") as url:
        link = Link(read_address(url), "galateo")
        db = await link.connect()
        assert tuple(await db.fetchrow(LOCKS)) == (SETTINGS["lock_timeout"], SETTINGS["jit"])
        await db.close()
        for _ in range(3):  # the same session, given back and taken anew
            assert await link.fetch(LOCKS) == [(SETTINGS["lock_timeout"], SETTINGS["jit"])]
        await link.close()


async def test_a_pooler_of_transactions_that_is_not_named_is_told(postgres: Stores) -> None:
    with pooled(postgres.url, "transaction") as url:
        there = Stores("postgres", url, postgres.folder, postgres.stack)
        with pytest.raises(Unavailable, match=r"statement_cache_size=0"):
            await there.line()


@pytest.mark.parametrize("free", [2, 3])
async def test_one_that_lends_them_in_turn_is_told_too(postgres: Stores, free: int) -> None:
    """With some sessions free, each transaction gets another one, and the same comes round again."""
    with pooled(postgres.url, "transaction", "server_round_robin = 1\n") as url:
        warm = [await asyncpg.connect(url, statement_cache_size=0) for _ in range(free)]
        await asyncio.gather(*(db.execute("SELECT pg_sleep(0.5)") for db in warm))
        for db in warm:
            await db.close()
        with pytest.raises(Unavailable, match=r"statement_cache_size=0"):
            await Link(read_address(url), "galateo").connect()

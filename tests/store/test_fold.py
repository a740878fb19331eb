"""The write-ahead log of the embedded store is folded beside the commits, and stays bounded."""

import asyncio
from pathlib import Path

import apsw

from gateway.store.draft import Draft, Needs
from gateway.store.records import BodyRow
from gateway.store.sqlite import LONGEST_LOG, SqliteStore
from gateway.store.sqlite_fold import FOLD_PAGES
from tests.line import Clock

MB = 1 << 20


class Large:
    needs = Needs()

    def __init__(self, name: str) -> None:
        self._name = name

    def apply(self, draft: Draft[None]) -> None:
        draft.writes.bodies.append(BodyRow(self._name, bytes(MB)))


async def write(store: SqliteStore, first: int, count: int) -> int:
    """The largest size of the log meanwhile, in octets."""
    log, largest = store.path.with_name(store.path.name + "-wal"), 0
    for n in range(first, first + count):
        await store.run(Large(f"m{n}"))
        largest = max(largest, log.stat().st_size)
        await asyncio.sleep(0.005)
    return largest


async def test_the_log_stays_bounded(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "one.db", clock=Clock())
    await store.start()
    assert await write(store, 0, 150) < 4 * FOLD_PAGES * 4096
    await store.close()
    with apsw.Connection(str(store.path)) as db:
        assert db.execute("SELECT count(*) FROM bodies").fetchone() == (150,)
        assert db.pragma("integrity_check") == "ok"


async def test_a_reader_that_stays_does_not_stop_commits(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "one.db", clock=Clock())
    await store.start()
    await write(store, 0, 1)
    reader = apsw.Connection(str(store.path))
    reader.execute("BEGIN")
    assert reader.execute("SELECT count(*) FROM bodies").fetchone() == (1,)
    grown = await write(store, 1, 80)
    assert grown > 80 * MB > LONGEST_LOG  # what someone still reads cannot be folded
    assert reader.execute("SELECT count(*) FROM bodies").fetchone() == (1,)
    reader.close()
    await write(store, 81, 60)
    assert await write(store, 141, 40) <= 2 * grown
    log = store.path.with_name(store.path.name + "-wal")
    assert log.stat().st_size <= LONGEST_LOG + FOLD_PAGES * 4096  # the room went back to the disk
    await store.close()

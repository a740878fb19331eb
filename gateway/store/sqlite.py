"""The embedded store: SQLite through apsw, WAL, synchronous=FULL, one writing connection.

Statements run on the loop's own thread (they take microseconds); only COMMIT, which waits for the
disk, runs in a thread of its own. Reads use read-only connections and see what is committed: those of one
row at once, those that may look through many in threads (`SlowReads`).
"""

import asyncio
import contextlib
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import apsw

from gateway.ledger.person import Person
from gateway.private import make_private
from gateway.store import queries as q
from gateway.store.attempt import Attempt, Report
from gateway.store.codec import unpack_person
from gateway.store.committer import Committer
from gateway.store.draft import Draft, Loaded, Needs, Unit, Writes, linked, union
from gateway.store.lock import Served, lock
from gateway.store.migrate import migrate_sqlite
from gateway.store.outage import Outage
from gateway.store.outbox import Entry, Feed
from gateway.store.pace import KEPT_SLOTS, SLOT, PaceIndex
from gateway.store.pauses import Pauses
from gateway.store.protocol import Unavailable, WrongKeys
from gateway.store.records import HoldRow, MessageRow, Ref
from gateway.store.sameness import SamenessIndex, unpack_hashes
from gateway.store.sqlite_fold import Fold
from gateway.store.sqlite_outbox import SqliteOutbox
from gateway.store.sqlite_reads import Reads, SlowReads, translate
from gateway.store.sqlite_writes import AuditChain, write

T = TypeVar("T")

OLDEST_SAFE = (3, 51, 3)
"""Older SQLite can corrupt a WAL file that two connections write or checkpoint at once."""

LEASE = 1800.0
FINGERPRINT_DAYS = 30
BUSY_SECONDS = 10.0
LONGEST_LOG = 64 * 1024 * 1024
"""Octets of the write-ahead log that are kept once it begins anew. While somebody reads for long (a backup,
say) it may grow far beyond: that room goes back to the disk."""


def connect(path: Path, *, readonly: bool = False, mapped: bool = True) -> apsw.Connection:
    """A connection with the pragmas that durability and speed here rest on. `mapped` maps the file into
    memory: it counts as the process's own, and is quicker to read. A new file, and with it its log, is its
    owner's alone; one that is there is not touched: to close it would end the locks of other connections."""
    if not readonly:
        with contextlib.suppress(OSError):  # SQLite says what it lacks
            make_private(path)
    flags = apsw.SQLITE_OPEN_READONLY if readonly else apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
    db = apsw.Connection(str(path), flags=flags | apsw.SQLITE_OPEN_NOMUTEX, statementcachesize=200)
    db.set_busy_timeout(0 if not readonly else 1000)
    db.execute("PRAGMA temp_store = MEMORY")
    db.execute(f"PRAGMA mmap_size = {8589934592 if mapped else 0}")
    if not readonly:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA cache_size = -16000")
        db.execute("PRAGMA foreign_keys = OFF")
        db.execute("PRAGMA secure_delete = ON")  # what was erased is overwritten: 1 to 2% of an acceptance
        db.execute("PRAGMA wal_autocheckpoint = 0")
        db.execute(f"PRAGMA journal_size_limit = {LONGEST_LOG}")
    return db


def make_folder(path: Path) -> None:
    """Make the folder of a database where there is none. Raises Unavailable."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Unavailable(
            f"GALATEO_DATABASE: the folder {path.parent} cannot be made: {error.strerror}. Name a place where"
            " this user may write, or make the folder and give it to this user."
        ) from error


def _identify(path: Path) -> tuple[int, int] | None:
    """Which file that is, whatever its name: device and inode; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


class SqliteStore(Reads):
    """State in one file. `serving` takes the lock that only one gateway process may hold."""

    def __init__(
        self,
        path: Path,
        *,
        clock: Callable[[], float],
        observe: Callable[[float, int], None] = lambda seconds, size: None,
        serving: bool = True,
        chain: str = "gateway",
    ) -> None:
        if tuple(map(int, apsw.sqlite_lib_version().split("."))) < OLDEST_SAFE:
            raise Unavailable(f"SQLite {apsw.sqlite_lib_version()} is too old; 3.51.3 or newer is needed")
        self.path = path
        self.owner = f"{os.getpid()}"
        self._clock = clock
        make_folder(path)
        self._lock = _lock(path) if serving else None
        try:
            self._db = connect(path, mapped=serving)
            migrate_sqlite(self._db)
            self._reader = connect(path, readonly=True, mapped=serving)
        except apsw.Error as error:
            raise translate(error, path) from error
        self._log = path.with_name(f"{path.name}-wal")
        self._file, self._log_file = _identify(path), _identify(self._log)
        self._looked = False  # whether the files were seen in place for the next batch
        self._slow = SlowReads(lambda: connect(path, readonly=True))
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="commit")
        self._sameness = SamenessIndex()
        self._pace = PaceIndex()
        self.pauses = Pauses()
        self._feed = Feed()
        self._serving = serving
        self._chain = AuditChain(chain)
        self._outbox = SqliteOutbox(self._db, self._reader, self._feed, clock, self.owner, LEASE)
        outage = Outage("batches") if serving else None  # a command says by itself what fails
        self._committer = Committer(self, self._sameness, self._pace, clock, observe, outage, self.pauses)
        self._in_transaction = False
        self._wal_pages = 0
        self._fold = Fold(path, lambda file: connect(file, mapped=False))
        self._db.set_wal_hook(self._count_pages)

    def _count_pages(self, db: apsw.Connection, name: str, pages: int) -> int:
        self._wal_pages = pages
        return apsw.SQLITE_OK

    async def start(self) -> None:
        """Load the indexes, free the leases of a process that died, begin to commit."""
        now = self._clock()
        rows = self._reader.execute(
            q.RECENT_FINGERPRINTS, (now - FINGERPRINT_DAYS * 86400, 100_000)
        ).fetchall()
        for controller, at, mark, hashes in reversed(rows):
            self._sameness.add(controller, unpack_hashes(hashes), mark, at)
        for controller, sender, class_, slot, sent in self._reader.execute(
            q.RECENT_PACES, (int(now // SLOT) - KEPT_SLOTS,)
        ):
            self._pace.add(controller, sender, class_, slot * 300.0, sent)
        for controller, sender, subject, since in self._reader.execute(q.ALL_WAITING_REPLIES):
            self._pace.owe(controller, sender, subject, since)
        self._sameness.settle()
        self._pace.settle()
        self._chain.load(self._reader)
        if self._serving:
            await self._retry_busy(lambda: self._db.execute(q.FREE_LEASES))
        self._committer.start()
        if self._serving:
            self._outbox.start(self._committer.run)

    # -- one batch -------------------------------------------------------------------------------

    async def begin(self, units: Sequence[Unit[Any]]) -> Loaded:
        """Open a transaction and load what the units need."""
        self._looked = False
        await self._retry_busy(lambda: self._db.execute("BEGIN IMMEDIATE"))
        self._in_transaction = True
        try:
            return self._load(union(units))
        except apsw.Error as error:
            raise translate(error) from error

    def _load(self, needs: Needs) -> Loaded:
        loaded = Loaded()
        self._load_people(loaded, needs.people)
        while more := linked(loaded.people):
            self._load_people(loaded, more)
        now, execute = self._clock(), self._db.execute
        for key in needs.replays:
            for (answer,) in execute(q.REPLAY, (key, now)):
                loaded.replays[key] = answer
        for hold_id in needs.holds:
            for row in execute(q.HOLD, (hold_id,)):
                loaded.holds[hold_id] = HoldRow(*row)
        for message_id in needs.messages:
            for row in execute(q.MESSAGE, (message_id,)):
                loaded.messages[message_id] = MessageRow(*row[:11]), row[11] or b""
        for dedup in needs.events:
            for (controller,) in execute(q.EVENT_KNOWN, (dedup,)):
                loaded.events[dedup] = controller
        return loaded

    def _load_people(self, loaded: Loaded, refs: Sequence[Ref]) -> None:
        execute, people = self._db.execute, loaded.people
        for ref in refs:
            subject = ref[1]
            row = execute(q.PERSON, (int.from_bytes(subject[:2], "big") & 1023, ref[0], subject)).fetchone()
            people[ref] = unpack_person(row[0]) if row else Person()

    async def finish(self, writes: Writes) -> None:
        """Write everything, then commit in the thread that may wait for the disk."""
        try:
            cancelled = write(self._db, writes, self._chain)
            self._outbox.write_settled()
            await asyncio.get_running_loop().run_in_executor(self._thread, self._db.execute, "COMMIT")
        except apsw.Error as error:
            raise translate(error) from error
        self._in_transaction = False
        if cancelled:
            self._outbox.forget(cancelled)

    async def rest(self) -> None:
        """Fold what is left of a log whose bulk is folded."""
        self._looked = False
        if self._fold.ready:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._fold.finish, self._db)

    async def rollback(self) -> None:
        """Forget the transaction, if one is open."""
        self._chain.rollback()
        self._outbox.unwrite()
        if self._in_transaction:
            self._in_transaction = False
            if not self._db.get_autocommit():
                self._db.execute("ROLLBACK")

    def lease(self, now: float) -> float:
        """Until when new entries are leased to this process, 0 when they should wait in the file."""
        return now + LEASE if self._serving and self._feed.has_room else 0.0

    def committed(self, writes: Writes) -> None:
        """Hand over what went into the outbox; a log that has grown long is folded meanwhile."""
        self._fold.begin(self._wal_pages)
        self._chain.settle()
        self._outbox.settled()
        self._outbox.hand_over(writes)

    async def _retry_busy(self, action: Callable[[], object]) -> None:
        deadline = asyncio.get_running_loop().time() + BUSY_SECONDS
        while True:
            try:
                action()
            except (apsw.BusyError, apsw.LockedError) as error:
                if asyncio.get_running_loop().time() > deadline:
                    raise Unavailable("another process keeps the database busy") from error
                await asyncio.sleep(0.002)
            except apsw.Error as error:
                raise translate(error) from error
            else:
                return

    # -- the protocol ----------------------------------------------------------------------------

    async def run(self, unit: Unit[T]) -> T:
        """Do a unit in the next batch; returns once it is durable."""
        return await self.queue(unit)

    def expect(self, more: int) -> None:
        """So many more units, or fewer, are on their way: a batch waits a moment for them."""
        self._committer.expect(more)

    def queue(self, unit: Unit[T]) -> "asyncio.Future[T]":
        """The same without a coroutine: it is queued at once. The first of a batch looks whether the files
        are still in place, for all that come with it."""
        if self._serving and not self._looked:
            if not self.in_place():
                raise Unavailable(
                    "the database file was deleted or replaced: what is written now would be lost"
                )
            self._looked = True
        return self._committer.run(unit)

    async def take(self, limit: int) -> list[Entry]:
        """Deliveries to try now; waits until there is one."""
        return await self._outbox.take(limit)

    def settle(self, entry: Entry, attempt: Attempt) -> None:
        """Tell how a delivery went."""
        self._outbox.settle(entry, attempt)

    def on_cancel(self, tell: Callable[[set[str]], None], count: Callable[[int], None]) -> None:
        """Call these with the ids of deliveries that were cancelled, and with how many holds were."""
        self._feed.on_cancel = tell
        self._committer.on_cancel = count

    def report(self, report: Report) -> None:
        """Queue mail of the gateway's own."""
        self._outbox.report(report)

    async def fingerprint(self, keys: str) -> None:
        """Keep the fingerprint of the key file, or refuse one that differs."""
        await self._retry_busy(lambda: self._db.execute(q.KEEP_FINGERPRINT, (keys,)))
        kept = self._db.execute(q.FINGERPRINT).fetchone()
        if kept is None or kept[0] != keys:
            raise WrongKeys(
                "this database was made with another key file: give it back by GALATEO_KEYS, or nobody"
                " stored here would be recognized"
            )

    def now(self) -> float:
        """Unix seconds by this process's clock."""
        return self._clock()

    def in_place(self) -> bool:
        """Whether the files of these names are the ones that were opened: the database's and its log's. One
        that is deleted or replaced would take on everything, without a name by which anybody could find it
        again."""
        return _identify(self.path) == self._file and _identify(self._log) == self._log_file

    async def check(self) -> None:
        """Raises StoreError when the database cannot be written."""
        await self.run(_NOTHING)

    async def close(self) -> None:
        """Finish what is under way, fold the WAL back, let go of the file."""
        await self._outbox.stop()
        await self._committer.close()
        self._slow.close()
        self._fold.stop()
        self._reader.close()
        self._thread.shutdown()
        with contextlib.suppress(apsw.Error):  # another process reads: the WAL is replayed at the next start
            self._db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
        self._db.close()
        self._fold.let_go()
        held, self._lock = self._lock, None
        if held is not None:
            os.close(held)


class _Nothing:
    needs = Needs()

    def apply(self, draft: Draft[None]) -> None:
        """Nothing: the commit itself is the question."""


_NOTHING = _Nothing()


def _lock(path: Path) -> int:
    try:
        return lock(path)
    except Served as error:
        raise Served(
            f"{str(error)[:-1]}, or give this one its own GALATEO_DATABASE;"
            " several processes need PostgreSQL."
        ) from error
    except Unavailable as error:
        raise Unavailable(f"GALATEO_DATABASE: {error}") from error

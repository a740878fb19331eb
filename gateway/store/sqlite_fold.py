"""Folding the write-ahead log of an embedded store back into its file, beside the commits.

The bulk is copied and synced over a connection of its own while commits go on, and what these added
meanwhile likewise. The little that is left is copied between two batches, once the first is answered: a
moment's work, which lets the log begin anew (sqlite.org/wal.html).
"""

import contextlib
import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import apsw

FOLD_PAGES = 4000
"""Pages of 4 KiB in the log that are worth folding."""
LITTLE = 100
"""Pages that may be left for the moment between two batches."""
ROUNDS = 4
"""Times at most that the bulk is copied to come to so few."""


class Fold:
    """One log. `begin` is called on the loop, `finish` between two batches, in the thread that commits, when
    `ready`; a fold that fails leaves the log longer, which a later one makes good."""

    def __init__(self, path: Path, connect: Callable[[Path], apsw.Connection]) -> None:
        self._path = path
        self._connect = connect
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="fold")
        self._bulk: Future[None] | None = None
        self._left = 0
        self._db: apsw.Connection | None = None
        self._file = -1

    def begin(self, pages: int) -> None:
        """Fold the bulk of a log that has so many pages, if that is worth it now."""
        if self._bulk is None and pages > self._left + FOLD_PAGES:
            self._bulk = self._thread.submit(self._fold_bulk)

    @property
    def ready(self) -> bool:
        """Whether the bulk is folded, and the rest is not."""
        return self._bulk is not None and self._bulk.done()

    def finish(self, db: apsw.Connection) -> None:
        """Fold the rest over the connection that commits."""
        self._bulk = None
        with contextlib.suppress(apsw.Error):
            pages, folded = db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
            self._left = pages if folded < pages else 0

    def stop(self) -> None:
        """Wait for what is under way."""
        self._thread.shutdown()

    def let_go(self) -> None:
        """Let go of the file, once no other connection of this process is open: that would end its locks."""
        if self._db is not None:
            self._db.close()
        if self._file >= 0:
            os.close(self._file)

    def _fold_bulk(self) -> None:
        with contextlib.suppress(apsw.Error, OSError):
            if self._db is None:
                self._db = self._connect(self._path)
            if self._file < 0:
                self._file = os.open(self._path, os.O_RDONLY)
            done = 0
            for _ in range(ROUNDS):
                _, folded = self._db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
                os.fdatasync(self._file)  # SQLite does so only once the whole log is folded: all would wait
                if folded - done < LITTLE:
                    break
                done = folded

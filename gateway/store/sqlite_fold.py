"""Folding the write-ahead log of an embedded store back into its file, beside the commits.

The bulk is copied over a connection of its own while commits go on. What these added meanwhile is copied
between two batches, once the first is answered: a moment's work, which lets the log begin anew
(sqlite.org/wal.html).
"""

import contextlib
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import apsw

FOLD_PAGES = 4000
"""Pages of 4 KiB in the log that are worth folding."""


class Fold:
    """One log. `begin` is called on the loop, `finish` between two batches, in the thread that commits, when
    `ready`; a fold that fails leaves the log longer, which a later one makes good."""

    def __init__(self, connect: Callable[[], apsw.Connection]) -> None:
        self._connect = connect
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="fold")
        self._bulk: Future[None] | None = None
        self._left = 0
        self._db: apsw.Connection | None = None

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

    def close(self) -> None:
        """Wait for what is under way and let go of the file."""
        self._thread.shutdown()
        if self._db is not None:
            self._db.close()

    def _fold_bulk(self) -> None:
        with contextlib.suppress(apsw.Error):
            if self._db is None:
                self._db = self._connect()
            self._db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)

"""Group commit: units that arrive while a commit is under way form the next batch.

One batch is one transaction: load what its units need, let each decide in order on what those before
it left, write, commit, then answer. When a batch of several fails, its units run one by one, so that
one bad row costs only itself.
"""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from gateway.store.draft import Draft, Loaded, Needs, Unit, Writes
from gateway.store.outage import Outage
from gateway.store.pace import PaceIndex
from gateway.store.pauses import NOTHING_PAUSED, Pauses
from gateway.store.protocol import Conflict, StoreError, Unavailable
from gateway.store.sameness import SamenessIndex

T = TypeVar("T")

LARGEST_BATCH = 256
CONFLICTS = 3
"""Times that a batch is done again because another process got in its way."""

COMPANY = 0.002
"""Seconds at most that a batch waits for company, when the last commit took longer than that."""

PATIENCE = 0.003
"""Seconds at most that a batch waits for units that are on their way."""


PROBE = 6.0
"""Seconds without a unit after which a database that failed is asked whether it is back."""


class Backend(Protocol):
    """One database connection that can do one batch at a time."""

    @property
    def owner(self) -> str:
        """Who leases are made out to."""
        ...

    async def begin(self, units: Sequence[Unit[Any]]) -> Loaded:
        """Open a transaction, lock and load what the units need. Raises StoreError."""
        ...

    async def finish(self, writes: Writes) -> None:
        """Write everything and commit. Raises StoreError; then nothing was written."""
        ...

    async def rollback(self) -> None:
        """Forget the transaction."""
        ...

    def lease(self, now: float) -> float:
        """Until when entries of the next batch are leased to this process; 0 to leave them waiting."""
        ...

    def committed(self, writes: Writes) -> None:
        """Called after a commit: hand over what it put in the outbox."""
        ...

    async def rest(self) -> None:
        """Called once the units of a batch are answered: what is best done between two batches."""
        ...


class _Job:
    __slots__ = ("future", "unit")

    def __init__(self, unit: Unit[Any], future: "asyncio.Future[Any]") -> None:
        self.unit = unit
        self.future = future


class _Nothing:
    needs = Needs()

    def apply(self, draft: Draft[Any]) -> None:
        """Nothing: the commit itself is the question."""


class Committer:
    """Runs units in batches over one backend. `observe(seconds, size)` is told of every commit, `outage` of
    what the database refuses."""

    def __init__(
        self,
        backend: Backend,
        sameness: SamenessIndex,
        pace: PaceIndex,
        clock: Callable[[], float],
        observe: Callable[[float, int], None],
        outage: Outage | None = None,
        pauses: Pauses = NOTHING_PAUSED,
    ) -> None:
        self._backend = backend
        self._sameness = sameness
        self._pace = pace
        self._clock = clock
        self._observe = observe
        self._outage = outage
        self._pauses = pauses
        self._queue: deque[_Job] = deque()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closing = False
        self._last_commit = 0.0
        self._coming = 0
        self.on_cancel: Callable[[int], None] = lambda holds: None

    def expect(self, more: int) -> None:
        """So many more units, or fewer, are on their way."""
        self._coming += more

    def start(self) -> None:
        """Begin taking units."""
        self._task = asyncio.get_running_loop().create_task(self._run(), name="committer")

    def run(self, unit: Unit[T]) -> "asyncio.Future[T]":
        """Queue a unit; the future gives what its `apply` returned once that is durable."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        if self._closing:
            future.set_exception(Unavailable("the store is closing"))
            return future
        self._queue.append(_Job(unit, future))
        self._wake.set()
        return future

    async def close(self) -> None:
        """Finish what is queued, then stop."""
        self._closing = True
        self._wake.set()
        if self._task is not None:
            await self._task

    async def _run(self) -> None:
        while True:
            await self._wait_for_work()
            while self._queue:
                await self._wait_for_company()
                size = min(len(self._queue), LARGEST_BATCH)
                await self._batch([self._queue.popleft() for _ in range(size)])
                await self._backend.rest()
            if self._closing:
                return

    async def _wait_for_work(self) -> None:
        """Until there is something to do. While the database fails, it is asked now and then with nothing to
        write, so that the log tells when it is back."""
        while not self._wake.is_set():
            lasts = self._outage is not None and self._outage.lasts
            try:
                async with asyncio.timeout(PROBE if lasts else None):
                    await self._wake.wait()
            except TimeoutError:
                probe = _Job(_Nothing(), asyncio.get_running_loop().create_future())
                await self._batch([probe])
                probe.future.exception()
        self._wake.clear()

    async def _wait_for_company(self) -> None:
        """A batch costs almost the same however many are in it, so it waits while more are on their way
        than are here, and a little where the disk is slow."""
        if self._coming > len(self._queue) and not self._closing:
            await self._wait_for_coming()
        elif self._last_commit > COMPANY and len(self._queue) < LARGEST_BATCH and not self._closing:
            await asyncio.sleep(min(self._last_commit / 2, COMPANY))

    async def _wait_for_coming(self) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + PATIENCE
        timer = loop.call_at(end, self._wake.set)
        while self._coming > len(self._queue) and loop.time() < end and not self._closing:
            self._wake.clear()
            await self._wake.wait()
        timer.cancel()

    async def _batch(self, jobs: list[_Job]) -> None:
        jobs = [job for job in jobs if not job.future.cancelled()]
        if not jobs:
            return
        try:
            results = await self._retry(jobs)
        except StoreError as error:
            self._fail(jobs, error)
        except Exception as error:  # noqa: BLE001 - one bad row costs only itself
            if len(jobs) == 1:
                self._fail(jobs, error)
            else:
                for job in jobs:
                    await self._batch([job])
        else:
            for job, (result, problem) in zip(jobs, results, strict=True):
                if job.future.done():
                    continue
                if problem is not None:
                    job.future.set_exception(problem)
                else:
                    job.future.set_result(result)

    async def _retry(self, jobs: list[_Job]) -> list[tuple[Any, Exception | None]]:
        """Do a batch, a few times over where another process got in its way."""
        for _ in range(CONFLICTS):
            with contextlib.suppress(Conflict):
                return await self._transact(jobs)
        return await self._transact(jobs)

    def _fail(self, jobs: list[_Job], error: Exception) -> None:
        if self._outage is not None and isinstance(error, StoreError):
            self._outage.fail(error)
        for job in jobs:
            if not job.future.done():
                job.future.set_exception(error)

    async def _transact(self, jobs: list[_Job]) -> list[tuple[Any, Exception | None]]:
        backend = self._backend
        try:
            loaded = await backend.begin([job.unit for job in jobs])
            results = self._apply(jobs, loaded)
            started = time.perf_counter()
            await backend.finish(loaded.writes)
        except BaseException:
            self._sameness.undo()
            self._pace.undo()
            await backend.rollback()
            raise
        self._sameness.settle()
        self._pace.settle()
        self._last_commit = time.perf_counter() - started
        self._observe(self._last_commit, len(jobs))
        backend.committed(loaded.writes)
        if cancelled := loaded.writes.holds_cancelled:
            self.on_cancel(cancelled)
        if self._outage is not None:
            self._outage.end()
        return results

    def _apply(self, jobs: list[_Job], loaded: Loaded) -> list[tuple[Any, Exception | None]]:
        now = self._clock()
        owner, lease = self._backend.owner, self._backend.lease(now)
        results: list[tuple[Any, Exception | None]] = []
        for job in jobs:
            draft: Draft[Any] = Draft(loaded, now, self._sameness, self._pace, owner, lease, self._pauses)
            try:
                result = job.unit.apply(draft)
            except Exception as error:  # noqa: BLE001 - told to whoever submitted the unit
                results.append((None, error))
            else:
                draft.merge()
                results.append((result, None))
        return results

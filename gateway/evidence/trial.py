"""A draft tried on the past while the gateway serves: in a process of its own, one at a time, and not further
back than a person cares to wait."""

import asyncio
import multiprocessing
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass

from gateway.evidence.entries import Rows
from gateway.evidence.origin import Origin
from gateway.evidence.replay import Changes
from gateway.evidence.replaying import Drafted, count_past, newest_since, prepare, replay, versions_of
from gateway.policy.load import compose
from gateway.policy.policies import PolicySet

MOST = 50_000
"""Decisions that are tried: some ten seconds."""


class Busy(Exception):
    """Another draft is being tried."""


class Failed(Exception):
    """The process that tried it ended before it was done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """What would change among the newest of `total` decisions; all of them where it is `complete`."""

    changes: Changes
    total: int
    complete: bool


def changed(current: PolicySet, given: Mapping[str, str | None]) -> dict[str, str]:
    """The texts in force with some files replaced, added, or left out (None)."""
    texts: dict[str, str | None] = {**current.texts, **given}
    return {name: text for name, text in texts.items() if text is not None}


class Trials:
    """Tries drafts, one at a time."""

    def __init__(self, store: Rows, origin: Origin) -> None:
        self._store = store
        self._origin = origin
        self._busy = False

    async def run(
        self,
        texts: Mapping[str, str],
        since: float,
        until: float,
        *,
        observing: bool = False,
        keep: int = 5,
        most: int = MOST,
    ) -> Tried:
        """What these policies would have changed between two moments (unix seconds). Raises PolicyErrors,
        Busy, Failed, StoreError."""
        if self._busy:
            raise Busy
        self._busy = True
        try:
            await asyncio.to_thread(compose, texts)
            total = await count_past(self._store, since, until)
            if total > most:
                since = await newest_since(self._store, since, until, most)
            versions = await versions_of(self._store, since, until)
            drafted = Drafted(draft=dict(texts), versions=versions, observing=observing, keep=keep)
            found = await self._aside(drafted, since, until)
            return Tried(changes=found, total=total, complete=total <= most)
        finally:
            self._busy = False

    async def _aside(self, drafted: Drafted, since: float, until: float) -> Changes:
        context = multiprocessing.get_context("spawn")
        try:
            pool = ProcessPoolExecutor(
                1, mp_context=context, initializer=prepare, initargs=(self._origin, drafted)
            )
        except OSError as error:
            raise Failed from error
        try:
            return await replay(self._store, drafted, since, until, pool=pool)
        except (BrokenProcessPool, OSError) as error:
            raise Failed from error
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

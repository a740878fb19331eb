"""What the evidence needs while the gateway serves: interrupted erasures end, checkpoints are kept, what is
over goes. Of several gateways on one database one does this."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from pathlib import Path

from gateway.evidence.checkpoint import append_checkpoint, take_checkpoint
from gateway.evidence.erase import resume
from gateway.evidence.retention import BadRetention, load_retention
from gateway.evidence.sweep import Sweep
from gateway.evidence.turn import LEASE, Turn
from gateway.keys import Keys
from gateway.store.protocol import Store, StoreError

log = logging.getLogger("gateway.evidence")

CHECKPOINT_SECONDS = 3600.0
SWEEP_SECONDS = 6 * 3600.0
TURN_SECONDS = 60.0
UNSENT = 500
"""Checkpoints that wait for the webhook; of more, the oldest are in the file alone."""

Post = Callable[[bytes, float], Awaitable[bool]]
"""Sends a checkpoint away; whether it was taken."""


class Upkeep:
    """Runs until it is cancelled; every fault is logged and tried again a minute later.

    Every gateway adds checkpoints to its own file, `checkpoints`: it should lie, or be copied, where who can
    write to the database cannot. Erasures, the retention and the webhook (`post`) are the business of the
    one whose turn it is; `owner` is this process among all that share the database. Without a `clock`
    the time is the store's, which dates the rows: one whose own is ahead lets go of nothing too soon."""

    def __init__(
        self,
        store: Store,
        keys: Keys,
        policies: Path,
        checkpoints: Path,
        clock: Callable[[], float] | None = None,
        *,
        checkpoint_seconds: float = CHECKPOINT_SECONDS,
        sweep_seconds: float = SWEEP_SECONDS,
        post: Post | None = None,
        owner: str = "gateway",
    ) -> None:
        self._store = store
        self._keys = keys
        self._policies = policies
        self._checkpoints = checkpoints
        self._clock = clock or store.now
        self._checkpoint_seconds = checkpoint_seconds
        self._sweep_seconds = sweep_seconds
        self._post = post
        self._unsent: deque[bytes] = deque(maxlen=UNSENT)
        self._turn = Turn(store, "upkeep", owner)
        self._checkpoint_due = self._sweep_due = 0.0

    async def run(self) -> None:
        """Turn after turn, one a minute."""
        while True:
            try:
                await self.turn()
            except (StoreError, OSError) as error:
                log.warning("upkeep.failed", extra={"problem": str(error)})
            except Exception:
                log.exception("upkeep.broken")
            await asyncio.sleep(TURN_SECONDS)

    async def turn(self) -> None:
        """Do what is due. Raises StoreError."""
        now = self._clock()
        mine = await self._turn.take(now)
        if _is_due(now, self._checkpoint_due, self._checkpoint_seconds):
            await self._add_checkpoint(now)
        if not mine:
            self._unsent.clear()
            return
        await self._send(now)
        if await resume(self._store):
            log.info("erasure.resumed")
        if _is_due(now, self._sweep_due, self._sweep_seconds):
            self._sweep_due = now + self._sweep_seconds
            await self._sweep(now)

    async def _add_checkpoint(self, now: float) -> None:
        """Keep where the chains stand; where the file cannot be written it is tried again next turn, and what
        else is to be done does not wait for it."""
        line = await take_checkpoint(self._store, self._keys, now)
        try:
            await asyncio.to_thread(append_checkpoint, self._checkpoints, line)
        except OSError as error:
            log.warning("upkeep.failed", extra={"problem": f"GALATEO_CHECKPOINT_FILE: {error}"})
            return
        self._checkpoint_due = now + self._checkpoint_seconds
        self._unsent.append(line)

    async def _send(self, now: float) -> None:
        """Post the checkpoints that wait, oldest first; what is not taken is tried again next turn."""
        while self._post is not None and self._unsent:
            if not await self._post(self._unsent[0], now):
                log.warning("checkpoint.not_taken", extra={"waiting": len(self._unsent)})
                return
            self._unsent.popleft()

    async def _sweep(self, now: float) -> None:
        try:
            retention = await asyncio.to_thread(load_retention, self._policies)
        except BadRetention as error:
            log.error("retention.refused", extra={"problem": str(error)})
            return
        keeping = asyncio.create_task(self._keep_turn())
        try:
            found = await Sweep(self._store, retention, now).run()
        finally:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
        if any(found.values()):
            log.info("retention.swept", extra={what: count for what, count in found.items() if count})

    async def _keep_turn(self) -> None:
        """A sweep may take hours; the turn stays ours meanwhile, and erasures do not wait for its end."""
        while True:
            await asyncio.sleep(LEASE / 3)
            try:
                if await self._turn.take(self._clock()):
                    await resume(self._store)
            except StoreError as error:
                log.warning("upkeep.failed", extra={"problem": str(error)})


def _is_due(now: float, due: float, seconds: float) -> bool:
    """Whether what is to be done every so many seconds is: also where a clock that was ahead, when it was
    done last, was put right."""
    return not due - seconds <= now < due

"""What the evidence needs while the gateway serves: interrupted erasures end, checkpoints are kept, what is
over goes."""

import asyncio
import logging
import time
from collections.abc import Callable
from pathlib import Path

from gateway.evidence.checkpoint import append_checkpoint, take_checkpoint
from gateway.evidence.erase import resume
from gateway.evidence.retention import BadRetention, Sweep, load_retention
from gateway.keys import Keys
from gateway.store.protocol import Store, StoreError

log = logging.getLogger("gateway.evidence")

CHECKPOINT_SECONDS = 3600.0
SWEEP_SECONDS = 6 * 3600.0
TURN_SECONDS = 60.0


class Upkeep:
    """Runs until it is cancelled; every fault is logged and tried again a minute later.

    Checkpoints are added to `checkpoints`: a file that should lie, or be copied, where whoever can write to
    the database cannot."""

    def __init__(
        self,
        store: Store,
        keys: Keys,
        policies: Path,
        checkpoints: Path,
        clock: Callable[[], float] = time.time,
        *,
        checkpoint_seconds: float = CHECKPOINT_SECONDS,
        sweep_seconds: float = SWEEP_SECONDS,
    ) -> None:
        self._store = store
        self._keys = keys
        self._policies = policies
        self._checkpoints = checkpoints
        self._clock = clock
        self._checkpoint_seconds = checkpoint_seconds
        self._sweep_seconds = sweep_seconds
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
        """Do what is due. Raises StoreError, OSError."""
        now = self._clock()
        if await resume(self._store):
            log.info("erasure.resumed")
        if now >= self._checkpoint_due:
            line = await take_checkpoint(self._store, self._keys, now)
            await asyncio.to_thread(append_checkpoint, self._checkpoints, line)
            self._checkpoint_due = now + self._checkpoint_seconds
        if now >= self._sweep_due:
            self._sweep_due = now + self._sweep_seconds
            await self._sweep(now)

    async def _sweep(self, now: float) -> None:
        try:
            retention = await asyncio.to_thread(load_retention, self._policies)
        except BadRetention as error:
            log.error("retention.refused", extra={"problem": str(error)})
            return
        found = await Sweep(self._store, retention, now).run()
        if any(found.values()):
            log.info("retention.swept", extra={what: count for what, count in found.items() if count})

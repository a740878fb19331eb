"""What the log says while the database takes no work: that it began, each minute that it lasts, its end."""

import logging
import time
from collections.abc import Callable

log = logging.getLogger(__name__)

AGAIN_SECONDS = 60.0
"""Thousands may be turned away in a minute: one line says it for all."""
QUIET_SECONDS = 5.0
"""Without a failure, before it is over: on a full disk small things still succeed between large ones."""


class Outage:
    """One kind of work on the database, `doing` for the log: whether it fails, and what was said of it."""

    def __init__(self, doing: str, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._doing = doing
        self._monotonic = monotonic
        self._since = 0.0
        self._said = 0.0
        self._last = 0.0
        self._failures = 0

    @property
    def lasts(self) -> bool:
        """Whether it began, and its end is not told yet."""
        return bool(self._failures)

    def fail(self, error: Exception) -> None:
        """Note a failure; `error` is of the store, whose texts name no values."""
        now = self._last = self._monotonic()
        self._failures += 1
        if self._failures == 1:
            self._since = now
        elif now - self._said < AGAIN_SECONDS:
            return
        self._said = now
        log.error(
            "database.failing",
            extra={"doing": self._doing, "problem": str(error), "seconds": round(now - self._since, 1)},
        )

    def end(self) -> None:
        """Note that it works; called after every success."""
        if self._failures and self._monotonic() - self._last >= QUIET_SECONDS:
            seconds = round(self._last - self._since, 1)
            log.warning(
                "database.back",
                extra={"doing": self._doing, "failures": self._failures, "seconds": seconds},
            )
            self._failures = 0

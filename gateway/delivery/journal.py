"""The log lines of delivery, one function for each event; never an address, and never a relay's words."""

import logging

from gateway.delivery.outbox import Entry
from gateway.delivery.reply import printable
from gateway.delivery.verdict import Result
from gateway.store.attempt import Attempt, Kind, Outcome

log = logging.getLogger("galateo.delivery")

_LEVELS = {
    # One line for each delivery would cost as much as the delivery; the metric counts them.
    Outcome.DELIVERED: logging.DEBUG,
    Outcome.DEFERRED: logging.INFO,
    Outcome.FAILED: logging.WARNING,
}

_OWN = frozenset({Kind.NETWORK, Kind.TIMEOUT, Kind.TLS, Kind.DOUBT})
"""What is found without a relay's reply."""


def attempted(entry: Entry, attempt: Attempt) -> None:
    """An attempt is over."""
    level = _LEVELS[attempt.outcome]
    if log.isEnabledFor(level):
        log.log(
            level,
            "delivery.%s",
            attempt.outcome.value,
            extra={
                "entry": entry.id,
                "relay": attempt.relay,
                "kind": attempt.kind.value,
                "phase": attempt.phase,
                "code": attempt.code,
                "enhanced": attempt.enhanced,
                "attempt": entry.attempts + 1,
                "seconds": round(attempt.seconds, 3),
            },
        )


def relay_down(relay: str, result: Result) -> None:
    """A relay does not work; everything for it waits. `cause` is what was found here, not what it said."""
    extra = {"relay": relay, "kind": result.kind.value, "phase": result.phase, "code": result.code}
    if result.kind in _OWN and not result.code:
        extra["cause"] = printable(result.text)
    log.error("relay.down", extra=extra)


def relay_up(relay: str, seconds: float) -> None:
    """A relay works again."""
    log.warning("relay.up", extra={"relay": relay, "down_seconds": round(seconds, 1)})


def dial_failed(relay: str, result: Result) -> None:
    """A further connection to a relay that works otherwise was not to be had."""
    log.info("relay.crowded", extra={"relay": relay, "kind": result.kind.value, "code": result.code})


def broken(relay: str, error: BaseException) -> None:
    """A bug: an exception nobody expected; its text may quote a message, so only its type is told."""
    log.error("delivery.broken", extra={"relay": relay, "error": type(error).__name__}, exc_info=error)


def report_failed(entry: Entry, error: BaseException) -> None:
    """A bug: a report could not be written; the delivery itself is settled."""
    log.error("delivery.report_broken", extra={"entry": entry.id}, exc_info=error)

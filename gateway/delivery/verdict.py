"""From what a relay did to what becomes of the entry. Pure."""

from typing import NamedTuple

from gateway.delivery.outbox import Entry
from gateway.delivery.reply import Reply, printable
from gateway.delivery.retry import next_at
from gateway.store.attempt import Attempt, Kind, Outcome

# The relay wants a password, or another one: nothing is wrong with the message (RFC 4954 6).
_AUTH_CODES = frozenset({530, 534, 535, 538})

# The connection is to blame, or what is at its other end: the next message would fare no better.
RELAY_FAULTS = frozenset({Kind.NETWORK, Kind.TIMEOUT, Kind.TLS, Kind.AUTH, Kind.PROTOCOL, Kind.DOUBT})


class Result(NamedTuple):
    """How one try ended, before anyone asks what then. `retry_after` is what the relay asked for, seconds;
    `dsn` says that the relay took on to report what becomes of it (RFC 3461)."""

    kind: Kind
    phase: str
    code: int = 0
    enhanced: str = ""
    text: bytes | str = b""
    retry_after: float = 0.0
    dsn: bool = False

    @property
    def relay_fault(self) -> bool:
        """Whether the relay itself is in trouble, rather than this message."""
        return self.kind in RELAY_FAULTS or self.code == 421


def judge(phase: str, reply: Reply) -> Result:
    """Read a reply to MAIL, RCPT, DATA or to the message itself (RFC 5321 4.2.1)."""
    group = reply.code // 100
    if group == 2:
        kind = Kind.DELIVERED
    elif group == 4:
        kind = Kind.TEMPORARY
    elif group == 5:
        kind = Kind.AUTH if reply.code in _AUTH_CODES else Kind.PERMANENT
    else:
        return Result(Kind.PROTOCOL, phase, reply.code, "", "a reply out of place")
    return Result(kind, phase, reply.code, reply.enhanced, reply.text)


def conclude(
    entry: Entry, result: Result, *, relay: str, now: float, jitter: float, max_age: float, seconds: float
) -> Attempt:
    """What to settle. `now` unix seconds, `jitter` 0..1, `max_age` and `seconds` in seconds."""
    kind, text, due = result.kind, printable(result.text), 0.0
    if kind is Kind.DELIVERED:
        outcome = Outcome.DELIVERED
    elif kind is Kind.PERMANENT:
        outcome = Outcome.FAILED
    else:
        later = next_at(entry.attempts + 1, entry.queued_at, now, jitter, max_age)
        if later is None:
            outcome, kind = Outcome.FAILED, Kind.EXPIRED
            text = printable(f"given up after {_spell(now - entry.queued_at)}; last: {text or result.kind}")
        else:
            outcome, due = Outcome.DEFERRED, max(later, now + result.retry_after)
    return Attempt(
        outcome=outcome,
        kind=kind,
        relay=relay,
        phase=result.phase,
        code=result.code,
        enhanced=result.enhanced,
        text=text,
        next_at=due,
        seconds=seconds,
    )


def give_back(relay: str, due_at: float, why: str) -> Attempt:
    """An entry that was not tried goes back to the outbox; it used up no attempt."""
    return Attempt(
        outcome=Outcome.DEFERRED, kind=Kind.RETURNED, relay=relay, phase="connect", text=why, next_at=due_at
    )


def _spell(seconds: float) -> str:
    hours = int(seconds // 3600)
    return f"{hours} hours" if hours > 1 else f"{max(int(seconds), 0)} seconds"

"""Whether a relay is worth trying. Pure: time and jitter come in."""

from dataclasses import dataclass
from enum import StrEnum

from gateway.store.attempt import Kind

FIRST_WAIT = 1.0
LONGEST_WAIT = 15.0
AUTH_WAIT = 60.0  # wrong passwords lock accounts
STRIKES = 5


class State(StrEnum):
    """Closed: it works. Open: it does not, wait. Trying: one connection, one message at a time."""

    CLOSED = "closed"
    OPEN = "open"
    TRYING = "trying"


@dataclass(slots=True)
class Circuit:
    """Opens when the relay cannot be reached, or fails `STRIKES` messages in a row that were not to blame.

    `until` is when to try again, `since` when it stopped working (both on the clock of the caller),
    `reason` why.
    """

    state: State = State.CLOSED
    until: float = 0.0
    since: float = 0.0
    reason: Kind | None = None
    _wait: float = 0.0
    _strikes: int = 0

    def strike(self, now: float, jitter: float, reason: Kind) -> bool:
        """Note a message that failed by the relay's fault; True if that opens the circuit just now."""
        self._strikes += 1
        if self.state is State.OPEN or (self.state is State.CLOSED and self._strikes < STRIKES):
            return False
        return self.trip(now, jitter, reason)

    def trip(self, now: float, jitter: float, reason: Kind, wait: float = 0.0) -> bool:
        """Open it, for longer each time; True if it was closed before. `jitter` is 0..1."""
        fresh = self.state is State.CLOSED
        if fresh:
            self.since = now
        self.state, self.reason = State.OPEN, reason
        self._wait = min(max(self._wait * 2, FIRST_WAIT), LONGEST_WAIT)
        least = AUTH_WAIT if reason is Kind.AUTH else wait
        self.until = now + max(self._wait, least) * (0.8 + 0.4 * jitter)
        return fresh

    def try_again(self, now: float) -> bool:
        """Let one through if the wait is over; True if so."""
        if self.state is State.OPEN and now >= self.until:
            self.state = State.TRYING
            return True
        return False

    def succeed(self) -> bool:
        """Note that a message went through, or was answered on its own account; True if that closes it."""
        self._strikes = 0
        if self.state is State.CLOSED:
            return False
        self.state, self._wait, self.reason = State.CLOSED, 0.0, None
        return True

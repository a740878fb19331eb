"""When to try again: data in, data out. Pure."""

# Seconds after the first, second, ... failed attempt; the last one repeats. Greylisting lets a second
# attempt pass after one to five minutes, a restarted relay is back after seconds.
DELAYS = (15, 60, 180, 300, 900, 1800, 3600)
SPREAD = 0.2


def next_at(attempts: int, queued_at: float, now: float, jitter: float, max_age: float) -> float | None:
    """When to try again after the attempt that made them `attempts`; None to give up.

    Times in unix seconds, `jitter` in 0..1 spreads the delay by 20% either way. A message that is not yet
    `max_age` seconds old gets its last attempt when it reaches that age.
    """
    end = queued_at + max_age
    if now >= end:
        return None
    delay = DELAYS[min(max(attempts, 1), len(DELAYS)) - 1]
    return min(now + delay * (1 - SPREAD + 2 * SPREAD * jitter), end)

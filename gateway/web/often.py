"""How often something happened of late. No I/O; the clock is an argument."""

from collections import OrderedDict

REMEMBERED = 20_000


class Often:
    """At most `limit` times in `seconds`, for each of as many keys as memory is meant for."""

    def __init__(self, limit: int, seconds: float) -> None:
        self._limit = limit
        self._seconds = seconds
        self._counts: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def spent(self, key: str, now: float) -> bool:
        """Whether one more would be too often; nothing is counted."""
        since, count = self._counts.get(key, (now, 0))
        return count >= self._limit and 0 <= now - since < self._seconds

    def take(self, key: str, now: float) -> bool:
        """Count once more; False where that is too often. `now` is any clock in seconds."""
        since, count = self._counts.pop(key, (now, 0))
        if not 0 <= now - since < self._seconds:
            since, count = now, 0
        self._counts[key] = (since, min(count + 1, self._limit + 1))
        if len(self._counts) > REMEMBERED:
            self._counts.popitem(last=False)
        return count < self._limit

"""How often something happened of late. No I/O; the clock is an argument."""

from collections import OrderedDict

REMEMBERED = 20_000


class Often:
    """At most `limit` times in `seconds`, for each of as many keys as memory is meant for."""

    def __init__(self, limit: int, seconds: float) -> None:
        self._limit = limit
        self._seconds = seconds
        self._counts: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def take(self, key: str, now: float) -> bool:
        """Count once more; False, and nothing counted, where that is too often. `now` is any clock in
        seconds."""
        since, count = self._counts.pop(key, (now, 0))
        if not 0 <= now - since < self._seconds:
            since, count = now, 0
        self._counts[key] = (since, min(count + 1, self._limit))
        if len(self._counts) > REMEMBERED:
            self._counts.popitem(last=False)
        return count < self._limit

    def give_back(self, key: str) -> None:
        """Take back one that did not count after all."""
        if key in self._counts:
            since, count = self._counts[key]
            self._counts[key] = (since, max(count - 1, 0))

    def forget(self, key: str) -> None:
        """Start again for this key."""
        self._counts.pop(key, None)

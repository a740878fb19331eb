"""Bounded memories."""

from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Recent(Generic[K, V]):
    """A memory of at most `room` entries that keeps those asked for lately: what was not asked for
    while half the room filled up is forgotten."""

    __slots__ = ("_half", "_old", "_young")

    def __init__(self, room: int) -> None:
        self._half = max(8, room // 2)
        self._young: dict[K, V] = {}
        self._old: dict[K, V] = {}

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def get(self, key: K) -> V | None:
        """What is known of this key."""
        known = self._young.get(key)
        if known is None and (known := self._old.pop(key, None)) is not None:
            self.put(key, known)
        return known

    def put(self, key: K, value: V) -> None:
        """Remember this."""
        if len(self._young) >= self._half:
            self._old = self._young
            self._young = {}
        self._young[key] = value

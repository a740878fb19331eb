"""To how many other people each phrase went: an index in memory, rebuilt from the fingerprint log.

Two generations per controller: when the younger is full it becomes the older, whose entries come back
when they are met again. What is common stays, what was said once is forgotten after some hundred
thousand other phrases, and memory is bounded.
"""

from collections.abc import Iterable, Sequence

COMMON = 1000
"""A phrase that this many people got is commonplace: its count is not kept exactly any more."""

GENERATION = 100_000
"""Phrases in one generation of one controller; an entry takes about 170 bytes."""

_COUNT_BITS = 16
_MARK_BITS = 16
_COUNT_MASK = (1 << _COUNT_BITS) - 1


def mark_of(subject: bytes) -> int:
    """16 bits of a subject, enough to tell a follow-up to the same person from a copy."""
    return int.from_bytes(subject[2:4], "big")


class SamenessIndex:
    """Counts per controller and phrase. A value packs minutes since 1970, the last reader's mark and
    the count, so that an entry is two integers."""

    def __init__(self, generation: int = GENERATION) -> None:
        self._generation = generation
        self._young: dict[str, dict[int, int]] = {}
        self._old: dict[str, dict[int, int]] = {}
        self._undo: list[tuple[dict[int, int], int, int | None]] = []

    def counts(self, controller: str, hashes: Iterable[int], mark: int) -> tuple[tuple[int, ...], float]:
        """For each phrase the number of other people it went to, and the unix time of the earliest."""
        young, old = self._young.get(controller, {}), self._old.get(controller, {})
        counts, since = [], 0
        for phrase in hashes:
            value = young.get(phrase) or old.get(phrase) or 0
            count = value & _COUNT_MASK
            if count and (value >> _COUNT_BITS) & 0xFFFF == mark and count < COMMON:
                count -= 1
            if count and (not since or value >> 32 < since):
                since = value >> 32
            counts.append(count)
        return tuple(counts), since * 60.0

    def add(self, controller: str, hashes: Sequence[int], mark: int, now: float) -> list[int]:
        """Count one more reader; returns the phrases whose count changed (what the log must keep)."""
        young = self._young.setdefault(controller, {})
        old = self._old.get(controller, {})
        changed = []
        for phrase in hashes:
            before = young.get(phrase)
            value = before if before is not None else old.get(phrase, 0)
            count = value & _COUNT_MASK
            if count >= COMMON and before is not None:
                continue
            if not (count and (value >> _COUNT_BITS) & 0xFFFF == mark):
                minutes = (value >> 32) or int(now // 60)
                value = (minutes << 32) | (mark << _COUNT_BITS) | min(count + 1, COMMON)
                changed.append(phrase)
            self._undo.append((young, phrase, before))
            young[phrase] = value
        if len(young) > self._generation:
            self._rotate(controller)
        return changed

    def _rotate(self, controller: str) -> None:
        self._old[controller] = self._young[controller]
        self._young[controller] = {}

    def settle(self) -> None:
        """What was added since the last call is committed."""
        self._undo.clear()

    def undo(self) -> None:
        """What was added since the last `settle` never happened."""
        for table, phrase, before in reversed(self._undo):
            if before is None:
                table.pop(phrase, None)
            else:
                table[phrase] = before
        self._undo.clear()


def pack_hashes(hashes: Sequence[int]) -> bytes:
    """Signed 64-bit integers, big-endian, one after another."""
    return b"".join(h.to_bytes(8, "big", signed=True) for h in hashes)


def unpack_hashes(data: bytes) -> list[int]:
    """What `pack_hashes` packed."""
    return [int.from_bytes(data[i : i + 8], "big", signed=True) for i in range(0, len(data), 8)]

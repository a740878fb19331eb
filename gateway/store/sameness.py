"""To how many other people each phrase went: an index in memory, rebuilt from the fingerprint log.

Two generations per controller: when the younger is full, or as old as phrases are to be remembered, it
becomes the older, whose entries come back when they are met again. What is common stays, what was said once
is forgotten after some hundred thousand other phrases, and memory is bounded.
"""

import struct
from collections.abc import Sequence
from itertools import compress

COMMON = 1000
"""A phrase that this many people got is commonplace: its count is not kept exactly any more."""

GENERATION = 100_000
"""Phrases in one generation of one controller; an entry takes about 170 bytes."""

_COUNT_BITS = 16
_MARK_BITS = 16
_COUNT_MASK = (1 << _COUNT_BITS) - 1
_NONE: dict[int, int] = {}


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
        self._begun: dict[str, float] = {}
        self._undo: list[tuple[dict[int, int], list[tuple[int, int | None]]]] = []

    def counts(self, controller: str, hashes: Sequence[int], mark: int) -> tuple[tuple[int, ...], float]:
        """For each phrase the number of other people it went to, and the unix time of the earliest."""
        young, old = self._young.get(controller, _NONE), self._old.get(controller, _NONE)
        values = [young.get(phrase) or old.get(phrase, 0) for phrase in hashes]
        if not any(values):
            return (0,) * len(values), 0.0
        counts, marks, minutes = _columns(values)
        if mark in marks:
            met = zip(counts, marks, strict=True)
            counts = tuple([n - (0 < n < COMMON and last == mark) for n, last in met])
        return counts, min(compress(minutes, counts), default=0) * 60.0

    def add(
        self, controller: str, hashes: Sequence[int], mark: int, now: float, window: float = 0.0
    ) -> list[int]:
        """Count one more reader; returns the phrases whose count changed (what the log must keep). With a
        window (seconds), what nobody met for so long is forgotten, after twice as long at the latest."""
        if window and now - self._begun.setdefault(controller, now) >= window:
            self._rotate(controller, now)
        young = self._young.setdefault(controller, {})
        old = self._old.get(controller, _NONE)
        fresh = (int(now // 60) << 32) | (mark << _COUNT_BITS) | 1
        changed, before = [], []
        for phrase, known in zip(hashes, list(map(young.get, hashes)), strict=True):
            value = old.get(phrase, 0) if known is None else known
            count = value & _COUNT_MASK
            if not count:
                value = fresh
                changed.append(phrase)
            elif count < COMMON and (value >> _COUNT_BITS) & 0xFFFF != mark:
                value = (value >> 32 << 32) | (mark << _COUNT_BITS) | (count + 1)
                changed.append(phrase)
            elif known is not None:
                continue
            before.append((phrase, known))
            young[phrase] = value
        self._undo.append((young, before))
        if len(young) > self._generation:
            self._rotate(controller, now)
        return changed

    def _rotate(self, controller: str, now: float) -> None:
        self._old[controller] = self._young.get(controller, {})
        self._young[controller] = {}
        self._begun[controller] = now

    def settle(self) -> None:
        """What was added since the last call is committed."""
        self._undo.clear()

    def undo(self) -> None:
        """What was added since the last `settle` never happened."""
        for table, before in reversed(self._undo):
            for phrase, value in reversed(before):
                if value is None:
                    table.pop(phrase, None)
                else:
                    table[phrase] = value
        self._undo.clear()


def _columns(values: Sequence[int]) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """The counts, marks and minutes of some values, taken apart all at once: in half the time."""
    parts = struct.unpack("<" + "HHI" * len(values), struct.pack(f"<{len(values)}Q", *values))
    return parts[::3], parts[1::3], parts[2::3]


def pack_hashes(hashes: Sequence[int]) -> bytes:
    """Signed 64-bit integers, big-endian, one after another."""
    return struct.pack(f">{len(hashes)}q", *hashes)


def unpack_hashes(data: bytes) -> list[int]:
    """What `pack_hashes` packed."""
    return list(struct.unpack(f">{len(data) // 8}q", data))

"""What accepted marketing of a day was like: how well consent is proven, how much each person got, how much
of it others had read before. Taken from the facts that each decision knew. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from zlib import crc32

import orjson

MONTH = 30 * 86400.0
MOST = 4_000
"""Decisions of a day that are looked into; of more, an even share."""
PROVEN = ("A", "B")
"""Grades of evidence with which nobody need doubt that there is a consent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Habit:
    """A day's marketing: the share (0 to 1) with proven consent, how many messages within 30 days the
    person in the middle and the one at 95 % had, the mean share of phrases that others had before. `size` is
    how many decisions that rests on, 0 for none."""

    proven: float = 0.0
    median: float = 0.0
    most: float = 0.0
    copied: float = 0.0
    size: int = 0


@dataclass(slots=True)
class Sample:
    """Decisions of a day while they are counted. What stays is chosen by the message's id alone, so that the
    morning counts as much as the evening."""

    level: int = 0
    rows: list[tuple[int, bool, int, float]] = field(default_factory=list)

    def add(self, message_id: str, channel: str, at: float, snapshot: bytes) -> None:
        """Look into one decision, if it is among the chosen."""
        number = crc32(message_id.encode())
        if number & ((1 << self.level) - 1):
            return
        self.rows.append((number, *_look(snapshot, channel, at)))
        if len(self.rows) > MOST:
            self.level += 1
            self.rows = [row for row in self.rows if not row[0] & ((1 << self.level) - 1)]

    def habit(self) -> Habit:
        """What they come to."""
        size = len(self.rows)
        if not size:
            return Habit()
        counts = sorted(row[2] for row in self.rows)
        return Habit(
            proven=sum(row[1] for row in self.rows) / size,
            median=float(counts[size // 2]),
            most=float(counts[min(size - 1, size * 95 // 100)]),
            copied=sum(row[3] for row in self.rows) / size,
            size=size,
        )


def _look(snapshot: bytes, channel: str, at: float) -> tuple[bool, int, float]:
    """Whether consent was proven, the messages of the person's month with this one, the copied share."""
    try:
        facts = orjson.loads(snapshot)
        person = facts.get("p", {})
        granted = [p[3] for p in person.get("p", ()) if p[2] == "granted" and p[1] == channel]
        people: Sequence[dict[str, list[list[float]]]] = (person, *facts.get("l", ()))
        recent = sum(1 for one in people for contact in one.get("c", ()) if contact[0] > at - MONTH)
        counts = facts.get("c", ((), 0.0))[0]
    except (orjson.JSONDecodeError, AttributeError, IndexError, TypeError):
        return False, 1, 0.0
    copied = sum(1 for others in counts if others) / len(counts) if counts else 0.0
    return min(granted, default="") in PROVEN, 1 + recent, copied

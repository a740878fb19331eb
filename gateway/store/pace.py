"""How much each sender did lately, and which replies wait for an answer: small indexes in memory.

Counts are kept per slot of five minutes for a day. The store writes them beside every acceptance and
loads them at start. A slot counts whole while any of it lies in a window: a window is never shorter than it
says, and at most a slot longer.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

from gateway.policy.facts import NO_PACE, Pace

Value = TypeVar("Value")

SLOT = 300
KEPT_SLOTS = 24 * 3600 // SLOT + 1
"""Those of a day, and the one in which it began."""
HOUR, DAY = 3600, 86400


class PaceIndex:
    """Accepted messages per controller, sender and class; unanswered replies per controller and sender."""

    def __init__(self) -> None:
        self._sent: dict[tuple[str, str], dict[str, deque[list[int]]]] = {}
        self._owed: dict[tuple[str, str], dict[bytes, float]] = {}
        self._undo: list[tuple[str, str, str, int]] = []
        self._undo_owed: list[tuple[str, str, bytes, float]] = []

    def add(self, controller: str, sender: str, class_: str, now: float, count: int = 1) -> int:
        """Count accepted messages; returns the slot they fall in (unix seconds // 300)."""
        slot = int(now // SLOT)
        slots = self._sent.setdefault((controller, sender), {}).setdefault(class_, deque())
        if slots and slots[-1][0] >= slot:
            slots[-1][1] += count
            slot = slots[-1][0]
        else:
            slots.append([slot, count])
        while slots and slots[0][0] <= slot - KEPT_SLOTS:
            slots.popleft()
        self._undo.append((controller, sender, class_, count))
        return slot

    def owe(self, controller: str, sender: str, subject: bytes, since: float) -> None:
        """A reply of this person waits since then; 0 means that it was answered."""
        owed = self._owed.setdefault((controller, sender), {})
        self._undo_owed.append((controller, sender, subject, owed.get(subject, 0.0)))
        if since:
            owed[subject] = since
        else:
            owed.pop(subject, None)

    def pace(self, controller: str, sender: str, now: float) -> Pace:
        """What the rules `burst` and `reply_backlog` ask for; sums are made only when asked for."""
        slots = self._sent.get((controller, sender))
        owed = self._owed.get((controller, sender))
        if not slots and not owed:
            return NO_PACE
        if slots:
            _put_right(slots.values(), int(now // SLOT))
        return Pace(
            sent=_Sums(slots or {}, now),
            next_free=_Frees(slots or {}, now),
            backlog=tuple(sorted(owed.values())) if owed else (),
        )

    def settle(self) -> None:
        """What was counted since the last call is committed."""
        self._undo.clear()
        self._undo_owed.clear()

    def undo(self) -> None:
        """What was counted since the last `settle` never happened."""
        for controller, sender, class_, count in reversed(self._undo):
            self._sent[(controller, sender)][class_][-1][1] -= count
        undone = list(reversed(self._undo_owed))
        self._undo.clear()
        for controller, sender, subject, since in undone:
            self.owe(controller, sender, subject, since)
        self._undo_owed.clear()


def _put_right(classes: Iterable[deque[list[int]]], slot: int) -> None:
    """What was counted by a clock that was ahead happened by now at the latest: it counts as of now, else it
    would stand in every window until it is that late again. Replicas may differ by a slot."""
    for slots in classes:
        ahead = 0
        while slots and slots[-1][0] > slot + 1:
            ahead += slots.pop()[1]
        if ahead and slots and slots[-1][0] >= slot:
            slots[-1][1] += ahead
        elif ahead:
            slots.append([slot, ahead])


class _Window(Mapping[tuple[str, int], Value]):
    """A mapping from (class, window in seconds) whose values are worked out when asked for."""

    __slots__ = ("_now", "_slots", "asked")

    def __init__(self, slots: Mapping[str, deque[list[int]]], now: float) -> None:
        self._slots = slots
        self._now = now
        self.asked: dict[tuple[str, int], Value] = {}
        """What was asked for so far: the part that a decision rests on."""

    def __iter__(self) -> Iterator[tuple[str, int]]:
        return iter([(class_, window) for class_ in self._slots for window in (HOUR, DAY)])

    def __len__(self) -> int:
        return 2 * len(self._slots)

    def _inside(self, key: tuple[str, int]) -> list[list[int]]:
        """The slots of a class within a window; KeyError for a class never sent."""
        class_, window = key
        first = int((self._now - window) // SLOT)
        return [slot for slot in self._slots[class_] if slot[0] >= first]


class _Sums(_Window[int]):
    def __getitem__(self, key: tuple[str, int]) -> int:
        if key[0] not in self._slots:
            self.asked[key] = 0
        self.asked[key] = total = sum(slot[1] for slot in self._inside(key))
        return total


class _Frees(_Window[float]):
    def __getitem__(self, key: tuple[str, int]) -> float:
        inside = self._inside(key)
        return float((inside[0][0] + 1) * SLOT + key[1]) if inside else 0.0

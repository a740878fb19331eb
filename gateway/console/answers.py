"""How people who wrote back were answered, on each of the last days."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.message.ids import new_id
from gateway.store.protocol import Store

DAY = 86400
LONGEST = 2 * 86400.0
"""Seconds after which a reply counts as left without an answer."""
MOST = 20_000
FRESH = 60.0

_REPLIES = (
    "SELECT r.at, r.data,"
    " (SELECT min(a.at) FROM events a WHERE a.lane = r.lane AND a.controller = r.controller"
    " AND a.subject = r.subject AND a.id > r.id AND a.type = 'message.answered'),"
    " (SELECT min(d.at) FROM decisions d WHERE d.lane = r.lane AND d.subject = r.subject"
    " AND d.controller = r.controller AND d.message_id > r.id AND d.outcome = 0 AND d.class = 'conversation')"
    " FROM events r WHERE r.id >= ? AND r.type = 'message.replied' ORDER BY r.id DESC LIMIT ?"
)
_HUMAN = b'"reply":"human"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """One day: the hours that the answers given on it took, in the middle; and of the `due` replies that had
    been there for two days by then, the share without one."""

    hours: float = 0.0
    left: float = 0.0
    due: int = 0


class Answers:
    """Reads them, once a minute at most."""

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock
        self._read_at = 0.0
        self._found: list[tuple[float, float]] = []

    async def refresh(self, days: int) -> None:
        """Read what there is to know of these days. Raises StoreError."""
        now = self._clock()
        if now - self._read_at < FRESH:
            return
        first = new_id(max(0.0, (now // DAY - days) * DAY - LONGEST), bytes(10))
        rows = await self._store.rows(_REPLIES, (first, MOST))
        self._found = [
            (float(at), min((float(a) for a in (told, written) if a), default=0.0))
            for at, data, told, written in rows
            if _HUMAN in bytes(data)
        ]
        self._read_at = now

    def latest(self, days: int) -> list[Answered]:
        """The last days, the oldest first and today last, as they were read."""
        now = self._clock()
        today = int(now // DAY)
        return [self._day(day, now) for day in range(today - days + 1, today + 1)]

    def _day(self, day: int, now: float) -> Answered:
        given = [(answer - at) / 3600 for at, answer in self._found if answer and answer // DAY == day]
        due = [
            0 < answer <= at + LONGEST
            for at, answer in self._found
            if at + LONGEST <= now and (at + LONGEST) // DAY == day
        ]
        return Answered(hours=_median(given), left=due.count(False) / len(due) if due else 0.0, due=len(due))


def _median(values: Sequence[float]) -> float:
    ordered = sorted(values)
    return ordered[len(ordered) // 2] if ordered else 0.0

"""What happened on each of the last days, counted once and kept.

Decisions are many and their reasons are JSON, so a day is counted in small steps with pauses between them,
and the count of a day that is over is kept in the store. Who opens a page sees what is counted by then.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import orjson

from gateway.console.answers import Answers
from gateway.console.notes import Keep, Note, find
from gateway.console.samples import Habit, Sample
from gateway.evidence.observed import Observed, objections
from gateway.evidence.stretch import moment
from gateway.message.ids import new_id
from gateway.policy.outcome import Outcome
from gateway.store.protocol import Store, StoreError

DAY = 86400
DAYS = 29
"""Today and four weeks before it."""
STEP = 400
KEPT = 60 * DAY
LAG = 15.0
"""Seconds that a message may take from its id to its commit: younger ones are counted next time."""
FRESH = 5.0
LATE = 600.0
"""Seconds after which days that are over are asked again who left on them: tools tell of it days later."""
_MANY = 100_000
"""Violations are told apart by policy, rule, code, outcome and mode: a set that policies bound."""

_DECISIONS = (
    "SELECT message_id, outcome, class, violations, channel, at, CASE WHEN outcome = 0"
    " AND class NOT IN ('transactional', 'conversation') THEN snapshot END"
    " FROM decisions WHERE message_id > ? AND message_id < ? AND round = 0 ORDER BY message_id, n LIMIT ?"
)
_EVENTS = "SELECT type, count(*) FROM events WHERE id >= ? AND id < ? GROUP BY type"
# By its person, not by the event that told of it: a tool's own is in the log of consents as well.
_LEFT = (
    "SELECT count(*) FROM (SELECT DISTINCT lane, controller, subject FROM consent_events"
    " WHERE id >= ? AND id < ? AND action IN ('withdrawn', 'objected')) AS gone"
)
_REPLIED = (
    "SELECT controller, subject, data FROM events WHERE id >= ? AND id < ? AND type = 'message.replied'"
)
_STOP, _HUMAN = b'"reply":"stop"', b'"reply":"human"'


@dataclass(slots=True)
class Count:
    """One day. `outcomes` by (class, outcome), `rules` by (policy, code, outcome, mode), `observed` by
    (policy in observe, what it would have been, what it was), `events` by type,
    `withdrew` are the people who withdrew or objected, `stopped` those who replied that they want no more,
    `replies` are those that people wrote otherwise: no absence notes.
    `sample` are its marketing messages, `kept` what they came to where that was kept; `cursor` is the last
    message counted, `whole` that the day is over and counted."""

    day: int
    cursor: str = ""
    whole: bool = False
    outcomes: Counter[tuple[str, int]] = field(default_factory=Counter)
    rules: Counter[tuple[str, str, int, str]] = field(default_factory=Counter)
    observed: Counter[tuple[str, int, int]] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    withdrew: int = 0
    stopped: int = 0
    replies: int = 0
    sample: Sample = field(default_factory=Sample)
    kept: Habit | None = None

    @property
    def habit(self) -> Habit:
        """What its marketing was like, as far as it is counted."""
        return self.kept or self.sample.habit()

    @property
    def left(self) -> int:
        """How many people took themselves off, whichever way they went."""
        return self.withdrew + self.stopped

    def total(self, outcome: int | None = None) -> int:
        """Decisions of the day, or those with this outcome."""
        return sum(n for (_, found), n in self.outcomes.items() if outcome in (None, found))

    def pack(self) -> dict[str, Any]:
        """As it is kept."""
        return {
            "outcomes": [(*key, n) for key, n in self.outcomes.items()],
            "rules": [(*key, n) for key, n in self.rules.items()],
            "events": dict(self.events),
            "withdrew": self.withdrew,
            "stopped": self.stopped,
            "replies": self.replies,
            "habit": asdict(self.habit),
            "observed": [(*key, n) for key, n in self.observed.items()],
        }

    def unpack(self, said: dict[str, Any]) -> None:
        """Take up what was kept."""
        self.outcomes.update({(c, o): n for c, o, n in said["outcomes"]})
        self.rules.update({(p, r, o, m): n for p, r, o, m, n in said["rules"]})
        self.observed.update({(p, would, was): n for p, would, was, n in said["observed"]})
        self.events.update(said["events"])
        self.withdrew, self.stopped = said["withdrew"], said["stopped"]
        self.replies = said["replies"]
        self.kept = Habit(**said["habit"])
        self.whole = True


class Days:
    """Counts days while somebody looks at them."""

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock
        self._counts: dict[int, Count] = {}
        self._task: asyncio.Task[None] | None = None
        self._counted_at = self._asked_at = 0.0
        self.answers = Answers(store, clock)

    @property
    def counting(self) -> bool:
        """Whether days are still being counted."""
        return self._task is not None and not self._task.done()

    async def latest(self, patience: float = 0.05) -> list[Count]:
        """The last DAYS days, the oldest first, as far as they are counted within `patience` seconds."""
        today = int(self._clock() // DAY)
        for day in range(today - DAYS + 1, today + 1):
            self._counts.setdefault(day, Count(day))
        for day in [day for day in self._counts if day <= today - DAYS]:
            del self._counts[day]
        if not self.counting and self._clock() - self._counted_at > FRESH:
            self._task = asyncio.get_running_loop().create_task(self._count(today), name="count days")
        if self._task is not None and not self._task.done():
            await asyncio.wait([self._task], timeout=patience)
        return [self._counts[day] for day in range(today - DAYS + 1, today + 1)]

    async def _count(self, today: int) -> None:
        try:
            again = self._clock() - self._asked_at > LATE
            for day in range(today, today - DAYS, -1):
                count = self._counts[day]
                if not count.whole:
                    await self._count_day(count, over=day < today)
                if count.whole and again:
                    # What retention and erasure took away meanwhile was counted all the same.
                    count.withdrew = max(count.withdrew, await self._withdrew(day))
            self._asked_at = self._clock() if again else self._asked_at
            await self.answers.refresh(DAYS)
            self._counted_at = self._clock()
        except StoreError:
            return

    async def _count_day(self, count: Count, *, over: bool) -> None:
        kept = await find(self._store, _key(count.day), self._clock()) if over and not count.cursor else None
        if kept is not None:
            count.unpack(kept)
            return
        first, last = _bound(count.day * DAY), _bound(min((count.day + 1) * DAY, self._clock() - LAG))
        count.cursor = max(count.cursor, first)
        while await self._step(count, last):
            pass
        whole = _whole(count.day)
        count.events = Counter(dict(await self._store.rows(_EVENTS, whole)))
        count.withdrew = await self._withdrew(count.day)
        count.stopped, count.replies = await self._replied(whole)
        if over and self._clock() > (count.day + 1) * DAY + 600:
            count.whole = True
            count.kept, count.sample = count.habit, Sample()
            note = Note(key=_key(count.day), said=count.pack(), expires_at=self._clock() + KEPT)
            await self._store.run(Keep([note]))

    async def _withdrew(self, day: int) -> int:
        """How many people withdrew or objected on a day, whenever it was told."""
        said = tuple(f"{at * DAY * 1000:012x}" for at in (day, day + 1))
        [(gone,)] = await self._store.rows(_LEFT, said)
        return int(gone)

    async def _replied(self, whole: tuple[str, str]) -> tuple[int, int]:
        """How many people replied that they want no more, and how many replies people wrote otherwise."""
        replied = await self._store.rows(_REPLIED, whole)
        stopped = {(who, bytes(key)) for who, key, data in replied if _STOP in bytes(data)}
        return len(stopped), sum(1 for _, _, data in replied if _HUMAN in bytes(data))

    async def _step(self, count: Count, last: str) -> bool:
        """Count the next decisions; False when there are none left."""
        started = time.perf_counter()
        rows = await self._store.rows(_DECISIONS, (count.cursor, last, STEP))
        if not rows:
            return False
        end = rows[-1][0]
        if len(rows) == STEP and rows[0][0] != end:
            rows = [row for row in rows if row[0] != end]
        for message_id, outcome, class_, violations, channel, at, snapshot in rows:
            count.cursor = message_id
            count.outcomes[class_, outcome] += 1
            if len(violations) > 2 and len(count.rules) < _MANY:
                count.rules.update(_rules(violations))
                if b'"observe"' in violations:
                    observed = objections(violations).items()
                    count.observed.update((policy, would, outcome) for policy, would in observed)
            if snapshot is not None:
                count.sample.add(message_id, channel, at, snapshot)
        await asyncio.sleep(2 * (time.perf_counter() - started))
        return True


def _rules(violations: bytes) -> list[tuple[str, str, int, str]]:
    found = orjson.loads(violations).get("v", ())
    return [(v["policy"], v["code"], v["outcome"], v["mode"]) for v in found]


def observed_by(policy: str, counts: Sequence[Count]) -> list[Observed]:
    """What a policy in observe would have done on each day, the oldest first."""
    return [
        Observed(
            day=moment(count.day * DAY)[:10],
            policy=policy,
            would=Outcome(would).word,
            was=Outcome(was).word,
            count=n,
        )
        for count in counts
        for (name, would, was), n in sorted(count.observed.items())
        if name == policy
    ]


def _bound(at: float) -> str:
    """The id below which everything is older."""
    return new_id(max(at, 0.0), bytes(10))


def _whole(day: int) -> tuple[str, str]:
    """The ids between which everything of a day is."""
    return _bound(day * DAY), _bound((day + 1) * DAY)


def _key(day: int) -> bytes:
    return b"console/day/6/%d" % day

"""The overview: how things go out, today against the last four weeks."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace

from aiohttp import web

from gateway.console.answers import Answered
from gateway.console.charts import Figure, bars
from gateway.console.days import DAY, DAYS, Count, Days
from gateway.console.desk import Desk, Visit
from gateway.console.holds import Sla
from gateway.policy.classify import is_marketing
from gateway.policy.outcome import Outcome
from gateway.store.pauses import NOT_ALONE
from gateway.store.protocol import Store
from gateway.store.queries import COUNT_OUTBOX, COUNT_WAITING

COMPLAINTS = 0.001
"""Complaints per message from which mailbox providers begin to mind: 0.10 %."""
_REVIEWED = (
    "SELECT created_at, decided_at FROM holds WHERE status IN ('released', 'rejected') AND decided_at > ?"
    " ORDER BY decided_at DESC LIMIT 5000"
)
_OPEN = (
    f"SELECT count(*), min(CASE WHEN {NOT_ALONE} THEN created_at END)"  # noqa: S608 (literals)
    " FROM holds WHERE status = 'open'"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """How many are on their way out, since when the oldest is, and how many replies wait for an answer."""

    outbox: int
    oldest: float
    unanswered: int


class Overview:
    """The handler."""

    def __init__(self, desk: Desk, store: Store, days: Days, sla: Sla) -> None:
        self._desk = desk
        self._store = store
        self._days = days
        self._sla = sla

    async def show(self, visit: Visit) -> web.Response:
        """The page."""
        counts, reviewed, (holds, oldest), waiting = await asyncio.gather(
            self._days.latest(), self._reviewed(), self._open_holds(), self._waiting()
        )
        figures = [
            *figures_of(counts, reviewed, self._desk.clock() % DAY / DAY),
            *health_of(counts, self._days.answers.latest(DAYS), self._desk.clock() % DAY / DAY),
        ]
        words = self._desk.pages.words
        return visit.show(
            "overview.html",
            figures=figures,
            bars=lambda figure, language: bars(figure, words[language][f"figure.{figure.key}"]),
            waiting=waiting,
            holds=(holds, oldest),
            counting=self._days.counting,
            blind=sorted(s.name for s in self._desk.access.sources.values() if not s.reply_feed),
            top=top_rules(counts),
            sla=self._sla,
        )

    async def _open_holds(self) -> tuple[int, float]:
        """How many holds wait, and since when the oldest does that waits for more than the end of a pause."""
        [(count, oldest)] = await self._store.rows(_OPEN)
        return count, oldest or 0.0

    async def _waiting(self) -> Waiting:
        """What else waits."""
        [(outbox, oldest)] = await self._store.rows(COUNT_OUTBOX)
        [(unanswered,)] = await self._store.rows(COUNT_WAITING)
        return Waiting(outbox=int(outbox), oldest=float(oldest), unanswered=int(unanswered))

    async def _reviewed(self) -> list[float]:
        """The median hours from hold to verdict, by the day of the verdict."""
        now = self._desk.clock()
        waits: dict[int, list[float]] = {}
        for created, decided in await self._store.rows(_REVIEWED, (now - DAYS * DAY,)):
            waits.setdefault(int(decided // DAY), []).append(decided - created)
        today = int(now // DAY)
        return [_median(waits.get(day, [])) / 3600 for day in range(today - DAYS + 1, today + 1)]


def figures_of(counts: Sequence[Count], reviewed: Sequence[float], elapsed: float = 1.0) -> list[Figure]:
    """Every chart of the page, from the days, the oldest first."""
    accepted = [float(c.total(Outcome.ACCEPT)) for c in counts]
    held, refused = ([float(c.total(o)) for c in counts] for o in (Outcome.HOLD, Outcome.REJECT))
    marketing = [
        float(
            sum(n for (class_, o), n in c.outcomes.items() if o == Outcome.ACCEPT and is_marketing((class_,)))
        )
        for c in counts
    ]
    replies, complaints = [float(c.replies) for c in counts], [float(c.events["complaint"]) for c in counts]
    leaving = [float(c.left) for c in counts]
    figures = [
        Figure(key="accepted", values=accepted),
        Figure(key="held", values=held, good="down"),
        Figure(key="rejected", values=refused, good="down"),
        Figure(key="replies", values=replies, good="up"),
        Figure(
            key="reply_rate",
            values=_ratio(replies, marketing),
            format="percent",
            good="up",
            known=bool(marketing[-1]),
            weights=marketing,
        ),
        Figure(key="leaving", values=leaving, good="down"),
        Figure(
            key="complaints",
            values=_ratio(complaints, accepted),
            format="percent",
            good="down",
            limit=COMPLAINTS,
            known=bool(accepted[-1]),
            weights=accepted,
        ),
        Figure(key="review", values=list(reviewed), format="hours", good="down"),
    ]
    return [replace(figure, elapsed=elapsed) for figure in figures]


def health_of(counts: Sequence[Count], answers: Sequence[Answered], elapsed: float = 1.0) -> list[Figure]:
    """The charts of healthy outreach, from the days, the oldest first."""
    habits = [count.habit for count in counts]
    sizes, due = [float(h.size) for h in habits], [float(a.due) for a in answers]
    proven, copied, left = ([h.proven for h in habits], [h.copied for h in habits], [a.left for a in answers])
    figures = [
        _share("proven", proven, sizes, good="up"),
        Figure(key="per_person", values=[h.median for h in habits], format="decimal", good="down"),
        Figure(key="per_person_most", values=[h.most for h in habits], format="decimal", good="down"),
        _share("copied", copied, sizes, good="down"),
        Figure(key="answered", values=[a.hours for a in answers], format="hours", good="down"),
        _share("left", left, due, good="down"),
    ]
    return [replace(figure, elapsed=elapsed) for figure in figures]


def _share(key: str, values: Sequence[float], weights: Sequence[float], good: str) -> Figure:
    known = bool(weights and weights[-1])
    return Figure(key=key, values=values, format="percent", good=good, known=known, weights=weights)


def _ratio(part: Sequence[float], whole: Sequence[float]) -> list[float]:
    return [min(1.0, a / b) if b else 0.0 for a, b in zip(part, whole, strict=True)]


def _median(values: Sequence[float]) -> float:
    ordered = sorted(values)
    return ordered[len(ordered) // 2] if ordered else 0.0


def top_rules(counts: Sequence[Count], most: int = 8) -> list[tuple[str, int]]:
    """The rules that were violated most in the last seven days, with how often."""
    found: dict[str, int] = {}
    for count in counts[-7:]:
        for (policy, code, _, _), n in count.rules.items():
            name = f"{policy}/{code}"
            found[name] = found.get(name, 0) + n
    return sorted(found.items(), key=lambda pair: -pair[1])[:most]

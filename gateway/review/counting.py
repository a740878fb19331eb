"""What is counted of a review. Who serves counts at once; a command, which nobody asks for metrics, leaves it
in the store, in the transaction of its decision, for whoever serves to count: once, by one of them."""

import os
from dataclasses import dataclass
from typing import Any

import msgspec

from gateway.intake.tally import Marketing, count_marketing
from gateway.metrics import Metrics
from gateway.review.deciding import Decide, End, ReviewResult
from gateway.store.draft import Draft, Needs
from gateway.store.protocol import Store
from gateway.store.records import ReplayRow

PREFIX, END = b"counted/", b"counted0"
LEFT_FOR = 7 * 86400.0
"""Seconds that it waits for somebody who serves."""
MOST = 200

_LEFT = "SELECT key FROM replays WHERE key >= ? AND key < ? AND expires_at > ? LIMIT ?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """A hold decided: what it came to, by whom (reviewer, condition or time), after how many seconds; the
    marketing message that went out with it, if one did, and how many seconds somebody waited for the answer
    that did. A command of a newer version may leave more, which is not read."""

    decision: str
    by: str
    seconds: float
    marketing: Marketing | None = None
    answered_after: float | None = None


def counted_of(result: ReviewResult, by: str) -> Counted | None:
    """What to count of a result; None where nothing was decided."""
    if result.status == "open" and by != "reviewer":
        return None
    waived = result.decision is not None and bool(result.decision.waived)
    words = {"open": "refused", "released": "overridden" if waived else "released"}
    word = words.get(result.status, result.status)
    return Counted(
        decision=word,
        by=by,
        seconds=result.waited,
        marketing=result.marketing,
        answered_after=result.answered_after,
    )


def count(metrics: Metrics, counted: Counted) -> None:
    """Count it."""
    metrics.review(counted.decision, counted.by, counted.seconds)
    if counted.marketing is not None:
        count_marketing(metrics, counted.marketing)
    if counted.answered_after is not None:
        metrics.answered_in(counted.answered_after)


class Leave:
    """A reviewer's decision, with what is to be counted of it left beside."""

    __slots__ = ("_unit", "needs")

    def __init__(self, unit: Decide | End) -> None:
        self._unit = unit
        self.needs = unit.needs

    def apply(self, draft: Draft[ReviewResult]) -> ReviewResult:
        """What the decision came to."""
        result = self._unit.apply(draft)
        counted = counted_of(result, "reviewer")
        if counted is not None:
            key = PREFIX + result.hold_id.encode("ascii", "replace") + os.urandom(8)
            draft.writes.replays[key] = ReplayRow(key, draft.now + LEFT_FOR, msgspec.json.encode(counted))
        return result


class _Take:
    """Take what was left, out of the store; nobody else does then."""

    def __init__(self, keys: list[bytes]) -> None:
        self.needs = Needs(replays=keys)

    def apply(self, draft: Draft[Any]) -> list[bytes]:
        """What is still there."""
        found = {key: answer for key in self.needs.replays if (answer := draft.replay(key))}
        draft.writes.statements += [("DELETE FROM replays WHERE key = ?", (key,)) for key in found]
        return list(found.values())


async def count_left(store: Store, metrics: Metrics) -> int:
    """Count what commands decided since; how many. Raises StoreError."""
    rows = await store.few(_LEFT, (PREFIX, END, store.now(), MOST))
    if not rows:
        return 0
    left = await store.run(_Take([bytes(key) for (key,) in rows]))
    for said in left:
        count(metrics, msgspec.json.decode(said, type=Counted))
    return len(left)

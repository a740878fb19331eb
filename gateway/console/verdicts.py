"""A reviewer's verdict on a hold: theirs to give, given once, and by two where the settings say so."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from gateway.access import Reviewer
from gateway.console.notes import Deed, entry_of
from gateway.review import AlreadyDecided, HoldGone, Review, ReviewResult
from gateway.store.draft import Draft, Needs
from gateway.store.protocol import Store
from gateway.store.records import HoldRow, ReplayRow

PROPOSED_FOR = 14 * 86400.0
LONGEST_REASON = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What a first reviewer wants released, and why."""

    by: str
    reason: str
    at: float


class _Propose:
    """Note a first reviewer's proposal; hand back another's that stands."""

    def __init__(self, hold_id: str, actor: str, reason: str) -> None:
        self._hold_id = hold_id
        self._actor = actor
        self._reason = reason
        self._key = _key(hold_id)
        self.needs = Needs(replays=(self._key,))

    def apply(self, draft: Draft[Any]) -> Proposal | None:
        """The proposal of somebody else that this verdict agrees to, or None."""
        before = draft.replay(self._key)
        if before is not None:
            proposal = Proposal(**orjson.loads(before))
            if proposal.by != self._actor:
                return proposal
        said = orjson.dumps({"by": self._actor, "reason": self._reason, "at": draft.now})
        draft.writes.replays[self._key] = ReplayRow(self._key, draft.now + PROPOSED_FOR, said)
        deed = Deed(kind="hold.proposed", reference=self._hold_id, actor=self._actor, detail=self._reason)
        draft.writes.audit.append(entry_of(deed, draft.now))
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a verdict: released, rejected, refused (`result` says why), proposed, late (`hold` says
    who was quicker) or gone."""

    word: str
    result: ReviewResult | None = None
    hold: HoldRow | None = None


class Verdicts:
    """Gives verdicts. With `four_eyes` a release needs two reviewers."""

    def __init__(self, store: Store, review: Review, clock: Callable[[], float], *, four_eyes: bool) -> None:
        self._store = store
        self._review = review
        self._clock = clock
        self.four_eyes = four_eyes

    async def release(self, hold: HoldRow, actor: str, reason: str) -> Outcome:
        """Release a hold, or propose it to a second reviewer."""
        if self.four_eyes and hold.status == "open":
            agreed = await self._store.run(_Propose(hold.id, actor, reason))
            if agreed is None:
                return Outcome(word="proposed")
            reason = f"{reason} ({agreed.by}: {agreed.reason})"[:LONGEST_REASON]
        return await self._decide(self._review.release, hold.id, actor, reason)

    async def reject(self, hold: HoldRow, actor: str, reason: str) -> Outcome:
        """Reject a hold: for that one pair of eyes is enough."""
        return await self._decide(self._review.reject, hold.id, actor, reason)

    async def _decide(self, deed: Any, hold_id: str, actor: str, reason: str) -> Outcome:
        try:
            result: ReviewResult = await deed(hold_id, actor, reason)
        except AlreadyDecided as late:
            return Outcome(word="late", hold=late.hold)
        except HoldGone:
            return Outcome(word="gone")
        return Outcome(word="refused" if result.status == "open" else result.status, result=result)

    async def proposal(self, hold_id: str) -> Proposal | None:
        """What a first reviewer proposed for this hold."""
        rows = await self._store.rows(
            "SELECT answer FROM replays WHERE key = ? AND expires_at > ?", (_key(hold_id), self._clock())
        )
        return Proposal(**orjson.loads(rows[0][0])) if rows else None


def _key(hold_id: str) -> bytes:
    return b"console/proposal/" + hold_id.encode("ascii", "replace")


def is_own(reviewer: Reviewer, source: str, sender: str) -> bool:
    """Whether a message comes from the reviewer's own source or mailbox: others decide it."""
    return bool({reviewer.name, *reviewer.own} & {source, sender})

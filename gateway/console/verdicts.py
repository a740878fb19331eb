"""What became of a reviewer's verdict, in a word."""

from collections.abc import Awaitable
from dataclasses import dataclass

from gateway.review import AlreadyDecided, HoldGone, Review, ReviewResult
from gateway.store.records import HoldRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a verdict: released, rejected, refused (`result` says why), proposed, late (`hold` says
    who was quicker) or gone."""

    word: str
    result: ReviewResult | None = None
    hold: HoldRow | None = None


class Verdicts:
    """Gives verdicts."""

    def __init__(self, review: Review) -> None:
        self._review = review

    @property
    def four_eyes(self) -> bool:
        """Whether a release needs two reviewers."""
        return self._review.four_eyes

    async def release(self, hold: HoldRow, actor: str, reason: str, seen: int | None) -> Outcome:
        """Release a hold whose page showed the decision of round `seen`, or propose it to a second one."""
        return await self._tell(self._review.release(hold.id, actor, reason, seen))

    async def reject(self, hold: HoldRow, actor: str, reason: str) -> Outcome:
        """Reject a hold: for that one pair of eyes is enough."""
        return await self._tell(self._review.reject(hold.id, actor, reason))

    async def _tell(self, deed: Awaitable[ReviewResult]) -> Outcome:
        try:
            result = await deed
        except AlreadyDecided as late:
            return Outcome(word="late", hold=late.hold)
        except HoldGone:
            return Outcome(word="gone")
        return Outcome(word="refused" if result.status == "open" else result.status, result=result)

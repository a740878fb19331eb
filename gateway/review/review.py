"""What reviewers do to holds, and what time does."""

import asyncio
from collections.abc import Awaitable, Sequence

from gateway.access import Access
from gateway.intake.letterhead import Letterhead
from gateway.keys import Keys
from gateway.message.address import without_addresses
from gateway.metrics import Metrics
from gateway.policy.live import LivePolicies
from gateway.reading.read import Reader
from gateway.review.cases import Cases, told_in
from gateway.review.counting import Leave, count, counted_of
from gateway.review.deciding import (
    HOLD_SECONDS,
    AlreadyDecided,
    Case,
    Decide,
    End,
    HoldGone,
    PutOff,
    ReviewResult,
    is_late,
    is_over,
)
from gateway.review.proposals import LONGEST_REASON, OwnMessage, Proposal, Propose, is_own, stands_since
from gateway.store.pauses import ALONE
from gateway.store.protocol import Store
from gateway.store.records import HoldRow

CONDITION = "condition"
"""Who released a hold whose condition was met."""

CHUNK = 64
"""Holds that are loaded and queued together: enough that a transaction is worth its while, few enough that
an acceptance among them hardly waits."""


class Review:
    """Decides holds. With `four_eyes` a release needs two reviewers. Whoever wrote a message, or whose
    source it is, does not release it: `access` says who is who. Reasons are kept without addresses. With
    `elsewhere`, in a command, what is to be counted is left in the store for whoever serves."""

    def __init__(
        self,
        store: Store,
        reader: Reader,
        policies: LivePolicies,
        access: Access,
        keys: Keys,
        letterhead: Letterhead | None = None,
        metrics: Metrics | None = None,
        *,
        four_eyes: bool = False,
        elsewhere: bool = False,
        hold_seconds: float = HOLD_SECONDS,
    ) -> None:
        self._hold_seconds = hold_seconds
        self.four_eyes = four_eyes
        self._store = store
        self._access = access
        self._policies = policies
        self._metrics = metrics
        self._elsewhere = elsewhere
        self._loading = asyncio.Lock()
        self._cases = Cases(store, reader, policies, access, keys, letterhead)

    async def release(
        self, hold_id: str, reviewer: str, reason: str, seen: int | None = None
    ) -> ReviewResult:
        """Send it if today's policies let it, waiving what the reviewer saw: the decision of round `seen`, or
        without it the one that stands now. `proposed` where a second reviewer has to agree. Raises HoldGone,
        AlreadyDecided, OwnMessage, StoreError."""
        hold, reason = await self._open(hold_id), without_addresses(reason)
        if self._is_own(hold, reviewer):
            raise OwnMessage(hold)
        case = (await self._cases.load([hold], seen)).get(hold_id)
        if case is None:
            await self._open(hold_id)  # a text also goes when somebody rejects it meanwhile
            raise HoldGone(hold_id)
        if self.four_eyes:
            since = stands_since(told_in(case.rounds), case.seen)
            shown = max(case.rounds) if seen is None else seen
            saw, _ = case.rounds.get(shown, (0.0, b""))
            login = self._elsewhere and not self._access.may_decide(reviewer)
            mine = Proposal(by=reviewer, reason=reason, at=saw, login=login)
            agreed = await self._store.run(Propose(hold_id, mine, since, self._access))
            if agreed is None:
                return ReviewResult(hold_id=hold_id, status="proposed")
            reason = f"{reason} ({agreed.by}: {agreed.reason})"[:LONGEST_REASON]
        return await self._decide(self._release(case, reviewer, reason))

    async def reject(self, hold_id: str, reviewer: str, reason: str) -> ReviewResult:
        """Never send it. Raises HoldGone, AlreadyDecided, StoreError."""
        hold, reason = await self._hold(hold_id), without_addresses(reason)
        return await self._decide(self._end(hold, "rejected", reviewer, reason))

    def may_decide(self, *names: str) -> bool:
        """Whether all of these are reviewers who may decide holds, as the access file has it now; "" is
        nobody, and does not count."""
        return all(self._access.may_decide(name) for name in names if name)

    async def release_all(
        self, holds: Sequence[HoldRow], reviewer: str, reason: str, proposed_by: str = ""
    ) -> list[str]:
        """Release many, each for itself: released, open (the policies refuse it today), own (of the reviewer,
        or of who proposed it) or gone, in their order; fewer where one of the two may not decide any more.
        Two reviewers agreed before, where that is asked; the reason is kept as it is. Raises StoreError; then
        some may be decided and others not."""
        under_way = list[Awaitable[ReviewResult]]()
        for start in range(0, len(holds), CHUNK):
            chunk = holds[start : start + CHUNK]
            async with self._loading:
                cases = await self._cases.load(chunk)
            if not self.may_decide(reviewer, proposed_by):
                break
            under_way += [
                _fail(OwnMessage(hold))
                if self._is_own(hold, reviewer) or self._is_own(hold, proposed_by)
                else self._start(
                    self._release(cases[hold.id], reviewer, reason) if hold.id in cases else None
                )
                for hold in chunk
            ]
        return await self._words(under_way)

    async def reject_all(self, holds: Sequence[HoldRow], reviewer: str, reason: str) -> list[str]:
        """Reject many, each for itself: rejected or gone, in their order; none where the reviewer may not
        decide any more. Raises StoreError."""
        if not self.may_decide(reviewer):
            return []
        return await self._words(
            [self._start(self._end(hold, "rejected", reviewer, reason)) for hold in holds]
        )

    async def sweep(self, now: float, limit: int = 100) -> list[ReviewResult]:
        """Expire what is too old, and decide again what time or an event may have cured. What only a pause
        keeps that lasts is put off instead, and told of nowhere."""
        due = await self._store.due_holds(now, limit)
        kept = [hold for hold in due if self._is_paused(hold, now)]
        await asyncio.gather(*(self._store.run(PutOff(hold, self._hold_seconds)) for hold in kept))
        return await self.again([hold for hold in due if not self._is_paused(hold, now)], now)

    def _is_paused(self, hold: HoldRow, now: float) -> bool:
        """Whether its time ran out while a pause that lasts is all that keeps it."""
        lasting = self._store.pauses.of(hold.source, hold.controller, hold.campaign)
        return bool(lasting) and hold.codes in ALONE and is_over(hold, now)

    async def again(self, due: Sequence[HoldRow], now: float) -> list[ReviewResult]:
        """Decide some open holds again, each for itself, or expire those that are too old; those that
        somebody else decides meanwhile are left out. Raises StoreError."""
        cases = await self._cases.load([hold for hold in due if not is_late(hold, now)])
        results = await asyncio.gather(
            *(self._start(self._due(hold, cases.get(hold.id), now)) for hold in due), return_exceptions=True
        )
        done = []
        for result in results:
            if isinstance(result, ReviewResult):
                done.append(self._count(result, "time" if result.status == "expired" else CONDITION))
            elif not isinstance(result, AlreadyDecided | HoldGone):
                raise result
        return done

    async def _decide(self, unit: Decide | End) -> ReviewResult:
        """What one reviewer's verdict comes to."""
        result = await self._store.run(Leave(unit) if self._elsewhere else unit)
        return result if self._elsewhere else self._count(result, "reviewer")

    def _release(self, case: Case, reviewer: str, reason: str) -> Decide:
        return Decide(
            case, self._policies.current, reviewer, reason, waive=True, hold_seconds=self._hold_seconds
        )

    def _end(self, hold: HoldRow, status: str, actor: str, reason: str) -> End:
        source = self._access.sources.get(hold.source)
        return End(hold, status, actor, reason, tell=source is not None and bool(source.notices))

    def _due(self, hold: HoldRow, case: Case | None, now: float) -> Decide | End | None:
        if is_late(hold, now) or (case is None and is_over(hold, now)):
            return self._end(hold, "expired", "gateway", "nobody decided in time")
        if case is None:
            return None
        return Decide(
            case,
            self._policies.current,
            CONDITION,
            "its condition was met",
            waive=False,
            hold_seconds=self._hold_seconds,
        )

    def _start(self, unit: Decide | End | None) -> Awaitable[ReviewResult]:
        """Queue a unit; without one its hold is gone."""
        return asyncio.ensure_future(self._store.run(unit) if unit is not None else _fail(HoldGone()))

    def _is_own(self, hold: HoldRow, reviewer: str) -> bool:
        known = self._access.reviewers.get(reviewer)
        return known is not None and is_own(known, hold.source, hold.sender)

    async def _words(self, under_way: Sequence[Awaitable[ReviewResult]]) -> list[str]:
        words = []
        for result in await asyncio.gather(*under_way, return_exceptions=True):
            if isinstance(result, ReviewResult):
                words.append(self._count(result, "reviewer").status)
            elif isinstance(result, AlreadyDecided | HoldGone):
                words.append("gone")
            elif isinstance(result, OwnMessage):
                words.append("own")
            else:
                raise result
        return words

    def _count(self, result: ReviewResult, by: str) -> ReviewResult:
        counted = counted_of(result, by)
        if self._metrics is not None and counted is not None:
            count(self._metrics, counted)
        return result

    async def _open(self, hold_id: str) -> HoldRow:
        hold = await self._hold(hold_id)
        if hold.status != "open":
            raise AlreadyDecided(hold)
        return hold

    async def _hold(self, hold_id: str) -> HoldRow:
        hold = await self._store.hold(hold_id)
        if hold is None:
            raise HoldGone(hold_id)
        return hold


async def _fail(error: Exception) -> ReviewResult:
    raise error

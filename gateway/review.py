"""Holds: released or rejected by a person, decided again when their condition is met, expired at last.

A release asks the policies again with today's facts. It waives, for this message, the `hold` violations
that the reviewer saw; new violations, `reject` and the floor stand.
"""

import os
from dataclasses import dataclass, replace

from gateway.access import Access, Controller, Source
from gateway.intake.accept import condition_of, let_go, record
from gateway.intake.letterhead import PLAIN, Letterhead
from gateway.intake.person_facts import alias_refs, facts_for
from gateway.intake.rebuild import controller_of, rebuild, source_of
from gateway.keys import Keys
from gateway.message.envelope import Message
from gateway.metrics import Metrics
from gateway.policy.decide import decide
from gateway.policy.live import LivePolicies
from gateway.policy.outcome import Decision, Outcome
from gateway.policy.policies import PolicySet
from gateway.reading.read import Reader
from gateway.reading.reading import Reading
from gateway.store.digests import SALT, hold_digest
from gateway.store.draft import Draft, Needs
from gateway.store.packing import unpack_decision
from gateway.store.protocol import Store
from gateway.store.records import AuditRow, DecisionRow, HoldRow, Ref

CONDITION = "condition"
"""Who released a hold whose condition was met."""


class HoldGone(Exception):
    """There is no such hold."""


class AlreadyDecided(Exception):
    """Someone else, or time, decided this hold first."""

    def __init__(self, hold: HoldRow) -> None:
        super().__init__(f"this hold was already {hold.status} by {hold.decided_by}")
        self.hold = hold


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewResult:
    """What became of a hold. `status` is released, rejected, open (the policies now refuse, `decision`
    says why), expired; `waited` how many seconds the hold took to get there."""

    hold_id: str
    status: str
    decision: Decision | None = None
    waited: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    hold: HoldRow
    message: Message
    reading: Reading
    source: Source
    controller: Controller
    aliases: tuple[Ref, ...]
    decided: tuple[DecisionRow, ...]
    letterhead: Letterhead | None = None


class _Decide:
    """Decide a hold again: for a reviewer (`waive`), or because its condition may be met."""

    def __init__(self, case: _Case, policies: PolicySet, actor: str, reason: str, *, waive: bool) -> None:
        self._case = case
        self._policies = policies
        self._actor = actor
        self._reason = reason
        self._waive = waive
        hold = case.hold
        self.needs = Needs(people=((hold.controller, hold.subject), *case.aliases), holds=(hold.id,))

    def apply(self, draft: Draft[ReviewResult]) -> ReviewResult:
        """Released when nothing stands against it, open or rejected otherwise."""
        case = self._case
        hold = _open_hold(draft, case.hold.id)
        message, n, ref = case.message, hold.n, (hold.controller, hold.subject)
        message = replace(message, class_=hold.class_)
        facts = facts_for(
            draft,
            message,
            message.recipients[n],
            ref,
            case.reading,
            case.source,
            case.controller,
            aliases=case.aliases,
        )
        head = PLAIN
        if case.letterhead is not None:
            promotional = case.reading.promotional.value
            head = case.letterhead.head(message, n, ref, message.class_, promotional=promotional)
            if head.add:
                facts = replace(facts, way_out_added=True)
        decision = decide(
            self._policies,
            message,
            message.recipients[n],
            case.reading,
            facts,
            draft.now,
            waived=self._seen(),
        )
        if decision.outcome is Outcome.ACCEPT:
            let_go(draft, message, n, ref, case.reading, head, fresh=False)
            status = "released"
        else:
            status = "rejected" if decision.outcome is Outcome.REJECT and not self._waive else "open"
        record(draft, message, n, ref, facts, decision, case.decided[-1].round + 1)
        _close(draft, hold, status, self._actor, self._reason, decision)
        waited = draft.now - hold.created_at
        return ReviewResult(hold_id=hold.id, status=status, decision=decision, waited=waited)

    def _seen(self) -> frozenset[str]:
        if not self._waive:
            return frozenset()
        stored = self._case.decided[-1]
        seen = unpack_decision(stored.violations, stored.outcome, stored.class_, stored.policy_version)
        return frozenset(v.code for v in seen.enforced if v.outcome is Outcome.HOLD) | frozenset(seen.waived)


class _End:
    """Close a hold without sending: a reviewer's no, or its age."""

    def __init__(self, hold: HoldRow, status: str, actor: str, reason: str) -> None:
        self._hold = hold
        self._status = status
        self._actor = actor
        self._reason = reason
        self.needs = Needs(holds=(hold.id,))

    def apply(self, draft: Draft[ReviewResult]) -> ReviewResult:
        """Rejected or expired; its body goes when nothing else waits for it."""
        hold = _open_hold(draft, self._hold.id)
        _close(draft, hold, self._status, self._actor, self._reason, None)
        return ReviewResult(hold_id=hold.id, status=self._status, waited=draft.now - hold.created_at)


def _open_hold(draft: Draft[ReviewResult], hold_id: str) -> HoldRow:
    hold = draft.hold(hold_id)
    if hold is None:
        raise HoldGone(hold_id)
    if hold.status != "open":
        raise AlreadyDecided(hold)
    return hold


def _close(
    draft: Draft[ReviewResult], hold: HoldRow, status: str, actor: str, reason: str, decision: Decision | None
) -> None:
    after = replace(hold, status=status, decided_at=draft.now, decided_by=actor, reason=reason)
    if status == "open" and decision is not None:
        enforced = decision.enforced
        after = replace(
            hold,
            codes=" ".join(sorted({f"{v.policy}/{v.code}" for v in enforced})),
            recheck_at=max(decision.earliest, draft.now + 60) if decision.earliest else 0.0,
            condition=condition_of(decision),
        )
    draft.writes.holds[hold.id] = after
    if status not in ("open", "released"):
        draft.writes.freed.append(hold.message_id)
    salt = os.urandom(SALT)
    digest = hold_digest(after, salt)
    draft.writes.audit.append(AuditRow(draft.now, f"hold.{status}", hold.id, actor, digest, salt))


class Review:
    """What reviewers do to holds, and what time does."""

    def __init__(
        self,
        store: Store,
        reader: Reader,
        policies: LivePolicies,
        access: Access,
        keys: Keys,
        letterhead: Letterhead | None = None,
        metrics: Metrics | None = None,
    ) -> None:
        self._store = store
        self._reader = reader
        self._policies = policies
        self._access = access
        self._keys = keys
        self._letterhead = letterhead
        self._metrics = metrics

    async def release(self, hold_id: str, reviewer: str, reason: str) -> ReviewResult:
        """Send it if today's policies let it, waiving what the reviewer saw. Raises HoldGone,
        AlreadyDecided, StoreError."""
        case = await self._case(await self._hold(hold_id))
        unit = _Decide(case, self._policies.current, reviewer, reason, waive=True)
        return self._count(await self._store.run(unit), "reviewer")

    async def reject(self, hold_id: str, reviewer: str, reason: str) -> ReviewResult:
        """Never send it. Raises HoldGone, AlreadyDecided, StoreError."""
        hold = await self._hold(hold_id)
        return self._count(await self._store.run(_End(hold, "rejected", reviewer, reason)), "reviewer")

    async def sweep(self, now: float, limit: int = 100) -> list[ReviewResult]:
        """Expire what is too old, and decide again what time or an event may have cured."""
        done = []
        for hold in await self._store.due_holds(now, limit):
            try:
                done.append(await self._due(hold, now))
            except (AlreadyDecided, HoldGone):
                continue
        return done

    async def _due(self, hold: HoldRow, now: float) -> ReviewResult:
        if hold.expires_at <= now:
            end = _End(hold, "expired", "gateway", "nobody decided in time")
            return self._count(await self._store.run(end), "time")
        case = await self._case(hold)
        unit = _Decide(case, self._policies.current, CONDITION, "its condition was met", waive=False)
        return self._count(await self._store.run(unit), CONDITION)

    def _count(self, result: ReviewResult, by: str) -> ReviewResult:
        if self._metrics is None or (result.status == "open" and by != "reviewer"):
            return result
        waived = result.decision.waived if result.decision else ()
        word = {"open": "refused", "released": "overridden" if waived else "released"}
        self._metrics.review(word.get(result.status, result.status), by, result.waited)
        return result

    async def _hold(self, hold_id: str) -> HoldRow:
        hold = await self._store.hold(hold_id)
        if hold is None:
            raise HoldGone(hold_id)
        return hold

    async def _case(self, hold: HoldRow) -> _Case:
        found = await self._store.message(hold.message_id)
        if hold.status != "open":
            raise AlreadyDecided(hold)
        if found is None or not found[1]:
            raise HoldGone(hold.id)
        message = rebuild(*found)
        decisions = await self._store.decisions(hold.message_id)
        return _Case(
            hold=hold,
            message=message,
            reading=self._reader.read(message.content),
            source=source_of(self._access, message),
            controller=controller_of(self._access, message),
            aliases=alias_refs(self._keys, message.controller, message.recipients[hold.n]),
            decided=tuple(d for d in decisions if d.n == hold.n),
            letterhead=self._letterhead,
        )

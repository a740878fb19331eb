"""The units of work that close a hold: decided again, or ended."""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from msgspec.structs import replace

from gateway.access import Controller, Source
from gateway.intake.accept import codes_of, condition_of, let_go, record
from gateway.intake.endings import note_ending
from gateway.intake.letterhead import PLAIN, Head, Letterhead
from gateway.intake.person_facts import facts_for
from gateway.intake.tally import Marketing, answer_time, marketing_of
from gateway.message.envelope import Message
from gateway.policy.decide import decide, still_waiving
from gateway.policy.facts import Facts
from gateway.policy.outcome import Decision, Outcome
from gateway.policy.policies import PolicySet
from gateway.reading.reading import Reading
from gateway.store.digests import SALT, hold_digest
from gateway.store.draft import Draft, Needs
from gateway.store.pauses import ALONE
from gateway.store.records import AuditRow, HoldRow, Ref

HOLD_SECONDS = 14 * 86400.0


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
    says why), proposed (a second reviewer has to agree), expired; `waited` how many seconds the hold took to
    get there, `answered_after` how many somebody waited for the answer that was released, `marketing` what is
    to be counted of a marketing message that was."""

    hold_id: str
    status: str
    decision: Decision | None = None
    waited: float = 0.0
    answered_after: float | None = None
    marketing: Marketing | None = None


Rounds = Mapping[int, tuple[float, bytes]]
"""The decisions of a recipient by their round: when, and the violations as stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A hold with everything that deciding it again needs besides the store. `seen` is what a
    release waives, `waived` what an earlier one did for good, `round` the number of the decision to come,
    `rounds` are those before."""

    hold: HoldRow
    message: Message
    reading: Reading
    source: Source
    controller: Controller
    aliases: tuple[Ref, ...]
    seen: frozenset[str]
    waived: frozenset[str]
    round: int
    rounds: Rounds
    letterhead: Letterhead | None = None


class Decide:
    """Decide a hold again: for a reviewer (`waive`), or because its condition may be met. What else keeps a
    hold that only a pause kept so far has `hold_seconds` from then on."""

    __slots__ = ("_actor", "_case", "_hold_seconds", "_policies", "_reason", "_waive", "needs")

    def __init__(
        self, case: Case, policies: PolicySet, actor: str, reason: str, *, waive: bool,
        hold_seconds: float = HOLD_SECONDS,
    ) -> None:  # fmt: skip
        self._hold_seconds = hold_seconds
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
        if is_late(hold, draft.now):
            # Its end is only written down by the next sweep.
            late = replace(hold, status="expired", decided_at=hold.expires_at, decided_by="gateway")
            raise AlreadyDecided(late)
        n, ref = hold.n, (hold.controller, hold.subject)
        message = case.message
        if message.class_ != hold.class_:
            message = replace(message, class_=hold.class_)
        facts, head = self._facts(draft, message, n, ref)
        decision = decide(
            self._policies,
            message,
            message.recipients[n],
            case.reading,
            facts,
            draft.now,
            waived=case.waived | case.seen if self._waive else case.waived,
        )
        decision = still_waiving(decision, case.waived)
        sold, answer = None, None
        if decision.outcome is Outcome.ACCEPT:
            person, window = self._waive or case.source.kind == "person", self._policies.copy_window
            let_go(draft, message, n, ref, case.reading, window, head, fresh=False, by_person=person)
            status, answer = "released", answer_time(facts, message.class_, draft.now) if person else None
            sold = marketing_of(message, decision.class_, case.reading, facts, draft.now)
        else:
            status = "rejected" if decision.outcome is Outcome.REJECT and not self._waive else "open"
        record(draft, message, n, ref, facts, decision, case.round)
        after = _close(draft, hold, status, self._actor, self._reason, decision, self._hold_seconds)
        if status == "rejected" and case.source.notices:
            note_ending(draft, after)
        waited = draft.now - hold.created_at
        return ReviewResult(
            hold_id=hold.id,
            status=status,
            decision=decision,
            waited=waited,
            answered_after=answer,
            marketing=sold,
        )

    def _facts(self, draft: Draft[ReviewResult], message: Message, n: int, ref: Ref) -> tuple[Facts, Head]:
        case = self._case
        facts = facts_for(
            draft,
            message,
            message.recipients[n],
            ref,
            case.reading,
            case.source,
            case.controller,
            aliases=case.aliases,
            class_=message.class_,
        )
        if case.letterhead is None:
            return facts, PLAIN
        promotional = case.reading.promotional.value
        head = case.letterhead.head(message, n, ref, message.class_, promotional=promotional)
        return (replace(facts, way_out_added=True) if head.add else facts), head


class End:
    """Close a hold without sending: a reviewer's no, or its age. It waits its turn with whatever else
    happens to this person, so that of two verdicts one stands. With `tell` its source hears of it."""

    __slots__ = ("_hold", "_status", "_actor", "_reason", "_tell", "needs")

    def __init__(self, hold: HoldRow, status: str, actor: str, reason: str, *, tell: bool = False) -> None:
        self._hold = hold
        self._status = status
        self._actor = actor
        self._reason = reason
        self._tell = tell
        self.needs = Needs(people=((hold.controller, hold.subject),), holds=(hold.id,))

    def apply(self, draft: Draft[ReviewResult]) -> ReviewResult:
        """Rejected or expired; its body goes when nothing else waits for it."""
        hold = _open_hold(draft, self._hold.id)
        after = _close(draft, hold, self._status, self._actor, self._reason, None)
        if self._tell:
            note_ending(draft, after)
        return ReviewResult(hold_id=hold.id, status=self._status, waited=draft.now - hold.created_at)


class PutOff:
    """Give a hold that only a pause keeps so many seconds more: its time does not run out meanwhile. This
    decides nothing, so no entry of the audit log tells it."""

    __slots__ = ("_id", "_seconds", "needs")

    def __init__(self, hold: HoldRow, seconds: float) -> None:
        self._id = hold.id
        self._seconds = seconds
        self.needs = Needs(people=((hold.controller, hold.subject),), holds=(hold.id,))

    def apply(self, draft: Draft[None]) -> None:
        """Nothing where it was decided, or put off, meanwhile."""
        hold = draft.hold(self._id)
        if hold is not None and hold.status == "open" and is_over(hold, draft.now) and hold.codes in ALONE:
            draft.writes.holds[hold.id] = replace(hold, expires_at=draft.now + self._seconds)


def is_over(hold: HoldRow, now: float) -> bool:
    """Whether the time of a hold has run out."""
    return hold.expires_at <= now


def is_late(hold: HoldRow, now: float) -> bool:
    """Whether it is too late to decide a hold: what only a pause keeps does not expire."""
    return is_over(hold, now) and hold.codes not in ALONE


def _open_hold(draft: Draft[ReviewResult], hold_id: str) -> HoldRow:
    hold = draft.hold(hold_id)
    if hold is None:
        raise HoldGone(hold_id)
    if hold.status != "open":
        raise AlreadyDecided(hold)
    return hold


def _close(
    draft: Draft[ReviewResult],
    hold: HoldRow,
    status: str,
    actor: str,
    reason: str,
    decision: Decision | None,
    seconds: float = 0.0,
) -> HoldRow:
    if status == "open" and decision is not None:
        after = replace(
            hold,
            codes=codes_of(decision.enforced),
            recheck_at=max(decision.earliest, draft.now + 60) if decision.earliest else 0.0,
            condition=condition_of(decision),
            expires_at=draft.now + seconds if hold.codes in ALONE else hold.expires_at,
        )
    else:
        after = replace(hold, status=status, decided_at=draft.now, decided_by=actor, reason=reason)
    draft.writes.holds[hold.id] = after
    if status not in ("open", "released"):
        draft.writes.freed.append(hold.message_id)
    salt = os.urandom(SALT)
    digest = hold_digest(after, salt)
    draft.writes.audit.append(AuditRow(draft.now, f"hold.{status}", hold.id, actor, digest, salt))
    return after

"""So what: the decision for one recipient. Pure: the same arguments give the same answer."""

import dataclasses
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from math import inf

from msgspec.structs import replace

from gateway.message.envelope import Message, Recipient
from gateway.policy.classify import DOUBT, classify, judged_as
from gateway.policy.facts import Facts
from gateway.policy.outcome import Decision, Objection, Outcome, Violation, Words
from gateway.policy.policies import Entry, PolicySet
from gateway.policy.rules.case import Case, Found, purpose_of
from gateway.policy.wording import elide
from gateway.reading.reading import Reading

AFTER_A_WAIT = frozenset({"consent", "reply_duty", "quiet_hours"})
"""What is asked, besides the floor, when a message leaves the outbox after a wait."""

QUIET = "quiet_hours"

_NONE: frozenset[str] = frozenset()


def still_waiving(decision: Decision, waived: Iterable[str]) -> Decision:
    """The decision with what was waived for this message before, which it need not have come upon again."""
    lets_pass = tuple(sorted({*decision.lets_pass, *waived}))
    return decision if lets_pass == decision.lets_pass else replace(decision, lets_pass=lets_pass)


def broken(entry: Entry, error: Exception) -> Found:
    """What a rule that raised is taken to have found."""
    name = type(error).__name__
    return (
        Objection(
            code="error",
            reason=Words(
                f"This rule could not be checked ({name}), so a person will look at the message.",
                f"Questa regola non è stata verificata ({name}): il messaggio sarà visto da una persona.",
            ),
            remedy=Words("Wait for a reviewer.", "Attendere un revisore."),
            outcome=Outcome.HOLD,
        ),
    )


def decide(
    policies: PolicySet,
    message: Message,
    recipient: Recipient,
    reading: Reading,
    facts: Facts,
    now: float,
    *,
    waived: frozenset[str] = _NONE,
    only: frozenset[str] | None = None,
    class_: str = "",
    doubt: Callable[[Entry, Exception], Found] = broken,
) -> Decision:
    """Asks every policy that applies and keeps every violation; the most severe outcome stands.

    `waived` are violations (`our-policy/copied_text.share`, or the code alone for those of any policy) that a
    reviewer's release lets pass: enforced holds only, never the floor or a refusal. `only` restricts to some
    rules; the floor is always asked. `class_` is the class where the caller settled it (`classify`), else the
    message's, else what it reads as. A rule that raises counts as `<rule>.error` with outcome hold, or as
    what `doubt` answers for it. Never raises for what is in its arguments.
    """
    class_ = class_ or message.class_ or classify(message, reading, facts)
    classes = judged_as(class_, reading, facts)
    case = Case(
        message,
        recipient,
        reading,
        facts,
        class_,
        classes,
        purpose_of(message, class_),
        policies.jurisdiction(facts.jurisdiction),
        now,
    )
    tally: _Tally | None = None
    for entry in policies.plan(classes, message.channel):
        if only is not None and entry.name not in only and entry.mode != "floor":
            continue
        try:
            if entry.narrow is not None and not entry.narrow.fits(case):
                continue
            found = entry.rule.check(case)
        except Exception as error:  # noqa: BLE001 - doubt never lets a message through, nor loses one
            found = doubt(entry, error)
        if found:
            tally = tally or _Tally(waived)
            for objection in found:
                tally.add(entry, objection, _weigh(policies, entry, objection, case), policies.observing)
    if tally is None:
        return policies.accepting(class_)
    decision = tally.decision(class_, policies.version)
    if decision.earliest and not policies.observing:
        later = _after_the_quiet(policies.plan(classes, message.channel), case, tally, decision.earliest)
        return decision if later == decision.earliest else replace(decision, earliest=later)
    return decision


def _after_the_quiet(plan: Iterable[Entry], case: Case, tally: "_Tally", at: float) -> float:
    """The first moment from `at` on that falls into no quiet hours which count for this message: a cap that
    is free again at night says nothing of the morning. Where the rule cannot tell, `at`."""
    quiet = [
        entry
        for entry in plan
        if (entry.name, entry.mode) == (QUIET, "enforce")
        and not (entry.outcome is Outcome.HOLD and tally.waives(entry, f"{QUIET}.quiet"))
    ]
    try:
        for entry in quiet * len(quiet):
            if entry.narrow is None or entry.narrow.fits(case):
                found = entry.rule.check(dataclasses.replace(case, now=at))
                at = max((at, *(objection.earliest for objection in found)))
    except Exception:  # noqa: BLE001 - it is asked again then
        return at
    return at


def _weigh(policies: PolicySet, entry: Entry, objection: Objection, case: Case) -> Outcome:
    """The outcome of an objection: its own, else its policy line's. A policy that applies only because the
    message reads as promotion, and hardly so, holds where it would refuse; for one declared as transactional
    it does so however sure that is: nobody loses a receipt to a doubt."""
    outcome = entry.outcome if objection.outcome is None else objection.outcome
    if outcome is Outcome.REJECT and entry.mode != "floor" and _in_doubt(case):
        wanted = entry.scope.class_
        if wanted and all(one == "promotion" or one not in wanted for one in case.classes):
            return Outcome.HOLD
    return outcome


def _in_doubt(case: Case) -> bool:
    """Whether a person looks before what only reads as promotion is refused."""
    return case.class_ == "transactional" or (
        case.class_ != "promotion" and case.reading.promotional.score < DOUBT
    )


@dataclass(slots=True)
class _Tally:
    waived: frozenset[str]
    violations: dict[tuple[str, str], list[Violation]] = field(default_factory=dict)
    let_pass: set[tuple[str, str]] = field(default_factory=set)
    errors: set[str] = field(default_factory=set)

    def waives(self, entry: Entry, code: str) -> bool:
        """Whether a release lets this pass."""
        return code in self.waived or f"{entry.policy}/{code}" in self.waived

    def add(self, entry: Entry, objection: Objection, outcome: Outcome, observing: bool) -> None:
        """Keep an objection as a violation."""
        code = f"{entry.name}.{objection.code}"
        floor = entry.mode == "floor"
        mode = "observe" if observing and not floor else entry.mode
        if objection.code == "error":
            self.errors.add(entry.name)
        if mode == "enforce" and outcome is Outcome.HOLD and self.waives(entry, code):
            self.let_pass.add((entry.policy, code))
            return
        violation = Violation(
            policy=entry.policy,
            rule=entry.name,
            code=code,
            outcome=outcome,
            mode=mode,
            reason=elide(objection.reason),
            remedy=elide(objection.remedy),
            evidence=objection.evidence,
            earliest=objection.earliest,
            condition=objection.condition,
        )
        self.violations.setdefault((entry.policy, code), []).append(violation)

    def decision(self, class_: str, version: str) -> Decision:
        """Everything found, most severe first; then by code and policy, whatever the files' order."""
        violations = tuple(sorted(map(_together, self.violations.values()), key=_severity))
        counted = [v for v in violations if v.mode != "observe"]
        stands = {v.code for v in counted}
        passed = {f"{policy}/{code}" for policy, code in self.let_pass}
        cured = bool(counted) and all(v.earliest > 0 for v in counted)
        return Decision(
            outcome=max((v.outcome for v in counted), default=Outcome.ACCEPT),
            violations=violations,
            class_=class_,
            policy_version=version,
            earliest=max(v.earliest for v in counted) if cured else 0.0,
            waived=tuple(sorted({code for _, code in self.let_pass} - stands)),
            errors=tuple(sorted(self.errors)),
            lets_pass=tuple(sorted(passed)),
        )


def _together(found: list[Violation]) -> Violation:
    """What lines of one policy found alike, as one: the most severe tells, of equals the one that lasts
    longest; time cures it once it has cured them all, and a person looks at it where any needs one."""
    if len(found) == 1:
        return found[0]
    tells = max(found, key=lambda v: (v.outcome, _lasts(v), v.reason))
    last = max(found, key=lambda v: (v.condition == "reviewer", _lasts(v), v.condition))
    earliest = max(v.earliest for v in found) if all(v.earliest > 0 for v in found) else 0.0
    return replace(tells, earliest=earliest, condition=last.condition)


def _lasts(violation: Violation) -> float:
    return violation.earliest if violation.earliest > 0 else inf


def _severity(violation: Violation) -> tuple[bool, int, bool, str, str]:
    return (
        violation.mode == "observe",
        -violation.outcome,
        violation.mode != "floor",
        violation.code,
        violation.policy,
    )

"""Why a decision came out as it did: what was read, what was known, and every rule that was asked, with the
policy text of the version that decided."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from gateway.evidence.entries import Rows, decisions_of, messages_of
from gateway.evidence.stretch import moment
from gateway.evidence.versions import policies_of
from gateway.ledger.person import Person
from gateway.ledger.relationship import stage
from gateway.message.content import Content
from gateway.message.envelope import Message
from gateway.policy.classify import judged_as
from gateway.policy.document import PolicyErrors
from gateway.policy.facts import Facts
from gateway.policy.outcome import Decision, Violation
from gateway.policy.policies import Entry, Policy, PolicySet
from gateway.policy.rules.case import Case, purpose_of
from gateway.reading.packing import unpack_reading
from gateway.reading.reading import FINDINGS, Reading
from gateway.store.packing import unpack_decision, unpack_facts, unpack_message
from gateway.store.records import DecisionRow

DAY = 86400.0
WINDOWS = {"1 day": DAY, "7 days": 7 * DAY, "30 days": 30 * DAY}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One line of a policy and its answer: `passed`, `violated`, `waived` where it objected and a reviewer's
    release let that pass, or `elsewhere` where its scope leaves this message out. `written` are the rule's
    parameters as the policy file has them."""

    policy: str
    title: str
    why: str
    rule: str
    mode: str
    outcome: str
    parameters: dict[str, Any]
    answer: str
    violations: tuple[Violation, ...] = ()
    written: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """One decision, explained. `exact` is False where the policy texts of its version were not kept: then
    only what it found wrong is known. `known` are the facts in words and numbers, empty once erased."""

    decision: str
    at: float
    outcome: str
    class_: str
    classes: tuple[str, ...]
    policy_version: str
    exact: bool
    source: str
    campaign: str
    channel: str
    reading: dict[str, Any]
    known: dict[str, Any]
    asked: tuple[Asked, ...]
    waived: tuple[str, ...]


async def explain(store: Rows, message_id: str, recipient: str = "") -> list[Explanation]:
    """Every decision of a message, or of the recipient with that number or address; none where there is no
    such message. Raises StoreError."""
    decisions = await decisions_of(store, [message_id])
    row = (await messages_of(store, [message_id])).get(message_id)
    if row is None:
        return []
    message = unpack_message(
        row.meta,
        message_id=row.id,
        source=row.source,
        controller=row.controller,
        channel=row.channel,
        received_at=row.received_at,
        content=Content(channel=row.channel),
        raw=b"",
    )
    reading = unpack_reading(row.reading)
    wanted = sorted(decisions.values(), key=lambda d: (d.n, d.round))
    return [await _stored(store, d, message, reading) for d in wanted if _is_meant(d, message, recipient)]


def _is_meant(decision: DecisionRow, message: Message, recipient: str) -> bool:
    if not recipient:
        return True
    if recipient.isdigit():
        return decision.n == int(recipient)
    person = message.recipients[decision.n]
    return recipient.casefold() in (person.address.casefold(), person.key)


async def _stored(store: Rows, row: DecisionRow, message: Message, reading: Reading) -> Explanation:
    decision = unpack_decision(row.violations, row.outcome, row.class_, row.policy_version)
    facts = unpack_facts(row.snapshot) if len(row.snapshot) > 2 else None
    try:
        policies = await policies_of(store, row.policy_version)
    except PolicyErrors:
        policies = None
    return explained(row.id, row.at, decision, message, row.n, reading, facts, policies)


def explained(
    name: str,
    at: float,
    decision: Decision,
    message: Message,
    n: int,
    reading: Reading,
    facts: Facts | None,
    policies: PolicySet | None,
) -> Explanation:
    """The explanation of a decision from what it rested on. Pure."""
    classes = judged_as(decision.class_, reading, facts) if facts else (decision.class_,)
    asked: Sequence[Asked]
    if policies is not None and facts is not None:
        case = Case(
            message,
            message.recipients[n],
            reading,
            facts,
            decision.class_,
            classes,
            purpose_of(message, decision.class_),
            policies.jurisdiction(facts.jurisdiction),
            at,
        )
        asked = [_asked(policies, entry, decision, case) for entry in policies.plan(classes, message.channel)]
    else:
        asked = [_found(v) for v in decision.violations]
    return Explanation(
        decision=name,
        at=at,
        outcome=decision.outcome.word,
        class_=decision.class_,
        classes=classes,
        policy_version=decision.policy_version,
        exact=policies is not None and facts is not None,
        source=message.source,
        campaign=message.campaign,
        channel=message.channel,
        reading=_reading(reading),
        known=_known(facts, message.sender.key, at) if facts else {},
        asked=tuple(asked),
        waived=decision.waived,
    )


def _asked(policies: PolicySet, entry: Entry, decision: Decision, case: Case) -> Asked:
    policy = policies.policy(entry.policy)
    found = _violations(policy, entry, decision, case)
    answer = "violated" if found else "passed"
    if not found and entry.narrow is not None and not entry.narrow.fits(case):
        answer = "elsewhere"
    elif not found and _let_pass(policy, entry, decision, case):
        answer = "waived"
    return Asked(
        policy=entry.policy,
        title=policy.title if policy else "",
        why=policy.why if policy else "",
        rule=entry.name,
        mode=entry.mode,
        outcome=entry.outcome.word,
        parameters=_parameters(entry.rule),
        answer=answer,
        violations=found,
        written=", ".join(written(policy.text, entry.line)) if policy else "",
    )


def _let_pass(policy: Policy | None, entry: Entry, decision: Decision, case: Case) -> bool:
    """Whether the line objected and this decision let that pass, as a release said."""
    mine = {code for code in decision.waived if code.startswith(f"{entry.name}.")}
    names = {*mine, *(f"{entry.policy}/{code}" for code in mine)}
    if entry.mode != "enforce" or names.isdisjoint(decision.lets_pass):
        return False
    return _lines(policy, entry) == 1 or not mine.isdisjoint(_codes(entry, case))


def _lines(policy: Policy | None, entry: Entry) -> int:
    """On how many lines the policy names this line's rule."""
    return sum(one.name == entry.name for one in policy.entries) if policy else 1


def _codes(entry: Entry, case: Case) -> set[str]:
    """What the line finds when it is asked once more; nothing where it cannot be."""
    try:
        return {f"{entry.name}.{objection.code}" for objection in entry.rule.check(case)}
    except Exception:  # noqa: BLE001 - what was kept does not tell
        return set()


def _violations(policy: Policy | None, entry: Entry, decision: Decision, case: Case) -> tuple[Violation, ...]:
    """What this line found. Where a policy names a rule on several lines, each is asked once more."""
    found = tuple(v for v in decision.violations if (v.policy, v.rule) == (entry.policy, entry.name))
    lines = _lines(policy, entry)
    if not found or lines == 1 or (entry.narrow is not None and not entry.narrow.fits(case)):
        return found if lines == 1 else ()
    try:
        codes = {f"{entry.name}.{objection.code}" for objection in entry.rule.check(case)}
    except Exception:  # noqa: BLE001 - what was kept does not tell which line it was: then it is all of them
        return found
    return tuple(v for v in found if v.code in codes)


def written(text: str, line: int) -> list[str]:
    """The keys of the rule that begins on this line (1-based) of a policy file, but for its name."""
    lines = text.splitlines()[line - 1 :] if line else []
    if not lines:
        return []
    indent = len(lines[0]) - len(lines[0].lstrip())
    said = [lines[0].strip().removeprefix("- ")]
    for each in lines[1:]:
        bare = each.strip()
        if bare and len(each) - len(each.lstrip()) <= indent:
            break
        if bare and not bare.startswith("#"):
            said.append(bare.split(" #")[0].rstrip())
    return [one for one in said if not one.startswith("rule:")]


def _found(v: Violation) -> Asked:
    return Asked(
        policy=v.policy,
        title="",
        why="",
        rule=v.rule,
        mode=v.mode,
        outcome=v.outcome.word,
        parameters={},
        answer="violated",
        violations=(v,),
    )


def _parameters(rule: object) -> dict[str, Any]:
    if not is_dataclass(rule):
        return {}
    return {field.name: _plain(getattr(rule, field.name)) for field in fields(rule)}


def _plain(value: Any) -> Any:
    if isinstance(value, (str, int, float, bool)) or value is None:
        return value
    if is_dataclass(value):
        return _parameters(value)
    if isinstance(value, (frozenset, set)):
        return sorted(map(str, value))
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    return str(value)


def _reading(reading: Reading) -> dict[str, Any]:
    told: dict[str, Any] = {"language": reading.language, "characters": reading.length}
    for name in FINDINGS:
        finding = getattr(reading, name)
        if finding.value:
            told[name] = {
                "score": round(finding.score, 3),
                "evidence": [e.text for e in finding.evidence if e.text],
            }
    told["greeting"] = {"kind": reading.greeting.kind, "name": reading.greeting.name}
    told["phrases"] = len(reading.phrases)
    return told


def _known(facts: Facts, sender: str, at: float) -> dict[str, Any]:
    person, known = facts.person, facts.relationship
    return {
        "jurisdiction": facts.jurisdiction,
        "stage": stage(person, sender),
        "consents": [
            {
                "purpose": p.purpose, "channel": p.channel, "state": p.state, "grade": p.grade,
                "basis": p.basis, "at": moment(p.at),
                "expires_at": moment(p.expires_at) if p.expires_at else "",
            }
            for p in person.permissions
        ],
        "stops": [{"kind": s.kind, "at": moment(s.at)} for s in person.stops],
        "messages_before": {
            window: sum(_contacts(other, at - seconds) for other in (person, *facts.linked))
            for window, seconds in WINDOWS.items()
        },
        "with_this_sender": {
            "sent": known.sent, "sent_since_reply": known.sent_since_reply, "replies": known.replies,
            "declined": known.declined,
            "connected_at": moment(known.connected_at) if known.connected_at else "",
            "unanswered_since": moment(known.unanswered_since) if known.unanswered_since else "",
        },
        "most_copies_of_a_phrase": max(facts.copies.counts, default=0),
        "sent_by_this_sender": {
            f"{class_} in {window} s": count for (class_, window), count in facts.pace.sent.items()
        },
        "replies_waiting_for_this_sender": len(facts.pace.backlog),
        "linked_addresses": len(facts.linked),
    }  # fmt: skip


def _contacts(person: Person, since: float) -> int:
    return sum(1 for contact in person.contacts if contact.at > since)


def as_json(one: Explanation, language: str = "en") -> dict[str, Any]:
    """An explanation as plain data."""
    return {
        "decision": one.decision,
        "at": moment(one.at),
        "outcome": one.outcome,
        "class": one.class_,
        "judged_as": list(one.classes),
        "policy_version": one.policy_version,
        "exact": one.exact,
        "source": one.source,
        "campaign": one.campaign,
        "channel": one.channel,
        "reading": one.reading,
        "facts": one.known,
        "rules": [
            {
                "policy": a.policy, "title": a.title, "why": a.why, "rule": a.rule, "mode": a.mode,
                "outcome": a.outcome, "parameters": a.parameters, "written": a.written, "answer": a.answer,
                "violations": [
                    {
                        "code": v.code, "outcome": v.outcome.word, "mode": v.mode,
                        "reason": v.reason.in_(language), "remedy": v.remedy.in_(language),
                        "evidence": [e.text for e in v.evidence if e.text],
                    }
                    for v in a.violations
                ],
            }
            for a in one.asked
        ],
        "waived": list(one.waived),
    }  # fmt: skip

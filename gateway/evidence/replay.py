"""Decided again: what a draft of policies would have said of past messages. Pure.

A decision is asked again with the facts and the reading that were stored with it. Where a rule asks for
something that is gone (the text itself, a pace that nobody asked for then), the stored answer of the same
line of the policies that decided stands; where there was no such line, the answer is unknown.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

from msgspec.structs import replace

from gateway.evidence.recall import NotAsked, TextGone, recall_facts, recall_message, recall_reading
from gateway.policy.decide import broken, decide
from gateway.policy.outcome import Decision, Outcome
from gateway.policy.policies import Entry, PolicySet
from gateway.policy.rules.case import NOTHING, Found
from gateway.store.packing import unpack_decision
from gateway.store.records import decision_id

SAMPLES = 5
"""Samples kept of each kind of change and rule."""


GONE = (TextGone, NotAsked)
NO_VIOLATIONS = b"{}"


class Past(NamedTuple):
    """A stored decision with its message."""

    message_id: str
    n: int
    at: float
    outcome: int
    class_: str
    source: str
    sender: str
    channel: str
    campaign: str
    controller: str
    policy_version: str
    violations: bytes
    snapshot: bytes
    received_at: float
    meta: bytes
    reading: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A decision that would come out differently. `rules` are the lines that make the difference,
    `unknown` the rules that could not be asked."""

    decision: str
    at: float
    source: str
    campaign: str
    class_: str
    before: str
    after: str
    rules: tuple[str, ...]
    reasons: tuple[tuple[str, str], ...]
    unknown: tuple[str, ...] = ()


@dataclass(slots=True)
class Changes:
    """What a draft would change. `kinds` counts newly accepted, held and rejected; `by_rule` (kind, rule),
    `by_campaign` (kind, campaign), `by_source` (kind, source). `unknown` counts, by rule, decisions where it
    could not be asked; `missing` those without facts."""

    decided: int = 0
    same: int = 0
    missing: int = 0
    first: float = 0.0
    last: float = 0.0
    kinds: Counter[str] = field(default_factory=Counter)
    by_rule: Counter[tuple[str, str]] = field(default_factory=Counter)
    by_campaign: Counter[tuple[str, str]] = field(default_factory=Counter)
    by_source: Counter[tuple[str, str]] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)
    changes: list[Change] = field(default_factory=list)

    def add(self, change: Change, *, keep: int) -> None:
        """Count a change, and keep it while there are few like it."""
        kind = change.after
        self.kinds[kind] += 1
        self.by_campaign[kind, change.campaign] += 1
        self.by_source[kind, change.source] += 1
        for rule in change.rules:
            self.by_rule[kind, rule] += 1
        few = [self.by_rule[kind, rule] <= keep for rule in change.rules] or [self.kinds[kind] <= keep]
        if any(few):
            self.changes.append(change)

    def absorb(self, other: "Changes") -> None:
        """Add what was found in other decisions."""
        self.decided += other.decided
        self.same += other.same
        self.missing += other.missing
        self.first = min(self.first or other.first, other.first or self.first)
        self.last = max(self.last, other.last)
        for name in ("kinds", "by_rule", "by_campaign", "by_source", "unknown"):
            getattr(self, name).update(getattr(other, name))
        self.changes.extend(other.changes)


class Replay:
    """Asks a draft about past decisions. `versions` are the policies that decided, by version."""

    def __init__(self, draft: PolicySet, versions: Mapping[str, PolicySet], *, keep: int = SAMPLES) -> None:
        self._draft = draft
        self._versions = {**versions, draft.version: versions.get(draft.version, draft)}
        self._keep = keep
        self._same_line = lru_cache(maxsize=4096)(self._compare_lines)
        self._before = lru_cache(maxsize=1024)(unpack_decision)
        self._gone: list[Entry] = []

    def run(self, rows: Iterable[Past]) -> Changes:
        """What would change among some decisions."""
        found = Changes()
        for past in rows:
            self._one(past, found)
        return found

    def _one(self, past: Past, found: Changes) -> None:
        found.decided += 1
        found.first = min(found.first or past.at, past.at)
        found.last = max(found.last, past.at)
        if len(past.snapshot) <= 2:
            found.missing += 1
            return
        after, unknown = self.decide(past)
        for rule in unknown:
            found.unknown[rule] += 1
        if after.outcome == past.outcome:
            found.same += 1
            return
        found.add(_change(past, self._decided(past), after, unknown), keep=self._keep)

    def _decided(self, past: Past) -> Decision:
        return self._before(past.violations, past.outcome, past.class_, past.policy_version)

    def decide(self, past: Past) -> tuple[Decision, tuple[str, ...]]:
        """What the draft says of a past message, and the lines that could not be asked."""
        message, recipient = recall_message(
            past.meta,
            past.n,
            id=past.message_id,
            source=past.source,
            controller=past.controller,
            channel=past.channel,
            received_at=past.received_at,
        )
        facts, reading = recall_facts(past.snapshot), recall_reading(past.reading)
        self._gone.clear()
        decision = decide(
            self._draft, message, recipient, reading, facts, past.at, class_=past.class_, doubt=self._doubt
        )
        return self._settle(decision, past) if self._gone else (decision, ())

    def _doubt(self, entry: Entry, error: Exception) -> Found:
        if not isinstance(error, GONE):
            return broken(entry, error)
        self._gone.append(entry)
        return NOTHING

    def _settle(self, decision: Decision, past: Past) -> tuple[Decision, tuple[str, ...]]:
        """The decision with the stored answers of the lines that could not be asked."""
        lines = {(entry.policy, entry.name): entry.mode for entry in self._gone}
        answered = {line for line in lines if self._same_line(past.policy_version, *line)}
        unknown = tuple([f"{policy}/{rule}" for policy, rule in lines if (policy, rule) not in answered])
        if not answered or past.violations == NO_VIOLATIONS:
            return decision, unknown
        kept = [
            replace(v, mode=self._mode(lines[v.policy, v.rule]))
            for v in self._decided(past).violations
            if (v.policy, v.rule) in answered
        ]
        counted = max([v.outcome for v in kept if v.mode != "observe"], default=Outcome.ACCEPT)
        outcome, violations = max(decision.outcome, counted), (*decision.violations, *kept)
        return replace(decision, outcome=outcome, violations=violations, earliest=0.0), unknown

    def _mode(self, mode: str) -> str:
        return "observe" if self._draft.observing and mode != "floor" else mode

    def _compare_lines(self, version: str, policy: str, rule: str) -> bool:
        """Whether the policies that decided had this line, word for word."""
        decided = self._versions.get(version)
        if decided is None:
            return False
        return decided is self._draft or _lines(decided, policy, rule) == _lines(self._draft, policy, rule)


def _lines(policies: PolicySet, policy: str, rule: str) -> tuple[Any, ...]:
    found = policies.policy(policy)
    lines: tuple[Entry, ...] = found.entries if found else ()
    return tuple((entry.rule, entry.outcome, entry.scope) for entry in lines if entry.name == rule)


def _change(past: Past, before: Decision, after: Decision, unknown: tuple[str, ...]) -> Change:
    old = {(v.policy, v.code): v for v in before.enforced}
    new = {(v.policy, v.code): v for v in after.enforced}
    if after.outcome > before.outcome:
        telling = [v for key, v in new.items() if key not in old or v.outcome > old[key].outcome]
        telling = [v for v in telling if v.outcome == after.outcome] or telling
    else:
        telling = [v for key, v in old.items() if key not in new or v.outcome > new[key].outcome]
        telling = [v for v in telling if v.outcome == before.outcome] or telling
    return Change(
        decision=decision_id(past.message_id, past.n),
        at=past.at,
        source=past.source,
        campaign=past.campaign,
        class_=past.class_,
        before=before.outcome.word,
        after=after.outcome.word,
        rules=tuple(sorted({f"{v.policy}/{v.code}" for v in telling})),
        reasons=tuple((v.reason.en, v.reason.it) for v in telling),
        unknown=unknown,
    )

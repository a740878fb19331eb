"""The cases of a policy file: a message, what is known, and what must come of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from msgspec import structs

from gateway.message.content import Content
from gateway.message.envelope import Message
from gateway.policy.decide import decide
from gateway.policy.document import Findings, Node, Problem, did_you_mean
from gateway.policy.facts import Facts
from gateway.policy.moments import NOW, moment
from gateway.policy.outcome import Decision, Outcome
from gateway.policy.parameters import meant_by
from gateway.policy.policies import Policy, PolicySet
from gateway.policy.rules.table import RULES
from gateway.policy.samples import MESSAGE_KEYS, sample
from gateway.policy.stories import ABOUT_TEXT, WORDS, Unclear, copies_of, facts_of
from gateway.reading.language import LANGUAGES
from gateway.reading.reading import FINDINGS, Evidence, Finding, Greeting, Reading

KEYS = ("case", "message", "facts", "reading", "expect", "now", "against", "why")
EXPECT_KEYS = ("outcome", "rules", "codes", "without", "earliest")
_OUTCOMES = {
    "accept": Outcome.ACCEPT,
    "accepted": Outcome.ACCEPT,
    "hold": Outcome.HOLD,
    "held": Outcome.HOLD,
    "reject": Outcome.REJECT,
    "rejected": Outcome.REJECT,
}


class Reads(Protocol):
    """Whoever reads messages: `gateway.reading.Reader`."""

    def read(self, content: Content) -> Reading:
        """What the text says. Pure."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What must come out: the outcome, rules and codes that must be violated, rules that must not, and
    whether a time is offered."""

    outcome: Outcome
    rules: frozenset[str] = frozenset()
    codes: frozenset[str] = frozenset()
    without: frozenset[str] = frozenset()
    earliest: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """One case as written. `whole` asks all policies, as they are; otherwise the case asks its own
    policy, enforced, and the floor."""

    name: str
    policy: str
    file: str
    line: int
    column: int
    message: Message
    words: Mapping[str, Any]
    overrides: Mapping[str, Any]
    expect: Expectation
    now: float
    whole: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A case that was tried: what it expected, what came, and the difference in words ("" when none)."""

    example: Example
    decision: Decision
    difference: str = field(default="")

    @property
    def passed(self) -> bool:
        """Whether it came as expected."""
        return not self.difference

    def problem(self) -> Problem:
        """The failed case as a problem of its file: the rule may be wrong, or the case be of yesterday."""
        return Problem(
            file=self.example.file,
            line=self.example.line,
            column=self.example.column,
            text=f"the case {self.example.name!r} failed: {self.difference}",
            suggestion="if that is what you want from now on, change what the case expects, or its facts",
        )


def read_case(node: Node, policy: str, findings: Findings) -> Example | None:
    """A case from its YAML; None, with problems noted, where it makes no sense."""
    before = len(findings.problems)
    if not isinstance(node.value, dict):
        findings.add(node, f"a case is a group of keys, not {node.kind}", "- case: what it shows")
        return None
    findings.unknown_keys(node, KEYS)
    for key in ("case", "message", "expect"):
        if node.get(key) is None:
            findings.add(node, f"the case lacks the key {key!r}")
    name = node.get("case")
    if name is not None and not isinstance(name.value, str | int | float):
        findings.add(name, f"case says in words what it shows, not {name.kind}", "- case: what it shows")
    now = _now(node.get("now"), findings)
    message = sample(_group(node, "message", MESSAGE_KEYS, findings), now, findings)
    words = _facts(_group(node, "facts", (*WORDS, *ABOUT_TEXT), findings), now, findings)
    overrides = _group(node, "reading", (*FINDINGS, "greeting", "language", "length"), findings)
    _check_reading(overrides, findings)
    expect = _expectation(_group(node, "expect", EXPECT_KEYS, findings), findings)
    against = node.get("against")
    if against is not None and against.value not in ("all", "policy"):
        findings.add(against, f"against: {against.plain()!r} is not one of policy, all")
    if len(findings.problems) > before or message is None or expect is None:
        return None
    return Example(
        name=str(node.value["case"].value),
        policy=policy,
        file=findings.file,
        line=node.line,
        column=node.column,
        message=message,
        words=words,
        overrides=overrides.plain() if overrides else {},
        expect=expect,
        now=now,
        whole=bool(against and against.value == "all"),
    )


_SAID: Mapping[str, tuple[str, ...]] = {
    "greeting": ("named", "generic", "wrong_name", "missing"),
    "language": (*LANGUAGES, "und", ""),
}


def _check_reading(node: Node | None, findings: Findings) -> None:
    """What a case says of the reading is true or false, or the words that show a finding."""
    for key, value in node.items() if node else ():
        given = value.value
        if key == "length":
            if not isinstance(given, int) or isinstance(given, bool):
                findings.add(value, f"length is a whole number, not {value.shown}")
        elif key in _SAID:
            if given not in _SAID[key]:
                known = [word for word in _SAID[key] if word]
                wrong = f"{key}: {value.shown} is not one of {', '.join(known)}"
                findings.add(value, wrong, did_you_mean(str(given), known))
        elif key not in FINDINGS or isinstance(given, bool):
            continue
        elif not isinstance(given, str) or not given.strip() or meant_by(given) is not None:
            wrong = f"{key} must be true or false, or the words that show it, not {value.shown}"
            meant = meant_by(str(given))
            findings.add(value, wrong, "" if meant is None else f"{key}: {str(meant).lower()}")


def _group(node: Node, key: str, known: tuple[str, ...], findings: Findings) -> Node | None:
    value = node.get(key)
    if value is None:
        return None
    if not isinstance(value.value, dict):
        findings.add(value, f"{key} is a group of keys, not {value.kind}")
        return None
    findings.unknown_keys(value, known)
    return value


def _now(node: Node | None, findings: Findings) -> float:
    if node is None:
        return NOW
    found = moment(str(node.value), NOW)
    if found is None:
        findings.add(node, f"now: {node.plain()!r} is no time", 'for example "2026-11-18 10:00"')
    return found or NOW


def _facts(node: Node | None, now: float, findings: Findings) -> dict[str, Any]:
    words: dict[str, Any] = {}
    for key, value in node.items() if node else ():
        words[key] = value.plain()
        try:
            facts_of({key: words[key]}, now)
        except Unclear as error:
            findings.add(value, f"{key}: {value.plain()!r} is not clear", str(error))
    earlier = words.get("earlier_copies", 1)
    if node and (isinstance(earlier, bool) or not isinstance(earlier, int)):
        findings.add(node.value["earlier_copies"], "earlier_copies is a whole number")
    return words


def _expectation(node: Node | None, findings: Findings) -> Expectation | None:
    if node is None:
        return None
    outcome = node.get("outcome")
    if outcome is None or outcome.value not in tuple(_OUTCOMES):
        findings.add(outcome or node, "expect says an outcome: accept, hold or reject")
        return None
    names = {key: _names(node, key, findings) for key in ("rules", "codes", "without")}
    for key in ("rules", "without"):
        for name in sorted(names[key] - set(RULES)):
            findings.add(node.value[key], f"unknown rule {name!r}", did_you_mean(name, list(RULES)))
    earliest = node.get("earliest")
    if earliest is not None and not isinstance(earliest.value, bool):
        findings.add(earliest, "earliest is true (a time is offered) or false")
    return Expectation(
        outcome=_OUTCOMES[outcome.value],
        earliest=earliest.value if earliest else None,
        **names,
    )


def _names(node: Node, key: str, findings: Findings) -> frozenset[str]:
    value = node.get(key)
    if value is None:
        return frozenset()
    items = value.value if isinstance(value.value, tuple) else (value,)
    if not all(isinstance(item.value, str) for item in items):
        findings.add(value, f"{key} is a list of words")
        return frozenset()
    return frozenset(item.value for item in items)


def try_cases(policies: PolicySet, examples: Iterable[Example], reader: Reads) -> tuple[Trial, ...]:
    """Tries every case and says what came of it."""
    alone = {policy.name: _alone(policies, policy) for policy in policies.policies}
    return tuple(
        _try(policies if example.whole else alone[example.policy], example, reader) for example in examples
    )


def _alone(policies: PolicySet, policy: Policy) -> PolicySet:
    entries = tuple(replace(entry, mode="enforce") for entry in policy.entries)
    return replace(policies, policies=(replace(policy, entries=entries),))


def _try(policies: PolicySet, example: Example, reader: Reads) -> Trial:
    message = example.message
    reading = overridden(reader.read(message.content), example.overrides)
    facts = _with_copies(facts_of(dict(example.words), example.now), example, reading, reader)
    decision = decide(policies, message, message.recipients[0], reading, facts, example.now)
    return Trial(example=example, decision=decision, difference=_difference(example.expect, decision))


def _with_copies(facts: Facts, example: Example, reading: Reading, reader: Reads) -> Facts:
    words = example.words
    if "earlier_copies" not in words and "earlier_text" not in words:
        return facts
    before = None
    if "earlier_text" in words:
        before = reader.read(structs.replace(example.message.content, text=str(words["earlier_text"])))
    copies = copies_of(reading, int(words.get("earlier_copies", 100)), before, example.now)
    return structs.replace(facts, copies=copies)


def overridden(reading: Reading, overrides: Mapping[str, Any]) -> Reading:
    """A reading in which a case states some findings itself."""
    changes: dict[str, Any] = {}
    for key, value in overrides.items():
        if key == "greeting":
            changes[key] = Greeting(kind=str(value))
        elif key in FINDINGS:
            shown = (Evidence(text=value),) if isinstance(value, str) else ()
            changes[key] = Finding(bool(value), 1.0 if value else 0.0, shown)
        else:
            changes[key] = value
    return structs.replace(reading, **changes)


def _difference(expect: Expectation, decision: Decision) -> str:
    broken = {violation.rule for violation in decision.violations}
    codes = {violation.code for violation in decision.violations}
    got = ", ".join(sorted(codes)) or "no rule"
    parts = []
    if decision.outcome is not expect.outcome:
        parts.append(f"expected {expect.outcome.word}, got {decision.outcome.word} ({got})")
    missing: Sequence[str] = sorted((expect.rules - broken) | (expect.codes - codes))
    if missing:
        parts.append(f"expected {', '.join(missing)} to object, got {got}")
    unwanted = sorted(expect.without & broken)
    if unwanted:
        parts.append(f"{', '.join(unwanted)} should not have objected")
    if expect.earliest is not None and expect.earliest != bool(decision.earliest):
        parts.append(
            "expected a time from which it can go" if expect.earliest else "no time should be offered"
        )
    return "; ".join(parts)

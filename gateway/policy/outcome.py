"""What a decision can be, and why."""

from enum import IntEnum
from typing import NamedTuple

from msgspec import Struct

from gateway.reading.reading import Evidence


class Outcome(IntEnum):
    """Ordered by severity: the largest of several stands."""

    ACCEPT = 0
    HOLD = 1
    REJECT = 2

    @property
    def word(self) -> str:
        """accepted, held or rejected: the name outside, in replies and metric labels."""
        return ("accepted", "held", "rejected")[self]


class Words(NamedTuple):
    """One sentence for a person, in English and Italian."""

    en: str
    it: str

    def in_(self, language: str) -> str:
        """The sentence in `language`, English where there is none."""
        return self.it if language == "it" else self.en


NO_WORDS = Words("", "")


class Objection(Struct, frozen=True, kw_only=True):
    """What a rule found wrong. `code` is the part after the rule's name (`consent.missing` has code
    `missing`); `earliest` is the unix time at which time alone cures it, 0 when it does not;
    `condition` is what would release a hold: consent, window, reply, resumes (a pause ends), reviewer.
    `outcome` replaces the policy line's where the rule itself tells two cases apart."""

    code: str
    reason: Words
    remedy: Words = NO_WORDS
    evidence: tuple[Evidence, ...] = ()
    earliest: float = 0.0
    condition: str = "reviewer"
    outcome: Outcome | None = None


class Violation(Struct, frozen=True, kw_only=True):
    """An objection, and the policy line that gave it its outcome. `code` is whole: `rule.finding`.
    `mode`: enforce, observe (recorded, changes nothing) or floor. Stored by these names."""

    policy: str
    rule: str
    code: str
    outcome: Outcome
    mode: str
    reason: Words
    remedy: Words = NO_WORDS
    evidence: tuple[Evidence, ...] = ()
    earliest: float = 0.0
    condition: str = "reviewer"

    @property
    def named(self) -> str:
        """The policy and the code: `our-policy/consent.missing`."""
        return f"{self.policy}/{self.code}"


class Decision(Struct, frozen=True, kw_only=True):
    """The outcome for one recipient, with every violation. `earliest` is 0 unless time alone cures
    every one of them. `class_` is the class it was judged as; `waived` are codes that a release waived;
    `lets_pass` what goes on being waived for this message (`policy/code`), now and when it is asked again."""

    outcome: Outcome
    violations: tuple[Violation, ...]
    class_: str
    policy_version: str
    earliest: float = 0.0
    waived: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    lets_pass: tuple[str, ...] = ()

    @property
    def enforced(self) -> tuple[Violation, ...]:
        """The violations that count, most severe first."""
        counted = [v for v in self.violations if v.mode != "observe"]
        return tuple(sorted(counted, key=lambda v: -v.outcome))

    @property
    def paused_only(self) -> bool:
        """Whether a pause, of those that count, is all that stands against it."""
        return bool(self.enforced) and all(v.mode == "floor" and v.rule == "paused" for v in self.enforced)

    @property
    def held(self) -> frozenset[str]:
        """What counts and a release waives, each as `policy/code`."""
        return frozenset(v.named for v in self.enforced if v.outcome is Outcome.HOLD)

"""A loaded set of policies: immutable, versioned, and ready to be asked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256

from gateway.policy.classify import is_marketing
from gateway.policy.jurisdiction import STRICTEST, Jurisdiction, strictest
from gateway.policy.outcome import Decision, Outcome
from gateway.policy.rules.case import Case, Rule
from gateway.policy.rules.personalization import CopiedText
from gateway.policy.rules.table import FLOOR, FLOOR_FOR_ALL

MODES = ("enforce", "observe")
OUTCOMES = {"hold": Outcome.HOLD, "reject": Outcome.REJECT}

_CACHED = 1024
"""Plans and jurisdictions remembered; classes and channels are few, so this is never reached."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """To what a policy applies: all keys given must match, any of a key's values will do. An empty key
    matches everything."""

    class_: frozenset[str] = frozenset()
    channel: frozenset[str] = frozenset()
    source: frozenset[str] = frozenset()
    campaign: frozenset[str] = frozenset()
    purpose: frozenset[str] = frozenset()
    recipient_domain: frozenset[str] = frozenset()
    jurisdiction: frozenset[str] = frozenset()

    def suits(self, classes: tuple[str, ...], channel: str) -> bool:
        """Whether class and channel match: what can be settled before a message is there."""
        return (not self.class_ or not self.class_.isdisjoint(classes)) and (
            not self.channel or channel in self.channel
        )

    @property
    def asks_more(self) -> bool:
        """Whether anything but class and channel is asked."""
        return bool(
            self.source or self.campaign or self.purpose or self.recipient_domain or self.jurisdiction
        )

    def fits(self, case: Case) -> bool:
        """Whether the other keys match this case."""
        message = case.message
        return (
            (not self.source or message.source in self.source)
            and (not self.campaign or message.campaign in self.campaign)
            and (not self.purpose or case.purpose in self.purpose)
            and (not self.recipient_domain or case.recipient.domain in self.recipient_domain)
            and (not self.jurisdiction or not self.jurisdiction.isdisjoint(case.jurisdiction.code.split("+")))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of a policy: a rule with its parameters, and what follows when it objects. `narrow` is
    the scope again where it asks for more than class and channel, so that most cases skip it."""

    name: str
    rule: Rule
    outcome: Outcome
    policy: str
    mode: str
    scope: Scope
    narrow: Scope | None = None
    line: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One file. `version` is a short hash of its text."""

    name: str
    title: str
    owner: str
    why: str
    mode: str
    scope: Scope
    entries: tuple[Entry, ...]
    file: str
    text: str
    version: str


_EVERYTHING = Scope()


def _floor(rules: tuple[tuple[str, Rule], ...]) -> tuple[Entry, ...]:
    return tuple(
        Entry(name=name, rule=rule, outcome=Outcome.REJECT, policy="floor", mode="floor", scope=_EVERYTHING)
        for name, rule in rules
    )


_FLOOR, _FLOOR_FOR_ALL = _floor(FLOOR), _floor(FLOOR_FOR_ALL)


@dataclass(frozen=True, kw_only=True)
class PolicySet:
    """All policies and jurisdictions that hold together. `version` covers every file read; `texts` are
    the files by their name, for evidence. With `observing` nothing but the floor is enforced."""

    policies: tuple[Policy, ...] = ()
    jurisdictions: Mapping[str, Jurisdiction] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)
    version: str = "empty"
    observing: bool = False
    _plans: dict[tuple[tuple[str, ...], str], tuple[Entry, ...]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    _laws: dict[str, Jurisdiction] = field(default_factory=dict, init=False, repr=False, compare=False)
    _accepting: dict[str, Decision] = field(default_factory=dict, init=False, repr=False, compare=False)

    def accepting(self, class_: str) -> Decision:
        """The decision that has nothing to say, made once per class."""
        found = self._accepting.get(class_)
        if found is None:
            found = Decision(
                outcome=Outcome.ACCEPT, violations=(), class_=class_, policy_version=self.version
            )
            if len(self._accepting) < _CACHED:
                self._accepting[class_] = found
        return found

    def plan(self, classes: tuple[str, ...], channel: str) -> tuple[Entry, ...]:
        """The entries to ask for these classes on this channel, the floor first. Remembered."""
        key = (classes, channel)
        found = self._plans.get(key)
        if found is None:
            found = self._make_plan(classes, channel)
            if len(self._plans) < _CACHED:
                self._plans[key] = found
        return found

    def _make_plan(self, classes: tuple[str, ...], channel: str) -> tuple[Entry, ...]:
        floor = _FLOOR if is_marketing(classes) else _FLOOR_FOR_ALL
        return floor + tuple(
            entry
            for policy in self.policies
            for entry in policy.entries
            if entry.scope.suits(classes, channel)
        )

    def jurisdiction(self, code: str) -> Jurisdiction:
        """The law of a country code, `unknown` where no file has it; `it+us` is the strictest of both."""
        found = self._laws.get(code)
        if found is None:
            unknown = self.jurisdictions.get("unknown", STRICTEST)
            parts = [self.jurisdictions.get(part, unknown) for part in code.split("+")]
            found = parts[0] if len(parts) == 1 else strictest(parts)
            if len(self._laws) < _CACHED:
                self._laws[code] = found
        return found

    def policy(self, name: str) -> Policy | None:
        """The policy of that name."""
        return next((policy for policy in self.policies if policy.name == name), None)

    @cached_property
    def lexicons(self) -> str:
        """What stands for the lexicons among the texts, "" where there are none."""
        mine = sorted((name, text) for name, text in self.texts.items() if name.startswith("lexicons/"))
        whole = "\0".join(part for pair in mine for part in pair)
        return sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()[:16] if mine else ""

    @cached_property
    def copy_window(self) -> int:
        """Seconds that phrases are remembered for: the longest window of any `copied_text`, 0 without one."""
        rules = [entry.rule for policy in self.policies for entry in policy.entries]
        return max((int(rule.window) for rule in rules if isinstance(rule, CopiedText)), default=0)

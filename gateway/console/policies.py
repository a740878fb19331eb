"""The policies in force: from which file, in which version and mode, how often each rule fired, and what of
the files on disk, the access file too, is not in force."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

from aiohttp import web

from gateway.console.days import Count, Days
from gateway.console.desk import Turned, Visit
from gateway.evidence.explain import written
from gateway.policy.live import LivePolicies
from gateway.policy.outcome import Outcome
from gateway.policy.policies import Entry, Policy, Scope
from gateway.policy.rules.table import FLOOR

WEEK = 7
_CASE = re.compile(r"^\s*-\s+case:", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fired:
    """How often a rule objected in the last week and in four, and how that ended."""

    week: int = 0
    month: int = 0
    held: int = 0
    rejected: int = 0


NEVER = Fired()


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleLine:
    """One rule of a policy as the page shows it."""

    name: str
    outcome: str
    parameters: str
    line: int
    fired: Fired


class PolicyPages:
    """The handlers."""

    def __init__(self, policies: LivePolicies, days: Days) -> None:
        self._policies = policies
        self._days = days

    async def index(self, visit: Visit) -> web.Response:
        """All of them, with those that never fired and files that failed to load standing out."""
        counts = await self._days.latest()
        fired = count_rules(counts)
        current = self._policies.current
        floor = [("floor", name, fired.get(("floor", name), NEVER)) for name, _ in FLOOR]
        return visit.show(
            "policies.html",
            current=current,
            problems=self._policies.problems[:50],
            access=visit.desk.access.problem.splitlines()[:50],
            shown=[(p, lines_of(p, fired), len(_CASE.findall(p.text))) for p in current.policies],
            floor=floor,
            counting=self._days.counting,
            traffic=sum(c.total() for c in counts[-WEEK:]),
            laws=sorted(current.jurisdictions),
        )

    async def show(self, visit: Visit) -> web.Response:
        """One policy with its text."""
        policy = self._policies.current.policy(visit.request.match_info["name"])
        if policy is None:
            raise Turned("gone", 404)
        counts = await self._days.latest()
        return visit.show(
            "policy.html",
            policy=policy,
            lines=lines_of(policy, count_rules(counts)),
            scope=scope_of(policy.scope),
            cases=len(_CASE.findall(policy.text)),
            observing=self._policies.current.observing,
        )


def count_rules(counts: Sequence[Count]) -> Mapping[tuple[str, str], Fired]:
    """How often each rule fired, by (policy, rule)."""
    sums: dict[tuple[str, str], list[int]] = {}
    for n, count in enumerate(counts):
        this_week = n >= len(counts) - WEEK
        for (policy, code, outcome, _), times in count.rules.items():
            found = sums.setdefault((policy, code.partition(".")[0]), [0, 0, 0, 0])
            found[1] += times
            if this_week:
                found[0] += times
                found[3 if outcome == Outcome.REJECT else 2] += times
    return {key: Fired(week=w, month=m, held=h, rejected=r) for key, (w, m, h, r) in sums.items()}


def lines_of(policy: Policy, fired: Mapping[tuple[str, str], Fired]) -> list[RuleLine]:
    """The rules of a policy."""
    return [
        RuleLine(
            name=entry.name,
            outcome=Outcome(entry.outcome).word,
            parameters=parameters_of(policy, entry),
            line=entry.line,
            fired=fired.get((policy.name, entry.name), NEVER),
        )
        for entry in policy.entries
    ]


def parameters_of(policy: Policy, entry: Entry) -> str:
    """The parameters of a rule, as its file has them."""
    said = written(policy.text, entry.line)
    return ", ".join(one for one in said if not one.startswith("outcome:"))[:300]


def scope_of(scope: Scope) -> list[tuple[str, str]]:
    """To what a policy applies, the keys that are given."""
    return [
        (f.name.rstrip("_"), ", ".join(sorted(getattr(scope, f.name))))
        for f in fields(scope)
        if getattr(scope, f.name)
    ]

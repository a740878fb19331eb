"""From observe to enforce: what policies in observe would have done, beside what happened, day by day."""

from collections import Counter
from dataclasses import dataclass

import orjson

from gateway.evidence.entries import Rows
from gateway.evidence.stretch import moment
from gateway.message.ids import new_id
from gateway.policy.outcome import Outcome

CHUNK = 2000
ZERO = bytes(10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """How many messages of a day a policy would have held or rejected (`would`) that came out as `was`."""

    day: str
    policy: str
    would: str
    was: str
    count: int


async def observed(store: Rows, since: float, until: float) -> list[Observed]:
    """What every observed policy would have done between two moments (unix seconds), oldest first."""
    sql = (
        "SELECT message_id, n, at, outcome, violations FROM decisions"
        " WHERE (message_id, n) > (?, ?) AND message_id < ? AND round = 0 ORDER BY message_id, n LIMIT ?"
    )
    found: Counter[tuple[str, str, str, str]] = Counter()
    last: tuple[str, int] = (new_id(max(0.0, since), ZERO), -1)
    while rows := await store.rows(sql, (*last, new_id(until, ZERO), CHUNK)):
        for _, _, at, outcome, violations in rows:
            if b'"observe"' in bytes(violations):
                day, was = moment(at)[:10], Outcome(outcome).word
                for policy, would in objections(bytes(violations)).items():
                    found[day, policy, Outcome(would).word, was] += 1
        last = (str(rows[-1][0]), int(rows[-1][1]))
    return [
        Observed(day=day, policy=policy, would=would, was=was, count=count)
        for (day, policy, would, was), count in sorted(found.items())
    ]


def objections(violations: bytes) -> dict[str, int]:
    """The most severe outcome of each policy in observe, from the stored violations of a decision."""
    worst: dict[str, int] = {}
    for v in orjson.loads(violations).get("v", ()):
        if v["mode"] == "observe":
            worst[v["policy"]] = max(worst.get(v["policy"], 0), v["outcome"])
    return worst

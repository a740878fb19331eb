"""From features to findings: a logistic sum per finding, whose terms anyone can read in weights.yaml."""

from collections.abc import Iterable, Mapping, Sequence
from math import exp

from gateway.reading.lexicon import Weights

STRONG = 2.0
MOST_CONTEXTS = 3
"""What else a text may be (a colleague's, a clerk's, a buyer's) that speaks against a finding: no text is all
of it at once, but one that is stuffed with their words to hide a pitch."""
_CONTEXT = "context."


def dampen(total: float) -> float:
    """The second occurrence counts half, and none beyond STRONG."""
    return total if total <= 1.0 else min(STRONG, 0.5 + total / 2)


def tally(features: Mapping[str, float], weights: Weights) -> dict[str, float]:
    """The sum of each finding: its bias, and what each feature adds."""
    totals = dict(weights.bias)
    takers = weights.takers
    contexts = []
    for name, value in features.items():
        if value and (taken := takers.get(name)):
            if value > 1.0:
                value = dampen(value)
            for finding, weight in taken:
                totals[finding] += weight * value
            if name.startswith(_CONTEXT):
                contexts.append((value, taken))
    if len(contexts) > MOST_CONTEXTS:
        _give_back(contexts, totals)
    return totals


def _give_back(
    contexts: Sequence[tuple[float, Iterable[tuple[str, float]]]], totals: dict[str, float]
) -> None:
    """Take out again what speaks against a finding beyond the weightiest MOST_CONTEXTS."""
    against: dict[str, list[float]] = {}
    for value, takers in contexts:
        for finding, weight in takers:
            if weight < 0:
                against.setdefault(finding, []).append(weight * value)
    for finding, found in against.items():
        totals[finding] -= sum(sorted(found)[MOST_CONTEXTS:])


def add(totals: dict[str, float], takers: Iterable[tuple[str, float]], value: float) -> None:
    """Add what one feature of this value means for the findings that it moves."""
    if value > 1.0:
        value = dampen(value)
    for finding, weight in takers:
        totals[finding] += weight * value


def score(total: float) -> float:
    """How sure a finding with this sum is, 0 to 1, to four places."""
    return round(1.0 / (1.0 + exp(-total)), 4) if total > -30 else 0.0

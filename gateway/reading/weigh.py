"""From features to findings: a logistic sum per finding, whose terms anyone can read in weights.yaml."""

from collections.abc import Mapping
from math import exp

from gateway.reading.lexicon import Weights

STRONG = 2.0


def dampen(total: float) -> float:
    """The second occurrence counts half, and none beyond STRONG."""
    return total if total <= 1.0 else min(STRONG, 0.5 + total / 2)


def score(finding: str, features: Mapping[str, float], weights: Weights) -> float:
    """How sure the finding is, 0 to 1."""
    total = weights.bias.get(finding, -3.0)
    for name, weight in weights.features.get(finding, ()):
        value = features.get(name)
        if value:
            total += weight * (value if value <= 1.0 else dampen(value))
    return 1.0 / (1.0 + exp(-total)) if total > -30 else 0.0

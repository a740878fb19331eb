"""What words and pairs of words weigh: a second opinion beside the phrases of the lexicons.

The numbers are the logarithms of odds that `python -m bench.fit_words` found in labeled messages. They
decide nothing alone: their sum is one feature for each finding, within LEAST and MOST, so that however
many friendly words stand around a pitch, they cannot talk it away.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise

FINDINGS = ("promotional", "permission_request", "introduces_sender", "personal_detail")
LEAST, MOST = -2.0, 2.2
"""Between these the feature `words.<finding>` stays."""
LONG = 60
"""Words; a longer text weighs as so many of its words do on average."""
Load = int
"""Hundredths for each of FINDINGS, in 32 bits each: loads add up as numbers do."""
_BITS = 32
_FIELD = (1 << _BITS) - 1
_WHOLE = 1 << _BITS
_HALF = _WHOLE >> 1
_FEATURES = {finding: f"words.{finding}" for finding in FINDINGS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """The weights of one language: of words, of pairs of words, and of an ordinary message."""

    singles: Mapping[bytes, Load] = field(default_factory=dict)
    pairs: Mapping[tuple[bytes, bytes], Load] = field(default_factory=dict)
    middle: Mapping[str, float] = field(default_factory=dict)

    def weigh(self, words: list[bytes]) -> Load:
        """What the words of a phrase weigh together."""
        return sum(filter(None, map(self.singles.get, words))) + sum(
            filter(None, map(self.pairs.get, pairwise(words)))
        )

    def features(self, load: Load, words: int) -> dict[str, float]:
        """`words.<finding>` for a message of this load and so many words."""
        share = 0.01 if words <= LONG else 0.01 * LONG / words
        features = {}
        for finding in FINDINGS:
            low = load & _FIELD
            load = (load + _HALF) >> _BITS
            middle = self.middle.get(finding)
            if middle is not None:
                value = (low - _WHOLE if low >= _HALF else low) * share - middle
                features[_FEATURES[finding]] = LEAST if value < LEAST else MOST if value > MOST else value
        return features


def pack(finding: str, weight: float) -> Load:
    """The load of one weight."""
    return round(weight * 100) << (_BITS * FINDINGS.index(finding))

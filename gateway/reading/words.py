"""What words, their stems and pairs of them weigh: a second opinion beside the phrases of the lexicons.

The numbers are what `python -m bench.fit_words` found in labeled messages. They decide nothing alone: their
sum, over the square root of how many words the message has, is one feature for each finding, the logarithm
of odds, within LEAST and MOST, so that however many friendly words stand around a pitch, they cannot talk it
away.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from math import sqrt

FINDINGS = ("promotional", "permission_request", "introduces_sender", "personal_detail")
LEAST, MOST = -4.0, 3.0
"""Between these the feature `words.<finding>` stays."""
AGAINST = {"promotional": -1.5}
"""What takes the place of LEAST where words could be put there to hide a finding."""
LONG, LESS = 120, 1.0
"""Of a text of more than LONG words the phrase that sells most counts, less LESS, where that is more than the
whole comes to: friendly words around a pitch are soon copied, and many of them talk any text away."""
_FEW = 6
STEM = 5
"""Letters of the stem that longer words are known by too."""
Load = int
"""Hundredths for each of FINDINGS, in 32 bits each: loads add up as numbers do."""
_BITS = 32
_FIELD = (1 << _BITS) - 1
_WHOLE = 1 << _BITS
_HALF = _WHOLE >> 1
_FEATURES = {finding: f"words.{finding}" for finding in FINDINGS}

ORDINARY: Mapping[str, float] = {
    "words.promotional": -1.4,
    "words.permission_request": -3.3,
    "words.introduces_sender": -1.2,
    "words.personal_detail": -0.7,
}
"""The features of a text whose language is unknown, or has no words: those of an ordinary message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """The weights of one language: of words, of stems, of pairs of both, and of an ordinary message."""

    singles: Mapping[bytes, Load] = field(default_factory=dict)
    stems: Mapping[bytes, Load] = field(default_factory=dict)
    pairs: Mapping[tuple[bytes, bytes], Load] = field(default_factory=dict)
    stem_pairs: Mapping[tuple[bytes, bytes], Load] = field(default_factory=dict)
    middle: Mapping[str, float] = field(default_factory=dict)

    def weigh(self, words: list[bytes]) -> Load:
        """What the words of a phrase weigh together."""
        cut = [word[:STEM] for word in words]
        return (
            sum(filter(None, map(self.singles.get, words)))
            + sum(filter(None, map(self.stems.get, cut)))
            + sum(filter(None, map(self.pairs.get, pairwise(words))))
            + sum(filter(None, map(self.stem_pairs.get, pairwise(cut))))
        )

    def features(self, load: Load, words: int, most: float = 0.0) -> dict[str, float]:
        """`words.<finding>` for a message of this load and so many words, whose phrases sell `most`."""
        share = 0.01 / sqrt(words) if words else 0.0
        features = {}
        for finding, amount in zip(FINDINGS, _unpack(load), strict=True):
            middle = self.middle.get(finding)
            if middle is not None:
                value = amount * share - middle
                if words > LONG and finding == FINDINGS[0]:
                    value = max(value, most - middle - LESS)
                features[_FEATURES[finding]] = bound(finding, value)
        return features


def bound(finding: str, value: float) -> float:
    """The feature `words.<finding>` of this value."""
    return min(MOST, max(AGAINST.get(finding, LEAST), value))


def sells(load: Load, words: int) -> float:
    """What a phrase of so many words weighs for the first of FINDINGS, as a message of its own would."""
    return 0.01 * _lowest(load) / sqrt(max(_FEW, words))


def unsay(load: Load, finding: str) -> Load:
    """The load without what it says for this finding."""
    place = FINDINGS.index(finding)
    return load - (max(0, _unpack(load)[place]) << (_BITS * place))


def _unpack(load: Load) -> list[int]:
    """Hundredths for each of FINDINGS."""
    amounts = []
    for _ in FINDINGS:
        amounts.append(_lowest(load))
        load = (load + _HALF) >> _BITS
    return amounts


def _lowest(load: Load) -> int:
    """Hundredths for the first of FINDINGS, which stands in the lowest bits."""
    low = load & _FIELD
    return low - _WHOLE if low >= _HALF else low


def pack(finding: str, weight: float) -> Load:
    """The load of one weight."""
    return round(weight * 100) << (_BITS * FINDINGS.index(finding))

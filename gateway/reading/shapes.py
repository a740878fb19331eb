"""Finding the signals of form in a text."""

import re
from collections.abc import Container

import re2

from gateway.reading.form import SHAPES

Hit = tuple[str, int, int, float]
"""(feature, start, end, weight)"""


_NUMBER = re.compile(rb"[0-9#]")
_NUMERIC = frozenset(
    f"form.{name}"
    for name in "price percent discount phone time date reference handle premium shortcode".split()
)
"""Shapes with a digit in them, or a number sign. They have a matcher of their own: the states of one over all
would multiply."""
_CAPITAL = tuple(
    (number, 4 if name == "form.shout" else 1)
    for number, (name, pattern) in enumerate(SHAPES)
    if "(?-i:" in pattern
)
"""Shapes with capitals, and how many these are at least. The states of a matcher multiply most for them: they
are searched for one by one."""
_NO_CAPITALS = bytes(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"))


def compile_finder(pattern: str) -> "tuple[re.Pattern[bytes], bool]":
    """A pattern and whether it wants lower case, which is found twice as fast as either case. The notation
    repeats no groups, so that on a phrase of bounded length it cannot run away."""
    if "(?-i" in pattern:
        return re.compile(pattern.encode(), re.IGNORECASE), False
    return re.compile(re.sub(r"(?<!\\)[A-Z]", lambda one: one[0].lower(), pattern).encode()), True


def compile_guard(pattern: str) -> re2.Set:
    """What tells whether a pattern is in a folded text: slower than a finder on most, but linear on any."""
    guard = re2.Set.SearchSet(_options())
    guard.Add(pattern.encode())
    guard.Compile()
    return guard


_Part = tuple[list[int], re2.Set]
"""Numbers of shapes, and what finds them by their place in it."""


class Shapes:
    """Finds the signals of form. Compiled at first use."""

    def __init__(self) -> None:
        self._finders: list[tuple[re.Pattern[bytes], bool]] = []
        self._numeric: _Part
        self._other: _Part

    def find(self, text: bytes, low: bytes, placed: Container[str]) -> list[Hit]:
        """The shapes in a folded text, given in lower case too, each where it stands first; at 0 where its
        feature is not `placed`."""
        finders = self._finders or self._compile()
        capitals = len(text.translate(None, _NO_CAPITALS))
        found = [one for one, least in _CAPITAL if capitals >= least and finders[one][0].search(text)]
        for numbers, matcher in (self._other, self._numeric) if _NUMBER.search(low) else (self._other,):
            found += [numbers[one] for one in matcher.Match(text) or ()]
        found.sort()
        return [self._locate(number, text, low, placed) for number in found]

    def _locate(self, number: int, text: bytes, low: bytes, placed: Container[str]) -> Hit:
        feature = SHAPES[number][0]
        if feature not in placed:
            return (feature, 0, 0, 1.0)
        finder, lower = self._finders[number]
        match = finder.search(low if lower else text)
        return (feature, *match.span(1), 1.0) if match else (feature, 0, len(text), 1.0)

    def _compile(self) -> list[tuple[re.Pattern[bytes], bool]]:
        names = [name for name, _ in SHAPES]
        numeric = [number for number, name in enumerate(names) if name in _NUMERIC]
        self._numeric = _compile(numeric)
        other = [one for one in range(len(SHAPES)) if one not in numeric and one not in dict(_CAPITAL)]
        self._other = _compile(other)
        self._finders = [compile_finder(pattern) for _, pattern in SHAPES]
        return self._finders


def _compile(numbers: list[int]) -> _Part:
    matcher = re2.Set.SearchSet(_options())
    for number in numbers:
        matcher.Add(SHAPES[number][1].encode())
    matcher.Compile()
    return numbers, matcher


def _options() -> re2.Options:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.case_sensitive = False
    options.log_errors = False
    options.max_mem = 8 << 20
    return options

"""Finding the signals of form in a text."""

import re
from collections.abc import Container

import re2

from gateway.reading.form import SHAPES

Hit = tuple[str, int, int, float]
"""(feature, start, end, weight)"""


def compile_finder(pattern: str) -> "tuple[re.Pattern[bytes], bool]":
    """A pattern and whether it wants lower case, which is found twice as fast as either case. The notation
    repeats no groups, so that on a phrase of bounded length it cannot run away."""
    if "(?-i" in pattern:
        return re.compile(pattern.encode(), re.IGNORECASE), False
    return re.compile(re.sub(r"(?<!\\)[A-Z]", lambda one: one[0].lower(), pattern).encode()), True


class Shapes:
    """Finds the signals of form. Compiled at first use."""

    def __init__(self) -> None:
        self._set: re2.Set | None = None
        self._finders: list[tuple[re.Pattern[bytes], bool]] = []

    def find(self, text: bytes, low: bytes, placed: Container[str]) -> list[Hit]:
        """The shapes in a folded text, given in lower case too, each where it stands first; at 0 where its
        feature is not `placed`."""
        found = (self._set or self._compile()).Match(text)
        if not found:
            return []
        found.sort()
        return [self._locate(number, text, low, placed) for number in found]

    def _locate(self, number: int, text: bytes, low: bytes, placed: Container[str]) -> Hit:
        feature = SHAPES[number][0]
        if feature not in placed:
            return (feature, 0, 0, 1.0)
        finder, lower = self._finders[number]
        match = finder.search(low if lower else text)
        return (feature, *match.span(1), 1.0) if match else (feature, 0, len(text), 1.0)

    def _compile(self) -> re2.Set:
        self._finders = [compile_finder(pattern) for _, pattern in SHAPES]
        self._set = re2.Set.SearchSet(_options())
        for _, pattern in SHAPES:
            self._set.Add(pattern.encode())
        self._set.Compile()
        return self._set


def _options() -> re2.Options:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.case_sensitive = False
    options.log_errors = False
    options.max_mem = 8 << 20
    return options

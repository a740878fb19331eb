"""What renderings of all template languages share: how much one may do, and how it gives up. Pure."""

LONGEST = 5_000_000
MOST_STEPS = 200_000
DEPTH = 20
LARGEST = 2**53
"""Integers beyond it are shown in different ways."""


class Unrendered(Exception):
    """The template says something that is not understood here, or is too large."""


class Meter:
    """How much one rendering has done."""

    __slots__ = ("_size", "_steps")

    def __init__(self) -> None:
        self._steps = 0
        self._size = 0

    def step(self) -> None:
        """One part more of a template. Raises Unrendered where that is too much."""
        self._steps += 1
        if self._steps > MOST_STEPS or self._size > LONGEST:
            raise Unrendered

    def said(self, text: str) -> str:
        """The text, counted."""
        self._size += len(text)
        return text

"""What renderings of all template languages share: how much one may do, and how it gives up. Pure."""

LONGEST = 5_000_000
MOST_STEPS = 200_000
MOST_IN_ALL = 3_000_000
"""Tags and steps of all renderings of one request: half a minute of work."""
DEPTH = 20
LARGEST = 2**53
"""Integers beyond it are shown in different ways."""


class Unrendered(Exception):
    """The template says something that is not understood here, or is too large."""


class Work:
    """What the renderings of one request may still do together."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = MOST_IN_ALL

    def take(self, count: int) -> None:
        """So much of it. Raises Unrendered where that is too much."""
        self.left -= count
        if self.left < 0:
            raise Unrendered


class Meter:
    """How much one rendering has done."""

    __slots__ = ("_size", "_steps", "_work")

    def __init__(self, work: Work) -> None:
        self._steps = 0
        self._size = 0
        self._work = work

    def step(self) -> None:
        """One part more of a template. Raises Unrendered where that is too much."""
        self._steps += 1
        self._work.take(1)
        if self._steps > MOST_STEPS or self._size > LONGEST:
            raise Unrendered

    def said(self, text: str) -> str:
        """The text, counted."""
        self._size += len(text)
        return text

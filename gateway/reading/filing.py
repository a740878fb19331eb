"""Filing the phrases of a lexicon under the rarest words that each cannot do without."""

from collections.abc import Callable, Container, Iterable, Sequence
from typing import Any, NamedTuple, TypeVar, cast

from gateway.reading.notation import END
from gateway.reading.spelling import GAP, GLUED, NUMBER, SLOT, WORD, Forms, Link, Step

FIXED, STAR, ANY, COUNT, MIXED = range(5)
"""Kinds of steps: words as they are, with a star, any word, any number, a number with letters after it."""
ANYTHING, NOTHING, ALL = -1, -2, -1
T = TypeVar("T")
_HEAD = 3
"""Letters by which beginnings are looked up."""

Move = tuple[int, int, str]
"""To a step: (the number of its forms, its own, what stands between)"""
Anchor = tuple[int, int, int, int, int, int]
"""A step that a phrase is filed under: (forms of the word before, of the word after, of some word before, of
some word after, phrase, step). The forms are ANYTHING where any do, NOTHING where there is to be no word; the
step is ALL where it is all of the phrase."""


class Place(NamedTuple):
    """A step of a phrase: its kind, how it goes on and came about, how it may begin or end the phrase."""

    kind: int
    after: tuple[Move, ...]
    before: tuple[Move, ...]
    first: str
    last: str


class Phrase(NamedTuple):
    """A phrase: its steps, and the patterns of what stands before and after them."""

    places: tuple[Place, ...]
    before: str
    after: str


class Met:
    """What is known of a word: the numbers of its forms, what is filed under them, the phrases in which its
    star may swallow what comes after a hyphen, and whether it is all letters, or all digits."""

    __slots__ = ("anchors", "digits", "forms", "letters", "swallowing")

    def __init__(
        self, forms: frozenset[int], anchors: tuple[Anchor, ...], swallowing: frozenset[int], word: bytes
    ) -> None:
        self.forms = forms
        self.anchors = anchors
        self.swallowing = swallowing
        self.letters = word.isalpha()
        self.digits = word.isdigit()


class Cabinet:
    """The phrases of a lexicon by their number; `common` are words that every text has."""

    def __init__(self, common: Container[str]) -> None:
        self.phrases: dict[int, Phrase] = {}
        self._common = common
        self._numbers: dict[Forms, int] = {WORD: ANYTHING}
        self._wholes: dict[bytes, list[int]] = {}
        self._begins: dict[bytes, list[int]] = {}
        self._lengths: dict[bytes, set[int]] = {}
        self._anchors: dict[int, list[Anchor]] = {}
        self._swallowing: dict[int, set[int]] = {}
        self._rarity: dict[Forms, float] = {}
        self._same: dict[Any, Any] = {}

    def close(self) -> None:
        """Forget what only further phrases would need."""
        self._numbers, self._rarity, self._same = {}, {}, {}

    def meet(self, word: bytes) -> frozenset[int]:
        """The numbers of the forms that a word has."""
        forms = list(self._wholes.get(word, ()))
        for head in range(1, _HEAD + 1):
            for end in self._lengths.get(word[:head], ()):
                forms += self._begins.get(word[:end], ())
        return frozenset(forms)

    def look_up(self, forms: frozenset[int], word: bytes) -> Met:
        """What is filed under these forms of a word."""
        anchors = [anchor for one in sorted(forms) for anchor in self._anchors.get(one, ())]
        swallowing = [self._swallowing[one] for one in forms if one in self._swallowing]
        return Met(forms, tuple(anchors), frozenset[int]().union(*swallowing), word)

    def add(self, number: int, steps: Sequence[Step], before: str, after: str) -> bool:
        """File a phrase; False where it may be of any words."""
        forms = [self._number(step.forms) for step in steps]
        places = [self._place(step, forms) for step in steps]
        self.phrases[number] = Phrase(self._one(tuple(places)), self._one(before), self._one(after))
        for place, one in zip(places, forms, strict=True):
            if place.after and place.kind == STAR:
                self._swallowing.setdefault(one, set()).add(number)
        costs = [self._weigh(step.forms) for step in steps]
        ahead = _cuts(steps, costs, range(len(steps) - 1, -1, -1), lambda step: (step.last, step.after))
        behind = _cuts(steps, costs, range(len(steps)), lambda step: (step.first, step.before))
        chosen = frozenset[int]().union(*[ahead[one] for one, step in enumerate(steps) if step.first])
        for one in chosen:
            step = steps[one]
            left, right = self._near(steps, step, before, after)
            earlier = self._together(steps, _reach(step.first, step.before, behind))
            later = self._together(steps, _reach(step.last, step.after, ahead))
            anchor = (
                left,
                right,
                ANYTHING if earlier == left else earlier,
                ANYTHING if later == right else later,
                number,
                ALL if _is_whole(step) and not before and after in ("", END) else one,
            )
            self._anchors.setdefault(forms[one], []).append(anchor)
        return all(forms[one] != ANYTHING for one in chosen)

    def _place(self, step: Step, forms: list[int]) -> Place:
        after, before = self._moves(step.after, forms), self._moves(step.before, forms)
        return self._one(Place(_kind(step.forms), after, before, step.first, step.last))

    def _moves(self, links: Sequence[Link], forms: list[int]) -> tuple[Move, ...]:
        one = self._one
        return one(tuple([one((forms[to], to, one(link))) for to, link in links]))

    def _one(self, value: T) -> T:
        """The same value for the same, once in memory."""
        return cast(T, self._same.setdefault(value, value))

    def _near(self, steps: Sequence[Step], step: Step, before: str, after: str) -> tuple[int, int]:
        """The forms of the words on both sides of a step."""
        wild = _kind(step.forms) in (ANY, COUNT, MIXED)
        left = right = ANYTHING
        if not step.first:
            left = ANYTHING if wild else self._beside(steps, step.before)
        elif before and step.first == "sure" and not step.before:
            left = NOTHING
        if not step.last:
            right = ANYTHING if wild else self._beside(steps, step.after)
        elif after == END and step.last == "sure" and not step.after:
            right = NOTHING
        return left, right

    def _beside(self, steps: Sequence[Step], links: Sequence[Link]) -> int:
        if any(link in (GAP, SLOT) for _, link in links):
            return ANYTHING
        return self._together(steps, {to for to, _ in links})

    def _together(self, steps: Sequence[Step], some: Iterable[int]) -> int:
        """The number of the forms of some steps taken together."""
        forms = [steps[one].forms for one in some]
        if not forms or WORD in forms:
            return ANYTHING
        wholes, begins = [one.wholes for one in forms], [one.begins for one in forms]
        return self._number(Forms(frozenset[str]().union(*wholes), frozenset[str]().union(*begins)))

    def _number(self, forms: Forms) -> int:
        number = self._numbers.get(forms)
        if number is None:
            number = self._numbers[forms] = len(self._numbers)
            for word in forms.wholes:
                self._wholes.setdefault(word.encode(), []).append(number)
            for word in forms.begins:
                self._begins.setdefault(word.encode(), []).append(number)
                self._lengths.setdefault(word[:_HEAD].encode(), set()).add(len(word))
        return number

    def _weigh(self, forms: Forms) -> float:
        """About how many words of a text have these forms: short ones and beginnings most."""
        total = self._rarity.get(forms)
        if total is None:
            total = 1000.0 if forms == WORD else 0.0
            for word in forms.wholes:
                total += 4.0 ** -min(len(word), 6) * (20.0 if word in self._common else 1.0)
            for word in forms.begins:
                total += 4.0 ** -min(len(word), 6) * (60.0 if word in self._common else 3.0)
            self._rarity[forms] = total
        return total


def _kind(forms: Forms) -> int:
    if not forms.begins:
        return FIXED
    return {WORD: ANY, NUMBER: COUNT, GLUED: MIXED}.get(forms, STAR)


def _is_whole(step: Step) -> bool:
    """Whether a word as it is makes a phrase."""
    return step.first == step.last == "sure" and not (step.before or step.after or step.forms.begins)


def _reach(edge: str, links: Sequence[Link], cuts: list[frozenset[int]]) -> frozenset[int]:
    """Steps of which every way on from here takes one; none where the phrase may stop here."""
    return frozenset() if edge else frozenset[int]().union(*[cuts[to] for to, _ in links])


def _cuts(
    steps: Sequence[Step],
    costs: list[float],
    order: Iterable[int],
    look: Callable[[Step], tuple[str, list[Link]]],
) -> list[frozenset[int]]:
    """For each step the rarest steps of which every way from it to the end, or to the start, takes one."""
    cuts: list[frozenset[int]] = [frozenset()] * len(steps)
    for number in order:
        cuts[number] = frozenset([number])
        others = _reach(*look(steps[number]), cuts)
        if others and sum([costs[one] for one in others]) < costs[number]:
            cuts[number] = others
    return cuts

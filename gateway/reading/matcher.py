"""Finding the phrases of a lexicon in a text that was split into words.

Each phrase is filed under the rarest words that it cannot do without, together with what stands beside
them. Only phrases whose words are there are looked at, step by step; the pattern of a phrase is asked
where steps cannot tell. So what is new in a text costs little more than what was seen before. Texts that
differ in nothing but words that no phrase knows are one to it, and searched once.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, chain
from typing import NamedTuple

from gateway.reading.filing import ALL, ANY, ANYTHING, COUNT, MIXED, NOTHING, STAR, Cabinet, Met, Move, Place
from gateway.reading.notation import BLANK, END, START
from gateway.reading.recent import Recent
from gateway.reading.spelling import GAP, SLOT

MOST_WORDS = 6_000
"""Words whose forms are remembered."""
TEXTS = 2_000
"""Texts that are remembered, as far as their words are known."""
_RUN = re.compile(rb"[a-z0-9]+")
_ASKED = re.compile(rb"[^?.!]*\?")
_BLANKS = b" ,;:"
_MOST_BLANKS = 4
_NO_WORD = frozenset((NOTHING,))

Span = tuple[int, int]


class Found(NamedTuple):
    """Phrases in a text as (phrase, first word, last word, characters before), and those of which only their
    pattern can tell."""

    spots: tuple[tuple[int, int, int, int], ...]
    unsure: frozenset[int]


class Unsure(Exception):
    """Only the pattern can tell."""


class Matcher:
    """Finds phrases by their words. Pure, but for what it remembers of words and texts."""

    def __init__(self, cabinet: Cabinet, anywhere: Iterable[int]) -> None:
        """`anywhere` are phrases of any words, of which only their pattern can tell."""
        self._cabinet = cabinet
        self._anywhere = frozenset(anywhere)
        self._known: dict[bytes, Met] = {}
        self._alike: dict[tuple[frozenset[int], bool, bool], Met] = {}
        self._links: dict[tuple[str, bytes], bool] = {}
        self._texts: Recent[tuple[Met | bytes, ...], Found] = Recent(TEXTS)

    def match(self, low: bytes, words: Sequence[bytes]) -> tuple[dict[int, Span], frozenset[int]]:
        """The phrases in a text in lower case, given its words: where each stands first, and those of which
        only their pattern can tell."""
        known = self._known
        met = [known.get(word) or self._meet(word) for word in words]
        between = _RUN.split(low)
        key = (*met, *between)
        found = self._texts.get(key)
        if found is None:
            found = self._search(met, between)
            self._texts.put(key, found)
        if not found.spots:
            return {}, found.unsure
        # Where the words begin and end, in turn.
        edges = list(accumulate(map(len, chain.from_iterable(zip(between, words, strict=False)))))
        spots = {one: (edges[2 * a] - blank, edges[2 * b + 1]) for one, a, b, blank in found.spots}
        return spots, found.unsure

    def _meet(self, word: bytes) -> Met:
        """What is known of a word. Words of the same forms are one."""
        if len(self._known) >= MOST_WORDS:
            self._known.clear()
        forms = self._cabinet.meet(word)
        key = (forms, word.isalpha(), word.isdigit())
        met = self._alike.get(key)
        if met is None:
            met = self._alike[key] = self._cabinet.look_up(forms, word)
        self._known[word] = met
        return met

    def _search(self, met: list[Met], between: list[bytes]) -> Found:
        found: dict[int, tuple[int, int, int]] = {}
        unsure = set(self._anywhere)
        for one, gap in zip(met, between[1:-1], strict=False):
            if one.swallowing and not gap.strip(b"-'"):
                unsure |= one.swallowing
        text = _Text(met, between, self._links)
        for number, step, place in text.candidates():
            if number in unsure:
                continue
            try:
                span = (place, place, 0) if step == ALL else self._follow(number, step, place, text)
                if span:
                    _note(found, number, span)
            except Unsure:
                unsure.add(number)
        if b"_" in b"".join(between):
            unsure |= found.keys()
        spots = tuple([(number, *span) for number, span in found.items() if number not in unsure])
        return Found(spots, frozenset(unsure))

    def _follow(self, number: int, step: int, place: int, text: "_Text") -> tuple[int, int, int] | None:
        """Where a phrase stands of which a step is the word at this place. Raises Unsure."""
        places, before, after = self._cabinet.phrases[number]
        at = places[step]
        if at.kind and text.is_odd(place, at.kind):
            raise Unsure
        if at.kind == MIXED:
            return None
        alone = [(place, at.kind)]
        starts = text.walk(places, step, place, -1) if at.before or at.first == "slot" else alone
        if before == START:
            starts = [one for one in starts if not one[0]]
        if not starts:
            return None
        ends = {
            one for one, _ in (text.walk(places, step, place, 1) if at.after or at.last == "slot" else alone)
        }
        if after:
            ends = {one for one in ends if text.may_end(after, one)}
        if len(ends) > 1:
            raise Unsure
        if not ends:
            return None
        first = min([one for one, _ in starts])
        # The pattern of a number takes in a blank before it, where a word stands before that.
        blank = first and (first, COUNT) in starts and text.between[first] == b" "
        return first, ends.pop(), 1 if blank else 0


def _note(found: dict[int, tuple[int, int, int]], number: int, span: tuple[int, int, int]) -> None:
    """Keep the first place of a phrase. Raises Unsure where it ends in two ways."""
    known = found.get(number)
    if known is None or (span[0], -span[2]) < (known[0], -known[2]):
        found[number] = span
    elif (span[0], span[2]) == (known[0], known[2]) and span[1] != known[1]:
        raise Unsure


class _Text:
    """What is known of the words of a text, and what stands between them."""

    __slots__ = ("between", "links", "met")

    def __init__(self, met: list[Met], between: list[bytes], links: dict[tuple[str, bytes], bool]) -> None:
        self.met = met
        self.between = between
        self.links = links

    def candidates(self) -> Iterator[tuple[int, int, int]]:
        """What may be here, by the words of the text: (phrase, step, place)."""
        sides = [_NO_WORD, *[one.forms for one in self.met], _NO_WORD]
        for place, one in enumerate(self.met):
            for left, right, earlier, later, number, step in one.anchors:
                if (
                    (left == ANYTHING or left in sides[place])
                    and (right == ANYTHING or right in sides[place + 2])
                    and (earlier == ANYTHING or self.holds(earlier))
                    and (later == ANYTHING or self.holds(later))
                ):
                    yield number, step, place

    def holds(self, forms: int) -> bool:
        """Whether any word has these forms."""
        for one in self.met:  # noqa: SIM110 (a loop is quicker)
            if forms in one.forms:
                return True
        return False

    def walk(self, places: tuple[Place, ...], step: int, place: int, way: int) -> list[Span]:
        """Where a phrase begins (`way` -1) or ends (1) that has this step at this place: (word, kind of its
        step). Raises Unsure."""
        found: list[Span] = []
        todo = [(step, place)]
        for step, place in todo:
            at = places[step]
            if at.kind and self.is_odd(place, at.kind):
                raise Unsure
            if at.kind == MIXED:
                continue
            edge = at.last if way > 0 else at.first
            if edge == "slot":
                raise Unsure
            if edge:
                found.append((place, at.kind))
            for move in at.after if way > 0 else at.before:
                todo += [one for one in self.go(places, step, place, move, way) if one not in todo]
        return found

    def go(
        self, places: tuple[Place, ...], step: int, place: int, move: Move, way: int
    ) -> list[tuple[int, int]]:
        """Where a move leads to: (step, place). Raises Unsure."""
        forms, to, link = move
        beside = place + way
        gap = self.between[max(place, beside)]
        if link == SLOT or (forms == ANYTHING and (b"-" in gap or b"'" in gap)):
            raise Unsure
        if link == GAP:
            counts = places[to if way > 0 else step].kind in (COUNT, MIXED)
            return [(to, one) for one in self.leap(forms, place, way, counts)]
        if not 0 <= beside < len(self.met) or not (forms == ANYTHING or forms in self.met[beside].forms):
            return []
        if self.fits(link, gap):
            return [(to, beside)]
        if places[to].kind and self.is_odd(beside, places[to].kind):
            raise Unsure
        return []

    def leap(self, forms: int, place: int, way: int, counts: bool) -> list[int]:
        """The words with these forms that a blank and up to four words part from this one. Raises Unsure, as
        where the later one `counts`, which a number does, and more than a blank stands before it."""
        found = []
        blanks = 0
        for other in range(place + way, len(self.met) if way > 0 else -1, way):
            gap = self.between[other if way > 0 else other + 1]
            blanks += gap.count(b" ")
            # The gap begins with any number of blanks.
            if blanks - (self.between[place + 1] if way > 0 else gap).count(b" ") > _MOST_BLANKS + counts:
                break
            if forms in self.met[other].forms or forms == ANYTHING:
                first, last = (place, other) if way > 0 else (other, place)
                if counts and self.between[last] != b" ":
                    raise Unsure
                if _parts(b"x".join(self.between[first + 1 : last + 1])):
                    found.append(other)
        return found

    def fits(self, link: str, gap: bytes) -> bool:
        """Whether this may stand between two words."""
        if gap == b" " and link == BLANK:
            return True
        key = (link, gap)
        fits = self.links.get(key)
        if fits is None:
            fits = re.fullmatch(b"a" + link.encode() + b"a", b"a" + gap + b"a") is not None
            if len(gap) < 4 and len(self.links) < MOST_WORDS:
                self.links[key] = fits
        return fits

    def is_odd(self, place: int, kind: int) -> bool:
        """Whether a star or a slot may begin or end elsewhere than this word does."""
        leads, follows, one = self.between[place], self.between[place + 1], self.met[place]
        if kind == STAR:
            return follows[:1] in (b"-", b"'") or not one.letters
        if kind == ANY:
            return follows[:1] in (b"-", b"'") or leads[-1:] in (b"-", b"'")
        if kind == MIXED:
            apart = b" " in follows and b"%" not in follows and b"$" not in follows
            return not one.digits or not (apart or place == len(self.met) - 1)
        return (
            not one.digits
            or leads[-1:] not in (b"", b" ")
            or follows[:1] not in (b"", b" ")
            or leads[-2:-1] == b"$"
            or follows[1:2] in (b"%", b"$")
        )

    def may_end(self, after: str, place: int) -> bool:
        """Whether a phrase may end with this word: with the text, or in a question."""
        if after == END:
            return place == len(self.met) - 1
        return _ASKED.match(b"".join(self.between[place + 1 :])) is not None


def _parts(gap: bytes) -> bool:
    """Whether this is a blank and up to four words. Raises Unsure where there is no blank."""
    rest = gap.lstrip(_BLANKS)
    if len(rest) == len(gap):
        raise Unsure
    if not rest:
        return True
    if rest[-1:] != b" " or rest.count(b" ") > _MOST_BLANKS or b"  " in rest:
        return False
    return b"." not in rest and b"!" not in rest and b"?" not in rest

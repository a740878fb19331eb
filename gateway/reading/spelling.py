"""How a lexicon phrase is spelled: its words as steps, and which step may follow which."""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from gateway.reading.notation import BLANK, render, take_apart

GAP = "..."
"""The link that stands for up to four words."""
SLOT = "<>"
"""The link that only the pattern of the phrase knows: a slot, or signs nobody thought of."""
_MOST = 400
"""Forms of a word."""
_RUN = re.compile(r"[a-z0-9]+|[^a-z0-9]+")
_SLOTS = ("<n>", "<name>", "<names>", "<word>")


class Forms(NamedTuple):
    """What a word may be, and what it may begin with, in lower case."""

    wholes: frozenset[str]
    begins: frozenset[str]


WORD = Forms(frozenset(), frozenset([""]))
NUMBER = Forms(frozenset(), frozenset("0123456789"))
GLUED = Forms(frozenset("#"), NUMBER.begins)
"""A number with letters right after it."""
_WILD = {"<word>": WORD, "<n>": NUMBER}


Link = tuple[int, str]
"""(number of the step before or after, pattern of what stands between, or GAP, or SLOT)"""


class Step:
    """One word of a phrase. `first` and `last` tell whether the phrase may begin or end with it: "" for no,
    "sure" where nothing else belongs to it, "slot" where only the pattern knows the rest."""

    __slots__ = ("after", "before", "first", "forms", "last")

    def __init__(self, forms: Forms) -> None:
        self.forms = forms
        self.before: list[Link] = []
        self.after: list[Link] = []
        self.first = self.last = ""


class Unspellable(ValueError):
    """A phrase that can do without words, or that ties its letters in a way nobody needs."""


def spell(phrase: str) -> list[Step]:
    """The steps of a folded phrase, each before those that follow it. Raises Unspellable, and BadPhrase as
    `translate` does."""
    speller = _Speller()
    speller.end(speller.read(take_apart(phrase.lower().replace("<,>", ","))[1], [_Thread([(-1, ())], None)]))
    return speller.steps


_Pending = tuple[int, tuple[str, ...]]
"""(step, the tokens since); the step is -1 at the start"""
_Spelled = frozenset[tuple[str, bool]]
"""Forms of a word in the making, as (letters, whether any ending follows)"""


class _Thread(NamedTuple):
    """One way to have come here: after these steps, within a word or not."""

    after: list[_Pending]
    word: _Spelled | None


class _Speller:
    """Reads the tokens of a phrase, all alternatives at once."""

    def __init__(self) -> None:
        self.steps: list[Step] = []

    def read(self, tokens: Sequence[str], threads: list[_Thread], *, within: bool = False) -> list[_Thread]:
        """The ways to have come through these tokens, which stand `within` a group or are all there is."""
        place, blank = 0, False
        apart = threads
        while place < len(tokens):
            sign, after = tokens[place], place + 1
            if sign in ("{", "("):
                after = _closing(tokens, place) + 1
                ways = self._choose(_alternatives(tokens[place + 1 : after - 1]), threads)
                follows = tokens[after : after + 1]
                if sign == "(":
                    if follows == [" "] and not blank:  # it belongs to what may be missing
                        ways, after = self._take(" ", ways), after + 1
                    # So does the blank before, which is missed only where no other follows.
                    missed = blank and (follows not in ([], [" "], [GAP]) or (within and not follows))
                    ways += apart if missed else threads
                threads, blank = _merge(ways), False
            elif sign == " ":
                apart, threads = threads, self._take(sign, threads)
                blank = place > 0 and tokens[place - 1] != GAP
            else:
                threads, blank = self._letter(sign, tokens[after : after + 1], threads), False
            place = after
        return threads

    def _letter(self, sign: str, follows: Sequence[str], threads: list[_Thread]) -> list[_Thread]:
        """The ways to have come through a sign that is neither bracket nor blank."""
        if sign in _WILD and all(_stands_free(thread) for thread in threads):
            threads = self._grow(frozenset([(letters, True) for letters in _WILD[sign].begins]), threads)
            if follows in ([], [" "], [GAP]):
                return threads
            return self._take(SLOT, _glue(threads) if follows[0].isalnum() else threads)
        if sign in ("*", GAP, *_SLOTS):
            return self._take(sign, threads)
        for run in _RUN.findall(sign):
            threads = self._take(run, threads)
        return threads

    def end(self, threads: list[_Thread]) -> None:
        """Note which steps are the last."""
        for step, rest in self._rest(threads):
            if step < 0:
                raise Unspellable
            bare = self.steps[step].last != "slot" and all(one == " " for one in rest)
            self.steps[step].last = "sure" if bare else "slot"

    def _choose(self, alternatives: Iterable[list[str]], threads: list[_Thread]) -> list[_Thread]:
        words: set[tuple[str, bool]] = set()
        ways: list[_Thread] = []
        for one in alternatives:
            if one and all(sign == "*" or sign.isalnum() for sign in one):
                words.add(_letters(one))
            else:
                ways += self.read(one, threads, within=True)
        return ways + self._grow(frozenset(words), threads) if words else ways

    def _take(self, sign: str, threads: list[_Thread]) -> list[_Thread]:
        if sign == "*":
            return [_Thread(after, _starred(word)) for after, word in threads]
        if sign.isalnum():
            return self._grow(frozenset([(sign, False)]), threads)
        if sign[0] == "<":  # what belongs to a slot may be the rest of a word
            threads = [_Thread(after, word and _starred(word)) for after, word in threads]
        linked = _Thread([(step, (*rest, sign)) for step, rest in self._rest(threads)], None)
        # A hyphen or an apostrophe is often left out.
        return _merge([*threads, linked]) if not sign.strip("'-") else [linked]

    def _grow(self, more: _Spelled, threads: list[_Thread]) -> list[_Thread]:
        """Go on with some letters. Those right after a slot belong to it."""
        grown = []
        for after, word in threads:
            if word is not None and any(star for _, star in word):
                grown += self._grow(more, self._take(SLOT, _glue([_Thread(after, word)])))
                continue
            if word is not None:
                grown.append(_Thread(after, _product(word, more)))
                continue
            slots = [(step, (*rest, SLOT)) for step, rest in after if rest and rest[-1][0] == "<"]
            others = [one for one in after if not (one[1] and one[1][-1][0] == "<")]
            grown += [_Thread(slots, None)] * bool(slots) + [_Thread(others, more)] * bool(others)
        return _merge(grown)

    def _rest(self, threads: list[_Thread]) -> list[_Pending]:
        """The steps that these threads have come after, words in the making among them."""
        found: list[_Pending] = []
        for after, word in threads:
            found += after if word is None else [(self._step(word, after), ())]
        return list(dict.fromkeys(found))

    def _step(self, word: _Spelled, after: list[_Pending]) -> int:
        wholes = frozenset([letters for letters, star in word if not star])
        step = Step(Forms(wholes, frozenset([letters for letters, star in word if star])))
        number = len(self.steps)
        self.steps.append(step)
        for earlier, rest in after:
            if earlier < 0:
                bare = step.first != "slot" and all(one == " " for one in rest)
                step.first = "sure" if bare else "slot"
            else:
                link = _link(rest)
                step.before.append((earlier, link))
                self.steps[earlier].after.append((number, link))
        return number


def _merge(threads: list[_Thread]) -> list[_Thread]:
    """Those between words in one."""
    after = dict.fromkeys([one for thread in threads if thread.word is None for one in thread.after])
    within = [thread for thread in threads if thread.word is not None]
    return [*within, _Thread(list(after), None)] if after else within


def _stands_free(thread: _Thread) -> bool:
    """Whether a word may begin here."""
    return thread.word is None and all(not rest or rest[-1] in (" ", GAP) for _, rest in thread.after)


def _glue(threads: list[_Thread]) -> list[_Thread]:
    """With letters after the number that a word is."""
    number = frozenset([(one, True) for one in NUMBER.begins])
    return [_Thread(after, number | {("#", False)} if word == number else word) for after, word in threads]


def _letters(tokens: list[str]) -> tuple[str, bool]:
    """A word and whether a star ends it."""
    if "*" in tokens[:-1]:
        raise Unspellable
    return ("".join(tokens).rstrip("*"), tokens[-1] == "*")


def _starred(word: _Spelled | None) -> _Spelled:
    if word is None:
        raise Unspellable
    return frozenset([(letters, star or letters != "#") for letters, star in word])


def _product(word: _Spelled, more: _Spelled) -> _Spelled:
    if len(word) * len(more) > _MOST:
        raise Unspellable
    return frozenset([(letters + end, star) for letters, _ in word for end, star in more])


def _link(between: Sequence[str]) -> str:
    """What may stand between two words."""
    if any(one[0] == "<" for one in between):
        return SLOT
    if GAP in between:
        return GAP if between[:2] == (" ", GAP) and all(one == " " for one in between[2:]) else SLOT
    pattern = "".join([BLANK if one == " " else render(one) for one in between])
    return pattern.replace(BLANK + BLANK, BLANK)


def _closing(tokens: Sequence[str], start: int) -> int:
    """Where the bracket that opens at `start` closes."""
    depth = 0
    for place in range(start, len(tokens)):
        depth += (tokens[place] in ("{", "(")) - (tokens[place] in ("}", ")"))
        if not depth:
            return place
    return len(tokens) - 1


def _alternatives(tokens: Sequence[str]) -> list[list[str]]:
    """What stands between the bars of a group, groups in it left whole."""
    found: list[list[str]] = [[]]
    depth = 0
    for sign in tokens:
        depth += (sign in ("{", "(")) - (sign in ("}", ")"))
        if sign == "|" and not depth:
            found.append([])
        else:
            found[-1].append(sign)
    return found

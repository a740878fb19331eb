"""The bounded memory of a Reader: paragraphs and phrases that were read before.

What a phrase says depends on nothing but its words, and on the language of the message where its own
cannot be told. A template with a merged name costs the one phrase that the name stands in.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from gateway.reading.fold import Folded, fold, looks_disguised, undisguise
from gateway.reading.form import COUNTED
from gateway.reading.holes import Tag
from gateway.reading.html import Pages
from gateway.reading.language import Votes, count_votes, elect, most_votes, split_words, weigh_words
from gateway.reading.lexicon import LANGUAGES, Lexicons
from gateway.reading.marks import even
from gateway.reading.merge_tags import fill, find_fields, find_tags
from gateway.reading.recent import Recent
from gateway.reading.segments import cut
from gateway.reading.sentences import sentences
from gateway.reading.words import Load, Words, sells, unsay

Hit = tuple[str, int, int, float]
"""(feature, start, end, weight), offsets in the block"""
_SELLS = ("promotional.", "permission.", "recommendation.", "form.question", "pressure.")
_STOCK = ("stock.", "closing.", "greeting.", "way_out.", "data_source.", "footer.")
IN_SIGNATURE = ("signature.", "form.organization", "form.phone", "way_out.", "data_source.", "footer.")
IN_FOOTER = ("footer.", "way_out.", "data_source.", "form.organization", "form.address", "stop.")
LONGEST_KEPT = 4_000
"""Characters; longer paragraphs are read anew each time."""
_SUBJECTS = 2_000
LEAST_QUESTION = 7
"""Words of a question that counts by itself though it sells nothing: shorter ones everybody repeats."""
_QUESTION = {"form.question"}
_DETAILS = frozenset({"personal.work", "personal.shared", "personal.detail"})
DETAIL_FIELD = "personal.field"
"""A detail that a field stands in the place of: "your talk on [topic]"."""
UNLIKE, STOP = "stop.unlike", "stop."
"""Words that take a stop for what it is not: "don't stop sending me these"."""
STOCK_REST = 9
"""Words besides stock ones that make a sentence one's own: "Ciao Ada, " begins many a text."""


class Told(NamedTuple):
    """What a phrase shows: its hits and tricks, whether it sells or asks, whether it is a stock phrase, and
    what its words weigh."""

    hits: tuple[Hit, ...]
    tricks: tuple[Tag, ...]
    asks: bool
    stock: bool
    load: Load = 0


_NOWHERE: Mapping[str, Told] = {}


class Said:
    """A phrase: its votes for a language, its words, and what it tells. Where it has no language of its own
    `told` is None, and `elsewhere` what it told in messages of these languages."""

    __slots__ = ("elsewhere", "told", "votes", "words")

    def __init__(self, votes: Votes, words: int, told: Told | None) -> None:
        self.votes = votes
        self.words = words
        self.told = told
        self.elsewhere = _NOWHERE


Span = tuple[int, int, bool, bool]
"""A phrase in its block: (start, end, asks, stock)"""


class Shown(NamedTuple):
    """What a block shows: hits (at most two of a feature), those that can be evidence, sums by feature,
    tricks, `mark`: "footer" or "closing" where its words say so, its phrases, what its words weigh, and what
    those of the phrase that sells most do."""

    hits: tuple[Hit, ...]
    telling: tuple[Hit, ...]
    sums: tuple[tuple[str, float], ...]
    tricks: tuple[Tag, ...]
    mark: str
    spans: tuple[Span, ...]
    load: Load
    most: float


Mark = tuple[int, int, int, int, bool]
"""(hash, words, start, end, asks), offsets in the masked block"""


class Print(NamedTuple):
    """A masked sentence: hash, words, words that are no numbers, sampled runs as (hash, start, end)."""

    number: int
    words: int
    plain: int
    runs: tuple[tuple[int, int, int], ...]


class Sketch(NamedTuple):
    """The fingerprints of one masked block, in order, each hash once."""

    sentences: tuple[Mark, ...]
    runs: tuple[Mark, ...]


NO_SKETCH = Sketch((), ())


class Passage:
    """One block: its phrases, what they say in any language, and what it showed last."""

    __slots__ = (
        "code", "first_tags", "most", "parts", "shown", "sketches", "tags", "text", "votes", "words",
    )  # fmt: skip

    def __init__(self, text: str, parts: "list[tuple[int, int, Said]]") -> None:
        self.text = text
        self.parts = parts
        self.votes = sum([said.votes for _, _, said in parts])
        self.most = most_votes(self.votes)
        self.words = sum([said.words for _, _, said in parts])
        self.tags: tuple[Tag, ...] | None = None
        self.first_tags: tuple[Tag, ...] | None = None
        self.code = ""
        self.shown: Shown | None = None
        self.sketches: dict[tuple[int, str], Sketch] = {}


Laid = tuple[int, int, str, Passage]
"""A block in its paragraph: (start, end, kind, what it says)"""


class Kept:
    """Lexicons together with what they found in recent paragraphs and phrases."""

    def __init__(self, lexicons: Lexicons, phrases_kept: int) -> None:
        self.lexicons = lexicons
        files = lexicons.by_language
        self.telling = weigh_words({code: one.words | one.telling for code, one in files.items()})
        self.fillers = frozenset(word.encode() for one in files.values() for word in one.words) | {b"#"}
        weighed = {name for terms in lexicons.weights.features.values() for name, _ in terms}
        self._useful = {name for name in weighed if not name.startswith("signature.")} | COUNTED
        self._placed = frozenset(
            {name for terms in lexicons.weights.features.values() for name, weight in terms if weight > 0}
            | {"greeting.open", "greeting.generic", UNLIKE}
        )
        features = {entry.feature for one in lexicons.by_language.values() for entry in one.entries}
        self._selling = frozenset([name for name in features if name.startswith(_SELLS)])
        self._stock = frozenset([name for name in features if name.startswith(_STOCK)])
        self._phrases: Recent[str, Said] = Recent(phrases_kept)
        self._blocks: Recent[tuple[str, str], tuple[tuple[Laid, ...], str]] = Recent(phrases_kept // 4)
        self._subjects: Recent[str, tuple[Passage, tuple[Tag, ...]]] = Recent(min(_SUBJECTS, phrases_kept))
        self.prints: Recent[tuple[int, str], Print] = Recent(phrases_kept)
        self.pages = Pages(phrases_kept // 4)

    def lay_out(self, paragraph: str, kind: str) -> tuple[tuple[Laid, ...], str]:
        """The blocks of a paragraph, given the kind of those before, and the kind of those after."""
        paragraph = even(paragraph)
        key = (kind, paragraph)
        known = self._blocks.get(key)
        if known is None:
            blocks, after = cut(paragraph, kind)
            laid = []
            for start, end, which in blocks:
                laid.append((start, end, which, self.passage(paragraph[start:end])))
            known = (tuple(laid), after)
            if len(paragraph) <= LONGEST_KEPT:
                self._blocks.put(key, known)
        return known

    def subject(self, subject: str) -> tuple[Passage, tuple[Tag, ...]]:
        """A subject and its merge tags."""
        known = self._subjects.get(subject)
        if known is None:
            known = (self.passage(subject), tuple(find_tags(subject, is_subject=True)))
            self._subjects.put(subject, known)
        return known

    def passage(self, block: str) -> Passage:
        """A block as its phrases."""
        return Passage(block, [(start, end, self.say(block[start:end])) for start, end in sentences(block)])

    def say(self, phrase: str) -> Said:
        """What a phrase is, in whatever language."""
        known = self._phrases.get(phrase)
        if known is None:
            folded = fold(phrase)
            words = split_words(folded.text)
            votes = count_votes(words, self.telling)
            own = elect(votes, least=2.0, lead=1.6)
            told = self._read(phrase, folded, words, own) if own != "und" else None
            known = Said(votes, len(words), told)
            self._phrases.put(phrase, known)
        return known

    def tell(self, phrase: str, said: Said, language: str) -> Told:
        """What a phrase shows in a message of this language."""
        told = said.told or said.elsewhere.get(language)
        if told is None:
            folded = fold(phrase)
            told = self._read(phrase, folded, split_words(folded.text), language)
            said.elsewhere = {**said.elsewhere, language: told}
        return told

    def tags(self, passage: Passage, *, first: bool) -> tuple[Tag, ...]:
        """Merge tags and holes in a block; `first` says that it opens the message."""
        if not first:
            if passage.tags is None:
                passage.tags = tuple(find_tags(passage.text)[:20])
            return passage.tags
        if passage.first_tags is None:
            passage.first_tags = tuple(find_tags(passage.text, first=True)[:20])
        return passage.first_tags

    def show(self, passage: Passage, language: str) -> Shown:
        """The findings in a block of a message in this language, with offsets in it."""
        shown = passage.shown
        if shown is None or passage.code != language:
            shown = self._show(passage, language)
            passage.code, passage.shown = language, shown
        return shown

    def _show(self, passage: Passage, language: str) -> Shown:
        hits: list[Hit] = []
        tricks: list[Tag] = []
        spans: list[Span] = []
        sums: dict[str, float] = {}
        load, most = 0, 0.0
        for start, end, said in passage.parts:
            told = said.told
            if told is None:
                told = self.tell(passage.text[start:end], said, language)
            spans.append((start, end, told.asks, told.stock))
            load += told.load
            most = max(most, sells(told.load, said.words))
            for hit in told.hits:
                name, a, b, weight = hit
                total = sums.get(name)
                if total is None or total == weight:
                    hits.append((name, a + start, b + start, weight) if start else hit)
                sums[name] = weight if total is None else total + weight
            if told.tricks:
                tricks += [(a + start, b + start, why) for a, b, why in told.tricks]
        if not hits:
            return Shown((), (), (), tuple(tricks), "", tuple(spans), load, most)
        return Shown(
            tuple(hits),
            tuple([hit for hit in hits if hit[0] in self._placed]),
            tuple([one for one in sums.items() if one[0] in self._useful]),
            tuple(tricks),
            _mark(sums),
            tuple(spans),
            load,
            most,
        )

    def _read(self, phrase: str, folded: Folded, words: list[bytes], code: str) -> Told:
        hits = self._match(folded.text, words, code)
        tricks = folded.tricks
        fields: list[tuple[int, int]] = []
        plain = undisguise(folded) if tricks or looks_disguised(folded.text, words) else None
        if plain is not None and (more := self._more(plain.text, code, hits)):
            tricks += plain.tricks
            hits, folded, words = more, plain, split_words(plain.text)
        elif fields := find_fields(phrase):
            text = fold(fill(phrase, fields)).text
            hits = hits + _unknown(self._match(text, split_words(text), code), hits)
        hits = _meant(hits)
        load = self.lexicons.words.get(code, _NO_WORDS).weigh(words)
        if not hits and not tricks:
            return Told((), (), False, False, load) if load else _NOTHING
        if (places := folded.places) is not None:
            hits = [(name, *_place(places, a, b, len(phrase)), weight) for name, a, b, weight in hits]
        if fields and _blank(hits, fields[-1][0]):
            hits = [(DETAIL_FIELD, *hit[1:]) if hit[0] in _DETAILS else hit for hit in hits]
            load = unsay(load, "personal_detail")
        names = {hit[0] for hit in hits}
        asks, stock = not self._selling.isdisjoint(names), not self._stock.isdisjoint(names)
        if asks and len(words) < LEAST_QUESTION:
            asks = not self._selling.isdisjoint(names - _QUESTION)
        if stock and len(words) >= STOCK_REST:
            stock = _rest(phrase, hits) < STOCK_REST
        return Told(tuple(hits), tricks, asks, stock, load)

    def _match(self, text: bytes, words: list[bytes], code: str) -> list[Hit]:
        if code != "und":
            return self.lexicons.by_language[code].match(text, words, self._placed)
        found: dict[Hit, None] = {}
        for one in LANGUAGES:
            found |= dict.fromkeys(self.lexicons.by_language[one].match(text, words, self._placed))
        return list(found)

    def _more(self, text: bytes, code: str, hits: list[Hit]) -> list[Hit]:
        """The hits without the disguise, where it hid something."""
        more = self._match(text, split_words(text), code)
        return more if _unknown(more, hits) else []


def _meant(hits: list[Hit]) -> list[Hit]:
    """The hits without the stops that words unlike a stop touch: another stop beside them stands."""
    unlike = [hit for hit in hits if hit[0] == UNLIKE]
    if not unlike:
        return hits
    return [
        hit
        for hit in hits
        if not hit[0].startswith(STOP) or all(hit[2] <= one[1] or one[2] <= hit[1] for one in unlike)
    ]


def _unknown(more: Iterable[Hit], hits: Iterable[Hit]) -> list[Hit]:
    """Those that no other of their feature was known of; forms aside."""
    known = {hit[0] for hit in hits}
    return [hit for hit in more if hit[0] not in known and not hit[0].startswith("form.")]


def _blank(hits: Iterable[Hit], field: int) -> bool:
    """Whether a detail has a field after it, and so says nothing of anybody."""
    return any(hit[0] in _DETAILS and hit[1] <= field for hit in hits)


def _rest(phrase: str, hits: Sequence[Hit]) -> int:
    """How many words of a phrase no stock one covers."""
    left, place = [], 0
    for _, start, end, _ in sorted(
        (hit for hit in hits if hit[0].startswith(_STOCK)), key=lambda one: one[1]
    ):
        left.append(phrase[place:start])
        place = max(place, end)
    left.append(phrase[place:])
    return sum(1 for part in left for word in part.split() if word[0].isalpha())


def _mark(sums: Mapping[str, float]) -> str:
    if "footer.legal" in sums or "footer.bulk" in sums:
        return "footer"
    return "closing" if "closing.sign" in sums else ""


_NOTHING = Told((), (), False, False)
_NO_WORDS = Words()


def _place(places: tuple[int, ...], start: int, end: int, size: int) -> tuple[int, int]:
    if start >= len(places):
        return size, size
    return places[start], (places[end - 1] + 1 if 0 < end <= len(places) else size)

"""The bounded memory of a Reader: blocks and phrases that were read before."""

from collections.abc import MutableMapping
from typing import Any, NamedTuple

from xxhash import xxh32_intdigest

from gateway.reading.fold import fold, looks_disguised, undisguise
from gateway.reading.form import COUNTED
from gateway.reading.html import Piece
from gateway.reading.language import Votes, count_votes, elect, split_words, weigh_words
from gateway.reading.lexicon import LANGUAGES, Lexicons
from gateway.reading.merge_tags import Tag, find_tags
from gateway.reading.sentences import sentences

Hit = tuple[str, int, int, float]
"""(feature, start, end, weight), offsets in the block"""


class Shown(NamedTuple):
    """What a block shows: hits (at most two of a feature), sums by feature, merge tags, tricks, number
    of words, and `mark`: "footer" or "closing" where its words say so."""

    hits: tuple[Hit, ...]
    sums: tuple[tuple[str, float], ...]
    tags: tuple[Tag, ...]
    tricks: tuple[Tag, ...]
    words: int
    mark: str


class Kept:
    """Lexicons together with what they found in recent blocks and phrases."""

    def __init__(self, lexicons: Lexicons, phrases_kept: int) -> None:
        self.lexicons = lexicons
        self._table = weigh_words({code: one.words for code, one in lexicons.by_language.items()})
        self._room = max(64, phrases_kept)
        weighed = {name for terms in lexicons.weights.features.values() for name, _ in terms}
        self._useful = {name for name in weighed if not name.startswith("signature.")} | COUNTED
        self._votes: dict[str, Votes] = {}
        self._blocks: dict[tuple[str, str, bool], Shown] = {}
        self._phrases: dict[tuple[str, str], tuple[tuple[Hit, ...], tuple[Tag, ...], int]] = {}
        self.pieces: MutableMapping[str, Piece] = Bounded(self._room // 4)
        self.runs: dict[tuple[int, str, str], Any] = Bounded(self._room // 4)
        self._values: dict[bytes, int] = {}

    @property
    def function_words(self) -> dict[bytes, Votes]:
        """Function words of all languages."""
        return self._table

    def values(self, words: list[bytes]) -> list[int]:
        """A number for each word, the same everywhere, to sample runs by."""
        known = self._values
        for word in words:
            if word not in known:
                _put(known, word, xxh32_intdigest(word), self._room)
        return [known[word] for word in words]

    def votes(self, block: str) -> Votes:
        """The block's votes for a language."""
        known = self._votes.get(block)
        if known is None:
            known = count_votes(split_words(fold(block).text), self._table)
            _put(self._votes, block, known, self._room // 2)
        return known

    def show(self, block: str, language: str, first: bool) -> Shown:
        """The findings in a block, with offsets in it."""
        key = (block, language, first)
        known = self._blocks.get(key)
        if known is None:
            known = self._read_block(block, language, first)
            _put(self._blocks, key, known, self._room // 4)
        return known

    def _read_block(self, block: str, language: str, first: bool) -> Shown:
        hits: list[Hit] = []
        tricks: list[Tag] = []
        words = 0
        for start, end in sentences(block):
            found, odd, count = self._read_phrase(block[start:end], language)
            hits += [(name, a + start, b + start, weight) for name, a, b, weight in found]
            tricks += [(a + start, b + start, why) for a, b, why in odd]
            words += count
        tags = tuple(find_tags(block, first=first)[:20])
        sums: dict[str, float] = {}
        kept: list[Hit] = []
        for hit in hits:
            name = hit[0]
            if name not in sums or sums[name] == hit[3]:
                kept.append(hit)
            sums[name] = sums.get(name, 0.0) + hit[3]
        mark = (
            "footer"
            if "footer.legal" in sums or "footer.bulk" in sums
            else "closing"
            if "closing.sign" in sums
            else ""
        )
        useful = tuple((name, total) for name, total in sums.items() if name in self._useful)
        return Shown(tuple(kept), useful, tags, tuple(tricks), words, mark)

    def _read_phrase(self, phrase: str, language: str) -> tuple[tuple[Hit, ...], tuple[Tag, ...], int]:
        key = (phrase, language)
        known = self._phrases.get(key)
        if known is None:
            known = self._study_phrase(phrase, language)
            _put(self._phrases, key, known, self._room)
        return known

    def _study_phrase(self, phrase: str, language: str) -> tuple[tuple[Hit, ...], tuple[Tag, ...], int]:
        folded = fold(phrase)
        words = split_words(folded.text)
        own = elect(count_votes(words, self._table), least=2.0, lead=1.6)
        code = own if own != "und" else language
        hits = self._match(folded.text, code)
        tricks = list(folded.tricks)
        plain = undisguise(phrase) if folded.tricks or looks_disguised(folded.text, words) else None
        if plain is not None and (more := self._more(plain.text, code, hits)):
            tricks += plain.tricks
            hits, folded = more, plain
        if (places := folded.places) is not None:
            hits = [(name, *_place(places, a, b, len(phrase)), weight) for name, a, b, weight in hits]
        return tuple(hits), tuple(tricks), len(words)

    def _match(self, text: bytes, code: str) -> list[Hit]:
        if code != "und":
            return self.lexicons.by_language[code].match(text)
        found: dict[Hit, None] = {}
        for one in LANGUAGES:
            found |= dict.fromkeys(self.lexicons.by_language[one].match(text))
        return list(found)

    def _more(self, text: bytes, code: str, hits: list[Hit]) -> list[Hit]:
        """The hits without the disguise, where it hid something."""
        more = self._match(text, code)
        known = {hit[0] for hit in hits}
        new = [hit for hit in more if hit[0] not in known and not hit[0].startswith("form.")]
        return more if new else []


def _place(places: tuple[int, ...], start: int, end: int, size: int) -> tuple[int, int]:
    if start >= len(places):
        return size, size
    return places[start], (places[end - 1] + 1 if 0 < end <= len(places) else size)


class Bounded(dict[Any, Any]):
    """A dict that forgets its oldest entries beyond `room`."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self._room = max(16, room)

    def __setitem__(self, key: Any, value: Any) -> None:
        if len(self) >= self._room:
            _forget(self)
        super().__setitem__(key, value)


def _put(kept: dict[Any, Any], key: object, value: object, room: int) -> None:
    if len(kept) >= room:
        _forget(kept)
    kept[key] = value


def _forget(kept: dict[Any, Any]) -> None:
    """Drop the oldest eighth."""
    for key in list(kept)[: len(kept) // 8 + 1]:
        del kept[key]

"""Fingerprints of a text for sameness: whole sentences, and sampled runs of words.

What belongs to the recipient is masked first, within bounds, so that a pitch cannot hide in an
attribute. Sentences tell word-for-word copies even in a large history; runs survive spun words.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from operator import itemgetter

from xxhash import xxh3_64_intdigest, xxh32_intdigest

from gateway.message.content import Content
from gateway.reading.cache import NO_SKETCH, Kept, Mark, Passage, Print, Shown, Sketch, Span
from gateway.reading.fold import fold
from gateway.reading.language import split_words
from gateway.reading.reading import Phrase
from gateway.reading.sentences import sentences

MAX_SENTENCES = 16
MAX_RUNS = 32
RUN = 3
"""Words in a run."""
LEAST_WORDS = 4
MASK = "\u00a4"
_MASK_WORDS = 6
_MASK_SHARE = 0.2
_LEAST_TOGETHER = 8
"""Words of short sentences that count together where a text has no others."""
_STOCK_WORDS = 16
"""A stock phrase in a longer sentence does not make it one."""

_MOST_SKETCHES = 3
"""Sketches kept of a block: one for each size of the messages it stands in."""

Cut = tuple[int, int]
_Spot = tuple[int, list[Cut], Sketch]
_START = itemgetter(2)
_new = tuple.__new__


def fingerprint(
    content: Content, text: str, blocks: list[tuple[int, Passage, Shown]], kept: Kept, language: str
) -> tuple[Phrase, ...]:
    """The phrases of the masked text, in order, at most MAX_SENTENCES + MAX_RUNS."""
    size = sum([len(one.text) for _, one, _ in blocks])
    level = (size // 300).bit_length()
    owned = [word for word in _own_words(content) if word in text]
    budget = int(size * _MASK_SHARE) + 12
    wanted = (level, language)
    spots: list[_Spot] = []
    for place, passage, shown in blocks:
        cuts = _find_own(passage.text, owned, budget) if owned else []
        if cuts:
            budget -= sum(b - a for a, b in cuts)
            sketch = _sketch_masked(_mask(passage.text, cuts), shown.spans, level, language, kept)
        else:
            known = passage.sketches.get(wanted)
            if known is None:
                if len(passage.sketches) >= _MOST_SKETCHES:
                    passage.sketches.clear()
                known = passage.sketches[wanted] = _sketch(passage.text, shown.spans, level, kept)
            sketch = known
        if sketch.sentences:
            spots.append((place, cuts, sketch))
    if not spots:
        return _together(blocks, owned, int(size * _MASK_SHARE) + 12)
    return (*_phrases(spots, MAX_SENTENCES, run=False), *_phrases(spots, MAX_RUNS, run=True))


def _together(
    blocks: list[tuple[int, Passage, Shown]], owned: Sequence[str], budget: int
) -> tuple[Phrase, ...]:
    """One phrase of a text whose sentences are all too short to count, without the stock ones; none where
    little is left."""
    parts = [
        (place + start, place + end, one.text[start:end], asks)
        for place, one, shown in blocks
        for start, end, asks, stock in shown.spans
        if not stock
    ]
    said = " ".join([text for _, _, text, _ in parts])
    words = _words(_mask(said, _find_own(said, owned, budget)))
    if len(words) - words.count(b"#") < _LEAST_TOGETHER:
        return ()
    number = _number(b"t " + b" ".join(words))
    asks = any([asks for _, _, _, asks in parts])  # noqa: C419 (a list is quicker)
    return (_new(Phrase, (number, len(words), parts[0][0], parts[-1][1], asks, False)),)


def _phrases(spots: list[_Spot], most: int, *, run: bool) -> list[Phrase]:
    """At most `most` in order of place, chosen by their hashes so that copies keep the same ones; those
    that ask come first. Of two of one hash the first counts."""
    found: dict[int, Phrase] = {}
    for place, cuts, sketch in spots:
        for number, words, start, end, asks in sketch.runs if run else sketch.sentences:
            if number not in found:
                if cuts:
                    start, end = _unmask(start, cuts), _unmask(end, cuts)
                found[number] = _new(Phrase, (number, words, place + start, place + end, asks, run))
    chosen: Iterable[int] = found
    if len(found) > most:
        asking = [] if run else [number for number, one in found.items() if one.asks]
        chosen = sorted(asking)[:most]
        if len(chosen) < most:
            chosen += sorted(found.keys() - chosen)[: most - len(chosen)]
    return sorted([found[number] for number in chosen], key=_START)


def _own_words(content: Content) -> tuple[str, ...]:
    """The values to mask, longest first: whole ones, and the parts of the reader's name."""
    values = [content.recipient_name, content.recipient_company, *content.own_words[:40]]
    found: dict[str, None] = {}
    for value in values:
        value = value.strip()
        if len(value) >= 2 and len(value.split()) <= _MASK_WORDS and len(value) <= 80:
            found[value] = None
    for part in content.recipient_name.split()[:4]:
        if len(part) >= 3 and (bare := part.strip(".,")):  # of dots alone nothing is left
            found[bare] = None
    return tuple(sorted(found, key=len, reverse=True))


def _find_own(block: str, owned: Sequence[str], budget: int) -> list[Cut]:
    cuts: list[Cut] = []
    covered = bytearray(len(block))
    for word in owned:
        if word not in block:
            continue
        start = block.find(word)
        while start >= 0 and budget > 0:
            end = start + len(word)
            free = 1 not in covered[start:end]
            if free and not (start and block[start - 1].isalnum()) and not block[end : end + 1].isalnum():
                cuts.append((start, end))
                covered[start:end] = b"\1" * (end - start)
                budget -= end - start
            start = block.find(word, end)
    return sorted(cuts)


def _mask(block: str, cuts: list[Cut]) -> str:
    out, last = [], 0
    for start, end in cuts:
        out.append(block[last:start])
        out.append(MASK)
        last = end
    return "".join(out) + block[last:]


def _unmask(place: int, cuts: list[Cut]) -> int:
    """Where a place in the masked block stands in the block."""
    for start, end in cuts:
        if place <= start:
            break
        place += end - start - 1
    return place


def _sketch_masked(masked: str, spans: tuple[Span, ...], level: int, language: str, kept: Kept) -> Sketch:
    """The fingerprints of a block in which values of the recipient are masked; `spans` are its phrases
    before."""
    found = sentences(masked)
    if len(found) == len(spans):
        flags = [(asks, stock) for _, _, asks, stock in spans]
    else:
        told = [kept.tell(masked[a:b], kept.say(masked[a:b]), language) for a, b in found]
        flags = [(one.asks, one.stock) for one in told]
    return _sketch(masked, [(*one, *flag) for one, flag in zip(found, flags, strict=True)], level, kept)


def _sketch(masked: str, spans: Sequence[Span], level: int, kept: Kept) -> Sketch:
    whole: dict[int, Mark] = {}
    runs: dict[int, Mark] = {}
    for start, end, asks, stock in spans:
        key = (level, masked[start:end])
        known = kept.prints.get(key)
        if known is None:
            known = _print(key[1], level, kept.fillers)
            kept.prints.put(key, known)
        number, words, plain, sampled = known
        if plain < LEAST_WORDS or (stock and plain <= _STOCK_WORDS):
            continue
        whole.setdefault(number, (number, words, start, end, asks))
        for run, a, b in sampled:
            runs.setdefault(run, (run, RUN, start + a, start + b, False))
    return Sketch(tuple(whole.values()), tuple(runs.values())) if whole else NO_SKETCH


def _print(sentence: str, level: int, fillers: frozenset[bytes]) -> Print:
    words = _words(sentence)
    plain = len(words) - words.count(b"#")
    if plain < LEAST_WORDS:
        return Print(0, len(words), plain, ())
    number = _number(b"s " + b" ".join(words))
    return Print(number, len(words), plain, _sample(words, len(sentence), level, fillers))


def _words(sentence: str) -> list[bytes]:
    """Words in lower case; numbers, masks, addresses and links become `#`."""
    if MASK in sentence:
        sentence = sentence.replace(MASK, " 0 ")
    if "@" in sentence or "://" in sentence or "www." in sentence:
        sentence = " ".join(
            "0" if "@" in w or "://" in w or w.startswith("www.") else w for w in sentence.split()
        )
    return [word if word.isalpha() else b"#" for word in split_words(fold(sentence).text)]


def _sample(
    words: list[bytes], size: int, level: int, fillers: frozenset[bytes]
) -> tuple[tuple[int, int, int], ...]:
    most = (1 << level) - 1
    pairs = pairwise(map(xxh32_intdigest, words))
    found = []
    step = size / len(words)
    for i in [i for i, (a, b) in enumerate(pairs) if not (a ^ (b * 3)) & most]:
        run = words[i : i + RUN]
        if len(run) < RUN or run.count(b"#") > 1 or fillers.issuperset(run):
            continue
        found.append((_number(b" ".join(run)), int(i * step), min(size, int((i + RUN) * step))))
    return tuple(found)


def _number(words: bytes) -> int:
    number = xxh3_64_intdigest(words)
    return number - (1 << 64) if number >> 63 else number

"""Fingerprints of a text for sameness: whole sentences, and sampled runs of words.

What belongs to the recipient is masked first, within bounds, so that a pitch cannot hide in an
attribute. Sentences tell word-for-word copies even in a large history; runs survive spun words.
"""

from itertools import pairwise
from typing import NamedTuple

from xxhash import xxh3_64_intdigest

from gateway.message.content import Content
from gateway.reading.cache import Kept
from gateway.reading.fold import fold
from gateway.reading.language import split_words
from gateway.reading.reading import Phrase
from gateway.reading.sentences import sentences

MAX_SENTENCES = 20
MAX_RUNS = 44
RUN = 3
"""Words in a run."""
LEAST_WORDS = 4
MASK = "\u00a4"
_MASK_WORDS = 6
_MASK_SHARE = 0.2
_SELLS = ("promotional.", "permission.", "recommendation.", "form.question", "pressure.")
_STOCK = ("stock.", "closing.", "greeting.", "way_out.", "data_source.", "footer.")

Cut = tuple[int, int]
Mark = tuple[int, int, int, int, bool]
"""(hash, words, start, end, asks), offsets in the masked block"""
_Spot = tuple[int, list[Cut], Mark]


class Sketch(NamedTuple):
    """The fingerprints of one masked block."""

    sentences: tuple[Mark, ...]
    runs: tuple[Mark, ...]


def fingerprint(
    content: Content, blocks: list[tuple[int, str]], kept: Kept, language: str
) -> tuple[Phrase, ...]:
    """The phrases of the masked text, in order, at most MAX_SENTENCES + MAX_RUNS."""
    size = sum(len(block) for _, block in blocks)
    level = (size // 600).bit_length()
    owned = _own_words(content)
    budget = int(size * _MASK_SHARE) + 12
    whole: dict[int, _Spot] = {}
    runs: dict[int, _Spot] = {}
    for place, block in blocks:
        cuts = _find_own(block, owned, budget) if owned else []
        budget -= sum(b - a for a, b in cuts)
        masked = _mask(block, cuts) if cuts else block
        key = (level, language, masked)
        sketch = kept.runs.get(key)
        if sketch is None:
            sketch = _sketch(masked, level, language, kept)
            kept.runs[key] = sketch
        for one in sketch.sentences:
            whole.setdefault(one[0], (place, cuts, one))
        for one in sketch.runs:
            runs.setdefault(one[0], (place, cuts, one))
    return (*_phrases(whole, MAX_SENTENCES, False), *_phrases(runs, MAX_RUNS, True))


def _phrases(spots: "dict[int, _Spot]", most: int, run: bool) -> list[Phrase]:
    """At most `most` in order of place, chosen by their hashes so that copies keep the same ones; those
    that ask come first."""
    chosen = list(spots)
    if len(chosen) > most:
        ranked = sorted(chosen) if run else sorted(chosen, key=lambda one: (not spots[one][2][4], one))
        kept = set(ranked[:most])
        chosen = [number for number in chosen if number in kept]
    out = []
    for number in chosen:
        place, cuts, (_, words, start, end, asks) = spots[number]
        if cuts:
            start, end = _unmask(start, cuts), _unmask(end, cuts)
        out.append(Phrase(number, words, place + start, place + end, asks, run))
    return out


def _own_words(content: Content) -> tuple[str, ...]:
    """The values to mask, longest first: whole ones, and the parts of the reader's name."""
    values = [content.recipient_name, content.recipient_company, *content.own_words[:40]]
    found: dict[str, None] = {}
    for value in values:
        value = value.strip()
        if len(value) >= 2 and len(value.split()) <= _MASK_WORDS and len(value) <= 80:
            found[value] = None
    for part in content.recipient_name.split()[:4]:
        if len(part) >= 3:
            found[part.strip(".,")] = None
    return tuple(sorted(found, key=len, reverse=True))


def _find_own(block: str, owned: tuple[str, ...], budget: int) -> list[Cut]:
    cuts: list[Cut] = []
    for word in owned:
        if word not in block:
            continue
        start = block.find(word)
        while start >= 0 and budget > 0:
            end = start + len(word)
            free = not any(a < end and start < b for a, b in cuts)
            if free and not (start and block[start - 1].isalnum()) and not block[end : end + 1].isalnum():
                cuts.append((start, end))
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


def _sketch(masked: str, level: int, language: str, kept: Kept) -> Sketch:
    shown = kept.show(masked, language, False)
    asks = [hit[1] for hit in shown.hits if hit[0].startswith(_SELLS)]
    stock = [hit[1] for hit in shown.hits if hit[0].startswith(_STOCK)]
    whole: list[Mark] = []
    runs: list[Mark] = []
    for start, end in sentences(masked):
        words = _words(masked[start:end])
        plain = sum(1 for word in words if word != b"#")
        if plain < LEAST_WORDS or (plain <= 16 and any(start <= one < end for one in stock)):
            continue
        wants = any(start <= one < end for one in asks)
        whole.append((_number(b"s " + b" ".join(words)), len(words), start, end, wants))
        runs += _sample(words, start, end, level, kept)
    return Sketch(tuple(whole), tuple(runs))


def _words(sentence: str) -> list[bytes]:
    """Words in lower case; numbers, masks, addresses and links become `#`."""
    sentence = sentence.replace(MASK, " 0 ")
    if "@" in sentence or "://" in sentence or "www." in sentence:
        sentence = " ".join(
            "0" if "@" in w or "://" in w or w.startswith("www.") else w for w in sentence.split()
        )
    return [word if word.isalpha() else b"#" for word in split_words(fold(sentence).text)]


def _sample(words: list[bytes], start: int, end: int, level: int, kept: Kept) -> list[Mark]:
    found: list[Mark] = []
    if len(words) < RUN:
        return found
    values = kept.values(words)
    most = (1 << level) - 1
    function = kept.function_words
    step = (end - start) / len(words)
    for i in [i for i, (a, b) in enumerate(pairwise(values)) if not (a ^ (b * 3)) & most]:
        run = words[i : i + RUN]
        if len(run) < RUN or run.count(b"#") > 1 or all(word in function or word == b"#" for word in run):
            continue
        a = start + int(i * step)
        found.append((_number(b" ".join(run)), RUN, a, min(end, start + int((i + RUN) * step)), False))
    return found


def _number(words: bytes) -> int:
    number = xxh3_64_intdigest(words)
    return number - (1 << 64) if number >> 63 else number

"""Studying a page: its blocks, what each shows, and the sums that the findings are judged by."""

from dataclasses import dataclass, field

from gateway.message.content import Content
from gateway.reading.cache import Hit, Kept, Shown
from gateway.reading.form import message_features
from gateway.reading.html import Page
from gateway.reading.language import LANGUAGES, elect
from gateway.reading.merge_tags import find_tags
from gateway.reading.reading import Phrase
from gateway.reading.runs import fingerprint
from gateway.reading.segments import Block, cut

MAX_BLOCKS = 1_500
MAX_SUBJECT = 500
_FACTORS = {"quoted": 0.4, "forwarded": 0.8}
"""What hits count in text that others may have written; nothing in a true reply's quotation."""
_SIGNATURE_WORDS = 30
_IN_SIGNATURE = ("signature.", "form.organization", "form.phone", "way_out.", "data_source.", "footer.")
_IN_FOOTER = ("footer.", "way_out.", "data_source.", "form.organization", "form.address", "stop.")
_ALLOWED = {"signature": _IN_SIGNATURE, "closing": _IN_SIGNATURE, "footer": _IN_FOOTER}


@dataclass(slots=True)
class Study:
    """What was seen: `features` sums by name, `hits` as (part, place of the block, its hits), merge tags
    and tricks as (part, start, end, what)."""

    language: str = "und"
    features: dict[str, float] = field(default_factory=dict)
    hits: list[tuple[str, int, tuple[Hit, ...]]] = field(default_factory=list)
    tags: list[tuple[str, int, int, str]] = field(default_factory=list)
    tricks: list[tuple[str, int, int, str]] = field(default_factory=list)
    words: int = 0
    blocks: list[Block] = field(default_factory=list)
    phrases: tuple[Phrase, ...] = ()


def study(content: Content, page: Page, kept: Kept) -> Study:
    """Everything that can be said of the page before judging it."""
    text = page.text
    blocks = cut(text)[:MAX_BLOCKS]
    strings = [text[one.start : one.end] for one in blocks]
    seen = Study(language=_language(content, strings, kept))
    _read_subject(content.subject[:MAX_SUBJECT], seen, kept)
    state = ""
    counted: list[tuple[int, str]] = []
    for place, (block, string) in enumerate(zip(blocks, strings, strict=True)):
        shown = kept.show(string, seen.language, place < 2)
        kind, state = _kind(block.kind, shown.mark, shown.words, state, string, place)
        seen.blocks.append(Block(block.start, block.end, kind) if kind != block.kind else block)
        _add(seen, shown, block.start, kind, content.is_reply)
        seen.words += shown.words
        if shown.tags and kind != "quoted":
            seen.tags += [("body", a + block.start, b + block.start, why) for a, b, why in shown.tags]
        if shown.tricks:
            seen.tricks += [("body", a + block.start, b + block.start, why) for a, b, why in shown.tricks]
        if kind == "own":
            counted.append((block.start, string))
    message_features(content, page, seen.features, seen.words, seen.tags)
    seen.phrases = fingerprint(content, counted, kept, seen.language)
    return seen


def _language(content: Content, strings: list[str], kept: Kept) -> str:
    sums = [0.0] * 5
    for string in strings[:60]:
        for place, votes in enumerate(kept.votes(string)):
            sums[place] += votes
        if max(sums) > 25:
            break
    if content.subject:
        for place, votes in enumerate(kept.votes(content.subject[:MAX_SUBJECT])):
            sums[place] += votes
    if content.language[:2] in LANGUAGES:
        sums[LANGUAGES.index(content.language[:2])] += 0.8
    return elect(tuple(sums), least=0.9, lead=1.1)


def _read_subject(subject: str, seen: Study, kept: Kept) -> None:
    if not subject.strip():
        return
    shown = kept.show(subject, seen.language, False)
    hits = tuple(
        hit
        for hit in shown.hits
        if not hit[0].startswith(("form.proper", "greeting.", "closing.", "signature."))
    )
    for name, _, _, weight in hits:
        seen.features[name] = seen.features.get(name, 0.0) + weight
    seen.hits.append(("subject", 0, hits))
    seen.tricks += [("subject", a, b, why) for a, b, why in shown.tricks]
    seen.tags += [("subject", a, b, why) for a, b, why in find_tags(subject, is_subject=True)]


def _kind(kind: str, mark: str, words: int, state: str, string: str, place: int) -> tuple[str, str]:
    """What kind of block this is, and the state after it: "" in the text, "signed" after the closing."""
    if kind in ("quoted", "forwarded"):
        return kind, state
    if string[0] in "Pp" and string[:4].upper().startswith(("P.S", "PS:", "PS ")):
        return "own", ""
    if mark == "footer":
        return "footer", state
    if place and mark and words <= 14:
        return "closing", "signed"
    if (state or kind == "signature") and words <= _SIGNATURE_WORDS:
        return "signature", state or "signed"
    return "own", ""


def _add(seen: Study, shown: Shown, place: int, kind: str, is_reply: bool) -> None:
    if not shown.hits:
        return
    sums = seen.features
    factor = _FACTORS.get(kind, 1.0)
    if kind in _ALLOWED:
        hits = tuple(hit for hit in shown.hits if hit[0].startswith(_ALLOWED[kind]))
        for hit in hits:
            sums[hit[0]] = sums.get(hit[0], 0.0) + hit[3]
    elif is_reply and kind == "quoted":
        return
    else:
        hits = shown.hits
        for name, total in shown.sums:
            sums[name] = sums.get(name, 0.0) + total * factor
    seen.hits.append(("body", place, hits))

"""Studying a page: its blocks, what each shows, and the sums that the findings are judged by."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from gateway.message.content import Content
from gateway.reading.cache import IN_FOOTER, IN_SIGNATURE, Hit, Kept, Laid, Passage, Shown
from gateway.reading.form import message_features
from gateway.reading.holes import Tag
from gateway.reading.language import LANGUAGES, elect, most_votes, vote
from gateway.reading.reading import Phrase
from gateway.reading.runs import fingerprint
from gateway.reading.segments import Block
from gateway.reading.sheet import Page
from gateway.reading.words import ORDINARY, Load

MAX_BLOCKS = 1_500
MAX_SUBJECT = 500
_FACTORS = {"quoted": 0.4, "forwarded": 0.8}
"""What hits count in text that others may have written; nothing in a true reply's quotation."""
_SIGNATURE_WORDS = 30
_FOOTER_WORDS = 20
_BANNER_WORDS = 16
"""Words from which a footer that sells is looked at again, and the lines of a signature that do: more than
a footer, or than the line that a company puts under all its mail, stands in it."""
_ANNEXES = ("footer", "signature")
_SELLING = ("promotional.", "pressure.", "form.price", "form.discount")
_ALLOWED = {"signature": IN_SIGNATURE, "closing": (*IN_SIGNATURE, "stop."), "footer": IN_FOOTER}
"""Kinds of block in which only some hits count."""
_new = tuple.__new__
_ENOUGH = 25.0
"""Votes that settle the language of a message."""


@dataclass(slots=True)
class Study:
    """What was seen: `features` sums by name, `hits` as (part, place of the block, its hits), merge tags
    and tricks as (part, start, end, what), `selling` as (kind, words, signs of selling) of a footer or
    signature."""

    language: str = "und"
    features: dict[str, float] = field(default_factory=dict)
    hits: list[tuple[str, int, tuple[Hit, ...]]] = field(default_factory=list)
    tags: list[tuple[str, int, int, str]] = field(default_factory=list)
    tricks: list[tuple[str, int, int, str]] = field(default_factory=list)
    words: int = 0
    blocks: list[Block] = field(default_factory=list)
    phrases: tuple[Phrase, ...] = ()
    selling: list[tuple[str, int, int]] = field(default_factory=list)
    truncated: bool = False

    @property
    def doubted(self) -> tuple[str, ...]:
        """The kinds of block, of footer and signature, in which more stands than such a thing holds."""
        if not self.selling:
            return ()
        signed = [(words, signs) for kind, words, signs in self.selling if kind == "signature"]
        words, signs = sum([one[0] for one in signed]), sum([one[1] for one in signed])
        footer = ("footer",) if len(signed) < len(self.selling) else ()
        return (*footer, "signature") if words > _BANNER_WORDS and signs > 1 else footer


def study(  # noqa: C901 (one pass over the blocks, kept whole for speed)
    content: Content,
    page: Page,
    kept: Kept,
    *,
    doubted: Collection[str] = (),
    besides: tuple[int, int] | None = None,
) -> Study:
    """Everything that can be said of the page before judging it; what sells in a block of one of the
    `doubted` kinds, footer or signature, counts in full. `besides` is where, in the text of the page, begins
    what it says besides and what is said apart from it: no signature or quotation above reaches there."""
    blocks, afresh, full = _lay_out(page.text, kept, besides, is_reply=content.is_reply)
    subject = content.subject[:MAX_SUBJECT]
    seen = Study(language=_language(content, subject, blocks, kept), truncated=full)
    language = seen.language
    load, own = _read_subject(subject, seen, kept)
    state, sums, most = "", seen.features, 0.0
    counted: list[tuple[int, Passage, Shown]] = []
    for place, (start, end, which, passage) in enumerate(blocks):
        if place in afresh:
            state = ""
        shown = passage.shown
        if shown is None or passage.code != language:
            shown = kept.show(passage, language)
        kind = which
        if state or shown.mark or which != "own":
            kind, state = _kind(which, shown.mark, passage.words, state, passage.text, place)
            if shown.sums and kind in _ANNEXES and (signs := _selling(shown, passage.words, kind)):
                seen.selling.append((kind, passage.words, signs))
                kind = "own" if kind in doubted else kind
        seen.blocks.append(_new(Block, (start, end, kind)))
        seen.words += passage.words
        tags = passage.tags if place > 1 and passage.tags is not None else kept.tags(passage, first=place < 2)
        if tags or shown.tricks:
            _note(seen, start, () if kind == "quoted" and content.is_reply else tags, shown.tricks)
        if kind == "own":
            load += shown.load
            own += passage.words
            most = max(most, shown.most)
            counted.append((start, passage, shown))
            if shown.hits:
                for name, total in shown.sums:
                    sums[name] = sums.get(name, 0.0) + total
                seen.hits.append(("body", start, shown.telling))
        else:
            if kind == "forwarded" or (kind == "quoted" and not content.is_reply):  # the sender put it there
                counted.append((start, passage, shown))
            if shown.hits:
                _add(seen, shown, start, kind, content.is_reply)
    message_features(content, page, seen.features, seen.words, seen.tags)
    words = kept.lexicons.words.get(language)
    seen.features.update(words.features(load, own, most) if words else ORDINARY)
    seen.phrases = fingerprint(content, page.text, counted, kept, language)
    return seen


class _Layout(NamedTuple):
    """The blocks of a message, those with which something begins that no signature above reaches, and
    whether there were too many."""

    blocks: list[Laid]
    afresh: tuple[int, ...] = ()
    full: bool = False


def _lay_out(text: str, kept: Kept, besides: tuple[int, int] | None, *, is_reply: bool) -> _Layout:
    """The blocks of the text and of what is said besides. Of the latter, what stands within the page may
    belong to the quotation of a reply that ends it; what is said apart from the page is the sender's."""
    if besides is None:
        blocks, _ = _cut(text, kept, 0, "own")
        return _Layout(blocks, full=len(blocks) >= MAX_BLOCKS)
    within, apart = besides
    blocks, kind = _cut(text[: within - 2], kept, 0, "own")
    more, _ = _cut(text[within : apart - 2], kept, within, kind if is_reply and kind == "quoted" else "own")
    last, _ = _cut(text[apart:], kept, apart, "own")
    own = [(start, end, "own", passage) for start, end, _, passage in last]
    full = max(len(blocks), len(more), len(own)) >= MAX_BLOCKS
    return _Layout(blocks + more + own, (len(blocks), len(blocks) + len(more)), full)


def _cut(text: str, kept: Kept, place: int, kind: str) -> tuple[list[Laid], str]:
    """The blocks of a text that begins at this place, those of each paragraph as kept, and the kind of what
    would follow them."""
    blocks: list[Laid] = []
    for paragraph in text.split("\n\n"):
        if paragraph:
            laid, kind = kept.lay_out(paragraph, kind)
            if place:
                for start, end, which, passage in laid:
                    blocks.append((start + place, end + place, which, passage))
            else:
                blocks += laid
        place += len(paragraph) + 2
        if len(blocks) >= MAX_BLOCKS:
            return blocks[:MAX_BLOCKS], kind
    return blocks, kind


def _language(content: Content, subject: str, blocks: list[Laid], kept: Kept) -> str:
    votes, most = 0, 0.0
    for _, _, _, passage in blocks[:60]:
        votes += passage.votes
        most += passage.most
        if most > _ENOUGH and most_votes(votes) > _ENOUGH:
            break
    if subject:
        votes += kept.subject(subject)[0].votes
    if content.language[:2] in LANGUAGES:
        votes += vote(content.language[:2], 80)
    return elect(votes, least=0.9, lead=1.1)


def _read_subject(subject: str, seen: Study, kept: Kept) -> tuple[Load, int]:
    """Adds what the subject shows; what its words weigh, and how many they are."""
    if not subject.strip():
        return 0, 0
    passage, tags = kept.subject(subject)
    shown = kept.show(passage, seen.language)
    hits = tuple(
        hit
        for hit in shown.hits
        if not hit[0].startswith(("form.proper", "greeting.", "closing.", "signature."))
    )
    for name, _, _, weight in hits:
        seen.features[name] = seen.features.get(name, 0.0) + weight
    seen.hits.append(("subject", 0, hits))
    seen.tricks += [("subject", a, b, why) for a, b, why in shown.tricks]
    seen.tags += [("subject", a, b, why) for a, b, why in tags]
    return shown.load, passage.words


def _kind(kind: str, mark: str, words: int, state: str, string: str, place: int) -> tuple[str, str]:
    """What kind of block this is, and the state after it: "" in the text, "signed" after the closing."""
    if kind in ("quoted", "forwarded"):
        return kind, state
    if string[0] in "Pp" and string[:4].upper().startswith(("P.S", "PS:", "PS ")):
        return "own", ""
    if place and mark == "footer":  # a text message and its way out are one block, and no footer
        return "footer", state
    if place and mark and words <= 14:
        return "closing", "signed"
    if (state or kind == "signature") and words <= _SIGNATURE_WORDS:
        return "signature", state or "signed"
    return "own", ""


def _selling(shown: Shown, words: int, kind: str) -> int:
    """How many signs of selling a block shows; of a footer only a long one with two of them counts."""
    signs = sum([name.startswith(_SELLING) for name, _ in shown.sums])
    return signs if kind == "signature" or (words > _FOOTER_WORDS and signs > 1) else 0


def _note(seen: Study, place: int, tags: Sequence[Tag], tricks: Sequence[Tag]) -> None:
    seen.tags += [("body", a + place, b + place, why) for a, b, why in tags]
    seen.tricks += [("body", a + place, b + place, why) for a, b, why in tricks]


def _add(seen: Study, shown: Shown, place: int, kind: str, is_reply: bool) -> None:
    """Adds what a block shows that is not the message's own text."""
    sums = seen.features
    hits = shown.telling
    if kind in _ALLOWED:
        hits = tuple([hit for hit in shown.hits if hit[0].startswith(_ALLOWED[kind])])
        for name, _, _, weight in hits:
            sums[name] = sums.get(name, 0.0) + weight
    elif is_reply and kind == "quoted":
        return
    else:
        factor = _FACTORS.get(kind, 1.0)
        for name, total in shown.sums:
            sums[name] = sums.get(name, 0.0) + total * factor
    seen.hits.append(("body", place, hits))

"""What a message says beside the text that most people see: in its other version, to those whose program
shows no pictures or no styles, in its sender's name, behind what is cut off.

Whoever reads that must not be sold to either. So the message is read once more together with it, which may
only speak against the message: an introduction that few see introduces nobody.
"""

import re
from html import unescape
from itertools import pairwise
from typing import NamedTuple

from msgspec.structs import replace

from gateway.message.content import Content
from gateway.message.headers import LONG_NAME
from gateway.reading.html import MAX_HTML
from gateway.reading.phrases import MAX_SUBJECT
from gateway.reading.reading import Evidence, Finding, Reading
from gateway.reading.segments import cut
from gateway.reading.sheet import Page
from gateway.reading.spoken import read_held
from gateway.reading.walk import walk

AGAINST = ("promotional", "permission_request", "pressure", "presumption", "complaint")
"""Findings that count wherever they stand."""
SURE = 0.5
"""How sure the second reading must be."""
LONGEST = 60_000
"""Characters of it that are read."""
MOST = 1_000_000
"""Characters of other texts that are compared with what is seen; the rest sets `truncated`, as what is new
beyond LONGEST does."""
_NEW = 3
"""Words in a row, besides one on each side, that make a passage say something new."""
_LINE = 25
"""Characters of a known line that ends a new passage; single words stand in any text."""
_WHY = "not in the text that most people see: "
_WORD = re.compile(r"[^\W\d_]+")
_ADDRESS = re.compile(r"\S*(?:://|www\.|@)\S*")
_OUTLOOK = re.compile(r"<!--\[if\b([^\]]{0,200})\]>", re.IGNORECASE)
_OUTLOOK_ENDS = re.compile(r"<!\[endif\]-->", re.IGNORECASE)
_NOT_OUTLOOK = re.compile(r"\s*!\s*\(?\s*\w+\s*\)?\s*")
"""The plain condition under which Outlook leaves out what follows."""
_FLOATS = 30
"""Elements moved to the right, from which on they may be letters in another order."""
_NOT_SAID = re.compile(r"<style.*?(?:</style>|\Z)|<xml.*?(?:</xml>|\Z)|<[^<>]*+>", re.DOTALL | re.IGNORECASE)
_GOES_ON = re.compile(r"\n(?=[a-zà-ÿ])")
"""A line that may go on with a word: a quick look, where the next pattern tries every sign of a page."""
_CUT = re.compile(r"(?<=[^\W\d_])\n++(?=[a-zà-ÿ])")
_CUTS = 3
"""Words that seem to go on below from which on a page is read with its lines put together."""
_BLANKS = re.compile(r"\s+")


class Said(NamedTuple):
    """What a message says besides: `within` the page, where its quotation may hold it, and `apart` from it;
    `cut` is whether some was left unread."""

    within: str = ""
    apart: str = ""
    cut: bool = False


def gather(content: Content, page: Page) -> Said:
    """What the content says besides the text of the page: nothing in most cases."""
    within, apart = _within(content, page), _apart(content)
    if not within and not apart:
        return NOTHING_SAID
    known, room = Known(page.text), MOST
    said: list[str] = []
    for parts in (within, apart):
        new: list[str] = []
        for part in parts:
            if room >= 0:
                new += known.leave_out(part[:room])
                room -= len(part)
        said.append("\n\n".join(new))
    first, second = said
    unread = room < 0 or len(first) + len(second) > LONGEST
    return Said(first[:LONGEST], second[: max(0, LONGEST - len(first))], unread)


NOTHING_SAID = Said()


def _within(content: Content, page: Page) -> list[str]:
    """The texts that the page holds beside the one that is seen."""
    parts = list(page.besides)
    if content.html:
        parts += _aside(content.html, page)
        if len(_GOES_ON.findall(page.text)) >= _CUTS:
            whole, cuts = _CUT.subn("", page.text)
            parts += [whole] if cuts >= _CUTS else []
    return parts


def _apart(content: Content) -> list[str]:
    """The texts that stand elsewhere than in the page."""
    parts = []
    if content.text and content.html and not content.html.isspace():
        parts.append(_unquoted(content.text) if content.is_reply else content.text)
    room = MAX_HTML
    for one in content.besides:
        room -= len(one)
        if room < 0:  # many files are not worth the time; their words are read between the tags
            parts.append(one)
        else:
            other = walk(one, truncated=False)
            parts += [other.text, *other.besides]
    if len(content.subject) > MAX_SUBJECT:
        parts.append(content.subject[MAX_SUBJECT:])
    named = (content.sender_name, content.recipient_name, *[one.filename for one in content.attachments])
    return parts + [name for name in named if len(name) > LONG_NAME]


def _unquoted(text: str) -> str:
    """A plain version without its quotation, in which nothing counts in a reply."""
    blocks, _ = cut(text)
    return "\n\n".join([text[start:end] for start, end, kind in blocks if kind != "quoted"])


def _aside(html: str, page: Page) -> list[str]:
    """What the source of a page says to some: to Outlook, in addresses, in another direction."""
    low, parts = html.lower(), []
    if "<!--[if" in low:
        parts += _for_outlook(html)
    if "data:" in low:
        parts += [_strip(one) for one in read_held(html)]
    turned = "-override" in low or "<bdo" in low or "row-reverse" in low
    if turned or low.count("float:right") + low.count("float: right") >= _FLOATS:
        parts += [page.text[::-1], " ".join([word[::-1] for word in page.text.split()])]
    return parts


def _for_outlook(html: str) -> list[str]:
    """The words in the comments that Outlook reads as part of the page."""
    said = []
    begins = _OUTLOOK.search(html)
    while begins and (ends := _OUTLOOK_ENDS.search(html, begins.end())):
        if not _NOT_OUTLOOK.fullmatch(begins[1]):
            said.append(_strip(html[begins.end() : ends.start()]))
        begins = _OUTLOOK.search(html, ends.end())
    together = " ".join(filter(None, said))
    return [together] if together.count(" ") > _NEW else []


def _strip(html: str) -> str:
    """The words of a piece of a page."""
    return _BLANKS.sub(" ", unescape(_NOT_SAID.sub(" ", html))).strip()


class Known:
    """What a text says already: of others, only what is new is left."""

    __slots__ = ("_pairs", "_text")

    def __init__(self, text: str) -> None:
        self._text = text
        self._pairs: set[tuple[str, str]] | None = None

    def leave_out(self, other: str) -> list[str]:
        """The passages of another text that say something else, however its lines are broken."""
        found: list[str] = []
        run: list[str] = []
        for line in other.split("\n"):
            bare = line.strip()
            if not bare:
                continue
            if bare not in self._text or (run and len(bare) < _LINE):
                run.append(bare)
            elif run:
                found += self._new("\n".join(run))
                run = []
        if run:
            found += self._new("\n".join(run))
        return found

    def _new(self, chunk: str) -> list[str]:
        if "://" in chunk or "www." in chunk or "@" in chunk:
            chunk = _ADDRESS.sub(" ", chunk)
        words = list(_WORD.finditer(chunk))
        if len(words) < _NEW:
            return []
        if self._pairs is None:
            self._pairs = set(pairwise(_WORD.findall(self._text.lower())))
        low = [one.group().lower() for one in words]
        fresh = [pair not in self._pairs for pair in pairwise(low)]
        found = []
        for start, end in _runs(fresh):
            if end - start > _NEW or (start == 0 and end == len(fresh)):
                found.append(chunk[words[start].start() : _end(chunk, words[end].end())])
        return found


def _runs(fresh: list[bool]) -> list[tuple[int, int]]:
    """(start, end) of each row of what is new; a single pair that is known does not end one."""
    runs: list[tuple[int, int]] = []
    for place, new in enumerate(fresh):
        if not new:
            continue
        if runs and place - runs[-1][1] <= 1:
            runs[-1] = (runs[-1][0], place + 1)
        else:
            runs.append((place, place + 1))
    return runs


def _end(chunk: str, end: int) -> int:
    """Where the passage ends, with the sign behind its last word."""
    while end < len(chunk) and chunk[end] in ".!?%€$0123456789":
        end += 1
    return end


def count_against(reading: Reading, more: Reading, place: int) -> Reading:
    """The reading of a message, with what speaks against it in one of the message and, from `place` on, of
    what it says besides."""
    changes: dict[str, Finding] = {}
    for name in AGAINST:
        mine: Finding = getattr(reading, name)
        other: Finding = getattr(more, name)
        if other.value and other.score >= SURE and other.score > mine.score:
            shown = [_set_apart(one, place) for one in other.evidence]
            shown.sort(key=lambda one: not one.why.startswith(_WHY))
            changes[name] = Finding(True, other.score, tuple(shown))
    return replace(reading, **changes) if changes else reading


def _set_apart(one: Evidence, place: int) -> Evidence:
    """Evidence with a place in the text, or without one and with a word on where it stands."""
    if one.part != "body" or one.end < place:
        return one
    return Evidence(text=one.text, why=_WHY + one.why, part=one.part)

# ruff: noqa: E501 (a pattern reads better whole)
"""How a text addresses its reader."""

import re

from gateway.reading.cache import Hit
from gateway.reading.fold import fold
from gateway.reading.reading import Evidence, Greeting
from gateway.reading.segments import Block

_NAME = re.compile(
    r"^[ ,.]*((?:[A-ZÀ-Þ][\w'’.-]*)(?: (?:d[aei]l?l?a?|von|van|de|di|la|le)? ?[A-ZÀ-Þ][\w'’.-]*){0,3})"
)
_TITLES = frozenset(
    "mr mrs ms miss dr prof sig sigra sigg signor signora signori dott dottor dottore dottoressa dottssa ing avv arch rag geom egr herr frau herrn m mme mlle monsieur madame sr sra srta señor señora don doña doctor professor professore".split()
)


def read_greeting(
    text: str, blocks: list[Block], hits: list[tuple[str, int, tuple[Hit, ...]]], name: str
) -> Greeting:
    """The greeting of the first two blocks, compared to the recipient's name where it is known."""
    places = {block.start for block in blocks[:2]}
    early = [(place, found) for part, place, found in hits[:4] if part == "body" and place in places]
    opens = [
        (place, hit)
        for place, found in early
        for hit in found
        if hit[1] < 25 and hit[0].startswith("greeting.")
    ]
    if not opens:
        return _bare_name(text, blocks, name)
    generic = [(place, hit) for place, hit in opens if hit[0] == "greeting.generic"]
    place, hit = (generic or opens)[0]
    start, end = place + hit[1], place + hit[2]
    if generic:
        return Greeting(kind="generic", evidence=(_show(text, start, end, "addresses nobody by name"),))
    place, hit = max(opens, key=lambda one: one[1][2])
    start, end = place + hit[1], place + hit[2]
    called = _NAME.match(text[end : end + 60])
    if called is None:
        return Greeting(kind="generic", evidence=(_show(text, start, end, "a greeting without a name"),))
    return _named(text, start, end + called.end(), called[1], name)


def _bare_name(text: str, blocks: list[Block], name: str) -> Greeting:
    """A first line that is only the name ("Dana,")."""
    if blocks:
        line = text[blocks[0].start : blocks[0].end].split("\n", maxsplit=1)[0]
        match = re.match(r"^\s*([A-ZÀ-Þ][\w'’-]+(?: [A-ZÀ-Þ][\w'’-]+)?)\s*,", line)
        if match and (len(line.strip()) == len(match.group().strip()) or _same(match[1], name)):
            start = blocks[0].start + match.start(1)
            return _named(text, start, start + len(match[1]), match[1], name)
    return Greeting(kind="missing")


def _named(text: str, start: int, end: int, called: str, name: str) -> Greeting:
    words = [word for word in _words(called) if word not in _TITLES] if name else []
    if words and not _same(" ".join(words), name):
        return Greeting(
            kind="wrong_name", name=called, evidence=(_show(text, start, end, f"the reader is {name[:60]}"),)
        )
    return Greeting(
        kind="named", name=called, evidence=(_show(text, start, end, "the name in the greeting"),)
    )


def _same(called: str, name: str) -> bool:
    mine, theirs = _words(called), _words(name)
    return any(
        a == b or (min(len(a), len(b)) >= 3 and (a.startswith(b) or b.startswith(a)))
        for a in mine
        for b in theirs
    )


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z]+", fold(text).text.decode("ascii").lower().replace("'", ""))


def _show(text: str, start: int, end: int, why: str) -> Evidence:
    return Evidence(text=text[start:end], start=start, end=end, why=why)

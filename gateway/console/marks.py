"""A text with the evidence of violations marked in place, and two texts side by side. Pure."""

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gateway.policy.outcome import Violation
from gateway.reading.reading import Evidence

SHOWN = 20_000
"""Characters of a text that are shown."""
COMPARED = 6_000
_WORD = re.compile(r"\s+|[^\s]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A stretch of text; `number` is that of the violation it shows, 0 for none."""

    text: str
    number: int = 0
    why: str = ""
    first: bool = False


def mark(text: str, violations: Sequence[Violation], part: str = "body") -> list[Piece]:
    """The text in pieces, with what shows each violation (numbered from 1) marked where it stands."""
    text = text[:SHOWN]
    spots = sorted(_spots(text, violations, part))
    pieces: list[Piece] = []
    met: set[int] = set()
    place = 0
    for start, end, number, why in spots:
        if start < place:
            continue
        if start > place:
            pieces.append(Piece(text=text[place:start]))
        pieces.append(Piece(text=text[start:end], number=number, why=why, first=number not in met))
        met.add(number)
        place = end
    if place < len(text):
        pieces.append(Piece(text=text[place:]))
    return pieces


def _spots(text: str, violations: Sequence[Violation], part: str) -> Iterable[tuple[int, int, int, str]]:
    for number, violation in enumerate(violations, 1):
        for evidence in violation.evidence:
            if evidence.part == part and (found := _locate(text, evidence)):
                yield (*found, number, evidence.why)


def _locate(text: str, evidence: Evidence) -> tuple[int, int] | None:
    """Where the evidence stands: at its offsets, or else where its words are found."""
    words = evidence.text
    if not words.strip():
        return None
    if 0 <= evidence.start < evidence.end and text[evidence.start : evidence.end] == words:
        return evidence.start, evidence.end
    place = text.find(words)
    if place < 0:
        place = text.lower().find(words.lower()) if len(text.lower()) == len(text) else -1
    return (place, place + len(words)) if place >= 0 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A stretch of the newer text: same, added (not in the other), or gone (only in the other)."""

    kind: str
    text: str


def compare(other: str, text: str) -> list[Change]:
    """How a text differs from another, word by word."""
    before, after = _WORD.findall(other[:COMPARED]), _WORD.findall(text[:COMPARED])
    changes: list[Change] = []
    for tag, a, b, c, d in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag in ("delete", "replace"):
            changes.append(Change(kind="gone", text="".join(before[a:b])))
        if tag in ("insert", "replace"):
            changes.append(Change(kind="added", text="".join(after[c:d])))
        if tag == "equal":
            changes.append(Change(kind="same", text="".join(after[c:d])))
    return changes

# ruff: noqa: E501 (a pattern reads better whole)
"""A visible text cut into blocks: runs of lines that belong together, and lines that stand alone."""

from typing import NamedTuple

_QUOTE_HEADS = (
    "-----original message", "----- original message", "---------- forwarded message", "-------- forwarded message",
    "-----messaggio originale", "---------- messaggio inoltrato", "inizio messaggio inoltrato", "begin forwarded message",
    "-----ursprüngliche nachricht", "---------- weitergeleitete nachricht", "-----message d'origine", "---------- message transféré",
    "-----mensaje original", "---------- mensaje reenviado", "________________________________",
)  # fmt: skip
_FORWARDS = ("forward", "inoltrat", "weitergeleitet", "transf", "reenviad")
_WROTE = ("wrote:", "ha scritto:", "schrieb:", "a écrit :", "a écrit:", "escribió:")
_ON = ("On ", "Il ", "Am ", "Le ", "El ", "In data ")
_BULLETS = ("- ", "* ", "• ", "– ", "· ", "✓", "✔", "→", "✅", "👉", "+ ", "► ", "▪")
_STOPS = (".", "!", "?", ":", ";", ",", "…")


class Block(NamedTuple):
    """One block of the text: `kind` is own, quoted, forwarded or signature (after the `-- ` line)."""

    start: int
    end: int
    kind: str


def cut(text: str, kind: str = "own") -> tuple[list[tuple[int, int, str]], str]:
    """The blocks of a text as (start, end, kind), in order, given the kind of what stands before; and the
    kind of what follows. Hard-wrapped lines stay together."""
    blocks: list[tuple[int, int, str]] = []
    place, start, previous = 0, -1, ""
    for line in text.split("\n"):
        bare = line.strip()
        if not bare:
            if start >= 0:
                blocks.append((start, place - 1, kind))
                start = -1
            place += len(line) + 1
            continue
        turned = _turn(line, bare, kind)
        if start >= 0 and not (turned == kind and _goes_on(previous, bare)):
            blocks.append((start, place - 1, kind))
            start = -1
        kind = turned
        if start < 0:
            start = place
        previous = bare
        place += len(line) + 1
    if start >= 0:
        blocks.append((start, min(place - 1, len(text)), kind))
    return blocks, kind


def _turn(line: str, bare: str, kind: str) -> str:
    """The kind of this line, given the kind of those before."""
    head = bare[:1]
    if head == ">":
        return "quoted"
    if kind in ("quoted", "forwarded"):
        return kind
    if head in "-_IBbi" and (low := bare.lower()).startswith(_QUOTE_HEADS):
        return "forwarded" if any(word in low for word in _FORWARDS) else "quoted"
    if head in "OIAEL" and bare.startswith(_ON) and bare.endswith(_WROTE) and len(bare) < 200:
        return "quoted"
    if line.startswith("-- ") and bare == "--":
        return "signature"
    if line == "--":
        return "signature"
    return kind


def _goes_on(previous: str, bare: str) -> bool:
    """Whether a line continues the one before, as in hard-wrapped text."""
    if bare.startswith(_BULLETS) or (bare[:1].isdigit() and bare[1:3] in (". ", ") ")):
        return False
    if previous.endswith(_STOPS):
        return (len(previous) >= 62 and not previous.endswith((":", ","))) or (
            previous.endswith(",") and len(previous) >= 50
        )
    return len(previous) >= 55 or bare[:1].islower()

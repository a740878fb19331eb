# ruff: noqa: E501 (a pattern reads better whole)
"""A visible text cut into blocks: runs of lines that belong together, and lines that stand alone."""

from typing import NamedTuple

_QUOTE_HEADS = (
    "original message", "original appointment", "forwarded message", "messaggio originale", "messaggio inoltrato",
    "ursprüngliche nachricht", "weitergeleitete nachricht", "message d'origine", "message d’origine", "message original",
    "message transféré", "mensaje original", "mensaje reenviado",
)  # fmt: skip
_BEGINNINGS = (
    "inizio messaggio inoltrato", "begin forwarded message", "anfang der weitergeleiteten", "début du message transféré",
    "début du message réexpédié", "inicio del mensaje reenviado",
)  # fmt: skip
_FORWARDS = ("forward", "inoltrat", "weitergeleitet", "transf", "reenviad", "réexpédi")
_WROTE = ("wrote:", "ha scritto:", "schrieb:", "a écrit :", "a écrit:", "a écrit\xa0:", "escribió:")
_ON = ("On ", "Il ", "Am ", "Le ", "El ", "In data ")
# The head that Outlook puts above an answered message: who, and right below it when.
_FROM = ("From:", "Da:", "Von:", "De:", "De :", "De\xa0:", "*From:*", "*Da:*", "*Von:*", "*De:*")
_SENT = (
    "Sent:", "Date:", "Inviato:", "Data:", "Gesendet:", "Datum:", "Envoyé :", "Envoyé\xa0:", "Envoyé:", "Date :",
    "Enviado:", "Enviado el:", "Fecha:", "*Sent:*", "*Date:*", "*Inviato:*", "*Data:*", "*Gesendet:*", "*Enviado:*",
)  # fmt: skip
_MARKS = ">-*FDVIiBbAad"
"""With one of these begins whatever is not one's own, or the line ends in a colon."""
_BARE = {"headed": "quoted", "cited": "quoted", "sender": "own"}
"""Kinds by which the next line is told, and what the line itself is."""
_BULLETS = ("- ", "* ", "• ", "– ", "· ", "✓", "✔", "→", "✅", "👉", "+ ", "► ", "▪")
_STOPS = (".", "!", "?", ":", ";", ",", "…")


class Block(NamedTuple):
    """One block of the text: `kind` is own, quoted, forwarded or signature (after the `-- ` line)."""

    start: int
    end: int
    kind: str


def cut(text: str, kind: str = "own") -> tuple[list[tuple[int, int, str]], str]:
    """The blocks of a text as (start, end, kind), in order, given the kind of what stands before; and the
    kind of what follows: one of those of blocks, or `headed` (right below the head of a quotation), `cited`
    (below lines marked with `>`), `sender` (below the first line of a head). Hard-wrapped lines stay
    together."""
    blocks: list[tuple[int, int, str]] = []
    place, start, previous, shown = 0, -1, "", _BARE.get(kind, kind)
    for line in text.split("\n"):
        bare = line.strip()
        if not bare:
            if start >= 0:
                blocks.append((start, place - 1, shown))
                start = -1
            previous = ""
            place += len(line) + 1
            continue
        turned = "own"
        if kind != "own" or bare[0] in _MARKS or bare[-1] == ":":
            kind = _turn(line, bare, kind, previous)
            turned = "quoted" if kind == "forwarded" and bare[0] == ">" else _BARE.get(kind, kind)
        if start >= 0 and not (turned == shown and _goes_on(previous, bare)):
            blocks.append((start, place - 1, shown))
            start = -1
        shown = turned
        if start < 0:
            start = place
        previous = bare
        place += len(line) + 1
    if start >= 0:
        blocks.append((start, min(place - 1, len(text)), shown))
    return blocks, kind


def _turn(line: str, bare: str, kind: str, previous: str) -> str:
    """The kind of this line, given the kind of those before."""
    head = bare[0]
    if kind in ("quoted", "forwarded"):
        return kind
    if head == ">":
        return "cited"
    if kind == "headed":
        return "quoted"
    if kind == "cited":
        if len(bare) < 40 and len(previous) >= 60:
            return kind  # the end of a line that some program wrapped
        kind = "own"
    if kind == "sender":
        if bare.startswith(_SENT):
            return "quoted"
        kind = "own"
    return _begin(line, bare, kind, previous)


def _begin(line: str, bare: str, kind: str, previous: str) -> str:
    """The kind of a line of one's own, which may begin something else."""
    head = bare[0]
    if head in "-*FDV" and bare.startswith(_FROM):
        return "sender"
    if head in "-IiBbAaDd" and (low := bare.lower()).startswith(("--", *_BEGINNINGS)):
        core = low.strip("- ")
        if core.startswith((*_QUOTE_HEADS, *_BEGINNINGS)):
            return "forwarded" if any(word in core for word in _FORWARDS) else "headed"
    if bare[-1] == ":" and len(bare) < 200 and _introduces(bare, previous):
        return "headed"
    if line == "--" or (line.startswith("-- ") and bare == "--"):
        return "signature"
    return kind


def _introduces(bare: str, previous: str) -> bool:
    """Whether a line says who wrote what follows: `On Monday Ada wrote:`, on one line or on two."""
    if bare.startswith(_ON):
        return bare.endswith(_WROTE) or (bare.startswith("Am ") and " schrieb " in bare)
    if not bare.endswith(_WROTE) and " schrieb " not in bare and not bare.startswith("schrieb "):
        return False
    return previous.startswith(_ON) and any(sign.isdigit() for sign in previous) and len(previous) < 200


def _goes_on(previous: str, bare: str) -> bool:
    """Whether a line continues the one before, as in hard-wrapped text."""
    if bare.startswith(_BULLETS) or (bare[:1].isdigit() and bare[1:3] in (". ", ") ")):
        return False
    if previous.endswith(_STOPS):
        return (len(previous) >= 62 and not previous.endswith((":", ","))) or (
            previous.endswith(",") and len(previous) >= 50
        )
    return len(previous) >= 55 or bare[:1].islower()

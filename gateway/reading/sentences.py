# ruff: noqa: E501 (a pattern reads better whole)
"""Sentences of a block: where each starts and ends."""

import re

# All ends begin with one of a few characters, which is what the search runs on; of a row of them with the first.
_END = re.compile(
    r"[.!?…;\n](?:(?<![.!?…][.!?…])(?<=[.!?…])[.!?…]*+[\"'”»)\]*]*+\s++(?=[^\s])|(?<=\n)(?=\s*(?:[-*•–·✓✔→✅👉►▪+]|\d{1,2}[.)])\s*\S)|(?<=;)\s+)"
)
_SHORT = frozenset(
    "mr mrs ms dr prof dott dott.ssa sig sigg sig.ra ing avv arch rag geom egr spett gent n nr no num art pag vs e.g i.e es ecc etc inc ltd co st tel cell fax str bzw z.b d.h u.a ca ggf inkl m mme mlle sr sra srta ud uds av p.s ps p.iva s.p.a s.r.l".split()
)
LONGEST = 600
"""A phrase is at most this long; longer ones are cut at a blank."""


def sentences(block: str) -> list[tuple[int, int]]:
    """(start, end) of each phrase in a block, blanks left out."""
    if len(block) < 60 and not any(sign in block for sign in ".!?;\n"):
        return [(0, len(block))]
    cuts: list[tuple[int, int]] = []
    start = 0
    for match in _END.finditer(block):
        if match.group()[0] == "." and _abbreviates(block, start, match.start(), match.end()):
            continue
        cuts.append((start, match.end()))
        start = match.end()
    cuts.append((start, len(block)))
    out: list[tuple[int, int]] = []
    for begin, end in cuts:
        while end - begin > LONGEST:
            middle = block.rfind(" ", begin + LONGEST // 2, begin + LONGEST)
            middle = middle if middle > 0 else begin + LONGEST
            out.append((begin, middle))
            begin = middle
        if block[begin:end].strip():
            out.append((begin, end))
    return out


def _abbreviates(block: str, start: int, dot: int, after: int) -> bool:
    word = block[max(start, dot - 12) : dot].rsplit(None, 1)
    last = word[-1].lower().lstrip("(\"'") if word else ""
    if block[after : after + 1].islower():
        return True
    return last in _SHORT or (len(last) == 1 and last.isalpha())

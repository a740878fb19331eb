"""How much of a text went to other people before, from its phrases and what the store knows of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.reading.reading import Phrase

WINDOW = 12
"""Runs judged together."""
DENSE = 0.4
"""The share of a window's runs that chance does not reach: independent texts on one subject share a
few in a hundred, copies with a third of their words spun more than half of those of any earlier one."""
LEAST_RUNS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """`share` of the text (0 to 1) that at least so many others got; `copies`, to how many others the
    copied part went; `passages` (start, end) of it in the visible text; `asking` those among them
    that sell or ask."""

    share: float = 0.0
    copies: int = 0
    passages: tuple[tuple[int, int], ...] = ()
    asking: tuple[tuple[int, int], ...] = ()


NOT_COPIED = Copied()


def judge_copy(phrases: Sequence[Phrase], counts: Sequence[int], *, copies: int = 1) -> Copied:
    """How much of a text at least `copies` others got. `counts` says, for each phrase in order, how
    many other people got it.

    Since sentences are dropped and words spun from copy to copy, a single sentence needs half of
    `copies`, a single run of words a quarter; the text as a whole needs all.
    """
    pairs = list(zip(phrases, counts, strict=False))
    whole = [(one, count) for one, count in pairs if not one.run]
    seen = [one for one in whole if one[1] >= max(1, (copies + 1) // 2)]
    dense, part = _dense([one for one in pairs if one[0].run], max(1, (copies + 3) // 4))
    total = sum(one.words for one, _ in whole)
    exact = sum(one.words for one, _ in seen) / total if total else 0.0
    shown = seen + dense
    most = max(_often(seen), _often(dense))
    if not _reaches([count for _, count in dense] or [count for _, count in seen], most, copies):
        return NOT_COPIED
    return Copied(
        share=min(1.0, max(exact, part)),
        copies=most,
        passages=_merge([(one.start, one.end) for one, _ in shown]),
        asking=_merge(_asking(whole, dense, copies)),
    )


def _reaches(counts: list[int], most: int, copies: int) -> bool:
    """Whether the text as a whole went to that many. Word for word, its phrases all went to the same
    number; where words are spun and sentences dropped, hardly one went to all, and three in four do."""
    if not counts:
        return False
    top, middle = max(counts), sorted(counts)[len(counts) // 2]
    needed = copies if middle == top else -(-copies * 3 // 4)
    return top >= needed and most * 2 >= copies


def _often(shown: list[tuple[Phrase, int]]) -> int:
    """To how many others at least three of these phrases went (one, where there are few)."""
    ranked = sorted((count for _, count in shown), reverse=True)
    return ranked[min(2, len(ranked) // 3)] if ranked else 0


def _dense(runs: list[tuple[Phrase, int]], least: int) -> tuple[list[tuple[Phrase, int]], float]:
    """The seen runs in those stretches where many were seen, and the share of the text they stand for."""
    if len(runs) < LEAST_RUNS:
        return [], 0.0
    half = min(WINDOW, len(runs)) // 2
    marks = [count >= least for _, count in runs]
    found: list[tuple[Phrase, int]] = []
    covered = 0
    for place, one in enumerate(runs):
        first = max(0, min(place - half, len(runs) - 2 * half))
        window = marks[first : first + 2 * half]
        if sum(window) >= max(3, DENSE * len(window)):
            covered += 1
            if marks[place]:
                found.append(one)
    return found, covered / len(runs)


def _asking(
    whole: list[tuple[Phrase, int]], dense: list[tuple[Phrase, int]], copies: int
) -> list[tuple[int, int]]:
    """Passages that sell or ask and went to that many: word for word, or most of their runs did."""
    found = []
    for one, count in whole:
        if not one.asks:
            continue
        inside = sum(1 for run, times in dense if one.start <= run.start < one.end and times * 2 >= copies)
        if count >= copies or inside >= 4:
            found.append((one.start, one.end))
    return found


def _merge(spans: list[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Spans in order; those that touch or nearly touch become one."""
    out: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if out and start <= out[-1][1] + 12:
            out[-1] = (out[-1][0], max(out[-1][1], end))
        else:
            out.append((start, end))
    return tuple(out)

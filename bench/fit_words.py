"""Fits policies/lexicons/words.yaml on labeled messages.

`python -m bench.fit_words [--near] FILE.jsonl[:WEIGHT]...`

A logistic regression in plain Python over words and pairs of words, held near zero, or with `--near` near
what the file says now, so that further messages add to what earlier ones told. What is rare, or known from
fewer than SOURCES files, is left out: names and topics say nothing about the next message.
"""

import json
import random
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Mapping
from itertools import pairwise
from math import exp, log, sqrt
from pathlib import Path
from typing import Any, NamedTuple

from gateway.reading.fold import fold
from gateway.reading.language import split_words
from gateway.reading.lexicon import parse_tree, read_weighted
from gateway.reading.words import FINDINGS

PATH = Path("policies/lexicons/words.yaml")
LABELS = {"personal_detail": "personalised"}
LANGUAGES = ("it", "en", "de", "fr", "es")
HOLD = 2.0
"""How strongly weights are held near zero."""
TIMES, SOURCES, OFTEN = 8, 3, 40
"""A word is in so many messages, of so many files; one that is in OFTEN may be of a single file."""
RARE = {"personal_detail": 4}
"""What takes the place of TIMES where rarer words help."""
LEAST = 0.2
"""Smaller weights are left out."""
ROUNDS, RATE = 40, 0.3
SMALL = 0.3
"""A word that begins small in fewer of its messages is a name."""
EVERYWHERE = {"promotional": 0.3}
"""Words that are in a larger share of the messages say nothing about this finding."""
TWICE = 2
"""A word counts at most so often in a message."""
WIDE = 104
NOTHING: Mapping[str, float] = {}


class Row(NamedTuple):
    """A message: its words, those that begin small or a sentence, its label, how much it counts, its file."""

    words: Counter[str]
    small: frozenset[str]
    label: bool
    weight: float
    source: str


def main(arguments: list[str]) -> None:
    """Fit every finding of every language and write the file."""
    known = read_weights() if "--near" in arguments else {}
    messages = []
    for name in [one for one in arguments if not one.startswith("--")]:
        path, _, weight = name.partition(":")
        lines = Path(path).read_text(encoding="utf-8").splitlines()
        messages += [(json.loads(line), float(weight or 1), path) for line in lines]
    sheet = [HEAD]
    for language in LANGUAGES:
        sheet.append(f"{language}:")
        middle = []
        for finding in FINDINGS:
            rows = _rows(messages, language, LABELS.get(finding, finding))
            near = known.get((language, finding), {})
            weights = fit(rows, EVERYWHERE.get(finding, 1.0), RARE.get(finding, TIMES), near)
            sheet += [f"  {finding}:", *_lay_out(weights)]
            middle.append(f"    - {_middle(rows, weights):.2f} {finding}")
            print(f"{language} {finding}: {len(rows)} messages, {len(weights)} words")
        sheet += ["  middle:", *middle]
    PATH.write_text("\n".join(sheet) + "\n", encoding="utf-8")


HEAD = """\
# What words and pairs of words weigh, as logarithms of odds: a second opinion beside the phrases, fitted by
# `python -m bench.fit_words`. A positive number speaks for the finding, a negative one against it; `middle`
# is what an ordinary message comes to. docs/reading.md explains how they count."""


def read_weights() -> dict[tuple[str, str], dict[str, float]]:
    """The weights that the file holds now, by language and finding."""
    found: dict[tuple[str, str], dict[str, float]] = defaultdict(dict)
    for language, finding, item, line in parse_tree(PATH.name, PATH.read_text(encoding="utf-8")):
        weight, words = read_weighted(PATH.name, line, item)
        found[language, finding].update(dict.fromkeys(words, weight))
    return found


def _rows(messages: list[tuple[dict[str, Any], float, str]], language: str, label: str) -> list[Row]:
    return [
        Row(
            *count(message["subject"], message["body"]),
            label=bool(message["labels"][label]),
            weight=weight,
            source=source,
        )
        for message, weight, source in messages
        if message.get("lang", "en") == language and message["labels"].get(label) is not None
    ]


def count(subject: str, body: str) -> tuple[Counter[str], frozenset[str]]:
    """The words and pairs of words of a message, and the words that begin small, or a paragraph."""
    words: Counter[str] = Counter()
    small: set[str] = set()
    for part in (subject, *body.split("\n\n")):
        text = fold(part).text
        ones = [word.decode() for word in split_words(text)]
        words.update(ones)
        words.update(f"{a} {b}" for a, b in pairwise(ones))
        small.update(ones[:1], re.findall(r"\b[a-z0-9]+\b", text.decode()))
    return Counter({word: min(TWICE, times) for word, times in words.items()}), frozenset(small)


def fit(
    rows: list[Row], most: float = 1.0, least: int = TIMES, near: Mapping[str, float] = NOTHING
) -> dict[str, float]:
    """The weight of each word that is worth keeping, in at least so many rows and at most this share of them
    or weighed before: gradient descent whose steps shrink word by word."""
    common = _common(rows, most, least, near)
    table = [([(w, n) for w, n in row.words.items() if w in common], row.label, row.weight) for row in rows]
    share = {word: HOLD / common[word] for word in common}
    weights = {word: near.get(word, 0.0) for word in common}
    steps: dict[str, float] = dict.fromkeys(common, 1e-4)
    yes = sum(row.weight for row in rows if row.label)
    base = log(yes / max(1e-9, sum(row.weight for row in rows) - yes))
    rng = random.Random(1)
    for turn in range(ROUNDS):
        rng.shuffle(table)
        for words, label, weight in table:
            z = base + sum(weights[word] * times for word, times in words)
            error = weight * (1 / (1 + exp(-max(-30.0, min(30.0, z)))) - label)
            base -= 0.05 / (1 + turn) * error
            for word, times in words:
                slope = error * times + share[word] * (weights[word] - near.get(word, 0.0))
                steps[word] += slope * slope
                weights[word] -= RATE * slope / sqrt(steps[word] * (1 + turn))
    found = {**near, **weights}
    return {word: round(weight, 1) for word, weight in found.items() if abs(weight) >= LEAST}


def _common(rows: list[Row], most: float, least: int, near: Mapping[str, float]) -> dict[str, int]:
    """Words that are in enough messages and files, and are no names, with the number of messages."""
    times: Counter[str] = Counter()
    small: Counter[str] = Counter()
    sources: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        times.update(row.words.keys())
        small.update(row.small)
        for word in row.words:
            sources[word].add(row.source)
    return {
        word: number
        for word, number in times.items()
        if word in near
        or (
            least <= number <= most * len(rows)
            and (len(sources[word]) >= SOURCES or number >= OFTEN)
            and all(small[one] >= SMALL * times[one] for one in word.split())
        )
    }


def _middle(rows: list[Row], weights: dict[str, float]) -> float:
    """What a message comes to on average."""
    total = sum(
        row.weight * sum(weights.get(word, 0.0) * times for word, times in row.words.items()) for row in rows
    )
    return total / sum(row.weight for row in rows)


def _lay_out(weights: dict[str, float]) -> list[str]:
    """Lines of words of one weight, the weightiest first."""
    by_weight: dict[float, list[str]] = defaultdict(list)
    for word, weight in weights.items():
        by_weight[weight].append(word)
    lines = []
    for weight in sorted(by_weight, reverse=True):
        line = f"    - {weight:.1f}"
        for word in sorted(by_weight[weight]):
            if len(line) + len(word) > WIDE:
                lines.append(line.rstrip(","))
                line = f"    - {weight:.1f}"
            line += f" {word},"
        lines.append(line.rstrip(","))
    return lines


if __name__ == "__main__":
    main(sys.argv[1:])

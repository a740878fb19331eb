"""Lexicons: the phrases that show a finding, by language, and the weights that combine them."""

import re
from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from sys import intern
from typing import NamedTuple

import re2

from gateway.reading.filing import Cabinet
from gateway.reading.fold import FOLD
from gateway.reading.form import SHAPES
from gateway.reading.matcher import Matcher
from gateway.reading.notation import BadPhrase, take_apart, translate
from gateway.reading.recent import Recent
from gateway.reading.shapes import Shapes, compile_finder, compile_guard
from gateway.reading.spelling import Unspellable, spell
from gateway.reading.words import FINDINGS, Load, Words, pack

LANGUAGES = ("it", "en", "de", "fr", "es")
FUNCTION_WORDS, TELLING_WORDS = "language.words", "language.telling"
_MIDDLE = "middle"
"""The group of words.yaml that says what an ordinary message comes to."""
_KEY = re.compile(r"^( *)([a-z_]+):(?: +(.*))?$")
_ITEM = re.compile(r"^ +- +(.*)$")
_WEIGHT = re.compile(r"^(.*\S) +@([0-9]+(?:\.[0-9]+)?)$")


_SHAPES = Shapes()
_LONG = 120
_RUN_ON = re.compile(rb"[^ ]{%d}" % _LONG)
"""What no one writes, but for those who want searching for a pattern to take long."""
_GUARDS = 400
"""Patterns that are kept ready against such text."""


class BadLexicon(ValueError):
    """A lexicon file that cannot be used: the text is `file:line: what is wrong`."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One phrase: `feature` is `finding.group`, `pattern` is RE2 on folded text."""

    feature: str
    phrase: str
    weight: float
    pattern: str


@dataclass(slots=True, kw_only=True)
class Lexicon:
    """The phrases of one language, its function words, and others that tell it from the rest. Its matcher is
    compiled at first use."""

    language: str
    entries: tuple[Entry, ...]
    words: frozenset[str]
    telling: frozenset[str] = frozenset()
    _matcher: Matcher | None = None
    _finders: "dict[int, tuple[re.Pattern[bytes], bool]]" = field(default_factory=dict)
    _guards: "Recent[int, re2.Set]" = field(default_factory=lambda: Recent(_GUARDS))

    def __getstate__(self) -> tuple[str, tuple[Entry, ...], frozenset[str], frozenset[str]]:
        """Without the matcher, which each process makes for itself."""
        return (self.language, self.entries, self.words, self.telling)

    def __setstate__(self, state: tuple[str, tuple[Entry, ...], frozenset[str], frozenset[str]]) -> None:
        self.language, self.entries, self.words, self.telling = state
        self._matcher, self._finders, self._guards = None, {}, Recent(_GUARDS)

    def match(
        self, text: bytes, words: Sequence[bytes], placed: Container[str]
    ) -> list[tuple[str, int, int, float]]:
        """What occurs in folded text of these words: (feature, start, end, weight), once per entry, in the
        order of the file. Only features that are `placed` have a place; the others stand at 0."""
        low = text.lower()
        spots, unsure = self.matcher.match(low, words)
        run_on = bool(unsure) and len(text) > _LONG and _RUN_ON.search(text) is not None
        for number in unsure:
            if run_on and not self._guard(number).Match(text):
                continue
            if (span := self._find(number, text, low)) is not None:
                spots[number] = span
        found = []
        for number in sorted(spots):
            entry = self.entries[number]
            start, end = spots[number] if entry.feature in placed else (0, 0)
            found.append((entry.feature, start, end, entry.weight))
        return found + _SHAPES.find(text, low, placed)

    @property
    def matcher(self) -> Matcher:
        """What finds the phrases by their words."""
        return self._matcher or self._prepare()

    def _prepare(self) -> Matcher:
        """Files the phrases under their words; what has none is searched for by its pattern."""
        cabinet = Cabinet(self.words)
        anywhere = []
        for number, entry in enumerate(self.entries):
            if not entry.phrase:
                continue
            try:
                phrase = fold_plain(entry.phrase)
                before, _, after = take_apart(phrase)
                if not cabinet.add(number, spell(phrase), before, after):
                    anywhere.append(number)
            except Unspellable:
                anywhere.append(number)
        cabinet.close()
        self._matcher = Matcher(cabinet, anywhere)
        return self._matcher

    def _guard(self, number: int) -> re2.Set:
        guard = self._guards.get(number)
        if guard is None:
            guard = compile_guard(self.entries[number].pattern)
            self._guards.put(number, guard)
        return guard

    def _find(self, number: int, text: bytes, low: bytes) -> tuple[int, int] | None:
        finder = self._finders.get(number)
        if finder is None:
            finder = self._finders[number] = compile_finder(self.entries[number].pattern)
        # Lower case is found twice as fast as either case.
        match = finder[0].search(low if finder[1] else text)
        return match.span(1) if match else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """For each finding: its bias, its threshold, and how much each feature moves it. `takers` is `features`
    the other way round: for each feature the findings that it moves; `shown` are those that it speaks for."""

    bias: Mapping[str, float]
    threshold: Mapping[str, float]
    features: Mapping[str, tuple[tuple[str, float], ...]]
    takers: Mapping[str, tuple[tuple[str, float], ...]]
    shown: Mapping[str, tuple[tuple[str, float], ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lexicons:
    """All languages and the weights; `words` where a language has them."""

    by_language: Mapping[str, Lexicon]
    weights: Weights
    words: Mapping[str, Words] = field(default_factory=dict)


def parse_tree(name: str, text: str) -> list[tuple[str, str, str, int]]:
    """(section, group, item, line) for each list item or value of a lexicon file.

    The files are YAML of a small kind: two levels of keys, then a list of phrases or one value. Read
    here line by line, because a general YAML reader takes a hundred times as long.
    """
    rows: list[tuple[str, str, str, int]] = []
    section = group = ""
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if item := _ITEM.match(line):
            if not group:
                raise BadLexicon(f"{name}:{number}: a phrase outside any group")
            rows.append((section, group, _scalar(name, number, item[1]), number))
        elif (key := _KEY.match(line)) and len(key[1]) in (0, 2):
            if not key[1]:
                section, group = key[2], ""
            elif not section:
                raise BadLexicon(f"{name}:{number}: a group outside any section")
            else:
                group = key[2]
            if key[3] and not key[3].startswith("#"):
                rows.append((section, group, _scalar(name, number, key[3]), number))
        else:
            raise BadLexicon(f"{name}:{number}: expected `key:` at column 0 or 2, or `- phrase`")
    return rows


def _scalar(name: str, number: int, text: str) -> str:
    if text[:1] in "\"'":
        end = text.find(text[0], 1)
        if end < 0:
            raise BadLexicon(f"{name}:{number}: the quotation mark is not closed")
        if (rest := text[end + 1 :].strip()) and not rest.startswith("#"):
            raise BadLexicon(f"{name}:{number}: {rest!r} stands after the quotation mark; it belongs inside")
        return text[1:end]
    if text[:1] in "{[*&!|>%@`":
        raise BadLexicon(f"{name}:{number}: a phrase that begins with {text[0]} needs quotation marks")
    text = text.split(" #", maxsplit=1)[0].rstrip()
    if ": " in text or text.endswith(":"):
        raise BadLexicon(f"{name}:{number}: a phrase with a colon needs quotation marks")
    return text


def parse_lexicon(language: str, name: str, text: str) -> Lexicon:
    """The lexicon in one file; BadLexicon names the line."""
    entries: list[Entry] = []
    words: dict[str, list[str]] = {FUNCTION_WORDS: [], TELLING_WORDS: []}
    for section, group, item, line in parse_tree(name, text):
        feature = f"{section}.{group}"
        if feature in words:
            words[feature] += fold_plain(item).split()
            continue
        entries.append(_entry(name, line, feature, item))
    entries += [Entry(feature, "", 1.0, pattern) for feature, pattern in SHAPES]
    return Lexicon(
        language=language,
        entries=tuple(entries),
        words=frozenset(words[FUNCTION_WORDS]),
        telling=frozenset(words[TELLING_WORDS]),
    )


def _entry(name: str, line: int, feature: str, item: str) -> Entry:
    weight = 1.0
    if match := _WEIGHT.match(item):
        item, weight = match[1], float(match[2])
    try:
        return Entry(intern(feature), item, weight, translate(fold_plain(item)))
    except BadPhrase as error:
        raise BadLexicon(f"{name}:{line}: {item!r}: {error}") from None


def fold_plain(text: str) -> str:
    """A lexicon phrase folded as the texts are."""
    return text.encode("cp1252", "replace").translate(FOLD).decode("ascii")


def parse_weights(name: str, text: str) -> Weights:
    """Weights by finding: `bias`, `threshold`, and features as `section.group` written `section_group`."""
    bias: dict[str, float] = {}
    threshold: dict[str, float] = {}
    features: dict[str, list[tuple[str, float]]] = {}
    for finding, group, item, line in parse_tree(name, text):
        try:
            key, number = item.rsplit(None, 1) if group == "features" else (group, item)
            value = float(number)
        except ValueError:
            raise BadLexicon(f"{name}:{line}: expected a number") from None
        if key == "bias":
            bias[finding] = value
        elif key == "threshold":
            threshold[finding] = value
        else:
            features.setdefault(finding, []).append((key, value))
    takers: dict[str, list[tuple[str, float]]] = {}
    for finding, terms in features.items():
        bias.setdefault(finding, -3.0)
        for feature, weight in terms:
            takers.setdefault(feature, []).append((finding, weight))
    return Weights(
        bias=bias,
        threshold=threshold,
        features={k: tuple(v) for k, v in features.items()},
        takers={k: tuple(v) for k, v in takers.items()},
        shown={k: found for k, v in takers.items() if (found := tuple([one for one in v if one[1] > 0]))},
    )


def parse_words(name: str, text: str) -> dict[str, Words]:
    """The words of each language: under `<language>_<finding>` groups of items `<weight> word, two words,
    stem*`, and under `<language>_middle` items `<weight> <finding>`. BadLexicon names the line."""
    tables: dict[str, _Tables] = defaultdict(lambda: _Tables({}, {}, {}, {}))
    middle: dict[str, dict[str, float]] = {}
    for language, finding, item, line in parse_tree(name, text):
        weight, words = read_weighted(name, line, item)
        if finding == _MIDDLE:
            middle.setdefault(language, {})[words[0]] = weight
            continue
        if finding not in FINDINGS:
            raise BadLexicon(f"{name}:{line}: {finding} is none of {', '.join(FINDINGS)}")
        for one in words:
            tables[language].enter(one, pack(finding, weight))
    return {language: Words(**tables[language]._asdict(), middle=base) for language, base in middle.items()}


def read_weighted(name: str, line: int, item: str) -> tuple[float, list[str]]:
    """The weight and the words of an item `<weight> word, two words`. BadLexicon names the line."""
    number, _, rest = item.partition(" ")
    words = [one.strip() for one in rest.split(",") if one.strip()]
    try:
        weight = float(number)
    except ValueError:
        raise BadLexicon(f"{name}:{line}: expected a number, then words") from None
    if not words or any(len(one.split()) > 2 for one in words):
        raise BadLexicon(f"{name}:{line}: expected single words or pairs, with commas between")
    return weight, words


class _Tables(NamedTuple):
    """What `Words` looks things up in."""

    singles: dict[bytes, Load]
    stems: dict[bytes, Load]
    pairs: dict[tuple[bytes, bytes], Load]
    stem_pairs: dict[tuple[bytes, bytes], Load]

    def enter(self, words: str, load: Load) -> None:
        """One word or pair; where a word ends with a star it is a stem."""
        first, *second = (one.encode() for one in fold_plain(words.replace("*", "")).lower().split())
        if second:
            pairs = self.stem_pairs if "*" in words else self.pairs
            pairs[first, second[0]] = pairs.get((first, second[0]), 0) + load
        else:
            singles = self.stems if "*" in words else self.singles
            singles[first] = singles.get(first, 0) + load


def gather(lexicons: Iterable[Lexicon], weights: Weights, words: Mapping[str, Words]) -> Lexicons:
    """Lexicons of several languages, with the weights that combine their features."""
    return Lexicons(by_language={one.language: one for one in lexicons}, weights=weights, words=words)

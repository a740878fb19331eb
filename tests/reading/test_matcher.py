"""Phrases found word by word are those that their patterns find."""

import random
import re

import pytest

from gateway.reading.form import SHAPES
from gateway.reading.language import split_words
from gateway.reading.lexicon import LANGUAGES, Lexicon, Lexicons, fold_plain, parse_lexicon
from gateway.reading.notation import take_apart
from gateway.reading.shapes import Shapes, compile_finder
from gateway.reading.spelling import spell

SEPARATORS = [" "] * 14 + [", ", "  ", "-", "'", "' ", " - ", "; ", ". ", "_", " (", ") ", "/", ": "]
ENDINGS = ["", "a", "i", "are", "e-mail", "e'", "2", "zioni", "o-x"]
BETWEEN = ["la ", "di ", "casa ", "x-y ", "l'amica ", "sono ", "per, ", "bene. "]
SLOTS = {
    "<n>": ["5", "10", "1.000", "20%", "$ 30", "3,5", "50 %", "12k", "7.", "$9"],
    "<name>": ["Anna", "ACME", "rossi", "D'Amico", "Rossi-Bianchi"],
    "<names>": ["Anna", "Anna Rossi", "Anna de Rossi", "Studio Alfa e Beta", "anna"],
    "<word>": ["casa", "nuovo", "e-mail", "l'altro", "x2", "-", "una cosa"],
}
BEFORE = ["", "", "Ciao, ", "sono ", "per la ", "(", "l'", "- ", "x.", "$"]
AFTER = ["", "", "?", ".", " di casa", " per te?", "!", "-x", "'s", " e poi. Bene?"]
GROUP = re.compile(r"\{([^{}()]*)\}|\(([^{}()]*)\)")


def say(phrase: str, draw: random.Random) -> str:
    """A text that the phrase may stand for, more or less."""
    while group := GROUP.search(phrase):
        chosen = draw.choice((group[1] or group[2] or "").split("|"))
        if group[1] is None and draw.random() < 0.5:
            chosen = ""
        phrase = phrase[: group.start()] + chosen + phrase[group.end() :]
    for slot, values in SLOTS.items():
        phrase = phrase.replace(slot, draw.choice(values))
    phrase = phrase.replace("<,>", ",").replace("...", "".join(draw.choices(BETWEEN, k=draw.randint(0, 5))))
    phrase = "".join(draw.choice(ENDINGS) if one == "*" else one for one in phrase.strip("^$? "))
    return "".join(draw.choice(SEPARATORS) if one == " " else one for one in phrase)


def differences(lexicon: Lexicon, text: bytes, numbers: set[int]) -> list[str]:
    """The phrases, of these and of those found, that their patterns find elsewhere or not at all."""
    low = text.lower()
    spots, unsure = lexicon.matcher.match(low, split_words(text))
    wrong = []
    for number in (numbers | spots.keys()) - unsure:
        finder, lower = compile_finder(lexicon.entries[number].pattern)
        match = finder.search(low if lower else text)
        if spots.get(number) != (match.span(1) if match else None):
            wrong.append(f"{lexicon.entries[number].phrase!r} in {text!r}")
    return wrong


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_phrase_is_found_where_its_pattern_finds_it(lexicons: Lexicons, language: str) -> None:
    lexicon = lexicons.by_language[language]
    draw = random.Random(f"{language} 3")
    numbers = [number for number, entry in enumerate(lexicon.entries) if entry.phrase]
    wrong = []
    for number in draw.sample(numbers, 150):
        phrase = fold_plain(lexicon.entries[number].phrase)
        text = draw.choice(BEFORE) + say(phrase, draw) + draw.choice(AFTER)
        text = text.title() if draw.random() < 0.2 else text
        wrong += differences(lexicon, text.encode("ascii", "replace"), {number})
    assert wrong == []


@pytest.mark.parametrize(
    ("phrase", "text", "found"),
    [
        ("offr{o|iamo|e}", "noi offriamo molto", (4, 12)),
        ("promozion*", "le promozioni", (3, 13)),
        ("ti (caro) scrivo", "ti scrivo, ti caro scrivo", (0, 9)),
        ("costa ... meno", "costa oggi, e molto meno", (0, 24)),
        ("costa ... meno", "costa uno due tre quattro cinque meno", None),
        ("costa ... meno", "costa. meno", None),
        ("^ sconto", "uno sconto", None),
        ("sconto $", "uno sconto!", (4, 10)),
        ("posso inviar* ...?", "posso inviare tutto, se va bene?", (0, 13)),
        ("posso inviar* ...?", "posso inviare. va bene?", None),
        ("un'offerta", "unofferta", (0, 9)),
        ("e-mail", "una e-mail", (4, 10)),
        ("per <word> ore", "per - ore", None),
        ("{prendere (il|la)|riportar}{|lo|le}", "prenderelo", (0, 10)),
        ("{due|tre} (-){minuti|minuto}", "dueminuti", (0, 9)),
        ("<n>k al mese", "prendi 3k al mese", None),
    ],
)
def test_phrases_by_their_words(phrase: str, text: str, found: tuple[int, int] | None) -> None:
    lexicon = parse_lexicon("it", "it.yaml", f'a:\n  b:\n    - "{phrase}"\n')
    spots, _ = lexicon.matcher.match(text.encode(), split_words(text.encode()))
    assert spots.get(0) == found


def test_texts_that_differ_in_strange_words_alone_are_one(lexicons: Lexicons) -> None:
    match = lexicons.by_language["it"].matcher.match
    first, _ = match(b"qxz ti scrivo da wvy", [b"qxz", b"ti", b"scrivo", b"da", b"wvy"])
    other, _ = match(b"qqqxz ti scrivo da w", [b"qqqxz", b"ti", b"scrivo", b"da", b"w"])
    assert first
    assert {one: (a + 2, b + 2) for one, (a, b) in first.items()} == other


@pytest.mark.parametrize(
    "text",
    [
        b"Solo 29,90 euro, il 20 % in meno: chiama il 800 123 456 entro martedi 12 marzo alle 10:30!!",
        b"* see https://example.com/a?b=1 or write to ada@example.com, OFFER ENDS TODAY",
        b"Acme Studio srl, ordine n. 48213 #AB-12, text WIN to 80888, 150ppm 18+",
        b'"Una frase tra virgolette" -> calendly.com/ada',
        b"nothing here",
        b"",
    ],
)
def test_shapes_are_those_that_their_patterns_find(text: bytes) -> None:
    expected = []
    for feature, pattern in SHAPES:
        finder, lower = compile_finder(pattern)
        if match := finder.search(text.lower() if lower else text):
            expected.append((feature, *match.span(1), 1.0))
    every = {feature for feature, _ in SHAPES}
    assert Shapes().find(text, text.lower(), every) == expected
    assert Shapes().find(text, text.lower(), ()) == [(name, 0, 0, 1.0) for name, *_ in expected]


def test_steps_of_a_phrase() -> None:
    first, second, third = spell("ti (caro) scriv{o|iamo}")
    assert first.after == [(1, second.before[0][1]), (2, third.before[0][1])]
    assert third.forms.wholes == {"scrivo", "scriviamo"}
    assert (first.first, first.last, third.last) == ("sure", "", "sure")


def test_the_parts_of_a_phrase() -> None:
    assert [bool(one) for one in take_apart("^ sconto ...?")] == [True, True, True]

"""What a reader remembers makes it quicker and changes nothing: the same text is the same reading whatever
was read before."""

import json
import random

import pytest
from msgspec.structs import replace

from bench.reading_report import FILES
from gateway.cli.read import content_of
from gateway.message.content import Content
from gateway.reading.lexicon import Lexicons
from gateway.reading.read import Reader

ITALIAN = "Ciao Marco, la riunione di domani si sposta alle tre, come avevamo detto ieri con gli altri."
ENGLISH = "Hello Mark, the meeting of tomorrow is moved to three, as we said yesterday with the others."
GERMAN = "Hallo Jens, die Sitzung von morgen ist auf drei verlegt, wie wir gestern mit den anderen sagten."


@pytest.mark.parametrize("text", [ITALIAN, ENGLISH, GERMAN])
@pytest.mark.parametrize("phrase", ["Kostenlos testen!", "Gratis!", "Special offer!", "-- "])
def test_a_phrase_of_no_language_tells_what_the_message_makes_of_it(
    lexicons: Lexicons, text: str, phrase: str
) -> None:
    content = Content(text=f"{phrase}\n\n{text}")
    used = Reader(lexicons)
    for before in (phrase, *(f"{phrase}\n\n{other}" for other in (ITALIAN, ENGLISH, GERMAN))):
        used.read(Content(text=before))
    assert used.read(content) == Reader(lexicons).read(content)


def test_readings_do_not_depend_on_their_order(lexicons: Lexicons) -> None:
    contents = [content_of(json.loads(line)) for line in FILES[1].read_text().splitlines()]
    pieces = [
        replace(content, text=piece)
        for content in contents[::7]
        for piece in content.text.split(". ")
        if piece.strip()
    ]
    straight, shuffled = Reader(lexicons), Reader(lexicons, phrases_kept=3_000)
    first = {id(content): straight.read(content) for content in contents + pieces}
    for content in random.Random(11).sample(contents + pieces, len(contents + pieces)):
        assert shuffled.read(content) == first[id(content)], content

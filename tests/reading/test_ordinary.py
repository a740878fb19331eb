"""Ordinary mail that talks of offers, prices and demos, and sells nothing; pitches that name none of them."""

import json

import pytest

from bench.reading_report import FOURS, HARD, f1, judge
from gateway.cli.read import content_of
from gateway.message.content import Content
from gateway.reading.findings import GAINSAID
from gateway.reading.read import Reader

SURE = 0.8
"""`no_pitch` refuses from 0.95 on, as the policies have it; nothing ordinary should come near."""

LEAST = {
    "introduces_sender": 0.85,
    "states_reason": 0.9,
    "permission_request": 0.8,
    "personalised": 0.75,
}

ORDINARY = (
    "Mia sorella vende la bici, 80 euro, se ti interessa te la faccio vedere.",
    "Stasera c'è l'aperitivo di inaugurazione del locale di Nico, vieni?",
    "Come promesso ti mando il link per scaricare le foto del matrimonio.",
    "Clicca qui per confermare il tuo indirizzo.",
    "Dal prossimo mese il canone passa da 20 a 22 euro, potete recedere senza costi.",
    "Ho provato per una settimana il gestionale che ci hanno proposto. Per 90 euro al mese non lo prenderei.",
    "La campagna vaccinale è iniziata: il vaccino è gratuito per chi ha più di 60 anni.",
    "Il fatturato del trimestre è cresciuto del 18% grazie alla nuova linea. Ne parliamo lunedì in riunione.",
    "Da lunedì la biblioteca apre anche di sera. L'ingresso alle sale studio è gratuito con la tessera.",
    "From next month the fee goes from 20 to 22 pounds; you may leave at no cost.",
    "Your free trial has ended, your data stays saved for 30 days.",
    "The book club meets on Thursday, this month's book is on sale at Central Books.",
    "I spoke to Sirti's rep: they'll give us 15% off if we order by Friday.",
    "The warranty covers a free battery replacement, just bring it to the service desk.",
    "Please note that from January the rate drops to 10% for works already started.",
)


@pytest.mark.parametrize("text", ORDINARY)
@pytest.mark.parametrize("greeting", ["", "Paola,\n\n"])
def test_who_talks_of_selling_is_not_refused_for_it(reader: Reader, greeting: str, text: str) -> None:
    assert reader.read(Content(text=greeting + text)).promotional.score < SURE


def test_words_that_speak_against_a_pitch_are_heard(reader: Reader) -> None:
    """Phrases alone make nobody sure; what they come to is a finding still."""
    contents = [content_of(json.loads(line)) for line in HARD.read_text(encoding="utf-8").splitlines()]
    against = [one for one in contents if reader.features(one).get("words.promotional", 0.0) < 0.0]
    scores = [reader.read(one).promotional.score for one in against]
    assert max(scores) == GAINSAID
    assert scores.count(GAINSAID) > 3


def test_hard_ordinary_mail_is_hardly_ever_refused(reader: Reader) -> None:
    """Messages of `hard.jsonl` whose id begins with `kept` were never fitted on."""
    rows = [json.loads(line) for line in HARD.read_text(encoding="utf-8").splitlines()]
    for share, kind in ((0.03, "hard"), (0.05, "kept")):
        ordinary = [row for row in rows if not row["labels"]["promotional"] and row["id"].startswith(kind)]
        refused = [row for row in ordinary if reader.read(content_of(row)).promotional.score >= SURE]
        assert len(refused) <= share * len(ordinary), [row["body"] for row in refused]
    pitches = [row for row in rows if row["labels"]["promotional"]]
    found = [row for row in pitches if reader.read(content_of(row)).promotional.value]
    assert len(found) >= 0.6 * len(pitches)


def test_the_same_words_sell_or_do_not(reader: Reader) -> None:
    """Of four messages on one theme the first is a pitch; a third of these fours was never fitted on."""
    rows = [json.loads(line) for line in FOURS.read_text(encoding="utf-8").splitlines()]
    scores = [reader.read(content_of(row)).promotional for row in rows]
    pitches = [one for place, one in enumerate(scores) if place % 4 == 0]
    others = [one for place, one in enumerate(scores) if place % 4]
    assert sum(one.value for one in pitches) > 0.6 * len(pitches)
    assert sum(one.value for one in others) < 0.06 * len(others)
    assert sum(one.score >= SURE for one in others) <= 0.01 * len(others)


@pytest.mark.parametrize("language", ["it", "en"])
def test_who_writes_and_what_for_is_told_in_the_same_words(reader: Reader, language: str) -> None:
    tally, errors = judge(FOURS, reader, borderline=True)
    for label in ("introduces_sender", "states_reason", "permission_request", "personalised"):
        assert f1(tally, label, language)[2] >= LEAST[label], (label, errors)

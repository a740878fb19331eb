# ruff: noqa: E501 (messages stand on one line)
"""Copies are told by the fifth; independent letters, signatures and stock openings are none."""

import random
from collections import Counter

import pytest
from variants import independent, variant

from gateway.message.content import Content
from gateway.reading.read import Reader
from gateway.reading.reading import Phrase
from gateway.reading.sameness import judge_copy

SHARE = 0.5


def phrases(reader: Reader, text: str, name: str = "", company: str = "") -> tuple[Phrase, ...]:
    return reader.read(Content(text=text, recipient_name=name, recipient_company=company)).phrases


def recognized(reader: Reader, language: str, seed: int, copies: int) -> bool:
    rng = random.Random(seed)
    store: Counter[int] = Counter()
    for _ in range(4):
        store.update({one.hash for one in phrases(reader, *variant(language, rng))})
    last = phrases(reader, *variant(language, rng))
    return judge_copy(last, [store[one.hash] for one in last], copies=copies).share > SHARE


@pytest.mark.parametrize("copies", [1, 3, 4])
def test_variants_are_recognized_by_the_fifth_copy(reader: Reader, copies: int) -> None:
    found = sum(recognized(reader, ("it", "en")[seed % 2], seed, copies) for seed in range(1000))
    assert found >= 980, found


def test_independent_letters_on_one_subject_are_none(reader: Reader) -> None:
    found = 0
    for seed in range(1000):
        rng = random.Random(seed)
        language = ("it", "en")[seed % 2]
        first = {one.hash for one in phrases(reader, independent(language, rng))}
        second = phrases(reader, independent(language, rng))
        found += judge_copy(second, [int(one.hash in first) for one in second]).share > SHARE
    assert found <= 10, found


BODY = "Ho letto con piacere il resoconto della spedizione al ghiacciaio.\n\nMi chiedevo come avete misurato lo spessore del ghiaccio vicino al rifugio."
OTHER = "Le mando le misure del tetto che ci aveva chiesto a settembre.\n\nIl lato sud è più corto di quaranta centimetri rispetto al disegno."
FRAME = "Buongiorno,\n\nspero che questa mail la trovi bene.\n\n{}\n\nCordiali saluti,\nAda Neri\nResponsabile acquisti\nEsempio Srl, via Roma 1, Padova\nP.IVA 01234567890. Questo messaggio è riservato ai destinatari."


def test_a_shared_frame_is_no_copy(reader: Reader) -> None:
    first = {one.hash for one in phrases(reader, FRAME.format(BODY))}
    second = phrases(reader, FRAME.format(OTHER))
    assert second
    assert judge_copy(second, [9 * (one.hash in first) for one in second]).share < 0.1


def test_reordered_paragraphs_are_the_same_copy(reader: Reader) -> None:
    first = {one.hash for one in phrases(reader, BODY + "\n\n" + OTHER)}
    second = phrases(reader, OTHER + "\n\n" + BODY)
    assert judge_copy(second, [3 * (one.hash in first) for one in second], copies=3).share > 0.9


def test_half_a_copy_is_half_a_copy(reader: Reader) -> None:
    first = {one.hash for one in phrases(reader, BODY)}
    second = phrases(reader, BODY + "\n\n" + OTHER)
    judged = judge_copy(second, [5 * (one.hash in first) for one in second], copies=5)
    assert 0.3 < judged.share < 0.75
    assert judged.copies == 5
    text = BODY + "\n\n" + OTHER
    assert all(text[a:b] in BODY for a, b in judged.passages)


def test_a_pitch_does_not_hide_in_an_attribute(reader: Reader) -> None:
    pitch = "La nostra offerta speciale per la vostra azienda scade venerdì, prenotate subito una dimostrazione gratuita."
    marks = [
        {one.hash for one in reader.read(Content(text=f"Buongiorno. {pitch}", own_words=(pitch,))).phrases}
        for _ in range(2)
    ]
    assert marks[0] == marks[1] != set()


def test_an_asking_passage_is_named_whatever_its_share(reader: Reader) -> None:
    ask = "Vorrei presentarvi la nostra nuova soluzione per la gestione del magazzino, avete dieci minuti?"
    first = {one.hash for one in phrases(reader, ask)}
    second = phrases(reader, BODY + "\n\n" + ask + "\n\n" + OTHER)
    judged = judge_copy(second, [4 * (one.hash in first) for one in second], copies=4)
    assert judged.asking


def test_fingerprints_are_few_and_stable(reader: Reader) -> None:
    rng = random.Random(5)
    long = "\n\n".join(independent("it", rng) for _ in range(60))
    found = phrases(reader, long)
    assert 20 <= len(found) <= 64
    assert found == phrases(Reader(reader._lexicons), long)


NAMES = ("Anna", "Luca", "Giulia", "Marco", "Sara", "Paolo")


def fifth(reader: Reader, texts: list[str]) -> dict[str, bool]:
    """What is judged of the last of these, each to another person, once four others got the rest."""
    store: Counter[int] = Counter()
    for text in texts[:-1]:
        store.update({one.hash for one in phrases(reader, text)})
    last = phrases(reader, texts[-1])
    judged = judge_copy(last, [store[one.hash] for one in last], copies=4)
    return {"copied": judged.share > SHARE, "asking": bool(judged.asking)}


@pytest.mark.parametrize(
    "template",
    [
        "Ciao {}, ho visto il tuo profilo e mi piacerebbe fare due chiacchiere sul tuo lavoro.",
        "{}, ti va una chiacchierata la prossima settimana?",
        "Hi {}, I came across your profile and would love to hear what you are building these days.",
        "Ti scrivo io. Due nuove idee. Tre buoni motivi. Parliamone domani. Chiamami tu. Solo oggi.",
    ],
)
def test_a_short_message_is_a_copy_however_it_greets(reader: Reader, template: str) -> None:
    assert fifth(reader, [template.format(name) for name in NAMES[:5]])["copied"]


def test_what_everybody_repeats_is_no_copy(reader: Reader) -> None:
    bodies = [
        "Le mando il verbale della riunione di ieri con le correzioni di Paolo.",
        "La stampante del secondo piano è di nuovo ferma.",
        "Ho parlato con il fornitore e consegna martedì.",
        "Il corso di sicurezza è spostato in aula 4.",
        "Le foto della fiera sono nella cartella condivisa.",
    ]
    for frame in (
        "{} Mi fa sapere entro domani?",
        "{} Grazie mille per la disponibilità e buona giornata. Resto a disposizione per qualsiasi chiarimento.",
        "Buongiorno, spero che stia bene. {}",
    ):
        assert not any(fifth(reader, [frame.format(body) for body in bodies]).values()), frame


FORWARDED = "{}\n\nRita\n\n---------- Messaggio inoltrato ---------\nDa: Ugo Neri\n\n" + BODY
QUOTED = "{}\n\nRita\n\nIl giorno 3 marzo 2026 Anna Bo ha scritto:\n> " + BODY.replace("\n\n", "\n> ")


def test_what_is_forwarded_in_a_reply_is_the_senders_own_and_what_is_quoted_is_not(reader: Reader) -> None:
    for text, counts in ((FORWARDED, True), (QUOTED, False)):
        marks = [
            {one.hash for one in reader.read(Content(text=text.format(own), is_reply=True)).phrases}
            for own in (
                "Ecco le misure del tetto per il cantiere di Lecco.",
                "Passo a prendere le chiavi martedì sera.",
            )
        ]
        assert bool(marks[0] & marks[1]) is counts

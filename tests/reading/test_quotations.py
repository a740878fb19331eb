# ruff: noqa: E501 (messages stand on one line)
"""What is one's own in a reply, and what the other person or an earlier message said."""

import pytest

from gateway.message.content import Content
from gateway.reading.phrases import study
from gateway.reading.read import Reader
from gateway.reading.segments import cut

OLD = "VECCHIO: la nostra offerta scade venerdì, prenotate una demo gratuita."
NEW = "NUOVO: va bene, ci vediamo giovedì alle dieci."
HEADS = [
    "Il giorno lun 3 mar 2025 alle ore 10:00 Ada Neri <a@example.com> ha scritto:", "Il giorno lun 3 mar 2025 alle ore 10:00 Ada Neri <\na@example.com> ha scritto:",
    "On Mon, Mar 3, 2025 at 10:00 AM Ada Neri <a@example.com> wrote:", "On Mon, Mar 3, 2025 at 10:00 AM Ada Neri <a@example.com>\nwrote:",
    "Am Mo., 3. März 2025 um 10:00 Uhr schrieb Ada Neri <a@example.com>:", "Am 03.03.25 um 10:00 schrieb Ada Neri:", "Le 3 mars 2025 à 10:00, Ada a écrit\xa0:",
    "El lun, 3 mar 2025 a las 10:00, Ada (<a@example.com>) escribió:", "-----Messaggio originale-----", "-------- Messaggio originale --------", "-------- Original message --------",
    "-----Ursprüngliche Nachricht-----", "-----Message d'origine-----", "-----Mensaje original-----",
]  # fmt: skip
LETTERHEADS = [
    "Da: Ada <a@example.com>\nInviato: lunedì 3 marzo 2025 10:00\nA: Ugo\nOggetto: x", "From: Ada\nSent: Monday\nTo: Ugo\nSubject: x", "Von: Ada\nGesendet: Montag\nAn: Ugo",
    "De : Ada\nEnvoyé : lundi\nÀ : Ugo", "De: Ada\nEnviado el: lunes\nPara: Ugo", "________________________________\nDa: Ada\nInviato: lunedì", "*Da:* Ada\n*Inviato:* lunedì",
]  # fmt: skip
FORWARDS = [
    "---------- Forwarded message ---------", "---------- Messaggio inoltrato ---------\nDa: x", "-------- Messaggio Inoltrato --------", "Begin forwarded message:",
    "Inizio messaggio inoltrato:", "Anfang der weitergeleiteten Nachricht:", "Début du message transféré :", "Inicio del mensaje reenviado:", "-------- Weitergeleitete Nachricht --------",
]  # fmt: skip


def kinds(reader: Reader, text: str, mark: str) -> list[str]:
    content = Content(text=text, is_reply=True)
    seen = study(content, reader.see(content), reader._kept)
    return [one.kind for one in seen.blocks if mark in text[one.start : one.end]]


@pytest.mark.parametrize("head", HEADS + LETTERHEADS + FORWARDS)
def test_what_stands_below_the_head_of_a_quotation_is_quoted(reader: Reader, head: str) -> None:
    for text in (f"Ciao Ada,\n\n{NEW}\n\nUgo\n\n{head}\n\n{OLD}\n\n{OLD}", f"{NEW}\n\n{head}\n{OLD}"):
        assert set(kinds(reader, text, "VECCHIO")) == {"forwarded" if head in FORWARDS else "quoted"}
        assert kinds(reader, text, "NUOVO") == ["own"]


@pytest.mark.parametrize("head", HEADS)
def test_an_answer_below_the_lines_it_quotes_is_its_own(reader: Reader, head: str) -> None:
    text = f"{head}\n> {OLD}\n> ancora\n\n{NEW}\n\n> {OLD}\n{NEW}\n\nUgo"
    assert kinds(reader, text, "VECCHIO") == ["quoted", "quoted"]
    assert kinds(reader, text, "NUOVO") == ["own", "own"]


def test_a_pitch_below_a_quoted_line_counts(reader: Reader) -> None:
    pitch = (
        "La nostra offerta speciale: sconto del 30%, prenota subito una demo gratuita del nostro software!"
    )
    reading = reader.read(Content(text=f"> va bene\n\n{pitch}", is_reply=True))
    assert reading.promotional.value
    assert reading.phrases


@pytest.mark.parametrize(
    "shape", ["> {}", "-----Messaggio originale-----\n{}", "Il 3 marzo 2025 Ada ha scritto:\n{}"]
)
def test_who_quotes_in_a_first_message_quotes_nobody(reader: Reader, shape: str) -> None:
    text = shape.format(
        "Ciao {{nome}}, come va? Ho letto con piacere il resoconto della spedizione al ghiacciaio del rifugio."
    )
    first, reply = (reader.read(Content(text=text, is_reply=is_reply)) for is_reply in (False, True))
    assert first.phrases
    assert first.unresolved_merge.value
    assert not reply.phrases
    assert not reply.unresolved_merge.value


def test_the_end_of_a_quoted_line_that_was_wrapped_is_quoted() -> None:
    text = "> una lunga riga citata che qualche programma ha spezzato a metà\ntroppo lunga\n> e continua"
    assert {kind for _, _, kind in cut(text)[0]} == {"quoted"}


@pytest.mark.parametrize(
    "text",
    [
        "Da: Roma\nA: Milano\n\nbiglietti",
        "Le scrivo per questo motivo:\nil tetto",
        "In data odierna:\nuno",
        "-- uno\ndue",
    ],
)
def test_ordinary_lines_begin_no_quotation(text: str) -> None:
    kind = "own"
    for paragraph in text.split("\n\n"):
        blocks, kind = cut(paragraph, kind)
        assert {one for _, _, one in blocks} == {"own"}

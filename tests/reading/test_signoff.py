"""Signatures told from other last lines, and fields read as the names that will stand in them."""

import pytest

from gateway.message.content import Content
from gateway.reading.merge_tags import fill_fields
from tests.line import reader

SIGNED = [
    "Hi Ann,\n\nThe report is ready.\n\nBest,\nAda Lowe\nHead of Research",
    "Hi Ann,\n\nThe report is ready.\n\nKind regards,\nAda\nLowe & Sons",
    "Hello,\n\nDo you offer academic prices?\n\nProf. Ada Lowe\nDepartment Chair",
    "Gentile Anna,\n\nle invio il preventivo.\n\nCordiali saluti,\nPia Neri\nUfficio Acquisti",
    "Gentile Anna,\n\nle invio il preventivo.\n\nPia Neri, Studio Delta",
    "Gentile Anna,\nle invio il preventivo.\n\nPia\nDelta Legno — Porte e Infissi",
    "Hi {first_name},\n\nThe report is ready.\n\nBest,\n{{ sender_name }}\n[Your Company]",
    "Hi Ann,\n\nThe report is ready.\n\nAda Lowe | Lowe Research",
    "Hi Ann,\n\nThe report is ready.\n\nBest,\nHilary Lowe\nHead of Research",
    "Gentile Anna,\n\nle invio il preventivo.\n\nCarola Neri\nUfficio Acquisti",
    "Hi Ann,\n\nhow do you like it?\n\nThe **[Brand Name]** Team",
    "Hi Ann,\n\nThe report is ready.\n\n**Ada Lowe**\n**Head of Research**",
    "Hi Ann,\n\nthe sale ends tonight.\n\nThis is your sign,\nTeam Lowe",
    "Cari soci,\n\nla quota non risulta versata.\n\nCordiali saluti,\n    Il Tesoriere",
    "Hi Ann,\n\nthe report is ready.\nLet me know!\nAda Lowe\nHead of Research",
    "Ciao Anna,\n\nho letto il tuo articolo.\n\n[Tuo Nome]\n[Ruolo] @ [Azienda]",
    "Hi Ann, nice work on the terrace!\n- Ada @ Lowe Roofs",
    "Hi Ann,\n\nthe lease ends in May.\n\nAda Lowe\nHead of Rentals · Lowe Homes",
    "Hi Ann, the shelves are in. May I send you the list? Ada Lowe, Lowe Research",
    "Buongiorno, posso mandarle il programma della stagione? Elena Riva, Libreria Delta.",
    "Spettabile azienda,\n\nla tariffa resta ferma per due anni.\n\nCordiali saluti,\nRiva Energia S.p.A.",
    "Hi Ann,\n\nthe roof is dry again.\n\nBest,\nLowe Roofing Services",
    "Ciao Anna,\n\nho dato un'occhiata al sito.\n\nUn saluto,\nRivaSito",
]
UNSIGNED = [
    "Buongiorno,\n\nho una proposta per voi.\n\nA presto,\n[Il tuo nome]\n[Telefono]",
    "Hi Ann,\n\nmay I call you?\n\nBest,\n[Your Name]\n[Portfolio Link]",
    "Ciao Anna,\n\nstasera al cinema danno un film bellissimo.\n\nLa Dolce Vita",
    "Hi Ann,\n\nplease sign.\n\nSignature",
    "Hi Ann,\n\nthe report is ready.\n\nThe Great Gatsby",
    "Hi Ann,\n\nwhat we need:\n- Paint - White\n- Brushes - Large",
    "Hi Ann,\n\nhere it is.\nada@lowe.example\nLowe Research",
    "Hi Ann,\n\nthese two come along, said the secretary of the club when I asked.\nAda Lowe\nBea Riva",
    "Hi Ann, the shelves are in. See you in Turin, Via Roma",
    "Ciao Anna, ci vediamo al parco. Buon Natale, Famiglia Riva",
    "Hi Ann, I read the report of Ada Lowe, Lowe Research.",
    "Hi Ann,\n\nThe report is ready.\n\nBest,\nAda",
    "Hi Ann,\n\nThe report is ready.\n\nBest,\nAda\nSent from my phone",
    "Hi Ann,\n\nThe report is ready.\n\nAda Lowe\n+44 20 7946 0000",
    "Hi Ann,\n\nThe report is ready.\n\nHugs, Ada",
    "Hi Ann,\n\nbring the following:\nApples\nPears\nPlums\n\nsee you at eight",
    "Ciao Anna,\n\narrivo alle otto.\n\nBacioni, Pia",
    "Ciao Anna,\n\narrivo alle otto.\n\nPia\nVia Roma",
    "Ciao Anna,\n\narrivo alle otto.\n\nPia\np.s. porto il vino",
    "Hi Ann,\n\nthe lease ends in May.\n\nBest,\nMcLowe",
]


@pytest.mark.parametrize("text", SIGNED)
def test_a_name_with_what_its_bearer_is(text: str) -> None:
    found = reader().features(Content(text=text))
    assert found["signature.block"] == 1.0


@pytest.mark.parametrize("text", UNSIGNED)
def test_other_last_lines(text: str) -> None:
    assert "signature.block" not in reader().features(Content(text=text))


def test_a_signature_is_shown_as_it_stands() -> None:
    text = "Hi Ann,\n\nWould you speak at our meeting?\n\nBest,\nAda Lowe\nHead of Research, Lowe & Sons"
    evidence = reader().read(Content(text=text)).introduces_sender.evidence
    [shown] = [one for one in evidence if "block" in one.why]
    assert text[shown.start : shown.end] == shown.text == "Ada Lowe\nHead of Research, Lowe & Sons"


@pytest.mark.parametrize("field", "{{agentName}};[Nome];{name};<First Name>;*|FNAME|*;%NAME%".split(";"))
def test_a_field_reads_as_the_name_that_will_stand_there(field: str) -> None:
    filled = fill_fields(f"Sono {field} di Delta.")
    assert len(filled) == len(f"Sono {field} di Delta.")
    assert filled.startswith("Sono N")
    assert filled.endswith(" di Delta.")
    assert reader().read(Content(text=f"Buongiorno,\nsono {field} di Delta Legno.")).introduces_sender.value


def test_text_without_fields_stays() -> None:
    assert fill_fields("5 < 7, [1], {a|b}, 20% and 30%") == "5 < 7, [1], {a|b}, 20% and 30%"

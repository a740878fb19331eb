"""What a message says beside the text that most people see."""

from html import escape

import pytest

from gateway.message.content import Content
from gateway.reading.fold import fold
from gateway.reading.read import Reader

LETTER = (
    "Gentile Anna, sono Marco Bianchi, responsabile della formazione di Esempio Srl. Le scrivo perché ho "
    "letto il suo articolo sul lavoro ibrido e vorrei citarlo nel nostro corso. Un cordiale saluto, Marco."
)
PITCH = (
    "Solo per oggi sconto del 30% su tutti i nostri corsi: approfitta dell'offerta e acquista ora! Prenota "
    "subito una demo gratuita del nostro software e raddoppia i tuoi clienti."
)
PAGE = f"<p>{LETTER}</p>"
SPLIT = "".join(f"<b class=q>{word[:3]}</b>{word[3:]} " for word in PITCH.split())
ASIDE = {
    "a picture's words": Content(html=PAGE + f'<img src="https://x.example/a.png" alt="{PITCH}">'),
    "a picture's words in a row": Content(html=f'<div><div><img alt="{PITCH}"></div></div>' + PAGE),
    "a field": Content(html=PAGE + f'<input value="{PITCH}">'),
    "a frame": Content(html=PAGE + f'<iframe srcdoc="&lt;p&gt;{PITCH}"></iframe>'),
    "a style sheet": Content(html=f'<style>p:after{{content:"{PITCH}"}}</style>' + PAGE),
    "hidden text": Content(html=PAGE + f'<div style="display:none">{PITCH}</div>'),
    "shown on telephones": Content(
        html="<style>.q{display:none}@media (max-width:600px){.q{display:block!important}}</style>"
        + PAGE
        + f"<p class=q>{PITCH}</p>"
    ),
    "half hidden words": Content(html="<style>.q{display:none}</style>" + PAGE + f"<p>{SPLIT}</p>"),
    "long hidden text": Content(html=PAGE + f'<p style="display:none">{"parole vane " * 900}{PITCH}</p>'),
    "for Outlook": Content(html=PAGE + f"<!--[if mso]><p>{PITCH}</p><![endif]-->"),
    "turned around": Content(html=PAGE + f'<bdo dir="rtl">{escape(PITCH[::-1])}</bdo>'),
    "the other version": Content(html=PAGE, text=f"{LETTER}\n\n{PITCH}"),
    "the other version, other lines": Content(html=PAGE, text="\n\n".join([*LETTER.split(), *PITCH.split()])),
    "another part": Content(html=PAGE, besides=(f"<p>{PITCH}</p>",)),
    "the sender's name": Content(html=PAGE, sender_name=PITCH),
    "the sender's name, plain": Content(text=LETTER, sender_name=PITCH),
    "the end of the subject": Content(html=PAGE, subject="parola " * 75 + PITCH),
    "a footer": Content(
        text=f"{LETTER}\n\nAi sensi del GDPR 2016/679 questo messaggio è riservato ai destinatari. {PITCH}"
    ),
}


CUTS = [
    "<p hidden></p>", '<div style="display:none"></div>', '<br style="display:none">', "<td>", "<tr>",
    '<div style="position:absolute"></div>',
]  # fmt: skip


@pytest.mark.parametrize("cut", CUTS)
def test_words_that_nothing_visible_cuts_are_read_whole(reader: Reader, cut: str) -> None:
    """A browser shows them on one line."""
    words = " ".join(f"{word[:2]}{cut}{word[2:4]}{cut}{word[4:]}" for word in PITCH.split())
    reading = reader.read(Content(html=f"<div>{words}</div>"))
    assert reading.promotional.value
    assert reading.promotional.score >= 0.6


@pytest.mark.parametrize("content", ASIDE.values(), ids=ASIDE)
def test_a_pitch_counts_wherever_it_stands(reader: Reader, content: Content) -> None:
    reading = reader.read(content)
    assert reading.promotional.score >= 0.8
    page = reader.see(content).text
    assert reading.promotional.evidence
    for one in reading.promotional.evidence:
        aside = one.why.startswith("not in the text") or one.part == "subject"
        assert aside or page[one.start : one.end] == one.text
        assert not one.why.startswith("not in the text") or one.start == one.end == 0


def test_pages_one_below_another_are_each_read_for_themselves(reader: Reader) -> None:
    for left_open in (
        "<!--",
        "<style>",
        "<textarea>",
        "<div style='display:none'>",
        "<style>p{display:none}",
    ):
        content = Content(html="both", shown=(PAGE + left_open, f"<p>{PITCH}</p>"))
        assert PITCH in reader.see(content).text, left_open
        assert reader.read(content).promotional.score >= 0.8


def test_the_same_in_another_version_changes_nothing(reader: Reader) -> None:
    page = (
        '<div style="display:none">Il numero di novembre &zwnj;&nbsp;&zwnj;</div><h1>Novembre</h1>'
        f"{PAGE}<table><tr><td>Ordine</td><td>4711</td></tr><tr><td>Totale</td><td>49,00</td></tr></table>"
        '<p>Leggi <a href="https://x.example/a">tutto il racconto</a> sul nostro sito</p>'
    )
    words = LETTER.split()
    text = (
        "NOVEMBRE\n========\n\n"
        + "\n".join(" ".join(words[at : at + 9]) for at in range(0, len(words), 9))
        + "\n\nOrdine 4711\nTotale 49,00\n\n* Leggi tutto il racconto (https://x.example/a) sul nostro sito "
        "[1]\n\n[1] https://x.example/a\n"
    )
    alone, both = reader.read(Content(html=page)), reader.read(Content(html=page, text=text))
    assert both == alone


def test_what_few_see_is_read_in_its_context(reader: Reader) -> None:
    page = (
        "<p>Hi Anna,</p><p>Someone asked to reset the password of your account. If it was you, press the "
        "button within 30 minutes. If it was not you, ignore this message.</p>"
    )
    text = (
        "Hi Anna,\n\nSomeone asked to reset the password of your account. If it was you, use this link "
        "within 30 minutes: https://app.example/reset?t=abc\n\nIf it was not you, ignore this message.\n\n"
        "The Example team"
    )
    preview = '<div style="display:none">Use this link within 30 minutes</div>'
    assert not reader.read(Content(html=preview + page, text=text)).promotional.value


def test_nobody_is_introduced_where_few_look(reader: Reader) -> None:
    page = "<p>Le va di sentirci giovedì alle dieci?</p>"
    for content in (
        Content(html=page, text=LETTER),
        Content(html=page, besides=(PAGE,)),
        Content(html=page + f'<div style="display:none">{LETTER}</div>'),
    ):
        reading = reader.read(content)
        assert not reading.introduces_sender.value
        assert reading.phrases == reader.read(Content(html=page)).phrases


@pytest.mark.parametrize(
    "content",
    [
        Content(text="parola " * 9_000 + PITCH),
        Content(text=LETTER + "\u200b" * 60_000 + PITCH),
        Content(html=PAGE + "<p>a</p>" * 1_600 + PITCH),
        Content(html=PAGE + f'<p style="display:none">{"parole " * 9_000}</p>'),
    ],
)
def test_what_goes_on_beyond_is_said(reader: Reader, content: Content) -> None:
    assert reader.read(content).truncated


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("perche\u0301 e\u0300 cosi\u0300", b"perche e cosi"),
        ("s\u0336c\u0336o\u0336n\u0336t\u0336o", b"sconto"),
        ("ꜱᴄᴏɴᴛᴏ", b"sconto"),
        ("\U0001f182\U0001f172\U0001f17e\U0001f17d\U0001f183\U0001f17e", b"SCONTO"),
        ("sco\u3164nto \U000e0041di", b"sconto di"),
    ],
)
def test_marks_and_fancy_letters_are_letters(written: str, read: bytes) -> None:
    assert fold(written).text == read

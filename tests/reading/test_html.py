# ruff: noqa: E501 (messages stand on one line)
import pytest

from gateway.message.content import Content
from gateway.reading import html
from gateway.reading.read import Reader

HIDDEN = [
    '<div style="display:none">{}</div>', '<span style="visibility: hidden">{}</span>', '<font color="#ffffff">{}</font>',
    '<div style="font-size:1px">{}</div>', '<div style="opacity:0">{}</div>', '<span style="color:#fefefe">{}</span>',
    '<div style="position:absolute;left:-9999px">{}</div>', "<style>.q{{display:none}}</style><div class='q'>{}</div>",
    '<div style="background:#000"><span style="color:#000">{}</span></div>', "<div hidden>{}</div>", '<p style="display:none">{}</p>',
]  # fmt: skip


@pytest.mark.parametrize("shape", HIDDEN)
def test_hidden_text_is_not_seen_and_is_an_evasion(reader: Reader, shape: str) -> None:
    secret = "Offerta speciale segreta da leggere tutta"
    content = Content(
        html=f"<html><body><p>Ciao Ada, a domani davanti alla scuola.</p>{shape.format(secret)}</body></html>"
    )
    page = reader.see(content)
    assert "segreta" not in page.text
    assert any("segreta" in text for text, _ in page.hidden)


@pytest.mark.parametrize("shape", HIDDEN)
def test_quick_and_thorough_reading_see_the_same(shape: str) -> None:
    source = f"<html><body><p>Uno &amp; due</p>{shape.format('tre')}<p>quattro<br>cinque</p></body></html>"
    quick = html.Pages(64).scan(source, False)
    slow = html._walk(source, False)
    assert "tre" not in slow.text
    assert quick is None or quick.text == slow.text


def test_a_preheader_is_customary_but_filler_is_evasion(reader: Reader) -> None:
    preheader = '<div style="display:none">Le novità di marzo</div><p>Ciao, ecco le novità.</p>'
    filler = '<p>Ciao, ecco le novità.</p><div style="display:none">' + "parole nascoste " * 30 + "</div>"
    assert not reader.read(Content(html=preheader)).evasion.value
    assert reader.read(Content(html=filler)).evasion.value


def test_white_text_on_a_dark_button_is_seen(reader: Reader) -> None:
    assert reader.see(Content(html='<a style="background:#036;color:#fff">Prenota</a>')).text == "Prenota"


@pytest.mark.parametrize(
    "text",
    [
        "Grande 0fferta solo per te",
        "Tutto g r a t i s per te oggi",
        "Tutto g.r.a.t.i.s per te oggi",
        "Offertа lancio: sсonto del 20%",
        "Una of\u200bferta speciale",
    ],
)
def test_disguises_are_seen_through(reader: Reader, text: str) -> None:
    reading = reader.read(Content(text=text + ". Ti aspettiamo nel nostro negozio."))
    assert reading.evasion.value
    assert any(one.text in text for one in reading.evasion.evidence)


@pytest.mark.parametrize(
    "text",
    [
        "Il modello B2B con 3D e H2O costa 20€ al m2.",
        "Ci vediamo alle 18h in piazza S. M. N. di Firenze.",
        "See RFC 2045 and mp3 files.",
    ],
)
def test_ordinary_text_is_no_disguise(reader: Reader, text: str) -> None:
    assert not reader.read(Content(text=text)).evasion.value

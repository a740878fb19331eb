"""What a message says beside the text that most people see."""

from base64 import b64encode
from html import escape
from urllib.parse import quote

import pytest

from gateway.message.content import Attachment, Content
from gateway.reading.besides import NOTHING_SAID, gather
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
TRIPLES = [" ".join(PITCH.split()[at : at + 3]) for at in range(0, len(PITCH.split()), 3)]
DRAWN = quote(f"<svg xmlns='http://www.w3.org/2000/svg'><text y='20'>{PITCH}</text></svg>")
ENCODED = b64encode(f"<p>{PITCH}".encode()).decode()
TURNED = " ".join("".join(f"<b>{letter}</b>" for letter in word[::-1]) for word in PITCH.split())
SPLIT = "".join(f"<b class=q>{word[:3]}</b>{word[3:]} " for word in PITCH.split())
ASIDE = {
    "a picture's words": Content(html=PAGE + f'<img src="https://x.example/a.png" alt="{PITCH}">'),
    "a picture's words in a row": Content(html=f'<div><div><img alt="{PITCH}"></div></div>' + PAGE),
    "a field": Content(html=PAGE + f'<input value="{PITCH}">'),
    "a frame": Content(html=PAGE + f'<iframe srcdoc="&lt;p&gt;{PITCH}"></iframe>'),
    "a style sheet": Content(html=f'<style>p:after{{content:"{PITCH}"}}</style>' + PAGE),
    "a style sheet, in pieces": Content(
        html="<style>p:after{content:" + " ".join(f"'{one} '" for one in TRIPLES) + "}</style>" + PAGE
    ),
    "a style sheet, escaped": Content(
        html="<style>p:after{c\\6fntent:'"
        + "".join(f"\\{ord(one):06x}" for one in PITCH)
        + "'}</style>"
        + PAGE
    ),
    "a style sheet, elsewhere": Content(
        html=f"<style>:root{{--a:'{PITCH}'}}p:after{{content:var(--a)}}</style>" + PAGE
    ),
    "the marks of a list": Content(
        html=f"<style>li{{list-style:inside '{PITCH}'}}</style>{PAGE}<ul><li></ul>"
    ),
    "the marks of a list, in place": Content(html=f"{PAGE}<ul style=\"list-style-type:'{PITCH}'\"><li></ul>"),
    "an attribute that a style sheet shows": Content(
        html=f"<style>.q:before{{content:attr(data-x)}}</style>{PAGE}<p class=q data-x='{escape(PITCH)}'></p>"
    ),
    "a style sheet that is shown": Content(html=f"{PAGE}<style style='display:block'>{PITCH}</style>"),
    "a title that is shown": Content(
        html=f"<style>head,title{{display:block}}</style><title>{PITCH}</title>{PAGE}"
    ),
    "a title that may be shown": Content(
        html=f"<style>title:not(b){{display:block}}</style><title>{PITCH}</title>{PAGE}"
    ),
    "a script that is shown": Content(
        html=f"<style>.q{{display:block}}</style>{PAGE}<script type='x/y' class=q>{PITCH}</script>"
    ),
    "a shadow": Content(html=f"{PAGE}<div><template shadowrootmode=open><p>{PITCH}</template></div>"),
    "labels one after another": Content(html=PAGE + "".join(f'<img alt="{one}">' for one in TRIPLES)),
    "fields one after another": Content(html=PAGE + "".join(f'<input value="{one}">' for one in TRIPLES)),
    "a drawing": Content(html=f'{PAGE}<img src="data:image/svg+xml,{DRAWN}">'),
    "a page in an address": Content(html=f'{PAGE}<iframe src="data:text/html;base64,{ENCODED}"></iframe>'),
    "for Outlook, in pieces": Content(
        html=PAGE + "".join(f"<!--[IF mso]>{one}<![endif]-->" for one in TRIPLES)
    ),
    "for Outlook, not for others": Content(html=PAGE + f"<!--[if (mso)&(!ie)]><p>{PITCH}</p><![endif]-->"),
    "the other way round": Content(
        html=f'{PAGE}<div style="display:flex;flex-direction:row-reverse">{TURNED}</div>'
    ),
    "an attachment's name": Content(
        html=PAGE, attachments=(Attachment(filename=f"{PITCH}.png", type="image/png"),)
    ),
    "hidden text": Content(html=PAGE + f'<div style="display:none">{PITCH}</div>'),
    "hidden text, word by word": Content(
        html=PAGE + "".join(f"<p style='display:none'>{one}</p>" for one in PITCH.split())
    ),
    "an invitation as HTML, cut up": Content(
        html=PAGE,
        besides=(
            "<p>"
            + " ".join(
                f"{one[:2]}<b></b>&#{ord(one[2])};{one[3:]}" if len(one) > 2 else one for one in PITCH.split()
            ),
        ),
    ),
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
    "the recipient's name": Content(html=PAGE, recipient_name=PITCH),
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


_ENDS = {
    "a closing": "\n\nCordiali saluti,\nMarco",
    "a signature": "\n\n-- \nMarco Bianchi\nEsempio Srl",
    "a forwarded message": (
        "\n\n---------- Forwarded message ---------\nFrom: Bo Neri <bo@example.net>\nDate: Mon, 16 Nov 2026"
        "\nSubject: riunione\n\nCi vediamo domani alle dieci."
    ),
    "an answered message": (
        "\n\n-----Original Message-----\nFrom: Anna Bo\nSent: Monday\nTo: Marco Bianchi\n\nCi vediamo domani."
    ),
}


@pytest.mark.parametrize("is_reply", [False, True])
@pytest.mark.parametrize("end", _ENDS.values(), ids=_ENDS)
def test_what_stands_apart_is_none_of_what_ends_the_text(reader: Reader, end: str, is_reply: bool) -> None:
    """No signature, and no quotation, of the one text reaches into another."""
    text = LETTER + end
    page = "".join(f"<p>{escape(one)}</p>" for one in text.split("\n\n")).replace("\n", "<br>")
    for content in (
        Content(text=text, besides=(f"<p>{PITCH}</p>",), is_reply=is_reply),
        Content(text=text, besides=(f"<p>Invito</p>{end}<p>{PITCH}</p>",), is_reply=is_reply),
        Content(html=page, text=PITCH, is_reply=is_reply),
    ):
        assert reader.read(content).promotional.score >= 0.8


def test_what_a_reply_quotes_in_its_other_version_stays_quoted(reader: Reader) -> None:
    head = "-----Original Message-----\nFrom: Anna Bo\nSent: Monday\nTo: Marco Bianchi\nSubject: Corsi\n\n"
    page = f"<p>{LETTER}</p><p>{head.strip().replace(chr(10), '<br>')}</p><p>Ecco che cosa ho ricevuto:</p>"
    for content in (
        Content(html=page, text=f"{LETTER}\n\n{head}{PITCH}", is_reply=True),
        Content(html=f'{page}<img alt="{PITCH}">', is_reply=True),
    ):
        assert not reader.read(content).promotional.value


def test_many_short_lines_besides_leave_nothing_unsaid(reader: Reader) -> None:
    lines = "".join(f"<p>ab{'cdefghij'[n % 8]} de{n % 7}f ghi jkl" for n in range(1700))
    reading = reader.read(Content(text=LETTER, besides=(f"{lines}<p>{PITCH}</p>",)))
    assert reading.truncated or reading.promotional.value


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


def test_ordinary_pages_say_nothing_besides(reader: Reader) -> None:
    """Fonts, selectors, icons and social links are no words; rows of digits are no text taken apart."""
    page = (
        "<style type='text/css' id='a'>@font-face{font-family:'Open Sans Bold Light';src:url('a b c d.woff')}"
        "a[href='x y z w']{color:red} .i:before{content:'\\e900'} p{font-family:'Segoe UI','Helvetica Neue'}"
        f"</style><title>Novembre</title>{PAGE}<img alt='Facebook'><img alt='Seguici su Instagram'>"
        "<img src='data:image/png;base64,iVBORw0KGgo='>" + "<tr><td>1<td>M<td>P<td>N</tr>" * 40
    )
    content = Content(html=page)
    assert gather(content, reader.see(content)) == NOTHING_SAID
    assert not reader.read(content).evasion.value


def test_addresses_that_a_style_prints_are_no_words(reader: Reader) -> None:
    style = "<style>@media print{a[href]:after{content:' (' attr(href) ')'}}</style>"
    links = "".join(f"<p><a href='https://x.example/{'a' * 300}{n}'>Riga {n}</a></p>" for n in range(250))
    assert not reader.read(Content(html=style + PAGE + links)).truncated


def test_an_index_of_letters_is_no_text_taken_apart(reader: Reader) -> None:
    index = "".join(f"<td>{letter}</td>" for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    names = "".join(f"<h3>{letter}</h3><p>{letter}. Bianchi</p>" for letter in "ABCDEFGHILMN")
    page = f"{PAGE}<table><tr>{index}</tr></table>{names}"
    assert not reader.read(Content(html=page)).evasion.value


@pytest.mark.parametrize("padding", ["&nbsp;&zwnj;", "&#847; &#8199; &shy; ", "&#8203; "])
def test_what_pads_the_preview_does_not_make_it_longer(reader: Reader, padding: str) -> None:
    preview = f"<div style='display:none;max-height:0'>La sua fattura è pronta.{padding * 150}</div>"
    assert not reader.read(Content(html=preview + PAGE)).evasion.value
    assert reader.read(Content(html=preview.replace(padding, " altre parole") + PAGE)).evasion.value


def test_letters_that_stand_alone_are_a_text_taken_apart(reader: Reader) -> None:
    cells = "".join(f"<td>{letter}</td>" for letter in PITCH)
    assert reader.read(Content(html=f"{PAGE}<table><tr>{cells}</tr></table>")).evasion.value


def test_many_other_texts_are_read_to_a_bound_and_said_to_be_cut(reader: Reader) -> None:
    lines = (f"<p>Il verbale numero {n} parla di altro e resta agli atti.</p>" for n in range(5_000))
    pages = [f"<p>{PITCH}</p>", *["".join(lines)] * 40]
    few = reader.read(Content(html=PAGE, besides=tuple(pages[:1])))
    many = reader.read(Content(html=PAGE, besides=tuple(pages)))
    assert (few.promotional.value, few.truncated) == (True, False)
    assert (many.promotional.value, many.truncated) == (True, True)

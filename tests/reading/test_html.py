# ruff: noqa: E501 (messages stand on one line)
import re

import pytest

from gateway.message.content import Content
from gateway.reading import html
from gateway.reading.read import Reader
from gateway.reading.walk import walk

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
    slow = walk(source, False)
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
        "Una \u202eatreffo\u202c speciale",
        "Una o\u2066f\u2066f\u2066e\u2066r\u2066t\u2066a speciale",
        "Una of\ufff9ferta spe\u206aciale",
        "Una of\x01ferta spe\x7fciale",
        "Una of\x8fferta speciale",
        "Una of\x92ferta speciale",
        "\ua4ee\ua4e0\ua4ee o\u2c93\u2c93erta speciale, tutto gratis",
        "Una o_f_f_e_r_t_a s_p_e_c_i_a_l_e p_e_r te",
        "Una  o f f e r t a  s p e c i a l e",
        "Una o\u200af\u200af\u200ae\u200ar\u200at\u200aa s\u200ap\u200ae\u200ac\u200ai\u200aa\u200al\u200ae",
        "Una o\u2800f\u2800f\u2800e\u2800r\u2800t\u2800a speciale",
        "Una o/f/f/e/r/t/a s/p/e/c/i/a/l/e",
        "Una of\U0001d173ferta speciale",
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
        "La dose è di 20 μg, con Δt di un'ora e σ² nota.",
        "Ciao \u2068Marco\u2069, a domani.",
        "Riga una\u2028riga due",
        "L\x92ordine dell\x92anno scorso \x96 un\x92altra cosa \x96 \x93è in ritardo\x94. It\x92s late, I don\x92t know.",
        "Le classi A/B/C/D e le sezioni E|F|G sono in via Roma, dice la S.r.l. di Mario.",
        "La temp\u00e9rature\u202f: 12\u202f000\u202fK, soit 3\u202f%.",
        "Gentile D\u0131lek, la k\u0131z Y\u0131lmaz arriva domani.",
        "Die Donau\xaddampf\xadschiff\xadfahrt ist schön.",
    ],
)
def test_ordinary_text_is_no_disguise(reader: Reader, text: str) -> None:
    assert not reader.read(Content(text=text)).evasion.value


# What a browser shows of each: words with `see` are seen, words with `hid` are not.
PAGES = [
    # Type sizes count where the text is: mail builders set 0 on cells and a size on what they hold.
    '<td align="left" style="font-size:0px;padding:10px 25px;"><div style="font-size:13px;line-height:1">see1</div></td>',
    '<table><tr><td style="font-size:0px"><div class="c" style="font-size:0px"><table><tr><td style="font-size:0">hid1<div style="font-size:14px">see1</div></td></tr></table></div></td></tr></table>',
    '<p style="font-size:0.9em">see1</p><p style="font-size:.8rem">see2</p><p style="font:0/0 a">hid1</p><p style="font:400 12px/1 Arial">see3</p>',
    '<div style="font-size:20%">see1<span style="font-size:.5em">hid1</span></div>', '<div style="visibility:hidden">hid1<span style="visibility:visible">see1</span></div>',
    # Colors are inherited, and count against the background of their own place.
    '<div style="color:#fff"><table bgcolor="#003366"><tr><td>see1</td></tr></table>hid1<p>hid2</p><a href="https://x.example">see2</a><mark>see3</mark></div>',
    '<div style="color:#fff">hid1<span style="color:#000">see1</span></div><div style="color:transparent">hid2<b style="color:#333">see2</b></div>',
    '<table bgcolor="navy"><tr><td><font color="white">see1</font></td></tr></table><p style="color:#fff;background:darkblue">see2</p>',
    '<p style="color:#fff;background:linear-gradient(#036,#047)">see1</p><p style="color:#fff;background:url(x.png) #036">see2</p><p style="color:#fff;background:url(x.png) #fff">hid1</p>',
    '<p style="color:#fff;color:#000">see1</p><p style="color:#000;color:#fff">hid1</p><p style="color:rgba(0,0,0,0)">hid2</p><p style="color:rgb(100%,100%,100%)">hid3</p><p style="color:hsl(0,0%,100%)">hid4</p><p style="color:snow">hid5</p><p style="color:#00000000">hid6</p><p style="color:#eee">hid7</p><p style="color:#ddd">see2</p>',
    "<body bgcolor=#003366 text=#ffffff><p>see1</p></body>", '<div style="background:#000;color:#fff">see1<div style="background:#fff">hid1</div></div>',
    # Attributes that only look like those that hide.
    """<p data-style="display:none">see1</p><p title="style='display:none'">see2</p><p class="a hidden b">see3</p><p title="is hidden here">see4</p><p data-class="h" style="color:red" style="display:none">see5</p>""",
    "<p style=display:none>hid1</p><p STYLE='DISPLAY : NONE'>hid2</p><p style='display:/*x*/none'>hid3</p><p style='dis\\70lay:none'>hid4</p><p style='display&#58;none'>hid5</p>",
    '<p style="display:none;display:block">see1</p><p style="mso-hide:all">see2</p><p style="max-height:0">see3</p><p style="left:-9999px">see4</p><p style="padding-left:-9999px;border-left:-9999px">see5</p>',
    '<div style="height:0;overflow:visible">see1</div><table style="height:0;overflow:hidden"><tr><td width="0" style="width:0;max-width:0;overflow:hidden">see2</td></tr></table><div style="position:relative;left:-100px;padding-left:120px">see3</div>',
    '<div style="max-height:0;overflow:hidden">hid1</div><div style="height:0pt;overflow:hidden">hid2</div><div style="opacity:.0">hid3</div><div style="opacity:0.01">hid4</div><div style="position:absolute;left:-999em">hid5</div><div style="transform:scale(0)">hid6</div><div style="clip-path:inset(100%)">hid7</div><div style="position:absolute;clip:rect(1px,1px,1px,1px)">hid8</div><div style="filter:opacity(0)">hid9</div>',
    '<div style="text-indent:-9999px">hid1<br>see1</div>', '<div style="position:absolute;left:-9999px">hid1<p style="position:fixed;left:0">see1</p></div>',
    # What no browser knows changes nothing, and hides nothing.
    """<p style="display:none;display:blok">hid1</p><p style="display:none;content:'a;display:block;b'">hid2</p><p style="visibility:hidden;visibility:shown">hid3</p><p style="display:none;display:block !imp">hid4</p><p style="position:absolute;left:-9999px;position:foo">hid5</p><p style="display:blok">see1</p>""",
    r"""<p style="display:no\6e e">hid1</p><p style="display:none;content:'\3b display:block\3b '">hid2</p><p style="display:none !import\61nt">hid3</p><p style="display:none;content:'a;display:block">hid4</p><p style="display\3a none">see1</p>""",
    # Lengths are reckoned, whatever their unit.
    '<p style="font-size:calc(1px - 1px)">hid1</p><p style="font-size:min(0px,9px)">hid2</p><p style="font-size:0vmin">hid3</p><p style="font-size:1e-5px">hid4</p><p style="opacity:calc(0)">hid5</p><p style="font-size:calc(1em + 2px)">see1</p><p style="font-size:clamp(12px, 2vw, 18px)">see2</p><p style="font-size:max(12px,0px)">see3</p>',
    '<div style="clip-path:polygon(0 0,0 0,0 0)">hid1</div><div style="clip-path:inset(0 0 100% 0)">hid2</div><div style="clip-path:ellipse(0 0)">hid3</div><div style="position:absolute;clip:rect(0,1px,999px,0)">hid4</div><div style="-webkit-mask:linear-gradient(transparent,transparent)">hid5</div><div style="filter:blur(50px)">hid6</div><div style="clip-path:inset(5px)">see1</div><div style="clip-path:circle(50%)">see2</div><div style="filter:grayscale(1)">see3</div><div style="clip-path:polygon(0 0,100% 0,100% 100%,0 100%)">see4</div>',
    '<div style="transform:matrix(0,0,0,0,0,0)">hid1</div><div style="transform:scale3d(0,0,0)">hid2</div><div style="transform:translate(0,-9999px)">hid3</div><div style="translate:-9999px">hid4</div><div style="transform:matrix(1,0,0,1,0,0) translate(-50%,-50%)">see1</div><div style="transform:rotate(90deg)">see2</div>',
    '<div style="margin:0 0 0 -9999px">hid1</div><div style="position:absolute;right:9999px">hid2</div><div style="position:absolute;inset:-9999px auto auto 0">hid3</div><div style="text-indent:9999px;overflow:hidden;white-space:nowrap">hid4</div><div style="height:0;overflow:auto">hid5</div><div style="block-size:0;overflow:hidden">hid6</div><div style="height:0;padding:0 10px;overflow:hidden">hid7</div><div style="margin:0 auto -10px">see1</div><div style="position:absolute;right:10px">see2</div><div style="height:0;padding:20px;overflow:hidden">see3</div>',
    '<p style="color:lightyellow">hid1</p><p style="color:oklch(1 0 0)">hid2</p><div style="background:teal;color:#008080">hid3</div><table bgcolor="darkred"><tr><td><font color="darkred">hid4</font></td></tr></table><div style="background:linear-gradient(#fff,#fff);color:#fff">hid5</div><p style="color:oklch(0.3 0 0)">see1</p><p style="color:teal">see2</p><p style="color:lightblue">see3</p>',
    '<style>@media not print{.a{display:none}} @media (max-width:9999px){.b{display:none}} @media print,screen{.c{display:none}} @layer x{.d{display:none}} a{content:"}"} .e{display:none} @media (1px<=width<=9999px){.f{display:none}} @media screen and (max-width:480px){.g{display:none}} @media (prefers-color-scheme:dark){.h{display:none}}</style><p class="a">hid1</p><p class="b">hid2</p><p class="c">hid3</p><p class="d">hid4</p><p class="e">hid5</p><p class="f">hid6</p><p class="g">see1</p><p class="h">see2</p>',
    '<style media="screen and (min-width:1px)">.h{display:none}</style><style media="not print">.i{display:none}</style><style media="(max-width:480px)">.j{display:none}</style><p class="h">hid1</p><p class="i">hid2</p><p class="j">see1</p>',
    '<style>@media (max-width:1024px){.a{display:none}} @supports (-webkit-overflow-scrolling:touch) and (color:#ffff){.b{display:none}} @scope (.x){p{display:none}} @media (max-width:2000px){.c{display:none}} @scope (body){.d{display:none}}</style><p class="a">see1</p><p class="b">see2</p><p>see3</p><p class="c">hid1</p><p class="d">hid2</p>',
    '<p style="color:#000;background-color:initial">see1</p><p style="color:rgb(0,0,0);background:initial">see2</p><div style="background:#000"><p style="background-color:initial;color:#000">hid1</p></div>',
    # Style sheets, as far as they are understood; what is not hides nothing.
    '<style>.a .b{display:none} div.c>i{display:none} #d{display:none} s{display:none} [data-e="1"]{display:none}</style><div class="a">see1<p class="b">hid1</p></div><div class="c">see2<i>hid2</i></div><p class="b">see3</p><p id="d">hid3</p><s>hid4</s><p data-e="1">hid5</p>',
    '<style>.h{display:none}.h{display:block} .i{display:none}.j{display:block} .k{display:none} .l{display:none!important}</style><p class="h">see1</p><p class="i j">see2</p><p class="k" style="display:block">see3</p><p class="l" style="display:block">hid1</p>',
    '<style>u + .body .x{display:none} .y:hover{display:none} .z:before{display:none} /*.w{display:none}*/ @media (max-width:600px){.v{display:none}} @media print{.t{display:none}} .a.b{display:none}</style><div class="body"><p class="x">see1</p><p class="y">see2</p><p class="z">see3</p><p class="w">see4</p><p class="v">see5</p><p class="t">see6</p><p class="a">see7</p></div>',
    '<style media="print">.h{display:none}</style><style><!-- .i{display:none} --></style><style>@media screen{.j{display:none}}</style><p class="h">see1</p><p class="i">hid1</p><p class=j>hid2</p>',
    '<style>.d{background:#036} .w{color:#fff} td{background-color:#222}</style><div class="d"><h1 style="color:#fff">see1</h1></div><p class="w">hid1</p><table><tr><td style="color:#ffffff">see2</td></tr></table>',
    '<p class="h">hid1</p><style>.h{display:none}</style>', '<style>.f:first-child{background:#036}</style><p class="f" style="color:#fff">see1</p>',
    # Text that stands right behind what is never shown, and what only scripts would hide.
    "<title>hid1</title>see1<style>p{}</style>see2<script>hid2</script>see3</head>see4", "<p>Ciao</p><![if !mso]>see1<![endif]>see2<?xml x?>see3<!doctype html>see4",
    "<!-->see1<b>x</b><!--->see2<b>x</b><!-- hid1 --!>see3<b>x</b><!-- hid2 -- > hid3 -->see4", '<div style="display:none"><!-- x -->hid1</div>see1', "<noscript>see1</noscript><template>hid1</template>",
    """<b a=x">see1" ></b><b ">see2">x</b>""",
    # Tags out of their place move what they hold.
    '<table style="display:none">see1<tr><td>hid1</td></tr></table>', '<td style="display:none">see1</td>', '<table><div style="display:none">hid1<tr><td>see1</td></tr></div></table>',
    '<table><tr><td style="font-size:0">hid1<td>see1</table>', '<a href="x" style="display:none">hid1<a href="y">see1</a>', '<table style="font-size:0"><tr><td>hid1</td></tr>see2<b style="font-size:9px">see1</b></table>',
]  # fmt: skip


@pytest.mark.parametrize("page", PAGES)
def test_what_a_browser_shows_is_what_is_read(page: str) -> None:
    source = f"<p>Ciao Ada, a domani.</p>{page}"
    wanted, hidden = set(re.findall(r"see\d", page)), set(re.findall(r"hid\d", page))
    for read in (walk(source, False), html.Pages(64).scan(source, False)):
        if read is not None:
            assert set(re.findall(r"see\d", read.text)) == wanted
            assert not hidden & set(re.findall(r"hid\d", read.text))


def test_the_pages_of_a_mail_builder_are_read_quickly() -> None:
    cell = '<td align="left" style="font-size:0px;padding:10px;">\n<div style="font-size:13px;color:#000000;">Parola</div>\n</td>\n'
    source = f'<style>.a{{color:#333}} .a p{{color:#222}}</style>\n<div class="a"><table style="font-size:0px">\n<tr>\n{cell * 4}</tr>\n</table></div>'
    quick = html.Pages(64).scan(source, False)
    assert quick is not None
    assert quick.text.split() == ["Parola"] * 4


def test_a_page_is_read_the_same_whatever_was_read_before() -> None:
    pages = html.Pages(4_000)
    for sheet in (
        "",
        "<style>.h{display:none}</style>",
        "<style>p{color:#fff}</style>",
        "<style>.h{color:red}</style>",
    ):
        for before in ("", '<div style="color:#fff">', '<div style="background:#000">'):
            source = f'{sheet}<p>uno</p>\n{before}\n<p class="h">due</p>\n<div>\n<p>tre</p>\n</div>\n'
            assert pages.read(source) == html.Pages(64).read(source) == pages.read(source)


def test_a_soft_hyphen_hides_no_word(reader: Reader) -> None:
    plain = reader.read(Content(text="Offerta speciale: sconto del 30%, prenota subito una demo gratuita."))
    split = reader.read(
        Content(
            text="Of\xadfer\xadta spe\xadciale: scon\xadto del 30%, pre\xadno\xadta subito una demo gra\xadtui\xadta."
        )
    )
    assert split.promotional.value
    assert split.promotional.score == plain.promotional.score

"""Whatever comes in: a Reading, never an exception, in bounded time."""

import random
import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.message.content import Content
from gateway.reading import html
from gateway.reading.read import MAX_TEXT, Reader
from gateway.reading.walk import walk

_WORD = re.compile(r"[a-zà-ù]{2,}")
MEGABYTES = 10_000_000
HOSTILE = {
    "empty": Content(),
    "one character": Content(text="x"),
    "emoji": Content(text="🎉🎉🎉 🥂"),
    "right to left": Content(text="مرحبا، كيف حالك اليوم؟ שלום"),
    "replacement characters": Content(text="\ufffd\ufffd \x00 \ud800"),
    "mixed languages": Content(
        text="Ciao Marco, how are you? Ich komme morgen. Merci et à bientôt. Hasta luego."
    ),
    "one huge line": Content(text="a" * MEGABYTES),
    "a million braces": Content(text="{" * 1_000_000 + "}" * 1_000_000),
    "a million brackets": Content(text="[" * 1_000_000),
    "a million blanks": Content(text=" \n" * 1_000_000 + "x"),
    "spaced letters": Content(text="o " * 1_000_000),
    "ten megabytes of tags": Content(html="<b>" * (MEGABYTES // 3)),
    "deep html": Content(html="<div>" * 10_000 + "ciao a tutti" + "</div>" * 10_000),
    "deep lists": Content(html="<ul><li>" * 40_000),
    "deep and crossed": Content(html="<i><div>x</i>" * 30_000),
    "rules for all": Content(
        html="<style>"
        + "".join(f".q .a{{color:#{n:03x}}}" for n in range(300))
        + "</style><div class=q>"
        + "".join(f'<b id={n} class="a">x' for n in range(15_000))
    ),
    "braces in a style sheet": Content(html="<style>" + "@media screen{a " * 20_000 + "</style>x"),
    "unclosed quotes": Content(html='<a href="' * 100_000),
    "comments": Content(html="<!-- " * 500_000),
    "sixty thousand dots": Content(text="." * 60_000),
    "twenty thousand formats": Content(text="%s " * 20_000),
    "empty objects": Content(text="[object Object] " * 4_000),
    "percent signs": Content(text="%a " * 500_000),
    "greetings": Content(text="Ciao " * 500_000),
    "blanks before a sign": Content(text="ciao" + " " * 200_000 + "-"),
    "blanks in a selector": Content(html="<style>a" + " " * 250_000 + "b{display:none}</style>ciao"),
    "quotes and escapes in a style": Content(html="<p style='" + '"\\\\' * 100_000 + "'>ciao"),
    "quotes and escapes in style sheets": Content(
        html=("<style>a{content:" + '"\\\\' * 30_000 + "}</style>") * 4 + "ciao"
    ),
    "brackets in the words of a picture": Content(html='<img alt="a b c d ' + "<" * 250_000 + '">'),
    "beginnings for Outlook": Content(html="<!--[if ]>" * 25_000),
    "openings for Outlook": Content(html="<!--[if" * 40_000),
    "style sheets for Outlook": Content(html="<!--[if mso]>" + "<style" * 40_000 + "<![endif]-->"),
    "tags in a line": Content(text="{a} " + "<a>" * 60_000),
    "a name of dots": Content(text="Ciao ... a tutti", recipient_name="..."),
    "a name with dots": Content(text="Ciao Anna, a domani...", recipient_name="Anna ,,, ... .,.,"),
    "one's own words everywhere": Content(
        text="ab cd " * 40_000, recipient_name="ab", recipient_company="cd", own_words=("ab", "cd", "d a")
    ),
    "long word with signs": Content(text="a-'" * 400_000),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_bodies_read_in_bounded_time(reader: Reader, name: str) -> None:
    begun = time.process_time()
    reading = reader.read(HOSTILE[name])
    assert time.process_time() - begun < 8
    assert reading.length <= MAX_TEXT
    size = max(len(HOSTILE[name].text), 0)
    assert reading.truncated or size <= MAX_TEXT


@pytest.mark.parametrize("between", ["-", "\u200b", "-a-"])
def test_words_without_a_blank_take_not_much_longer(reader: Reader, between: str) -> None:
    # The words of the phrases looked for, so that all of them may be near, and each other text is new.
    known = [word for one in reader.lexicons.by_language["it"].entries for word in _WORD.findall(one.phrase)]
    draw = random.Random(between)

    def took(between: str) -> float:
        text = between.join(draw.choice(known) for _ in range(16_000))[:MAX_TEXT]
        begun = time.process_time()
        reader.read(Content(text=text))
        return time.process_time() - begun

    reader.prepare()
    took(" ")
    assert min(took(between) for _ in range(2)) < 7 * min(took(" ") for _ in range(2))


def test_many_style_sheets_take_no_longer_each(reader: Reader) -> None:
    def took(sheets: int) -> float:
        html = "".join(f"<style>.c{one}{{display:none}}</style>" for one in range(sheets))
        begun = time.process_time()
        page = reader.see(Content(html=html + '<p class="c7">hidden words</p><p>seen</p>'))
        assert (page.text, [text for text, _ in page.hidden]) == ("seen", ["hidden words"])
        return time.process_time() - begun

    assert min(took(10_000) for _ in range(3)) < 20 * min(took(1_000) for _ in range(3))


def test_deep_nesting_loses_no_text(reader: Reader) -> None:
    assert reader.see(HOSTILE["deep html"]).text == "ciao a tutti"
    nested = "".join(f"<b id={n}><ul><li>uno{n} " for n in range(4_000))
    assert reader.see(Content(html=nested)).text.split() == [f"uno{n}" for n in range(4_000)]


@pytest.mark.parametrize("text", ["", "x", "🎉", "مرحبا", "12345", "..."])
def test_no_language_where_none_can_be_told(reader: Reader, text: str) -> None:
    assert reader.read(Content(text=text)).language == "und"


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=400), st.text(max_size=80), st.sampled_from(["text", "html"]))
def test_any_text_gives_a_reading(reader: Reader, body: str, subject: str, part: str) -> None:
    content = Content(text=body, subject=subject) if part == "text" else Content(html=body, subject=subject)
    reading = reader.read(content)
    seen = reader.see(content).text
    for name in ("promotional", "unresolved_merge", "pressure", "states_reason"):
        for one in getattr(reading, name).evidence:
            source = subject if one.part == "subject" else seen
            assert source[one.start : one.end] == one.text
    assert len(reading.phrases) <= 64
    assert all(-(1 << 63) <= phrase.hash < 1 << 63 for phrase in reading.phrases)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "<p>",
                "</p>",
                "<div>",
                "</div>",
                "ciao ",
                "<b>",
                "</b>",
                "<br>",
                "&amp;",
                "<!-- x -->",
                "uno due",
            ]
        ),
        max_size=30,
    )
)
def test_the_quick_html_reading_agrees_with_the_parser(parts: list[str]) -> None:
    source = "".join(parts)
    quick = html.Pages(64).scan(source, False)
    if quick is not None:
        assert quick.text.split() == walk(source, False).text.split()


def test_reading_depends_on_nothing_read_before(lexicons: object, reader: Reader) -> None:
    content = Content(
        text="Ciao Ada, la nostra offerta scade stasera: prenota una demo gratuita.", recipient_name="Ada"
    )
    fresh = Reader(reader._lexicons)
    assert fresh.read(content) == reader.read(content) == reader.read(content)


def test_little_memory_is_kept(reader: Reader) -> None:
    small = Reader(reader._lexicons, phrases_kept=100)
    for number in range(2_000):
        small.read(Content(text=f"Frase numero {number} che non torna mai più, per provare {number}."))
    assert len(small._kept._phrases) <= 100
    assert len(small._kept._blocks) <= 100

"""What links carry to know their reader by makes no text new, and nothing of it is lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.message.content import Content
from gateway.reading.html import Pages
from gateway.reading.lexicon import Lexicons
from gateway.reading.marks import even, is_mark, lift, put_back
from gateway.reading.read import Reader
from gateway.reading.walk import walk

MARKS = ("0f17a3007e62aa0a", "48213", "u001.4f2-9bXa77", "7f6bb2c8-31de-4a05-9c41-d2b1f0a3e877")
LINKS = st.sampled_from(
    ["https://a.example/", "http://b.example?x=", "HTTPS://c.example/out/", "https://d.example#", "://"]
)
WORDS = st.text("abcXYZ0123456789-_%&;=./?#{} \n<>\"'\ue000\ue001é", max_size=40)


@pytest.mark.parametrize("word", ["0f17a3007e62aa0a", "48213", "Ab3-xY9_kk2", "2vbvjxiiv3ZUWU9d5"])
def test_a_mark_is_no_word(word: str) -> None:
    assert is_mark(word)


@pytest.mark.parametrize("word", ["unsubscribe", "covid19", "offerta-speciale-2026", "h24", "carlos_fitness"])
def test_a_word_is_no_mark(word: str) -> None:
    assert not is_mark(word)


def test_words_beside_a_mark_are_read() -> None:
    link = "https://a.example/a1b2c3d4e5f6g7h8-sconto-del-50-Iscriviti-ora"
    assert even(link) == "https://a.example/x7x7x7x7x7x7x7x7-sconto-x7x-x7-Iscriviti-x7x"


@given(st.lists(st.tuples(WORDS, LINKS, WORDS), max_size=4))
def test_offsets_stay_true(parts: list[tuple[str, str, str]]) -> None:
    text = "".join(one for part in parts for one in part)
    after = even(text)
    assert len(after) == len(text)
    assert even(after) == after
    assert [c for c in text if not (c.isascii() and c.isalnum())] == [
        c for c in after if not (c.isascii() and c.isalnum())
    ]


@given(st.lists(st.tuples(WORDS, LINKS, WORDS), max_size=4))
def test_what_was_lifted_comes_back(parts: list[tuple[str, str, str]]) -> None:
    part = "".join(one for part in parts for one in part)
    lifted, marks = lift(part)
    assert len(lifted) == len(part)
    if marks:
        chunk = (True, (lifted, "\n\n"), len(part) + 2, True, ((0, 1, lifted),), 0, (lifted,))
        assert put_back(chunk, marks) == (
            True,
            (part, "\n\n"),
            len(part) + 2,
            True,
            ((0, 1, part),),
            0,
            (part,),
        )


@pytest.mark.parametrize(
    "text",
    [
        "%7Bname%7D",
        "a%2F12345",
        "&#65279;x",
        "{{contact_1}}",
        "null",
        "?x=undefined",
        "offerta-24-ore",
        "2026",
    ],
)
def test_what_may_say_something_stays(text: str) -> None:
    link = f"https://a.example/{text}"
    assert even(link).replace("77777", "12345") == link


@pytest.mark.parametrize("mark", MARKS)
@pytest.mark.parametrize(
    "shape",
    [
        "<p>Per uscire: https://a.example/out/{}</p>",
        '<p>Leggi <a href="https://a.example/r/{}?x={}">il programma</a> e vieni.</p>',
        '<p><img src="https://a.example/o/{}.gif" alt="Il programma di marzo, da leggere con calma: https://a.example/{}"></p>',
        "<table><tr><td><a href='https://a.example/{}'>https://a.example/{}</a></td></tr></table>",
        '<style>a[href*="48213"] {{display: none}}</style><p>Ciao <a href="https://a.example/{}">ecco</a></p>',
    ],
)
def test_a_page_is_read_as_if_it_were_the_first(shape: str, mark: str) -> None:
    pages = Pages(64)
    for one in MARKS:
        pages.read(shape.replace("{}", one).replace("{{", "{").replace("}}", "}"))
    source = shape.replace("{}", mark).replace("{{", "{").replace("}}", "}")
    seen = pages.read(source)
    assert seen == Pages(64).read(source)
    assert (seen.text, seen.links) == (walk(source, False).text, walk(source, False).links)


def test_another_mark_makes_no_paragraph_new(lexicons: Lexicons) -> None:
    reader = Reader(lexicons)
    text = "Ciao Ada, ecco il numero di marzo.\n\nPer non ricevere altro: https://a.example/out/{}"
    page = '<p>Ciao Ada, ecco <a href="https://a.example/c/{}">il numero</a> di marzo.</p>\n<p>A presto</p>'
    sizes = []
    for number in range(40):
        mark = f"{number * 7919:016x}"[::-1].replace("0", "a1")[:16]
        reader.read(Content(text=text.replace("{}", mark)))
        reader.read(Content(html=page.replace("{}", mark)))
        kept = reader._kept
        sizes.append((len(kept._phrases), len(kept._blocks), len(kept.pages.chunks)))
    assert sizes[1] == sizes[-1]


def test_evidence_shows_the_link_that_was_sent(lexicons: Lexicons) -> None:
    reader = Reader(lexicons)
    text = "Ciao Ada, guarda https://a.example/{}/{{{{nome}}}} quando puoi."
    for mark in ("0f17a3007e62aa0a", "99b1c2d3e4f5a6b7"):
        content = Content(text=text.format(mark))
        found = reader.read(content).unresolved_merge.evidence
        assert [(one.text, content.text[one.start : one.end]) for one in found] == [("{{nome}}", "{{nome}}")]
        assert reader.read(content) == Reader(lexicons).read(content)

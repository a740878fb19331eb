"""Reading mail: the quick reader says what stdlib says, and nothing that comes in stops the gateway."""

import base64
import binascii
import email
import re
import time
from collections.abc import Callable
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.policy import SMTP, compat32
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.message import parse as parse_module
from gateway.message.body import TEXT_OCTETS
from gateway.message.parse import Parsed, bare_line_ends, parse
from gateway.message.scan import scan
from gateway.message.tree import read_tree

FOLDER = Path(__file__).parents[2].parent / "shared" / "data" / "eml"
FILES = sorted(FOLDER.glob("*.eml"))


def with_crlf(raw: bytes) -> bytes:
    return re.sub(rb"\r\n|\r|\n", b"\r\n", raw)


def slow(raw: bytes) -> Parsed:
    return parse_module._assemble(*read_tree(raw))


def quick(raw: bytes) -> Parsed | None:
    found = scan(raw)
    return parse_module._assemble(*found, True) if found else None


def agree(raw: bytes) -> bool:
    """Assert that both readers say the same if the quick one says anything."""
    one, other = quick(raw), slow(raw)
    if one is None:
        return False
    assert one == other
    return True


def stdlib_texts(raw: bytes) -> dict[str, str]:
    """Text and HTML as stdlib alone gives them, for charsets and encodings that leave no doubt."""
    texts: dict[str, list[str]] = {"text/plain": [], "text/html": []}
    for part in email.message_from_bytes(raw, policy=compat32).walk():
        if part.get_content_type() in texts and part.get_content_disposition() != "attachment":
            payload = part.get_payload(decode=True)
            assert isinstance(payload, bytes)
            charset = part.get_content_charset() or "utf-8"
            texts[part.get_content_type()].append(payload.decode(charset, "replace").replace("\r\n", "\n"))
    return {kind: "\n".join(found) for kind, found in texts.items()}


@pytest.mark.skipif(not FILES, reason="the mail files of ../shared/data/eml are absent")
def test_every_mail_file_is_read_and_both_readers_agree() -> None:
    accepted = 0
    for file in FILES:
        raw = file.read_bytes()
        for octets in (raw, with_crlf(raw)):
            parsed = parse(octets)
            assert octets[parsed.header_end : parsed.header_end + 1] in (b"\r", b"\n", b""), file.name
            accepted += agree(octets)
    assert accepted > 60


@pytest.mark.skipif(not FILES, reason="the mail files of ../shared/data/eml are absent")
@given(st.data())
def test_damaged_mail_files_never_stop_the_reader(data: st.DataObject) -> None:
    raw = bytearray(with_crlf(data.draw(st.sampled_from(FILES)).read_bytes()[:20_000]))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(raw)))
        piece = data.draw(
            st.sampled_from(
                [b"", b"\0", b"\r", b"\n", b"\r\n", b"\r\n\r\n", b"--", b"\xff", b";", b'"', b" ", b":"]
            )
        )
        raw[at : at + data.draw(st.integers(0, 40))] = piece
    agree(bytes(raw))
    parse(bytes(raw))


WORDS = st.text(
    alphabet=st.characters(codec="utf-8", exclude_characters="\0\r", exclude_categories=["Cs"]), max_size=200
)
LINE = st.text(
    alphabet=st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=80
)
ENCODINGS = st.sampled_from(["quoted-printable", "base64", "8bit"])


@st.composite
def messages(draw: st.DrawFn) -> EmailMessage:
    message = EmailMessage(policy=SMTP)
    message["From"] = "Marta Colombo <marta@tool.example>"
    message["Subject"] = draw(LINE)
    text, html = draw(WORDS), draw(WORDS)
    shape = draw(st.sampled_from(["plain", "html", "both"]))
    if shape == "html":
        message.set_content(html, subtype="html", cte=draw(ENCODINGS))
    else:
        message.set_content(text, cte=draw(ENCODINGS))
    if shape == "both":
        message.add_alternative(html, subtype="html", cte=draw(ENCODINGS))
    if draw(st.booleans()):
        octets = draw(st.binary(max_size=100))
        message.add_attachment(
            octets, maintype="application", subtype="pdf", filename=draw(st.sampled_from(["a.pdf", "è.pdf"]))
        )
    return message


@given(messages())
def test_made_mail_reads_as_stdlib_reads_it(message: EmailMessage) -> None:
    raw = with_crlf(message.as_bytes())
    parsed = parse(raw)
    agree(raw)
    expected = stdlib_texts(raw)
    assert parsed.content.text == expected["text/plain"]
    assert parsed.content.html == expected["text/html"]
    attachments = [part for part in message.walk() if part.get_content_disposition() == "attachment"]
    assert [a.filename for a in parsed.content.attachments] == [part.get_filename() for part in attachments]
    assert [a.size for a in parsed.content.attachments] == [
        len(part.get_payload(decode=True) or b"") for part in attachments
    ]
    assert parsed.whole


@given(LINE)
def test_subjects_read_as_stdlib_reads_them(subject: str) -> None:
    message = EmailMessage(policy=SMTP)
    message["Subject"] = subject
    raw = message.as_bytes() + b"\r\n"
    value = email.message_from_bytes(raw, policy=compat32)["Subject"]
    unfolded = str(value).replace("\r\n", "")
    expected = str(make_header(decode_header(unfolded))) if unfolded else ""
    assert parse(raw).content.subject.split() == expected.split()


def mail(*head: bytes, body: bytes = b"Ciao\r\n") -> bytes:
    return b"\r\n".join(head) + b"\r\n\r\n" + body


def encoded(charset: str, octets: bytes) -> bytes:
    """A text in base64; `html` for a page in UTF-8."""
    kind = b"text/html; charset=utf-8" if charset == "html" else b"text/plain; charset=" + charset.encode()
    body = base64.encodebytes(octets).replace(b"\n", b"\r\n")
    return mail(b"Content-Type: " + kind, b"Content-Transfer-Encoding: base64", body=body)


WINMAIL = b"Content-Type: application/vnd.ms-tnef; name=winmail.dat\r\n\r\na"


def signed(name: bytes, kind: bytes = b"\x02") -> bytes:
    """A part in a CMS object: signed data, or another kind."""
    octets = b"\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07" + kind + b"\xa0\x80" + b"a" * 300
    head = b"Content-Type: application/pkcs7-mime; smime-type=signed-data; name=" + (name or b'""')
    return (
        head
        + b"\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + base64.encodebytes(octets).replace(b"\n", b"\r\n")
    )


def part(kind: str, body: bytes, head: bytes = b"") -> bytes:
    return b"Content-Type: text/" + kind.encode() + b"; charset=utf-8\r\n" + head + b"\r\n" + body


def parts(kind: str, *inner: bytes, edge: bytes = b"b") -> bytes:
    """A multipart that may stand in another one, or alone as a message."""
    head = b"Content-Type: multipart/" + kind.encode() + b'; boundary="' + edge + b'"\r\n\r\n'
    return head + b"".join(b"--" + edge + b"\r\n" + one + b"\r\n" for one in inner) + b"--" + edge + b"--\r\n"


@pytest.mark.parametrize(
    ("value", "subject"),
    [
        (b"=?utf-8?Q?Com=27=C3=A8_andata=3F?=", "Com'è andata?"),
        (b"=?utf-8?B?Q29tJ8Oo?= =?utf-8?b?IGFuZGF0YQ==?=", "Com'è andata"),
        (b"=?utf-8?Q?=C3?=\r\n =?utf-8?Q?=A8?=", "è"),
        (b"prima =?iso-8859-1?Q?=E8?= dopo", "prima è dopo"),
        (b"=?utf-8*it?Q?ciao?=", "ciao"),
        (b"=?utf-8?Q?Davvero??=", "Davvero?"),
        (b"=?nonsense?Q?ciao?=", "ciao"),
        (b"=?utf-8?B?Y2lhbw?=", "ciao"),
        (b"=?utf-8?X?ciao?=", "=?utf-8?X?ciao?="),
        (b"=?utf-8?Q?unfinished", "=?utf-8?Q?unfinished"),
        ("è così".encode(), "è così"),
        ("è così".encode("latin-1"), "è così"),
        (b"\r\n folded\r\n\tvalue", "folded\tvalue"),
        (b"", ""),
    ],
)
def test_subject(value: bytes, subject: str) -> None:
    assert parse(mail(b"Subject: " + value)).content.subject == subject


@pytest.mark.parametrize(
    ("value", "name", "address"),
    [
        (b"a@b.example", "", "a@b.example"),
        (b"<a@b.example>", "", "a@b.example"),
        (b"Marta Colombo <a@b.example>", "Marta Colombo", "a@b.example"),
        (b'"Colombo, Marta" <a@b.example>', "Colombo, Marta", "a@b.example"),
        (b'"Marta \\"M\\" C" <a@b.example>', 'Marta "M" C', "a@b.example"),
        (b"=?utf-8?Q?Jos=C3=A9?= <a@b.example>", "José", "a@b.example"),
        (b"a@b.example (Marta)", "Marta", "a@b.example"),
        (b"Marta <a@b.example>, Other <c@d.example>", "Marta", "a@b.example"),
        (b"", "", ""),
        (b"nobody", "nobody", ""),
    ],
)
def test_sender(value: bytes, name: str, address: str) -> None:
    content = parse(mail(b"From: " + value)).content
    assert (content.sender_name, content.sender_address) == (name, address)


def test_what_the_header_tells() -> None:
    raw = mail(
        b"Message-ID: <m@x.example>",
        b"In-Reply-To: <b@x.example>",
        b"References: <a@x.example>",
        b" <b@x.example>",
        b"LIST-UNSUBSCRIBE: <https://x.example/u>",
        b"List-Unsubscribe-Post: List-Unsubscribe=One-Click",
        b"DKIM-Signature: v=1",
        b"X-Twice: 1",
        b"x-twice: 2",
    )
    for octets in (raw, raw.replace(b"\r\n", b"\n")):
        parsed = parse(octets)
        assert parsed.message_id == "<m@x.example>"
        assert parsed.in_reply_to == ("<a@x.example>", "<b@x.example>")
        assert parsed.list_unsubscribe == "<https://x.example/u>"
        assert parsed.list_unsubscribe_post == "List-Unsubscribe=One-Click"
        assert parsed.signed
        assert parsed.content.bulk_headers
        assert parsed.content.is_reply
        assert parsed.headers.get_all("X-TWICE") == ("1", "2")
        assert parsed.headers.get("absent", "-") == "-"
        assert "x-TWICE" in parsed.headers
        assert octets[parsed.header_end :].lstrip() == octets[-len(octets[parsed.header_end :].lstrip()) :]
        assert octets[: parsed.header_end].endswith(b"x-twice: 2\r\n" if octets is raw else b"x-twice: 2\n")


@pytest.mark.parametrize(
    ("head", "bulk"),
    [
        (b"Precedence: bulk", True),
        (b"Precedence: LIST", True),
        (b"List-Id: <x>", True),
        (b"Precedence: first-class", False),
    ],
)
def test_bulk(head: bytes, bulk: bool) -> None:
    assert parse(mail(head)).content.bulk_headers is bulk


@pytest.mark.parametrize(
    ("head", "body", "text"),
    [
        ([], b"ciao\r\nbello", "ciao\nbello"),
        ([], "però".encode(), "però"),
        ([], "però".encode("cp1252"), "però"),
        ([b"Content-Type: text/plain; charset=iso-8859-1"], b"per\xf2 \x93qui\x94", "però “qui”"),
        ([b"Content-Type: text/plain; charset=utf-8"], b"per\xf2", "per\ufffd"),
        ([b"Content-Type: text/plain; charset=koi8-r"], "да".encode("koi8-r"), "да"),
        ([b"Content-Type: text/plain; charset=no-such"], "però".encode(), "però"),
        ([b"Content-Type: text/plain; charset=unicode_escape"], b"a\\x41", "a\\x41"),
        ([b"Content-Type: text/plain; charset=zlib"], b"ciao", "ciao"),
        ([b"Content-Transfer-Encoding: base64"], b"Y2lh\r\nbw==\r\n", "ciao"),
        ([b"Content-Transfer-Encoding: base64"], b"Y2lhbw", "ciao"),
        ([b"Content-Transfer-Encoding: base64"], b"Y2lhbw==\r\nIG9mZmVydGE=\r\n", "ciao offerta"),
        ([b"Content-Transfer-Encoding: base64"], b"Y2lhb", "cia"),
        ([b"Content-Transfer-Encoding: Quoted-Printable"], b"per=C3=B2=\r\n s=C3=AC=", "però sì"),
        (
            [b"Content-Type: text/plain; charset=utf-8", b"Content-Transfer-Encoding: base64;"],
            b"Y2lhbw==",
            "ciao",
        ),
        ([b"Content-Transfer-Encoding: x-unknown"], b"ciao", "ciao"),
        ([], b"a\0b", "a\ufffdb"),
    ],
)
def test_text(head: list[bytes], body: bytes, text: str) -> None:
    raw = mail(b"From: a@b.example", *head, body=body)
    assert parse(raw).content.text.rstrip("\n") == text
    agree(raw)


MIXED = (
    b'From: a@b.example\r\nContent-Type: multipart/mixed; boundary="out"\r\n\r\npreamble\r\n'
    b"--out\r\nContent-Type: multipart/alternative; boundary=inner\r\n\r\n"
    b"--inner\r\nContent-Type: text/plain\r\n\r\nciao\r\n"
    b"--inner\r\nContent-Type: text/html\r\n\r\n<p>ciao</p>\r\n--inner--\r\n"
    b"--out\r\nContent-Type: image/png; name=a.png\r\nContent-ID: <1>\r\n"
    b"Content-Transfer-Encoding: base64\r\n\r\nAAAA\r\n"
    b"--out\r\nContent-Type: text/plain\r\n"
    b'Content-Disposition: attachment; filename="b.txt"\r\n\r\nnot shown\r\n'
    b"--out--\r\nepilogue\r\n"
)


def test_alternative_in_mixed() -> None:
    assert agree(MIXED)
    content = parse(MIXED).content
    assert (content.text, content.html) == ("ciao", "<p>ciao</p>")
    assert [(a.filename, a.type, a.size, a.inline) for a in content.attachments] == [
        ("a.png", "image/png", 3, True),
        ("b.txt", "text/plain", 9, False),
    ]


@pytest.mark.parametrize(
    ("head", "filename"),
    [
        (b"Content-Disposition: attachment; filename*=utf-8''perch%C3%A9.pdf", "perché.pdf"),
        (b'Content-Disposition: attachment; filename="=?utf-8?Q?perch=C3=A9=2Epdf?="', "perché.pdf"),
        (b"Content-Disposition: attachment; filename*0=a; filename*1=b.pdf", "ab.pdf"),
        (b"Content-Disposition: attachment; filename=a b.pdf", "a b.pdf"),
        (b'Content-Disposition: attachment (why); filename="a\\"b.pdf"', 'a"b.pdf'),
        (b"Content-Disposition: attachment;\r\n filename=a.pdf;", "a.pdf"),
        (b"Content-Disposition: attachment; filename*=no-such''%ff%zz", None),
        (b"Content-Disposition: attachment; filename=" + b"a" * 760, None),
        (b"Content-Disposition: attachment; filename=" + b"a" * 900, None),
        ("Content-Disposition: attachment; filename=è.pdf".encode(), None),
        (b"Content-Transfer-Encoding: 7bit (why); x=y\r\nContent-Disposition: attachment", ""),
    ],
)
def test_file_names(head: bytes, filename: str | None) -> None:
    raw = MIXED.replace(b'Content-Disposition: attachment; filename="b.txt"', head)
    agree(raw)
    attachments = parse(raw).content.attachments
    assert len(attachments) == 2
    assert filename is None or attachments[1].filename == filename


def test_a_large_attachment_with_an_encoded_name_is_read_quickly() -> None:
    raw = MIXED.replace(b'filename="b.txt"', b"filename*=utf-8''%C3%A8.txt")
    raw = raw.replace(b"not shown", (b"x" * 76 + b"\r\n") * 80_000)
    parsed = parse(raw)
    assert parsed.whole
    assert parsed.content.attachments[1].filename == "è.txt"


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: raw.replace(b"--out--", b""),
        lambda raw: raw.replace(b"--inner--", b""),
        lambda raw: raw.replace(b"--inner--", b"--inner --"),
        lambda raw: raw.replace(b"--out\r\n", b"--out \t\r\n"),
        lambda raw: raw.replace(b"--out\r\n", b"--outer\r\n", 1),
        lambda raw: raw.replace(b"inner", b"out1"),
        lambda raw: raw.replace(b'"out"', b'"out "'),
        lambda raw: raw.replace(b"text/html\r\n\r\n", b"text/html\r\n"),
        lambda raw: raw.replace(b"Content-Type: text/plain\r\n", b""),
        lambda raw: raw.replace(b"--out--\r\n", b"--out--"),
        lambda raw: raw.replace(b"epilogue", b"--out\r\n\r\nmore"),
        lambda raw: raw.replace(b"preamble\r\n", b""),
        lambda raw: raw.replace(b"multipart/mixed", b"multipart/digest"),
        lambda raw: raw.replace(b"image/png", b"message/rfc822"),
        lambda raw: raw.replace(b"image/png", b"image"),
        lambda raw: raw.replace(b"boundary=inner", b"boundary*0=in; boundary*1=ner"),
        lambda raw: raw.replace(b"boundary=inner", b"boundary=inner; boundary=other"),
        lambda raw: raw.replace(b"Content-Type: multipart/mixed", b"Content-Type : multipart/mixed"),
        lambda raw: raw.replace(b"From: a", b"From a"),
        lambda raw: raw.replace(b"ciao\r\n", b"ciao\n--inner\n\nmore\r\n"),
        lambda raw: raw[:200],
        lambda raw: raw[:-40],
    ],
)
def test_doubtful_structures_are_left_to_stdlib_or_agree(change: Callable[[bytes], bytes]) -> None:
    raw = change(MIXED)
    agree(raw)
    parse(raw)


@pytest.mark.parametrize(
    "raw",
    [
        MIXED.replace(b"Content-Type: multipart/mixed", b"Content-Type : multipart/mixed"),
        MIXED.replace(b"--inner--", b""),
        MIXED.replace(b"boundary=inner", b"b=inner"),
        MIXED[:200],
        mail(b"Content-Type: text/plain", b"Content-Type: text/html"),
        mail(b"Subject: one", b"Subject: two"),
        mail(b"Content-Transfer-Encoding: (why) base64", body=b"Y2lhbw=="),
        mail(b"Content-Type: text/(why)html", body=b"Y2lhbw=="),
        mail(b"From: a@b.example", body=b"x" * (TEXT_OCTETS + 1)),
        mail(b"Subject: " + b"x " * 1100),
        mail(b"Content-Type: text/plain; charset=utf-7", body=b"+AFM-conto"),
        mail(b"Content-Type: text/plain; charset=unicode-1-1-utf-7", body=b"+AFM-conto"),
        encoded("utf-16", "sconto".encode("utf-16-be")),
        mail(b"Content-Type: text/plain; charset=cp500", body=b"sconto"),
        mail(b"Content-Type: text/plain; charset=hz-gb-2312", body=b"~{sconto~}"),
        mail(b"Content-Type: text/plain; charset=iso-2022-kr", body=b"\x1b$)C\x0esconto\x0f"),
        encoded("utf-8", "sconto".encode("utf-16")),
        encoded("utf-8", b"s\0c\0o\0n\0t\0o"),
        mail(b'Content-Transfer-Encoding: "quoted-printable"', body=b"=53conto"),
        mail(b"Content-Transfer-Encoding: quoted_printable", body=b"=53conto"),
        mail(b"Content-Type: message/partial; id=a; number=1", body=b"Subject: a\r\n\r\nb"),
        mail(b"Content-Type: multipart/mixed; boundary*=utf-8''b; boundary=c", body=b"--b\r\n\r\na\r\n--b--"),
        parts("mixed", part("plain", b"a"), WINMAIL),
        parts("mixed", part("plain", b"a"), WINMAIL.replace(b"vnd.", b"")),
        signed(b"smime.p7m"),
        signed(b""),
        parts("mixed", part("plain", b"a")) + b"\r\n--b\r\n\r\nmore\r\n--b--\r\n",
        parts("mixed", part("plain", b"a")).replace(
            b"Content-Type: m", b"Content-Transfer-Encoding: base64\r\nContent-Type: m"
        ),
    ],
)
def test_what_could_not_be_read_wholly_is_said(raw: bytes) -> None:
    assert not parse(raw).whole


@pytest.mark.parametrize(
    "raw",
    [
        parts("alternative", part("plain", b"a"), part("html", b"<p>a")),
        parts("mixed", part("plain", b"a"))[: -len(b"--b--\r\n")],
        parts("mixed", part("plain", b"a")).replace(
            b"Content-Type: m", b"Content-Transfer-Encoding: quoted-printable\r\nContent-Type: m"
        ),
        parts("mixed", part("plain", b"a"), signed(b"contract.pdf.p7m")),
        signed(b"smime.p7m", kind=b"\x03"),
        parts(
            "signed",
            part("plain", b"a"),
            b"Content-Type: application/pkcs7-signature; name=smime.p7s\r\n\r\na",
        ),
        encoded("utf-16", "sconto".encode("utf-16")),
        encoded("utf-16le", "sconto".encode("utf-16-le")),
        encoded("html", b'<img src="data:image/png;base64,' + b"AAAA" * 70_000 + b'"><p>ciao'),
    ],
)
def test_what_every_program_shows_alike_is_whole(raw: bytes) -> None:
    assert parse(raw).whole


EVENT = b'BEGIN:VEVENT\r\nSUMMARY;X="a:b":One\\, two\r\nDESCRIPTION:th\r\n ree\\nfour\r\nUID:1'
STYLED = (
    b'BEGIN:VEVENT\r\nSUMMARY:One\r\nORGANIZER;CN="Ada & co":mailto:ada@example.com\r\n'
    b"X-ALT-DESC;FMTTYPE=text/html:<html><p>b\\, c</html>\r\nUID:1"
)
SHOWN: list[tuple[bytes, str, tuple[str, ...], tuple[str, ...]]] = [
    # what is read as HTML, what is shown one below another, what only some see
    (parts("alternative", part("plain", b"a"), part("html", b"<p>b")), "<p>b", (), ()),
    (parts("alternative", part("html", b"<p>b"), part("plain", b"a")), "<p>b", (), ()),
    (
        parts("mixed", part("plain", b"a\r\nb\r\n\r\n<c>"), part("html", b"<p>d")),
        "<p>d",
        ("a<br>b<p>&lt;c&gt;", "<p>d"),
        (),
    ),
    (parts("mixed", part("html", b"<!--"), part("html", b"<p>b")), "<!--\n<p>b", ("<!--", "<p>b"), ()),
    (parts("related", part("html", b"<p>a"), part("plain", b"b")), "<p>a", ("<p>a", "b"), ()),
    (parts("mixed", part("plain", b"a"), part("plain", b"b")), "", (), ()),
    (parts("alternative", part("html", b"<p>a"), part("html", b"<p>b")), "<p>b", (), ("<p>a",)),
    (
        parts("alternative", part("plain", b"a"), part("x-amp-html", b"<p>c"), part("html", b"<p>b")),
        "<p>b",
        (),
        ("<p>c",),
    ),
    (
        parts(
            "mixed",
            parts("alternative", part("plain", b"a"), part("html", b"<p>b"), edge=b"i"),
            part("plain", b"foot"),
        ),
        "<p>b",
        ("<p>b", "foot"),
        (),
    ),
    (
        parts(
            "alternative",
            part("plain", b"a"),
            parts("mixed", part("html", b"<p>b"), part("plain", b"c"), edge=b"i"),
        ),
        "<p>b",
        ("<p>b", "c"),
        (),
    ),
    (
        parts(
            "alternative", part("plain", b"a"), part("html", b"<p>b", b"Content-Disposition: attachment\r\n")
        ),
        "",
        (),
        ("<p>b",),
    ),
    (
        parts("mixed", part("html", b"<p>a"), part("calendar", EVENT)),
        "<p>a",
        (),
        ("One, two<p>three<br>four",),
    ),
    (
        parts("mixed", part("plain", b"a"), part("calendar", STYLED)),
        "",
        (),
        ("One<p>Ada &amp; co<p><html><p>b, c</html>",),
    ),
]


ATTACHED = b"From: Ada <ada@example.com>\r\nSubject: =?utf-8?q?Pap=C3=A0?=\r\n"
_MESSAGE = b"Content-Type: message/rfc822\r\n"
_FORWARDED = _MESSAGE + b"Content-Disposition: attachment; filename=a.eml\r\n\r\n" + ATTACHED
SHOWN += [
    # messages within the message
    (
        parts("mixed", part("plain", b"a"), _MESSAGE + b"\r\n" + ATTACHED + b"\r\n<b>"),
        "",
        (),
        ("Papà", "&lt;b&gt;"),
    ),
    (parts("mixed", part("plain", b"a"), _FORWARDED + part("html", b"<p>b")), "", (), ("Papà", "<p>b")),
    (
        parts(
            "mixed",
            part("html", b"<p>a"),
            _FORWARDED + b"Content-Transfer-Encoding: quoted-printable\r\n" + part("html", b"=3Cp>b"),
        ),
        "<p>a",
        (),
        ("Papà", "<p>b"),
    ),
    (
        parts(
            "mixed",
            part("plain", b"a"),
            _FORWARDED + parts("alternative", part("plain", b"b"), part("html", b"<p>c"), edge=b"i"),
        ),
        "",
        (),
        ("Papà", "b", "<p>c"),
    ),
    (
        parts("mixed", part("plain", b"a"), _FORWARDED + _MESSAGE + b"\r\n" + ATTACHED + b"\r\nb"),
        "",
        (),
        ("Papà", "Papà", "b"),
    ),
    (
        parts(
            "mixed",
            part("plain", b"a"),
            _FORWARDED + part("plain", b"b", b"Content-Disposition: attachment\r\n"),
        ),
        "",
        (),
        ("Papà",),
    ),
    (
        parts("digest", b"\r\n" + ATTACHED + b"\r\nb", b"\r\n" + ATTACHED + b"\r\nc"),
        "",
        (),
        ("Papà", "b", "Papà", "c"),
    ),
]

CARD = (
    b"BEGIN:VCARD\r\nVERSION:2.1\r\nFN:Ada\r\nitem1.NOTE;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:One =\r\n"
    b"tw=C3=B2\r\nPHOTO;ENCODING=b:%b\r\nTEL:1\r\nEND:VCARD"
)
_SAVED = b"Content-Disposition: attachment; filename=a%b\r\n"
SHOWN += [
    # what some read in a file without opening it
    (
        parts("mixed", part("plain", b"a"), part("vcard", CARD, _SAVED % b".vcf")),
        "",
        (),
        ("Ada<p>One tw\u00f2",),
    ),
    (
        parts("mixed", part("plain", b"a"), part("vcard", CARD.replace(b"%b", b"A" * TEXT_OCTETS))),
        "",
        (),
        ("Ada<p>One tw\u00f2",),
    ),
    *(
        (
            parts(
                "mixed",
                part("plain", b"a"),
                b"Content-Type: application/octet-stream\r\n" + _SAVED % name + text,
            ),
            "",
            (),
            (said,),
        )
        for name, text, said in (
            (b".ICS", b"\r\n" + EVENT, "One, two<p>three<br>four"),
            (b".vcf", b"\r\n" + CARD, "Ada<p>One tw\u00f2"),
        )
    ),
    (
        parts(
            "related",
            part("html", b"<p>a"),
            b"Content-Type: image/svg+xml\r\nContent-ID: <a>\r\n\r\n<svg><text>b",
        ),
        "<p>a",
        (),
        ("<svg><text>b",),
    ),
    (parts("mixed", part("plain", b"a"), part("enriched", b"o<bold>n</bold>e")), "", (), ("one",)),
    (
        parts(
            "mixed",
            part("plain", b"a"),
            part("markdown", b"b <c>", b"Content-Disposition: inline; filename=b\r\n"),
        ),
        "",
        (),
        ("b &lt;c&gt;",),
    ),
    (parts("mixed", part("plain", b"a"), part("markdown", b"b", _SAVED % b".md")), "", (), ()),
    (parts("mixed", part("plain", b"a"), part("csv", b"b", b"Content-Disposition: inline\r\n")), "", (), ()),
]


def test_files_that_stand_in_the_text_are_files() -> None:
    encoded = binascii.b2a_uu(b"a document in the text").replace(b"\n", b"\r\n")
    text = b"See below.\r\n\r\nbegin 644 offer.doc\r\n" + encoded + b"`\r\nend\r\n"
    assert [one.filename for one in parse(mail(body=text)).content.attachments] == ["offer.doc"]
    text = b"=ybegin line=128 size=3 name=a b.txt\r\nabc\r\n=yend size=3\r\n"
    assert [one.filename for one in parse(mail(body=text)).content.attachments] == ["a b.txt"]
    for text in (b"we\r\nbegin 200 words later\r\nand end", b"begin 644\r\nM", b"To begin 1984 anew\r\nMuch"):
        assert not parse(mail(body=text)).content.attachments


LONG = "A name in which one reads a whole sentence, and no name at all"


@pytest.mark.parametrize(
    "field",
    [
        f'To: "{LONG}" <a@b.example>',
        f'Cc: a@b.example, "{LONG}" <c@b.example>',
        f"Reply-To: =?utf-8?q?{LONG.replace(' ', '_').replace(',', '=2C')}?= <a@b.example>",
        f"Sender: a@b.example ({LONG})",
        f'From: Ada <a@b.example>, "{LONG}" <c@b.example>',
    ],
)
def test_what_stands_in_the_place_of_a_name_is_read(field: str) -> None:
    raw = field.encode() + b"\r\nSubject: s\r\n\r\na"
    assert parse(raw).content.besides == (LONG,)
    agree(raw)


def test_names_and_addresses_are_no_text() -> None:
    many = ", ".join(f"Ada Neri {n} <ada.neri.{n}@a-rather-long-name-of-a-domain.example>" for n in range(50))
    bare = ", ".join(f"ada.neri.{n}@a-rather-long-name-of-a-domain.example" for n in range(50))
    for field in (
        f"To: {many}",
        f"Cc: {bare}",
        f'From: "{LONG}" <a@b.example>',
        "To: undisclosed-recipients:;",
    ):
        assert parse(field.encode() + b"\r\nSubject: s\r\n\r\na").content.besides == ()


def test_long_files_leave_the_message_whole() -> None:
    """Their beginning is read; they are files all the same."""
    named = b"Content-Disposition: inline; filename=a.log\r\n"
    parsed = parse(
        parts("mixed", part("plain", b"a"), part("x-log", b"x\r\n" * 200_000, named), part("calendar", EVENT))
    )
    assert parsed.whole
    assert "One, two" in parsed.content.besides[-1]
    assert parse(parts("mixed", part("plain", b"a"), part("vcard", CARD + b"\r\nA:" + b"b" * 600_000))).whole


def test_an_attached_message_is_a_file_of_its_own_size() -> None:
    parsed = parse(parts("mixed", part("plain", b"a"), _FORWARDED + part("plain", b"b" * 500)))
    assert parsed.whole
    assert [(one.type, one.filename, one.size) for one in parsed.content.attachments] == [
        ("message/rfc822", "a.eml", 500)
    ]
    assert parsed.content.text == "a"


def test_an_attached_message_too_long_or_encoded_is_not_whole() -> None:
    encoded = _FORWARDED.replace(b"\r\n\r\n", b"\r\nContent-Transfer-Encoding: base64\r\n\r\n", 1)
    for inner in (
        _FORWARDED + part("plain", b"b" * (TEXT_OCTETS + 1)),
        encoded + b"\r\nb",
        _FORWARDED + b"Content-Type: multipart/mixed\r\n\r\nb",
    ):
        assert not parse(parts("mixed", part("plain", b"a"), inner)).whole


@pytest.mark.parametrize(("raw", "html", "shown", "besides"), SHOWN)
def test_what_is_shown_of_several_texts(
    raw: bytes, html: str, shown: tuple[str, ...], besides: tuple[str, ...]
) -> None:
    content = parse(raw).content
    assert (content.html, content.shown, content.besides) == (html, shown, besides)
    agree(raw)


@pytest.mark.parametrize("kind", ["enriched", "markdown", "x-patch", ""])
def test_text_of_any_kind_is_text(kind: str) -> None:
    raw = parts("mixed", part("plain", b"a"), part(kind, b"b"))
    assert parse(raw).content.text == "a\nb"
    agree(raw)


def test_lines_are_joined_where_their_blanks_do_not_count() -> None:
    head = b"Content-Type: text/plain; charset=utf-8; format=flowed; delsp=yes"
    assert parse(mail(head, body=b"scon \r\nto \r\n del")).content.text.startswith("sconto del")
    head = b"Content-Transfer-Encoding: quoted-printable"
    assert parse(mail(head, body=b"scon= \t\r\nto")).content.text == "sconto"


def test_a_long_text_leaves_room_for_the_page() -> None:
    raw = MIXED.replace(b"ciao\r\n--inner", b"x" * (TEXT_OCTETS + 9) + b"\r\n--inner")
    parsed = parse(raw)
    assert not parsed.whole
    assert len(parsed.content.text) == TEXT_OCTETS
    assert parsed.content.html == "<p>ciao</p>"


def nested(depth: int) -> bytes:
    return (
        b"".join(
            b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (i, i) for i in range(depth)
        )
        + b"\r\nciao"
    )


HOSTILE = {
    "nested 100 deep": nested(100),
    "nested 20,000 deep": nested(20_000),
    "headers without end": b"X: 1\r\n" * 400_000,
    "one header without end": b"Subject: " + b"=?a?q?" * 300_000,
    "folds without end": b"Subject: a" + b"\r\n b" * 300_000,
    "parameters without end": b"Content-Type: text/plain" + b";" * 1_000_000 + b"\r\n\r\n",
    "quotes without end": b'Content-Type: text/plain; a="' + b'\\";' * 300_000 + b"\r\n\r\n",
    "disposition": b"Content-Disposition: attachment" + b"; filename*0=a" * 100_000 + b"\r\n\r\n",
    "boundaries without end": b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n" * 300_000,
    "parts of bad types": b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    + (b"--b\r\nContent-Type: %b\r\n\r\n" % (b";" * 1000)) * 1000,
    "deep and long": nested(60) + b"\r\nx" * 600_000,
    "senders without end": b"From: " + b'"a" <b@c>, (' * 100_000 + b"\r\n\r\n",
    "comments in the sender": b"From: " + b"(" * 1_000_000 + b"\r\n\r\n",
    "references": b"References: " + b"<a@b> " * 300_000 + b"\r\n\r\n",
    "bad base64": b"Content-Transfer-Encoding: base64\r\n\r\n" + b"=A" * 2_000_000,
    "spaces for base64": b"Content-Transfer-Encoding: base64\r\n\r\n" + b" " * 4_000_000 + b"Y2lhbw==",
    "blanks within a line": b"Content-Transfer-Encoding: quoted-printable\r\n\r\nCiao"
    + b" " * 4_000_000
    + b"x= \r\n",
    "escapes": b"Content-Transfer-Encoding: quoted-printable\r\n\r\n" + b"=" * 4_000_000,
    "punycode": b"Content-Type: text/plain; charset=punycode\r\n\r\n" + b"a" * 1_000_000,
    "only NUL": b"\0" * 1_000_000,
    "only CR": b"\r" * 1_000_000,
    "only LF": b"\n" * 1_000_000,
    "only colons": b":" * 1_000_000,
    "names": b"".join(b"X-%d: 1\r\n" % i for i in range(60_000)) + b"\r\n",
    "empty": b"",
    "NUL in the type": b"Content-Type: text/plain; charset=\0\r\n\r\nciao",
    "8 bits in the type": "Content-Type: a/è; charset=è\r\n\r\nciao".encode(),
    "8 bits in the disposition": "Content-Disposition: è; filename=è\r\n\r\nciao".encode(),
    "8 bits in the encoding": "Content-Transfer-Encoding: è\r\n\r\nciao".encode(),
    "bad RFC 2231": b"Content-Disposition: attachment; filename*=no-such'x'%ff%zz\r\n\r\nciao",
    "NUL in a file's name": b"Content-Disposition: attachment; filename*=utf-8''a%00b.pdf\r\n\r\nciao",
    "files that begin": b"\r\n" + b"begin 644 a\r\n=ybegin \r\n" * 200_000,
    "names without end": b"To: " + b'"' * 100_000 + b"(" * 100_000 + b"a " * 100_000 + b"\r\n\r\n",
    "messages in messages": b"Content-Type: message/rfc822\r\n\r\n" * 20_000 + b"ciao",
    "many attached messages": b"Content-Type: multipart/digest; boundary=b\r\n\r\n"
    + (b"--b\r\n\r\n" + b"Subject: a\r\n" * 100 + b"\r\nciao\r\n") * 2000,
    "NUL in RFC 2231": b"Content-Disposition: attachment; filename*=\0'x'%ff%zz\r\n\r\nciao",
}


def test_a_long_message_costs_no_more_within_many_others() -> None:
    def cost(depth: int) -> float:
        raw = b"Content-Type: message/rfc822\r\n\r\n" * depth + b"\r\n" + b"Ciao Ada\r\n" * 300_000
        before = time.process_time()
        parse(raw)
        return time.process_time() - before

    assert min(cost(90) for _ in range(3)) < 4 * min(cost(2) for _ in range(3))


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_mail_costs_little(name: str) -> None:
    before = time.process_time()
    parsed = parse(HOSTILE[name])
    assert time.process_time() - before < 3  # seconds of CPU, on a machine that others share
    assert len(parsed.content.text) <= TEXT_OCTETS
    assert len(parsed.content.subject) <= 4096
    assert "\0" not in parsed.content.text + parsed.content.subject
    assert not any("\0" in one.filename for one in parsed.content.attachments)
    for value in (
        parsed.content.text,
        parsed.content.subject,
        parsed.message_id,
        *dict(parsed.headers.items()).values(),
    ):
        value.encode("utf-8")


@given(st.binary(max_size=400))
def test_any_octets(raw: bytes) -> None:
    agree(raw)
    parse(raw)


@given(
    st.lists(
        st.sampled_from(
            [
                b"\r\n",
                b"\r\n",
                b"a",
                b"--b",
                b"--b--",
                b" ",
                b":",
                b"Content-Type: multipart/mixed; boundary=b",
                b"Content-Type: text/html",
                b"Content-Transfer-Encoding: base64",
                b"Subject: x",
                b"\n",
                b"=",
                b"\r\n\r\n",
            ]
        ),
        max_size=40,
    )
)
def test_pieces_of_mail(pieces: list[bytes]) -> None:
    raw = b"Content-Type: multipart/mixed; boundary=b\r\n" + b"".join(pieces)
    agree(raw)
    parse(raw)


@given(st.lists(st.sampled_from([b"\r\n", b"\r", b"\n", b"a", b"\r\n", b"bc"]), max_size=12).map(b"".join))
def test_bare_line_ends(raw: bytes) -> None:
    assert bare_line_ends(raw) is bool(re.search(rb"\r(?!\n)|(?<!\r)\n", raw))


def test_nul_is_refused_with_the_bare_line_ends() -> None:
    assert bare_line_ends(b"a\0\r\n")
    assert not bare_line_ends(b"a\r\n")

"""What leaves: fields out, fields in, the rest byte for byte; and messages of our own."""

import email
import time
from email.message import EmailMessage
from email.policy import SMTP, compat32
from email.utils import parsedate_to_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.message.compose import File, field, person, seen_aside
from gateway.message.parse import bare_line_ends, parse
from gateway.message.rewrite import BLIND, Declared, build, metadata, outgoing, unsigned

STRIP = frozenset({b"x-galateo-", b"bcc"})


@pytest.mark.parametrize(
    ("raw", "left"),
    [
        (b"A: 1\r\nX-Galateo-Class: outreach\r\nB: 2\r\n\r\nx", b"A: 1\r\nB: 2\r\n\r\nx"),
        (b"X-Galateo-Class: a\r\n b\r\n\tc\r\nB: 2\r\n\r\nx", b"B: 2\r\n\r\nx"),
        (b"A: 1\r\nx-gALATEO-Purpose: p\r\n\r\nx", b"A: 1\r\n\r\nx"),
        (b"X-Galateo-Class: a\r\n\r\nx", b"\r\nx"),
        (b"X-Galateo-Class: a", b""),
        (b"X-Galateo-A: 1\r\nX-Galateo-B: 2\r\nX-Galateo-A: 3\r\n\r\n", b"\r\n"),
        (b"Bcc: a@b.example\r\nbcc : c@d.example\r\nBccx: 1\r\n\r\n", b"Bccx: 1\r\n\r\n"),
        (b"A: X-Galateo-Class: a\r\n\r\n", b"A: X-Galateo-Class: a\r\n\r\n"),
        (b"A: 1\r\n X-Galateo-Class: a\r\n\r\n", b"A: 1\r\n X-Galateo-Class: a\r\n\r\n"),
        (b"A: 1\r\n\r\nX-Galateo-Class: body\r\n", b"A: 1\r\n\r\nX-Galateo-Class: body\r\n"),
        (b"A: 1\nX-Galateo-Class: a\n b\nB: 2\n\nx\n", b"A: 1\nB: 2\n\nx\n"),
        (b"\r\nX-Galateo-Class: body\r\n", b"\r\nX-Galateo-Class: body\r\n"),
        (b"", b""),
    ],
)
def test_stripping(raw: bytes, left: bytes) -> None:
    assert outgoing(raw, STRIP) == left
    assert outgoing(raw, STRIP, [("X-A", "1")]) == b"X-A: 1\r\n" + left


@pytest.mark.parametrize(
    ("header", "left"),
    [
        (b"Subject: x\r\n", b""),
        (b"Bcc: a@b.example\r\nReturn-Path: <>\r\n", b"bcc return-path"),
        (b"Bcc: a@b.example\r\nDKIM-Signature: v=1; h=from:to; b=x\r\n", b"bcc"),
        (b"DKIM-Signature: v=1; h=from :\r\n\tBCC:to; b=x\r\nBcc: a@b.example\r\n", b""),
        (b"dkim-signature: h=from\r\nDkim-Signature: h=Return-Path\r\nReturn-Path: <>\r\nbcc: a\r\n", b"bcc"),
        (b"X-DKIM-Signature: h=bcc\r\nbcc: a\r\n", b"bcc"),
        (b"DKIM-Signature: v=1; b=x\r\nbcc: a\r\n", b"bcc"),
    ],
)
def test_what_a_signature_covers(header: bytes, left: bytes) -> None:
    raw = header + b"\r\nDKIM-Signature: h=bcc\r\nResent-Bcc: of the text\r\n"
    assert unsigned(raw, BLIND) == frozenset(left.split())


def test_nothing_to_strip_leaves_every_octet() -> None:
    raw = b"A:1\r\nSubject: \xff\xfe  \r\n\r\n\0\r\n.\r\nx"
    assert outgoing(raw, STRIP) == raw


NAMES = st.sampled_from(
    [b"A", b"Subject", b"X-Galateo-Class", b"x-galateo-x", b"Bcc", b"Received", b"X-Galate"]
)
VALUES = st.sampled_from([b" 1", b" a\r\n b", b"\r\n\tX-Galateo-Class: c", b"", b" bcc: x", b"  \r\n \r\n x"])


@given(st.lists(st.tuples(NAMES, VALUES), max_size=8), st.binary(max_size=40))
def test_stripping_is_by_whole_fields(fields: list[tuple[bytes, bytes]], body: bytes) -> None:
    def write(some: list[tuple[bytes, bytes]]) -> bytes:
        return b"".join(name + b":" + value + b"\r\n" for name, value in some) + b"\r\n" + body

    kept = [(n, v) for n, v in fields if n != b"Bcc" and not n.lower().startswith(b"x-galateo-")]
    assert outgoing(write(fields), STRIP) == write(kept)


@pytest.mark.parametrize("value", ["a\r\nBcc: b@c.example", "a\nb", "a\rb", "a\0b", "a\ud800", "x" * 1200])
def test_what_would_break_a_header_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="header value"):
        outgoing(b"\r\n", STRIP, [("X-A", value)])
    with pytest.raises(ValueError, match="header value"):
        build(sender="a@b.example", recipient="c@d.example", subject=value, message_id="m@x", date=0)


@pytest.mark.parametrize("name", ["", "X A", "X:", "X\r\nY", "È", "X" * 100, "A\n"])
def test_what_is_no_field_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        field(name, "1")


@given(
    st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=400)
)
def test_added_fields_stay_one_field_and_come_back(value: str) -> None:
    try:
        octets = field("X-Added", value)
    except ValueError:
        assert max(map(len, value.split(" "))) > 900
        return
    assert octets.endswith(b"\r\n")
    assert not bare_line_ends(octets)
    lines = octets[:-2].split(b"\r\n")
    assert all(len(line) <= 998 and line.strip() for line in lines)
    assert all(line[:1] in (b" ", b"\t") for line in lines[1:])
    parsed = parse(octets + b"Subject: x\r\n\r\n")
    assert parsed.content.subject == "x"
    if value.isascii() and "=?" not in value:
        assert parsed.headers.get("x-added").split() == value.split()


TEXT = st.text(
    alphabet=st.characters(codec="utf-8", exclude_characters="\0", exclude_categories=["Cs"]), max_size=300
)
NAME = st.text(
    alphabet=st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp", "Zs"]), max_size=30
)


@given(TEXT, TEXT, NAME, NAME, st.lists(st.tuples(NAME, st.binary(max_size=200)), max_size=2))
def test_what_is_built_is_read_back(
    text: str, html: str, subject: str, name: str, files: list[tuple[str, bytes]]
) -> None:
    arguments = {
        "sender": "marta@tool.example",
        "sender_name": name,
        "recipient": "giulia@company.example",
        "subject": subject,
        "message_id": "<1@tool.example>",
        "date": 1_790_000_000.5,
        "text": text,
        "html": html,
        "attachments": [File(filename=filename, octets=octets) for filename, octets in files],
        "headers": [("List-Unsubscribe", "<https://tool.example/u>")],
    }
    raw = build(**arguments)  # type: ignore[arg-type]
    assert raw == build(**arguments)  # type: ignore[arg-type]
    assert not bare_line_ends(raw)
    assert raw.isascii()
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))
    parsed = parse(raw)
    assert parsed.whole
    assert parsed.message_id == "<1@tool.example>"
    assert parsed.list_unsubscribe == "<https://tool.example/u>"
    if "=?" not in subject + name:
        assert parsed.content.subject == subject
        assert parsed.content.sender_name == name
    assert parsed.content.sender_address == "marta@tool.example"
    assert parsed.content.text.split() == text.split()
    assert parsed.content.html.split() == html.split()
    assert [a.size for a in parsed.content.attachments] == [len(octets) for _, octets in files]
    message = email.message_from_bytes(raw, policy=compat32)
    payloads = [
        p.get_payload(decode=True) for p in message.walk() if p.get_content_disposition() == "attachment"
    ]
    assert payloads == [octets for _, octets in files]
    date = message["Date"]
    assert parsedate_to_datetime(date).timestamp() == 1_790_000_000


@pytest.mark.parametrize(
    ("text", "html", "kinds"),
    [
        ("a", "", ["text/plain"]),
        ("", "<p>a</p>", ["text/html"]),
        ("", "", ["text/plain"]),
        ("a", "<p>a</p>", ["multipart/alternative", "text/plain", "text/html"]),
    ],
)
def test_shapes(text: str, html: str, kinds: list[str]) -> None:
    raw = build(
        sender="a@b.example",
        recipient="c@d.example",
        subject="s",
        message_id="m@x",
        date=0,
        text=text,
        html=html,
    )
    assert [part.get_content_type() for part in email.message_from_bytes(raw).walk()] == kinds


@pytest.mark.parametrize(
    ("html", "text", "kinds"),
    [
        ("<img src='cid:logo'>", "", ["related", "html", "png"]),
        ("<img src='cid:logo'>", "a", ["alternative", "plain", "related", "html", "png"]),
        ("<img src='cid:logo2'>", "a", ["mixed", "alternative", "plain", "html", "png"]),
        ("<p>logo</p>", "", ["mixed", "html", "png"]),
        ("", "cid:logo", ["mixed", "plain", "png"]),
    ],
)
def test_a_picture_stands_with_the_page_that_shows_it(html: str, text: str, kinds: list[str]) -> None:
    logo = File(filename="logo.png", octets=b"png", type="image/png", inline=True, content_id="logo")
    terms = File(filename="terms.pdf", octets=b"pdf", type="application/pdf", content_id="logo")
    said = {"sender": "a@b.example", "recipient": "c@d.example", "subject": "s", "message_id": "m@x"}
    for files, more in (([logo], []), ([logo, terms], ["pdf"])):
        raw = build(**said, date=0, text=text, html=html, attachments=files)
        found = [part.get_content_subtype() for part in email.message_from_bytes(raw).walk()]
        assert found == [*["mixed"] * (bool(more) and kinds[0] != "mixed"), *kinds, *more]
        content = parse(raw).content
        assert (content.text.strip(), content.html.strip()) == (text, html)
        assert [one.filename for one in content.attachments] == [one.filename for one in files]
        assert (content.whole, content.besides) == (True, ())


def test_many_pictures_are_looked_for_at_once() -> None:
    names = [f"{n:040}" for n in range(50)]
    files = [File(filename=n, octets=b"", type="image/png", inline=True, content_id=n) for n in names]
    html = "<img src=x> " * 400_000 + f"<img src='CID:{names[7]}'>"
    said = {"sender": "a@b.example", "recipient": "c@d.example", "subject": "s", "message_id": "m@x"}
    begun = time.process_time()
    raw = build(**said, date=0, html=html, attachments=files)
    assert time.process_time() - begun < 1
    (related,) = [one for one in email.message_from_bytes(raw).walk() if "related" in one.get_content_type()]
    assert [one.get_filename() for one in related.get_payload()] == [None, names[7]]


@pytest.mark.parametrize(
    "kind",
    ["message/rfc822", "Message/RFC822", "message/delivery-status", "multipart/mixed", "Multipart/Mixed"],
)
def test_a_message_that_is_attached_arrives_as_a_file(kind: str) -> None:
    """Base64 is not for these types: programs show such a part empty, or broken."""
    inner = b"From: ana@example.com\r\nSubject: Order\r\n\r\nIt left.\r\n"
    raw = build(
        sender="a@b.example",
        recipient="c@d.example",
        subject="s",
        message_id="m@x",
        date=0,
        text="See what she wrote.",
        attachments=[File(filename="order.eml", octets=inner, type=kind)],
    )
    file = [*email.message_from_bytes(raw).walk()][-1]
    assert (file.get_content_type(), file.get_filename()) == ("application/octet-stream", "order.eml")
    assert file.get_payload(decode=True) == inner


def test_what_files_say_is_read_as_in_the_mail_that_they_become() -> None:
    files = [
        File(filename="ada.vcf", octets=b"BEGIN:VCARD\nFN:Ada Neri\nNOTE:One\\, two\nEND:VCARD\n"),
        File(filename="a.ics", octets=b"BEGIN:VEVENT\r\nSUMMARY:Three\r\nEND:VEVENT\r\n"),
        File(filename="a.svg", octets=b"<svg><text>four</text></svg>\n", type="image/svg+xml", inline=True),
        File(filename="a.md", octets=b"five\n", type="text/markdown", inline=True),
        File(filename="b.md", octets=b"six\n", type="text/markdown"),
    ]
    said = {"sender": "a@b.example", "recipient": "c@d.example", "subject": "s", "message_id": "m@x"}
    besides = parse(build(**said, date=0, text="a", attachments=files)).content.besides
    assert besides == seen_aside(files)
    assert [one.split("<br>")[0] for one in besides[:2]] == ["Ada Neri<p>One, two", "Three"]
    assert "four" in besides[2]
    assert len(besides) == 4


def test_a_dot_and_a_boundary_in_the_text_do_no_harm() -> None:
    for text in (".\n..\nFrom x", "--=_alternative", "x" * 5000, "è" * 5000):
        raw = build(
            sender="a@b.example",
            recipient="c@d.example",
            subject="s",
            message_id="m@x",
            date=0,
            text=text,
            html="<p>",
        )
        assert parse(raw).content.text.strip() == text


@pytest.mark.parametrize(
    ("name", "address", "value"),
    [
        ("", "a@b.example", "a@b.example"),
        ("Marta", "a@b.example", "Marta <a@b.example>"),
        ("Colombo, Marta", "a@b.example", '"Colombo, Marta" <a@b.example>'),
        ('M "x" \\', "a@b.example", '"M \\"x\\" \\\\" <a@b.example>'),
        ("José", "a@b.example", "=?utf-8?b?Sm9zw6k=?= <a@b.example>"),
    ],
)
def test_person(name: str, address: str, value: str) -> None:
    assert person(name, address) == value


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("a\r\nb", "a@b.example"),
        ("", "a@b.example>\r\nBcc: x@y.example"),
        ("x", "a@b.example>, <x@y.example"),
        ("", "a@b.example, x@y.example"),
        ("x", "no address"),
    ],
)
def test_a_person_brings_no_second_line_or_person(name: str, address: str) -> None:
    with pytest.raises(ValueError, match=r"name holds|no address"):
        person(name, address)


def declared(*head: str) -> Declared:
    return metadata(parse("\r\n".join((*head, "From: a@b.example", "", "ciao")).encode()))


def test_declarations() -> None:
    assert declared() == Declared()
    assert declared(
        "X-Galateo-Class: Outreach",
        "x-galateo-purpose: Offers ",
        "X-Galateo-Campaign: Spring 26",
        "X-Galateo-Recipient-Name: =?utf-8?Q?Jos=C3=A9?=",
        "X-Galateo-Jurisdiction: IT",
        "X-Galateo-Sequence-Step: 3",
    ) == Declared(
        class_="outreach",
        purpose="offers",
        campaign="Spring 26",
        recipient_name="José",
        jurisdiction="it",
        sequence_step=3,
    )


@pytest.mark.parametrize("step", ["-1", "x", "1.5", "99999", "", "²"])
def test_a_step_that_is_no_count_is_none(step: str) -> None:
    assert declared(f"X-Galateo-Sequence-Step: {step}").sequence_step == 0


@pytest.mark.parametrize(
    ("head", "campaign"),
    [
        (["X-Listmonk-Campaign: 6f1c"], "6f1c"),
        (["X-Campaign: a"], "a"),
        (["X-CampaignId: b"], "b"),
        (["X-Campaign-Name: c"], "c"),
        (["X-Mailgun-Tag: spring"], "spring"),
        (["Feedback-ID: camp:cust:type:sender"], "camp"),
        (["List-Id: News <news.tool.example>"], "news.tool.example"),
        (["List-Id: news.tool.example"], "news.tool.example"),
        (["List-Id: <l.example>", "X-Listmonk-Campaign: 6f1c"], "6f1c"),
        (["X-Listmonk-Campaign: 6f1c", "X-Galateo-Campaign: own"], "own"),
        (["X-Galateo-Campaign: ", "X-Campaign: a"], "a"),
        (["Feedback-ID: ", "List-Id: <l.example>"], "l.example"),
        (["X-Galateo-Campaign: " + "x" * 500], "x" * 200),
    ],
)
def test_campaign(head: list[str], campaign: str) -> None:
    assert declared(*head).campaign == campaign


def test_build_reads_like_stdlib_mail() -> None:
    message = EmailMessage(policy=SMTP)
    message["Subject"] = "però"
    raw = build(sender="a@b.example", recipient="c@d.example", subject="però", message_id="m@x", date=0)
    assert email.message_from_bytes(raw, policy=SMTP)["Subject"] == message["Subject"]

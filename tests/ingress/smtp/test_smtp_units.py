"""Parsers, limits and replies by themselves."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.access import Source
from gateway.ingress.smtp_commands import MailFrom, RcptTo, parse_mail, parse_rcpt
from gateway.ingress.smtp_data import BARE_LINE_END, LOOP, NUL_OCTET, Body, unwrap
from gateway.ingress.smtp_limits import Budget, Pace, Peers, Share, is_loopback, is_within
from gateway.ingress.smtp_message import check_from, compose
from gateway.ingress.smtp_reply import LONGEST, answer, fold, line
from gateway.intake.receipt import Receipt, RecipientResult, receipt_of
from gateway.message.address import parse_path
from gateway.message.envelope import Message
from gateway.message.parse import parse
from gateway.policy.outcome import Outcome, Words
from gateway.settings.values import _parse_networks
from tests.ingress.smtp.house import MAIL, decision, violation

A, H, R = Outcome.ACCEPT, Outcome.HOLD, Outcome.REJECT
ID = "01hzy3v7w0abcdefghjkmnpqrs"


def receipt(*outcomes: Outcome, reason: str = "No consent is on record.", **given: Any) -> Receipt:
    results = tuple(
        RecipientResult(
            address=f"p{i}@example.org",
            outcome=outcome,
            decision=decision(outcome, *(() if outcome is A else (violation(outcome, reason, **given),))),
            decision_id=str(i),
        )
        for i, outcome in enumerate(outcomes)
    )
    return receipt_of(ID, "newsletter", results)


@pytest.mark.parametrize(
    ("outcomes", "text"),
    [
        ([A], f"250 2.0.0 {ID} accepted"),
        ([A, A], f"250 2.0.0 {ID} accepted"),
        ([H], f"250 2.0.0 {ID} held opt-in/consent.missing: not sent, do not resend"),
        ([H, H], f"250 2.0.0 {ID} held opt-in/consent.missing: not sent, do not resend"),
        ([R], f"550 5.7.1 {ID} rejected opt-in/consent.missing: No consent is on record."),
        ([R, R], f"550 5.7.1 {ID} rejected opt-in/consent.missing: No consent is on record."),
        ([A, R], f"250 2.0.0 {ID} accepted 1, rejected 1"),
        ([H, R], f"250 2.0.0 {ID} held 1, rejected 1"),
        ([A, A, H, R], f"250 2.0.0 {ID} accepted 2, held 1, rejected 1"),
    ],
)
def test_reply(outcomes: list[Outcome], text: str) -> None:
    assert answer(receipt(*outcomes)) == text.encode() + b"\r\n"


def test_a_refusal_says_what_would_help() -> None:
    said = answer(receipt(R, remedy=Words("Ask for it first.", ""))).decode()
    assert said.endswith("No consent is on record. Ask for it first.\r\n")


@given(st.text(max_size=2000))
def test_replies_are_one_short_ascii_line(reason: str) -> None:
    said = answer(receipt(R, reason=reason))
    assert said.startswith(b"550 5.7.1 ")
    assert said.endswith(b"\r\n")
    assert len(said) <= LONGEST + 2 < 402
    assert all(0x20 <= octet < 0x7F for octet in said[:-2])


def test_folding_keeps_words_readable() -> None:
    assert fold("Perché l’iscrizione «è» scaduta…") == 'Perche l\'iscrizione "e" scaduta...'
    assert line("250 2.0.0 " + "word " * 100).endswith(b"word...\r\n")


# Commands


@given(st.from_regex(rb"RCPT TO:<[a-z0-9_+.-]{1,70}@[a-z0-9.-]{1,70}>\r\n", fullmatch=True))
def test_the_quick_way_reads_addresses_as_the_slow_one(said: bytes) -> None:
    slow = parse_path(said[8:-2], utf8=True)
    quick = parse_rcpt(said, extended=True, utf8=False)
    assert (quick.address if isinstance(quick, RcptTo) else None) == (slow[0].address if slow else None)


@given(st.binary(max_size=100))
def test_no_line_breaks_the_parsers(octets: bytes) -> None:
    for parsed in (
        parse_mail(b"MAIL FROM:" + octets, extended=True),
        parse_rcpt(b"RCPT TO:" + octets, extended=True, utf8=True),
    ):
        if isinstance(parsed, bytes):
            assert parsed[:1] == b"5"
            assert parsed[4:6] == b"5."
        else:
            assert parsed.address.isprintable()


def test_options() -> None:
    mail = parse_mail(
        b"MAIL FROM:<a@b.example> size=10 BODY=8bitmime SMTPUTF8 RET=full ENVID=x\r\n", extended=True
    )
    assert isinstance(mail, MailFrom)
    assert (mail.options.size, mail.options.utf8, mail.options.ret, mail.options.envelope_id) == (
        10,
        True,
        "FULL",
        "x",
    )


# Data


def take(pieces: list[bytes], limit: int = 10_000) -> tuple[Body, bytes, bytes]:
    """Feed the pieces; return the body, the message as it came and what came after it."""
    body = Body(limit)
    for index, piece in enumerate(pieces):
        used = body.feed(piece)
        if used >= 0:
            return body, body.finish(), piece[used:] + b"".join(pieces[index + 1 :])
    raise AssertionError("no end")


OCTETS = st.lists(
    st.sampled_from([b"\r", b"\n", b".", b"\r\n", b"a", b"\r\n.", b"\r\n.\r", b"\0"]), max_size=30
)


@given(OCTETS, st.data())
def test_a_message_ends_where_it_ends_however_it_is_cut(parts: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(parts) + b"\r\n.\r\nNOOP\r\n"
    # By definition: the first CRLF.CRLF of the stream, the line of DATA ending before it.
    end = (b"\r\n" + stream).find(b"\r\n.\r\n")
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    pieces = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    body, raw, rest = take([piece for piece in pieces if piece])
    assert raw == stream[:end]
    assert rest == stream[end + 3 :]
    assert body.size == len(raw)


@given(OCTETS)
def test_what_passes_holds_no_bare_line_end_and_no_nul(parts: list[bytes]) -> None:
    _, stuffed, _ = take([b"".join(parts) + b"\r\n.\r\n"])
    raw, fault = unwrap(stuffed, 10_000, 100)
    bare = b"\r" in raw.replace(b"\r\n", b"") or b"\n" in raw.replace(b"\r\n", b"")
    assert fault == (BARE_LINE_END if bare else NUL_OCTET if b"\0" in raw else None)
    lines = stuffed.split(b"\r\n")
    assert raw == b"\r\n".join(each[1:] if each.startswith(b".") else each for each in lines)


def test_a_message_over_the_limit_is_not_kept() -> None:
    body = Body(1000)
    for _ in range(1000):
        assert body.feed(b"x" * 100) == -1
    assert body.oversize
    assert len(body._kept) == 0
    assert body.feed(b"\r\n.\r\n") == 5


def test_an_end_in_single_octets_costs_no_more_than_the_message() -> None:
    body = Body(10_000)
    stream = b"Hello\r\n..\r\n.\r\n"
    assert [body.feed(stream[i : i + 1]) for i in range(len(stream))] == [-1] * (len(stream) - 1) + [1]
    assert body.finish() == b"Hello\r\n..\r\n"


def test_a_loop_is_seen() -> None:
    assert unwrap(b"Subject: x\r\n" + b"Received: by a\r\n" * 101 + b"\r\n", 100_000, 100)[1] == LOOP
    assert unwrap(b"received: by a\r\n" * 101 + b"\r\n", 100_000, 100)[1] == LOOP
    assert unwrap(b"Received: by a\r\n" * 100 + b"\r\n", 100_000, 100)[1] is None
    assert unwrap(b"Subject: x\r\n\r\n" + b"Received: by a\r\n" * 101, 100_000, 100)[1] is None


# Limits


def test_the_budget_never_stops_everybody() -> None:
    resumed: list[int] = []
    budget = Budget(100)
    first, second, third = (Share(lambda n=n: resumed.append(n)) for n in range(3))  # type: ignore[misc]
    assert budget.take(first, 80)
    assert budget.take(second, 80)  # the first beyond the limit may go on
    assert not budget.take(third, 10)
    assert not budget.take(first, 10)
    assert budget.take(second, 50)
    budget.give_back(second)
    assert resumed == [2, 0]
    assert budget.used == 100
    for share in (first, third, second):
        budget.give_back(share)
    assert budget.used == 0


def test_a_pace_delays_before_it_refuses() -> None:
    pace = Pace(2.0, 0.0)
    assert [pace.reserve(0.0, 1.0) for _ in range(4)] == [0.0, 0.0, 0.5, 1.0]
    assert pace.reserve(0.0, 1.0) == -1.0
    assert pace.reserve(10.0, 1.0) == 0.0


def test_peers() -> None:
    peers = Peers(2)
    assert [peers.enter("a"), peers.enter("a"), peers.enter("a"), peers.enter("b")] == [
        True,
        True,
        False,
        True,
    ]
    peers.leave("a")
    assert peers.enter("a")
    assert [peers.enter(f"2001:db8::{n}") for n in range(3)] == [True, True, False]
    peers.leave("2001:db8::1")
    assert peers.enter("2001:db8::7")


def test_addresses_of_peers() -> None:
    networks = _parse_networks("10.0.0.0/8, fd00::/8")
    assert is_within("10.1.2.3", networks)  # type: ignore[arg-type]
    assert is_within("::ffff:10.1.2.3", networks)  # type: ignore[arg-type]
    assert is_within("fd00::1%eth0", networks)  # type: ignore[arg-type]
    assert not is_within("11.1.2.3", networks)  # type: ignore[arg-type]
    assert not is_within("", networks)  # type: ignore[arg-type]
    assert is_loopback("127.0.0.1")
    assert is_loopback("::1")
    assert not is_loopback("10.0.0.1")


# Messages

SOURCE = Source(name="tool", controller="acme", default_class="newsletter", default_purpose="news")


def made(
    raw: bytes = MAIL, *rcpts: str, source: Source = SOURCE, sender: str = "bounce@esp.example"
) -> Message:
    mail = parse_mail(f"MAIL FROM:<{sender}> RET=HDRS ENVID=e1\r\n".encode(), extended=True)
    lines = [
        parse_rcpt(f"RCPT TO:<{r}> NOTIFY=NEVER\r\n".encode(), extended=True, utf8=False)
        for r in rcpts or ("Bob@Example.org",)
    ]
    assert isinstance(mail, MailFrom)
    message = compose(source, mail, tuple(r for r in lines if isinstance(r, RcptTo)), raw, ID, 1000.0)
    assert isinstance(message, Message)
    return message


def test_a_message_says_who_writes_what_to_whom() -> None:
    message = made()
    [recipient] = message.recipients
    assert (recipient.address, recipient.key, recipient.name) == ("Bob@Example.org", "bob@example.org", "Bob")
    assert (recipient.notify, message.dsn_return, message.dsn_envelope_id) == ("NEVER", "HDRS", "e1")
    assert (message.sender.address, message.sender.name) == ("ada@example.com", "Ada")
    assert message.envelope_from == "bounce@esp.example"
    assert (message.source, message.controller, message.purpose) == ("tool", "acme", "news")
    assert message.raw == MAIL
    assert message.class_ == ""


def test_declarations() -> None:
    head = (
        b"X-Galateo-Class: Outreach\r\nX-Galateo-Purpose: Events\r\nX-Galateo-Campaign: spring\r\n"
        b"X-Galateo-Recipient-Name: Roberto\r\nX-Galateo-Jurisdiction: DE\r\nX-Galateo-Sequence-Step: 3\r\n"
    )
    message = made(head + MAIL)
    assert (message.class_, message.purpose, message.campaign) == ("outreach", "events", "spring")
    assert (message.sequence_step, message.recipients[0].jurisdiction) == (3, "de")
    assert message.recipients[0].name == message.content.recipient_name == "Roberto"


def test_a_sender_without_from_is_the_envelope() -> None:
    assert made(b"Subject: x\r\n\r\nHi\r\n").sender.address == "bounce@esp.example"


def test_a_repeated_submission_is_known_by_its_message_id() -> None:
    key = made().idempotency_key
    assert key
    assert key == made(b"X-Retry: 2\r\n" + MAIL).idempotency_key
    others = [
        made(MAIL + b"more\r\n"),
        made(MAIL, "carla@example.org"),
        made(MAIL.replace(b"<1@", b"<2@")),
        made(source=SOURCE.model_copy(update={"name": "other"})),
        made(b"Resent-Date: Mon, 2 Mar 2026 10:00:00 +0000\r\n" + MAIL),
    ]
    assert key not in {other.idempotency_key for other in others}
    assert made(MAIL.replace(b"Message-ID: <1@example.com>\r\n", b"")).idempotency_key == ""


def test_a_name_is_for_one_recipient_alone() -> None:
    message = made(MAIL, "bob@example.org", "carla@example.org")
    assert [recipient.name for recipient in message.recipients] == ["", ""]


@pytest.mark.parametrize(
    ("field", "allowed"),
    [
        ("ada@example.com", True),
        ("Ada <ada@EXAMPLE.COM>", True),
        ('"Ada @ Acme" <ada@example.com>', True),
        ("ada@example.com, bob@example.com", True),
        ("ada@example.com, eve@other.example", False),
        ('"ada@example.com" <eve@other.example>', False),
        ("eve@other.example (ada@example.com)", False),
        ("<ada@example.com> <eve@other.example>", False),
        ("Friends: ada@example.com, eve@other.example;", False),
        ("ada@example.com.other.example", False),
        ("=?utf-8?q?ada=40example.com?= <eve@other.example>", False),
        ("", False),
    ],
)
def test_every_address_of_from_must_be_the_sources(field: str, allowed: bool) -> None:
    source = SOURCE.model_copy(update={"from_domains": frozenset({"example.com"})})
    parsed = parse(f"From: {field}\r\n\r\n".encode())
    assert (check_from(source, parsed, "bounce@esp.example") is None) is allowed


@pytest.mark.parametrize("field", ["a:" * 3000 + "x@example.com", "(" * 3000 + "x@example.com"])
def test_a_from_field_that_nobody_can_read_is_refused_for_good(field: str) -> None:
    source = SOURCE.model_copy(update={"from_domains": frozenset({"example.com"})})
    refused = check_from(source, parse(f"From: {field}\r\n\r\n".encode()), "bounce@esp.example")
    assert (refused or b"").startswith(b"550 ")

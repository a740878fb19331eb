"""DSNs and notices, read back with the standard library."""

import email
import email.policy
from dataclasses import replace
from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace as replace_struct

from gateway.delivery import dsn, notice
from gateway.delivery.reply import printable
from gateway.delivery.reports import Reports, Wish
from gateway.delivery.threads import id_in
from gateway.message.content import Content
from gateway.message.envelope import Message, Recipient, Sender
from gateway.store.attempt import Attempt, Kind, Outcome
from tests.delivery.outbox import RAW, entry

NOW = 1_795_000_000.0
FAILED = Attempt(
    outcome=Outcome.FAILED,
    kind=Kind.PERMANENT,
    relay="smtp",
    phase="rcpt",
    code=550,
    enhanced="5.1.1",
    text="5.1.1 no such user",
)
DELAYED = replace(
    FAILED, outcome=Outcome.DEFERRED, kind=Kind.TEMPORARY, code=451, enhanced="4.3.0", text="4.3.0 full"
)


def read(raw: bytes) -> EmailMessage:
    assert raw.count(b"\r\n") == raw.count(b"\n") == raw.count(b"\r")
    return email.message_from_bytes(raw, policy=email.policy.default)  # type: ignore[return-value]


def build(attempt: Attempt = FAILED, **given: object) -> EmailMessage:
    return read(dsn.build(entry(**given), attempt, id="dsn-1", reporter="gateway.example", now=NOW))


def test_a_dsn_says_who_what_and_why() -> None:
    message = build(dsn_envelope_id="QQ+2B1", orcpt="rfc822;Anna+2Bx@example.org", queued_at=NOW - 60)
    assert message["To"] == "news@example.com"
    assert message["Auto-Submitted"] == "auto-replied"
    assert message.get_content_type() == "multipart/report"
    assert message.get_param("report-type") == "delivery-status"
    text, status, returned = message.iter_parts()
    assert "anna@example.org" in text.get_content()
    assert status.get_content_type() == "message/delivery-status"
    whole, recipient = status.get_payload()
    assert whole["Reporting-MTA"] == "dns; gateway.example"
    assert whole["Original-Envelope-Id"] == "QQ+1"
    assert recipient["Final-Recipient"] == "rfc822;anna@example.org"
    assert recipient["Original-Recipient"] == "rfc822;Anna+x@example.org"
    assert recipient["Action"] == "failed"
    assert recipient["Status"] == "5.1.1"
    assert recipient["Diagnostic-Code"] == "smtp; 550 5.1.1 no such user"
    assert returned.get_content_type() == "text/rfc822-headers"
    assert "Subject: Ciao" in returned.get_content()
    assert "Buongiorno" not in returned.get_content()


def test_the_message_is_returned_whole_only_where_asked() -> None:
    *_, returned = build(dsn_return="FULL").iter_parts()
    assert returned.get_content_type() == "message/rfc822"
    assert "Buongiorno" in str(returned)


def test_a_delay_is_no_failure() -> None:
    _, status, _ = build(DELAYED).iter_parts()
    recipient = status.get_payload()[1]
    assert (recipient["Action"], recipient["Status"]) == ("delayed", "4.3.0")


def test_what_was_handed_on_is_relayed_and_never_returned_whole() -> None:
    handed_on = replace(FAILED, outcome=Outcome.DELIVERED, kind=Kind.DELIVERED, code=250, enhanced="2.0.0")
    text, status, returned = build(handed_on, dsn_return="FULL", orcpt="utf-8;x@müller.example").iter_parts()
    assert "handed on" in text.get_content()
    recipient = status.get_payload()[1]
    assert (recipient["Action"], recipient["Status"]) == ("relayed", "2.0.0")
    assert recipient["Diagnostic-Code"] is None
    assert recipient["Original-Recipient"] == r"utf-8;x@m\x{FC}ller.example"
    assert returned.get_content_type() == "text/rfc822-headers"


@pytest.mark.parametrize(("address", "encoding"), [("a@example.org", "7bit"), ("è@example.org", "8bit")])
def test_a_dsn_says_how_it_is_encoded(address: str, encoding: str) -> None:
    message = build(address=address)
    assert message["Content-Transfer-Encoding"] == encoding
    text, status, returned = message.iter_parts()
    found = [part["Content-Transfer-Encoding"] for part in (text, status, returned)]
    assert found == [encoding, encoding, "7bit"]


def test_addresses_beyond_ascii_make_a_global_report() -> None:
    raw = dsn.build(
        entry(address="perché@example.org"), FAILED, id="dsn-1", reporter="gateway.example", now=NOW
    )
    assert b"report-type=global-delivery-status" in raw
    assert b"Content-Type: message/global-delivery-status" in raw
    assert "Final-Recipient: utf-8;perché@example.org".encode() in raw


@pytest.mark.parametrize(
    ("given", "outcome", "wanted"),
    [
        ({}, Outcome.FAILED, True),
        ({}, Outcome.DEFERRED, False),
        ({}, Outcome.DELIVERED, False),
        ({"notify": "NEVER"}, Outcome.FAILED, False),
        ({"notify": "DELAY"}, Outcome.FAILED, False),
        ({"notify": "DELAY,FAILURE"}, Outcome.DEFERRED, True),
        ({"envelope_from": ""}, Outcome.FAILED, False),
        ({"envelope_from": "", "notify": "FAILURE"}, Outcome.FAILED, False),
    ],
)
def test_who_is_told(given: dict[str, str], outcome: Outcome, wanted: bool) -> None:
    assert dsn.wanted(entry(**given), outcome) is wanted


@pytest.mark.parametrize(
    ("attempt", "status"),
    [
        (FAILED, "5.1.1"),
        (replace(FAILED, enhanced=""), "5.0.0"),
        (replace(FAILED, kind=Kind.EXPIRED, enhanced="4.3.0"), "5.4.7"),
        (DELAYED, "4.3.0"),
        (replace(DELAYED, enhanced=""), "4.4.1"),
    ],
)
def test_status_codes(attempt: Attempt, status: str) -> None:
    assert dsn.status_of(attempt) == status


WORDS = st.text(max_size=40)


@given(text=WORDS, envelope_id=WORDS, orcpt=WORDS, address=WORDS, raw=st.binary(max_size=60))
@example(text="", envelope_id="", orcpt="", address="a@b\r\n\r\n--=_dsn-1", raw=b"")
@example(text="", envelope_id="", orcpt="", address="a@b", raw=b"a: b\r\n\r\n.\nx")
def test_nothing_from_outside_breaks_a_dsn(
    text: str, envelope_id: str, orcpt: str, address: str, raw: bytes
) -> None:
    given = entry(dsn_envelope_id=envelope_id, orcpt=orcpt, address=address, raw=raw)
    attempt = replace(FAILED, text=printable(text))
    message = read(dsn.build(given, attempt, id="dsn-1", reporter="g.example", now=NOW))
    assert len(list(message.iter_parts())) == 3
    assert message["To"] == "news@example.com"
    status = list(message.iter_parts())[1]
    if address.isascii():
        assert len(status.get_payload()) == 2


def test_a_sender_that_is_no_address_cannot_add_a_header() -> None:
    raw = dsn.build(entry(envelope_from="a\r\nBcc: b@c"), FAILED, id="d", reporter="g.example", now=NOW)
    assert email.message_from_bytes(raw)["Bcc"] is None


@given(address=WORDS, reason=WORDS, source=WORDS)
def test_nothing_from_outside_breaks_a_notice(address: str, reason: str, source: str) -> None:
    item = notice.Item(address=address, message_id="m-1", reason=reason, at=NOW, what=notice.What.REFUSED)
    raw = notice.build([item], to="ops@example.com", source=source, reporter="g.example", id="n-1", now=NOW)
    message = read(raw)
    assert message["To"] == "ops@example.com"
    assert message["Subject"] == "1 message was not delivered"
    assert "Kind regards" in message.get_content()


def test_a_notice_lists_what_was_refused_apart_from_what_bounced() -> None:
    reports = Reports({"listmonk": Wish(notices="ops@example.com")}, "gateway.example")
    refused = notice.Item(
        address="no@example.org", message_id="m-2", reason="no consent", at=NOW, what=notice.What.REFUSED
    )
    reports.add("listmonk", "acme", refused, NOW)
    assert reports.failed(entry(), FAILED, NOW) == ()
    assert reports.due(NOW + 30) == ()
    [report] = reports.due(NOW + 61)
    assert reports.due(NOW + 200) == ()
    assert (report.address, report.source, report.controller) == ("ops@example.com", "listmonk", "acme")
    text = read(report.raw).get_content()
    assert text.index("Refused by a policy") < text.index("no@example.org") < text.index("not taken")
    assert text.index("not taken") < text.index("anna@example.org")
    assert 'The address does not exist any more: "550 5.1.1 no such user"' in text


def test_a_list_full_of_dead_addresses_makes_one_letter_of_bounded_length() -> None:
    reports = Reports({"listmonk": Wish(notices="ops@example.com")}, "gateway.example")
    for n in range(1000):
        reports.failed(entry(address=f"a{n}@example.org"), FAILED, NOW)
    [report] = reports.flush(NOW)
    assert len(report.raw) < 40_000
    assert "1000 messages were not delivered" in read(report.raw)["Subject"]
    assert "... and 900 more" in read(report.raw).get_content()


def a_message(**given: Any) -> Message:
    recipients = [
        Recipient(channel="email", address=f"{name}@example.org", key=f"e:{name}@example.org", **given)
        for name in ("yes", "no")
    ]
    return Message(
        id="m-3",
        source="shop",
        controller="acme",
        channel="email",
        sender=Sender(address="ada@example.com", key="e:ada@example.com"),
        recipients=tuple(recipients),
        content=Content(channel="email", text="Ciao"),
        raw=RAW,
        envelope_from="bounce@example.com",
        dsn_envelope_id="QQ1",
    )


def test_who_asked_for_dsns_gets_one_for_each_recipient_refused_by_a_policy() -> None:
    reports = Reports({"shop": Wish(dsn=True), "quiet": Wish(notices="ops@example.com")}, "gateway.example")
    message = a_message(orcpt="rfc822;no@example.net")
    reason = "This person did not agree to it: perché?"
    [report] = reports.refused(message, message.recipients[1], reason, NOW)
    assert (report.address, report.id) == ("bounce@example.com", "dsn-m-3-1")
    text, status, returned = read(report.raw).iter_parts()
    assert "A policy refused it:" in text.get_content()
    assert reason in text.get_content()
    whole, one = status.get_payload()
    assert whole["Original-Envelope-Id"] == "QQ1"
    assert (one["Final-Recipient"], one["Status"], one["Action"]) == (
        "rfc822;no@example.org",
        "5.7.1",
        "failed",
    )
    assert one["Original-Recipient"] == "rfc822;no@example.net"
    assert "Subject: Ciao" in returned.get_content()
    assert report.raw.isascii()  # it may leave by a relay that takes no 8-bit text
    never = a_message(notify="NEVER")
    assert reports.refused(never, never.recipients[1], reason, NOW) == ()
    quiet = replace_struct(message, source="quiet")
    assert reports.refused(quiet, quiet.recipients[1], reason, NOW) == ()
    [letter] = reports.flush(NOW)
    assert "no@example.org" in read(letter.raw).get_content()


def test_what_the_relay_never_saw_is_not_told_as_its_words() -> None:
    unfit = replace(FAILED, phase="route", code=0, enhanced="5.6.3", text="the relay takes no 8-bit text")
    text, _, _ = build(unfit).iter_parts()
    assert "The gateway says:" in text.get_content()
    assert "The mail relay said:" not in text.get_content()


def test_a_notice_that_fails_makes_no_notice() -> None:
    reports = Reports({"listmonk": Wish(notices="ops@example.com", dsn=True)}, "gateway.example")
    assert reports.failed(entry(envelope_from="", address="ops@example.com"), FAILED, NOW) == ()
    assert reports.flush(NOW) == ()
    assert reports.failed(entry(source="unknown"), FAILED, NOW) == ()
    assert RAW


def test_what_is_italian_says_all_of_it_in_italian() -> None:
    wishes = {"shop": Wish(notices="ops@example.com", dsn=True, language="it")}
    reports = Reports(wishes, "gateway.example")
    [report] = reports.failed(entry(source="shop"), FAILED, NOW)
    message = read(report.raw)
    assert (message["Subject"], message["Content-Language"]) == ("Messaggio non consegnato", "it")
    [text, *_] = message.iter_parts()
    assert "Il server di posta ha risposto:" in text.get_content()
    reports.refused(a_message(), a_message().recipients[1], "Non c'è un consenso.", NOW)
    [letter] = reports.flush(NOW)
    assert letter.raw.isascii()
    written = read(letter.raw)
    assert written["Subject"] == "2 messaggi non sono stati consegnati"
    assert written["Content-Language"] == "it"
    said = written.get_content()
    for word in (
        "Buongiorno",
        "Rifiutati da una policy",
        "Non c'è un consenso.",
        'L\'indirizzo non esiste più: "550 5.1.1 no such user"',
        "18 novembre 2026",
        "Cordiali saluti",
    ):
        assert word in said
    assert not {"Good", "Refused", "message", "What"} & set(said.replace(",", " ").split())


THREAD = b"From: a@b\r\nMessage-ID: <one@example.com>\r\nSubject: Ciao\r\n\r\nText"


def test_a_report_about_one_message_stands_in_its_thread_and_answers_nobody() -> None:
    reports = Reports({"shop": Wish(notices="ops@example.com", dsn=True)}, "gateway.example")
    [report] = reports.failed(entry(source="shop", raw=THREAD), FAILED, NOW)
    dsn_ = read(report.raw)
    assert (dsn_["In-Reply-To"], dsn_["References"]) == ("<one@example.com>", "<one@example.com>")
    assert dsn_["Auto-Submitted"] == "auto-replied"
    letter = read(reports.flush(NOW)[0].raw)
    assert (letter["In-Reply-To"], letter["References"]) == ("<one@example.com>", "<one@example.com>")
    assert (letter["Auto-Submitted"], letter["X-Auto-Response-Suppress"]) == ("auto-generated", "All")


def test_a_notice_about_several_messages_belongs_to_none_of_their_threads() -> None:
    reports = Reports({"shop": Wish(notices="ops@example.com")}, "gateway.example")
    for raw in (THREAD, THREAD.replace(b"one@", b"two@")):
        reports.failed(entry(source="shop", raw=raw), FAILED, NOW)
    assert read(reports.flush(NOW)[0].raw)["In-Reply-To"] is None
    for raw in (THREAD, b"From: a@b\r\n\r\nMessage-ID: <body@example.com>\r\n"):
        reports.failed(entry(source="shop", raw=raw), FAILED, NOW)
    assert read(reports.flush(NOW)[0].raw)["In-Reply-To"] is None


@pytest.mark.parametrize(
    ("head", "found"),
    [
        (b"message-id:\r\n <a@b.example>\r\n", "<a@b.example>"),
        (b"X: y\r\nMESSAGE-ID:<a@b>  \r\n", "<a@b>"),
        (b"Message-ID: <a@b> <c@d>\r\n", ""),
        (b"Message-ID: no-brackets@b\r\n", ""),
        (b"Message-ID: <a b@c>\r\n", ""),
        (b"Message-ID: <per\xc3\xb2@c>\r\n", ""),
        (b"Message-ID: <" + b"a" * 300 + b"@c>\r\n", ""),
        (b"Message-ID: <a@b@c>\r\n", ""),
        (b"Resent-Message-ID: <a@b>\r\n", ""),
        (b"Subject: x\r\n\r\nMessage-ID: <a@b>\r\n", ""),
        (b"Message-ID: <a@b\r\nBcc: x@y>\r\n", ""),
    ],
)
def test_which_message_id_is_known(head: bytes, found: str) -> None:
    assert id_in(head + b"\r\ntext") == found


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1", "web_1.example", "bücher.example"])
def test_a_notice_is_written_whatever_the_gateway_is_called(host: str) -> None:
    reports = Reports({"shop": Wish(notices="ops@example.com", language="it")}, host)
    reports.failed(entry(source="shop"), FAILED, NOW)
    [letter] = reports.flush(NOW)
    assert read(letter.raw)["From"].addresses[0].username == "postmaster"


def test_a_notice_goes_where_it_is_wanted_by_then() -> None:
    reports = Reports({"listmonk": Wish(notices="ops@example.com")}, "gateway.example")
    reports.failed(entry(), FAILED, NOW)
    reports.adopt({"listmonk": Wish(notices="others@example.com")})
    [report] = reports.due(NOW + 61)
    assert report.address == "others@example.com"
    for wishes in ({}, {"listmonk": Wish(dsn=True)}):
        reports.adopt({"listmonk": Wish(notices="ops@example.com")})
        reports.failed(entry(), FAILED, NOW)
        reports.adopt(wishes)
        assert reports.due(NOW + 61) == reports.flush(NOW) == ()

"""Delivery status and abuse reports as they come, and as they should not."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ledger.report import DeliveryStatus, read_report

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"


def dsn(*groups: str, original: str = "Message-ID: <m3@acme.test>\r\nTo: Bo <bo@example.test>\r\n") -> bytes:
    """A delivery status notification with these per-recipient groups."""
    lines = [
        "From: MAILER-DAEMON@mx.example.test",
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b1"',
        "",
        "--b1",
        "Content-Type: text/plain",
        "",
        "Sorry.",
        "--b1",
        "Content-Type: message/delivery-status",
        "",
        "Reporting-MTA: dns; mx.example.test",
        "",
        "\r\n\r\n".join(groups),
        "",
        "--b1",
        "Content-Type: text/rfc822-headers",
        "",
        original,
        "--b1--",
        "",
    ]
    return "\r\n".join(lines).encode()


def status(status: str, action: str = "failed", diagnostic: str = "") -> DeliveryStatus:
    group = f"Final-Recipient: rfc822; bo@example.test\r\nAction: {action}\r\nStatus: {status}"
    if diagnostic:
        group += f"\r\nDiagnostic-Code: smtp; {diagnostic}"
    report = read_report(dsn(group))
    assert report is not None
    [found] = report.statuses
    return found


@pytest.mark.parametrize("code", ["5.1.1", "5.1.2", "5.1.10", "5.2.1", "5.4.4"])
def test_nobody_is_there(code: str) -> None:
    assert status(code).hard


@pytest.mark.parametrize(
    "code",
    [
        "",
        "5.0.0",
        "5.1.0",
        "5.1.7",
        "5.1.8",
        "5.2.0",
        "5.2.2",
        "5.2.3",
        "5.3.4",
        "5.4.6",
        "5.6.1",
        "5.7.1",
        "5.7.26",
        "4.2.2",
        "4.4.1",
    ],
)
def test_the_address_may_be_alive(code: str) -> None:
    found = status(code)
    assert found.failed
    assert not found.hard


@pytest.mark.parametrize("action", ["delayed", "delivered", "relayed", "expanded"])
def test_only_failed_is_a_failure(action: str) -> None:
    assert not status("5.1.1", action).failed
    assert not status("5.1.1", action).hard


def test_a_telling_diagnostic_beats_a_vague_status() -> None:
    assert status("5.0.0", diagnostic="550 5.2.2 mailbox full").status == "5.2.2"
    assert status("5.1.1", diagnostic="550 5.7.1 no").status == "5.1.1"
    assert status("5.0.0", diagnostic="421 4.2.2 later").status == "5.0.0"


def test_original_message_and_both_recipients() -> None:
    report = read_report(
        dsn(
            "Original-Recipient: rfc822;bo+2Btag@example.test\r\n"
            "Final-Recipient: RFC822; <bo@mx.example.test>\r\n"
            "Action: failed (for good)\r\nStatus: 5.1.1 (unknown)",
            "Final-Recipient: rfc822; cy@example.test\r\nAction: delivered\r\nStatus: 2.0.0",
        )
    )
    assert report is not None
    assert report.kind == "delivery"
    assert report.message_ids == ("<m3@acme.test>",)
    assert report.addresses == ("bo@example.test",)
    first, second = report.statuses
    assert set(first.addresses) >= {"bo+tag@example.test", "bo@mx.example.test"}
    assert first.hard
    assert second.action == "delivered"


def test_no_recipient_no_status() -> None:
    report = read_report(
        dsn("Action: failed\r\nStatus: 5.1.1", "Final-Recipient: rfc822; not an address\r\nAction: failed")
    )
    assert report is not None
    assert report.statuses == ()


def test_a_group_encoded_by_itself() -> None:
    group = "RmluYWwtUmVjaXBpZW50OiByZmM4MjI7IGJvQGV4YW1wbGUudGVzdApBY3Rpb246IGZhaWxlZApTdGF0dXM6IDUuMS4xCg=="
    raw = dsn(group).replace(
        b"Reporting-MTA: dns; mx.example.test", b"Reporting-MTA: dns; mx\r\nContent-Transfer-Encoding: base64"
    )
    report = read_report(raw)
    assert report is not None
    assert [s.hard for s in report.statuses] == [True]


def test_a_bounce_without_a_report() -> None:
    raw = (
        b"X-Failed-Recipients: bo@example.test, cy@example.test\r\n\r\n"
        b"  bo@example.test\r\n    Unrouteable address\r\n  cy@example.test\r\n    retry timeout exceeded\r\n"
        b"------ This is a copy of the message. ------\r\n\r\n  cy@example.test\r\n    No Such User Here\r\n"
    )
    report = read_report(raw)
    assert report is not None
    assert [s.addresses for s in report.statuses] == [("bo@example.test",), ("cy@example.test",)]
    assert [s.hard for s in report.statuses] == [True, False]


EXIM = """This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of its
recipients. This is a permanent error. The following address(es) failed:

  Bo@example.test
    {}
"""
OPENSMTPD = """    Hi!

    An error has occurred while attempting to deliver a message for
    the following list of recipients:

bo@example.test: {}
cy@example.test: 550 No such user here
"""
QMAIL = """Hi. This is the qmail-send program at example.test.

<bo@example.test>:
{}

--- Below this line is a copy of the message.
"""


@pytest.mark.parametrize(
    ("said", "hard", "code"),
    [
        ("retry timeout exceeded", False, "5.0.0"),
        ("all hosts for 'example.test' have been failing for a long time", False, "5.0.0"),
        ("554 5.7.1 content refused", False, "5.7.1"),
        ("550 relay not permitted", False, "5.0.0"),
        ("550 Invalid recipient", False, "5.0.0"),
        ("552 Mailbox is full", False, "5.2.2"),
        ("Unrouteable address", True, "5.0.0"),
        ("550 No Such User Here", True, "5.0.0"),
        ("host mx\n    SMTP error after RCPT TO:<bo@example.test>:\n    550 5.1.1 no", True, "5.1.1"),
        ("Sorry, no mailbox here by that name. (#5.1.1)", True, "5.1.1"),
    ],
)
@pytest.mark.parametrize("letter", [EXIM, OPENSMTPD, QMAIL])
def test_a_vague_status_is_read_with_what_the_text_says(
    letter: str, said: str, hard: bool, code: str
) -> None:
    raw = dsn("Final-Recipient: rfc822;bo@example.test\r\nAction: failed\r\nStatus: 5.0.0")
    report = read_report(raw.replace(b"Sorry.", letter.format(said).replace("\n", "\r\n").encode()))
    assert report is not None
    assert [(s.hard, s.code) for s in report.statuses] == [(hard, code)]


def test_an_ip_address_is_no_status() -> None:
    found = status("5.0.0", diagnostic="550 host 185.1.1.20 is not welcome")
    assert (found.status, found.hard) == ("5.0.0", False)


def arf(
    fields: str, copy: str = "Message-ID: <m3@acme.test>\r\nTo: cy@example.test\r\n\r\nHello\r\n"
) -> bytes:
    return (
        'Content-Type: multipart/report; report-type=feedback-report; boundary="b2"\r\n\r\n'
        "--b2\r\nContent-Type: text/plain\r\n\r\nA report.\r\n"
        "--b2\r\nContent-Type: message/feedback-report\r\n\r\n"
        f"{fields}\r\n--b2\r\nContent-Type: message/rfc822\r\n\r\n{copy}\r\n--b2--\r\n"
    ).encode()


@pytest.mark.parametrize(
    ("type_", "complains", "unsubscribes"),
    [
        ("abuse", True, False),
        ("Fraud", True, False),
        ("virus", True, False),
        ("other", True, False),
        ("not-spam", False, False),
        ("auth-failure", False, False),
        ("opt-out", False, True),
        ("", False, False),
    ],
)
def test_feedback_types(type_: str, complains: bool, unsubscribes: bool) -> None:
    report = read_report(arf(f"Feedback-Type: {type_}\r\nUser-Agent: x/1\r\nVersion: 1\r\n"))
    assert report is not None
    assert (report.complains, report.unsubscribes) == (complains, unsubscribes)


def test_feedback_names() -> None:
    report = read_report(
        arf(
            "Feedback-Type: abuse\r\nOriginal-Mail-From: <b+1@in.acme.test>\r\n"
            "Original-Rcpt-To: <cy@example.test>\r\n"
        )
    )
    assert report is not None
    assert report.return_paths == ("b+1@in.acme.test",)
    assert report.addresses == ("cy@example.test",)
    assert report.message_ids == ("<m3@acme.test>",)


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"\r\n", b"From: a@b.example\r\n\r\nHello", b"Content-Type: multipart/report\r\n\r\n--x\r\n",
        b"Content-Type: multipart/report; boundary=\r\n\r\n",
        b"Content-Type: multipart/report; boundary=x\r\n\r\n--x--",
    ],
)  # fmt: skip
def test_no_report(raw: bytes) -> None:
    assert read_report(raw) is None


@pytest.mark.parametrize("sample", ["dsn_rfc3464", "arf_rfc5965"])
def test_recorded_reports(sample: str) -> None:
    file = SHARED / "payloads" / f"{sample}.json"
    if not file.exists():
        pytest.skip(f"the recorded payload {sample} is not here")
    report = read_report(json.loads(file.read_text())["raw_message"].encode())
    assert report is not None
    assert report.message_ids == ("<m3@acme.test>",)
    assert report.complains or [s.hard for s in report.statuses] == [True]


@pytest.mark.parametrize(
    ("name", "addresses"),
    [
        ("MimeKit__bounce", 1), ("MimeKit__delivery-status2", 1),
        ("mail__report_530", 1), ("mail__report_422", 1),
        ("mail__multipart_report_multiple_status", 1), ("MimeKit__delivery-status-multiple-blank-lines", 1),
    ],
)  # fmt: skip
def test_bounces_of_real_servers(name: str, addresses: int) -> None:
    file = SHARED / "eml" / f"{name}.eml"
    if not file.exists():
        pytest.skip(f"the sample mail {name} is not here")
    report = read_report(file.read_bytes())
    assert report is not None
    assert len(report.statuses) == addresses


WHOLE = [
    dsn("Final-Recipient: rfc822; bo@example.test\r\nAction: failed\r\nStatus: 5.1.1"),
    arf("Feedback-Type: abuse\r\nOriginal-Rcpt-To: <cy@example.test>\r\n"),
]


@given(st.sampled_from(WHOLE), st.data())
def test_damage_is_read_or_not_but_never_raises(raw: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(raw)))
    until = data.draw(st.integers(at, len(raw)))
    damaged = raw[:at] + data.draw(st.binary(max_size=30)) + raw[until:]
    report = read_report(damaged)
    assert report is None or report.kind in ("delivery", "feedback", "disposition")


@given(st.binary(max_size=400))
def test_any_octets(raw: bytes) -> None:
    read_report(raw)
    read_report(
        b'Content-Type: multipart/report; boundary="x"\r\n\r\n'
        b"--x\r\nContent-Type: message/delivery-status\r\n\r\n" + raw
    )


@pytest.mark.parametrize(
    "raw",
    [
        b'Content-Type: multipart/mixed; boundary="x"\r\n\r\n' + b"--x\r\n" * 100_000,
        b'Content-Type: multipart/mixed; boundary="x"\r\n\r\n'
        + b"\r\n--x\r\nContent-Type: multipart/mixed; boundary=x\r\n" * 20_000,
        dsn(
            "\r\n\r\n".join(
                "Final-Recipient: rfc822; bo@example.test\r\nAction: failed" for _ in range(20_000)
            )
        ),
        dsn("Diagnostic-Code: " + "5." * 200_000 + "\r\n " * 100_000),
        b"Content-Type: multipart/report;" + b" " * 900_000 + b"boundary=x\r\n\r\n--x\r\n",
        b"X-Failed-Recipients: " + b"a@b.example, " * 70_000 + b"\r\n\r\n",
        b"X-Failed-Recipients: a@b.example\r\n\r\n" + b"a@b.example\r\n " * 50_000,
        b"X-Failed-Recipients: a@b.example\r\n\r\n" + b" a(" * 300_000,
        b"X-Failed-Recipients: a@b.example\r\n\r\nb@b.example:" + b"a" * 900_000,
    ],
)
@pytest.mark.timeout(10)
def test_hostile_sizes_take_bounded_time(raw: bytes) -> None:
    report = read_report(raw)
    assert report is None or len(report.statuses) <= 200

"""Delivery status notifications (RFC 3461, 3464), for sources that ask for them. Pure.

A DSN is a multipart/report from the null sender with Auto-Submitted: auto-replied, so that nothing answers
it, and no DSN is made of a message that itself came from the null sender: loops cannot be.
"""

import re
from binascii import b2a_qp
from datetime import UTC, datetime
from email.utils import format_datetime

from gateway.delivery.outbox import Entry
from gateway.delivery.reply import printable
from gateway.delivery.threads import id_in, thread_fields
from gateway.delivery.transaction import is_clean, orcpt_in_ascii
from gateway.policy.outcome import Words
from gateway.store.attempt import Attempt, Outcome

_ASKED = {Outcome.FAILED: "FAILURE", Outcome.DEFERRED: "DELAY", Outcome.DELIVERED: "SUCCESS"}
_ACTIONS = {Outcome.FAILED: "failed", Outcome.DEFERRED: "delayed", Outcome.DELIVERED: "relayed"}
# All in ASCII, so that any relay takes them.
_SUBJECTS = {
    Outcome.FAILED: Words("Message not delivered", "Messaggio non consegnato"),
    Outcome.DEFERRED: Words("Message delayed", "Messaggio in ritardo"),
    Outcome.DELIVERED: Words("Message handed on", "Messaggio inoltrato"),
}
_SENTENCES = {
    Outcome.FAILED: (
        Words("Your message could not be delivered to", "Impossibile consegnare il messaggio a"),
        Words("It will not be tried again.", "Non ci saranno altri tentativi."),
    ),
    Outcome.DEFERRED: (
        Words("Your message has not yet been delivered to", "Il messaggio non ha ancora raggiunto"),
        Words(
            "It will be tried again; nothing need be done.",
            "Ci saranno altri tentativi; non occorre fare nulla.",
        ),
    ),
    Outcome.DELIVERED: (
        Words(
            "Your message was handed on to a mail server for",
            "Un altro server di posta ha preso in consegna il messaggio per",
        ),
        Words(
            "That server does not report what becomes of it: there may be no further notice.",
            "Quel server non riferisce che cosa ne sia: potrebbero non arrivare altri avvisi.",
        ),
    ),
}
_SAID = {
    "relay": Words("The mail relay said:", "Il server di posta ha risposto:"),
    "policy": Words("A policy refused it:", "Lo ha rifiutato una policy:"),
    "gateway": Words("The gateway says:", "Il gateway dice:"),
}
_MOST_RETURNED = 65536  # bytes of a message that is returned whole; longer ones only with their header


def wanted(entry: Entry, outcome: Outcome) -> bool:
    """Whether the sender of this entry may be told of this outcome (RFC 3461 4.1, RFC 5321 4.5.5)."""
    if not entry.envelope_from:
        return False
    asked = set(entry.notify.upper().split(",")) if entry.notify else {"FAILURE"}
    return _ASKED[outcome] in asked


def build(
    entry: Entry,
    attempt: Attempt,
    *,
    id: str,  # noqa: A002
    reporter: str,
    now: float,
    language: str = "en",
) -> bytes:
    """The notification's octets, addressed to the entry's envelope sender.

    `reporter` is the gateway's own host name, `id` unique; `now` unix seconds. Failed; for a deferred
    attempt, delayed; for one that delivered, relayed.
    """
    utf8 = not (entry.envelope_from + entry.address).isascii()
    boundary = f"=_{id}"
    explained, how = _explain(entry, attempt, language), ""
    if not (utf8 or explained.isascii()):  # what takes the rest of it may take no 8-bit text
        explained, how = _quoted(explained), "quoted-printable"
    type_, returned = _returned(entry, attempt)
    parts = [
        ("text/plain; charset=utf-8", how, explained),
        (f"message/{'global-' if utf8 else ''}delivery-status", "", _status(entry, attempt, reporter, utf8)),
        (type_, "", returned),
    ]
    plain = all(part.isascii() for *_, part in parts)
    head = [
        f"From: Mail delivery <postmaster@{reporter}>",
        f"To: <{one_line(entry.envelope_from)}>",
        f"Subject: {_SUBJECTS[attempt.outcome].in_(language)}",
        f"Date: {_date(now)}",
        f"Message-ID: <{id}@{reporter}>",
        *(f"{name}: {value}" for name, value in thread_fields([id_in(entry.raw)])),
        "Auto-Submitted: auto-replied",
        f"Content-Language: {language}",
        "MIME-Version: 1.0",
        f"Content-Type: multipart/report; report-type={'global-' if utf8 else ''}delivery-status;",
        f' boundary="{boundary}"',
        f"Content-Transfer-Encoding: {'7bit' if plain else '8bit'}",
    ]
    body = [
        f"--{boundary}\r\nContent-Type: {type_}\r\n"
        f"Content-Transfer-Encoding: {how or ('7bit' if part.isascii() else '8bit')}\r\n\r\n".encode()
        + part
        + b"\r\n"
        for type_, how, part in parts
    ]
    return "\r\n".join([*head, "", ""]).encode() + b"".join(body) + f"--{boundary}--\r\n".encode()


def _quoted(text: bytes) -> bytes:
    return b2a_qp(text.replace(b"\r\n", b"\n"), istext=True).replace(b"\n", b"\r\n")


def _explain(entry: Entry, attempt: Attempt, language: str) -> bytes:
    first, last = (text.in_(language) for text in _SENTENCES[attempt.outcome])
    said = attempt.text or attempt.kind.value
    who = "relay" if attempt.code else "policy" if attempt.phase == "policy" else "gateway"
    lines = [
        first,
        "",
        f"    {one_line(entry.address)}",
        "",
        _SAID[who].in_(language),
        "",
        f"    {said}",
        "",
        last,
        "",
    ]
    return "\r\n".join(lines).encode()


def _status(entry: Entry, attempt: Attempt, reporter: str, utf8: bool) -> bytes:
    message = [f"Reporting-MTA: dns; {reporter}"]
    if entry.dsn_envelope_id:
        message.append(f"Original-Envelope-Id: {printable(_from_xtext(entry.dsn_envelope_id))}")
    message.append(f"Arrival-Date: {_date(entry.queued_at)}")
    recipient = []
    if entry.orcpt:
        kind, _, address = orcpt_in_ascii(entry.orcpt).partition(";")
        recipient.append(f"Original-Recipient: {printable(kind)};{printable(_from_xtext(address))}")
    recipient += [
        f"Final-Recipient: {'utf-8' if utf8 else 'rfc822'};{one_line(entry.address)}",
        f"Action: {_ACTIONS[attempt.outcome]}",
        f"Status: {status_of(attempt)}",
    ]
    if attempt.code and attempt.phase != "http" and attempt.outcome is not Outcome.DELIVERED:
        recipient.append(f"Diagnostic-Code: smtp; {attempt.code} {attempt.text}".rstrip())
    return "\r\n".join([*message, "", *recipient, ""]).encode()


def status_of(attempt: Attempt) -> str:
    """The RFC 3463 code of an attempt: what the relay gave, else what says the same."""
    if attempt.outcome is Outcome.DELIVERED:
        return "2.0.0"
    if attempt.outcome is Outcome.DEFERRED:
        return attempt.enhanced if attempt.enhanced.startswith("4") else "4.4.1"
    if attempt.kind.value == "expired":
        return "5.4.7"
    return attempt.enhanced if attempt.enhanced.startswith("5") else "5.0.0"


def _returned(entry: Entry, attempt: Attempt) -> tuple[str, bytes]:
    """The message, or its header: of one that did not fail only that (RFC 3461 4.3)."""
    raw = entry.raw
    if entry.format != "mime" or not is_clean(raw):
        return "text/rfc822-headers", b""
    full = entry.dsn_return == "FULL" and attempt.outcome is Outcome.FAILED
    if full and len(raw) <= _MOST_RETURNED and raw.isascii():
        return "message/rfc822", raw
    head = (raw.partition(b"\r\n\r\n")[0] + b"\r\n")[:_MOST_RETURNED]
    return "text/rfc822-headers" if head.isascii() else "message/global-headers", head


def _from_xtext(text: str) -> str:
    return re.sub(r"\+([0-9A-F]{2})", lambda found: chr(int(found[1], 16)), text)


def one_line(text: str, limit: int = 320) -> str:
    """The text without anything that could begin another line or hide."""
    return "".join(sign if sign.isprintable() else "?" for sign in text[:limit])


def _date(seconds: float) -> str:
    return format_datetime(datetime.fromtimestamp(seconds, UTC))

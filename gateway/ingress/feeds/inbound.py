"""Mail that a provider received and posts here: SendGrid's Inbound Parse, Mailgun's routes, Postmark's
inbound stream. Each becomes the message that it was, for the same eyes as mail to the reply listener. Pure.

Whether the author is who it says is the provider's word: SendGrid's stands in fields of its own; Mailgun's
and Postmark's in header fields, which an author could write too, so it counts where the options say that the
provider checks (`spam_checks: true`) and the field is there once.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from email.utils import parseaddr
from typing import Any

from gateway.ingress.dialects.forms import Form, Part
from gateway.ingress.feeds.told import inner, line, obj, rows
from gateway.intake.inbound import Inbound
from gateway.message.body import decode_text
from gateway.message.mailbox import is_address

MOST_FIELDS = 300
LONGEST_FIELD = 8_000
LONGEST_TEXT = 1_000_000
_NAME = re.compile(r"[!-9;-~]{1,76}\Z")
_MADE = frozenset(
    "content-type content-transfer-encoding content-disposition mime-version authentication-results".split()
)
_DKIM = re.compile(r"@([A-Za-z0-9.-]{1,253})\s*:\s*pass\b")
_SIGNER = re.compile(r"(?:\A|;)\s*d\s*=\s*([A-Za-z0-9.-]{1,253})")

Fields = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """One post: its form, or its body where it is JSON, and the options of the source for this feed."""

    form: Form
    body: Any
    options: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """Mail as it was posted: whole, the path it came by, and the domains that the provider vouches for."""

    raw: bytes
    mail_from: str
    recipients: tuple[str, ...]
    vouched: frozenset[str] = frozenset()

    def inbound(self, controller: str, now: float, *, believed: bool) -> Inbound:
        """For the gateway's own eyes; what nobody is known to have posted vouches for nothing."""
        return Inbound(
            raw=self.raw,
            mail_from=self.mail_from,
            recipients=self.recipients,
            received_at=now,
            vouched=self.vouched if believed else frozenset(),
            controller=controller,
        )


def sendgrid(posted: Posted) -> Arrived | None:
    """A form; in raw mode the whole message is in `email`."""
    form = posted.form
    charsets = obj(inner(_text(form, "charsets", {})))
    envelope = obj(inner(_text(form, "envelope", {})))
    said = envelope.get("to")
    to = [line(one) for one in said[:50]] if isinstance(said, list) else []
    sender = line(envelope.get("from"))
    raw = _octets(form, "email")
    if not raw:
        fields = _split(_text(form, "headers", charsets))
        fields = _completed(fields, {name: _text(form, name, charsets) for name in ("from", "to", "subject")})
        raw = build(fields, _text(form, "text", charsets), _text(form, "html", charsets))
    vouched = {domain.lower() for domain in _DKIM.findall(_text(form, "dkim", {})[:2000])}
    if _text(form, "SPF", {}).strip().lower() == "pass":
        vouched.add(_domain(sender))
    return _arrived(raw, sender, to, vouched)


def mailgun(posted: Posted) -> Arrived | None:
    """A form; with a URL that ends in `mime` the whole message is in `body-mime`."""
    form = posted.form
    told = inner(_text(form, "message-headers", {}))
    fields = [
        (each[0], each[1])
        for each in (told if isinstance(told, list) else [])[:MOST_FIELDS]
        if isinstance(each, list) and len(each) == 2 and all(isinstance(one, str) for one in each)
    ]
    sender = line(_text(form, "sender", {}))
    raw = _octets(form, "body-mime")
    if raw:
        fields = _split(raw.partition(b"\r\n\r\n")[0].decode("utf-8", "replace"))
    else:
        names = ("from", "to", "subject", "Message-Id", "In-Reply-To", "References")
        fields = _completed(fields, {name: _text(form, name, {}) for name in names})
        raw = build(fields, _text(form, "body-plain", {}), _text(form, "body-html", {}))
    vouched = set()
    if posted.options.get("spam_checks") is True:
        if _once(fields, "x-mailgun-spf").lower() == "pass":
            vouched.add(_domain(sender))
        signer = _SIGNER.search(_once(fields, "dkim-signature"))
        if signer and _once(fields, "x-mailgun-dkim-check-result").lower() == "pass":
            vouched.add(signer[1].lower())
    return _arrived(raw, sender, [line(_text(form, "recipient", {}))], vouched)


def postmark(posted: Posted) -> Arrived | None:
    """JSON, with the parts of the message under names of their own."""
    item = obj(posted.body)
    listed = [(line(each.get("Name")), str(each.get("Value") or "")) for each in rows(item.get("Headers"))]
    author = line(obj(item.get("FromFull")).get("Email")) or line(item.get("From"))
    message_id = line(item.get("MessageID"))
    fields = _completed(
        listed[:MOST_FIELDS],
        {
            "from": author,
            "to": line(item.get("To"), 1000),
            "subject": line(item.get("Subject"), 1000),
            "date": line(item.get("Date")),
            "message-id": f"<{message_id}@inbound.postmarkapp.com>" if message_id else "",
        },
    )
    said = [item.get("TextBody"), item.get("HtmlBody")]
    raw = build(fields, *(one if isinstance(one, str) else "" for one in said))
    named = [line(each.get("Email")) for name in ("ToFull", "CcFull") for each in rows(item.get(name))]
    returned = _once(fields, "return-path")
    sender = returned.strip("<> ") if returned else author
    vouched = set()
    if posted.options.get("spam_checks") is True:
        if "DKIM_VALID_AU" in _once(fields, "x-spam-tests").replace(" ", "").split(","):
            vouched.add(_domain(author))
        if _once(fields, "received-spf").lower().startswith("pass"):
            vouched.add(_domain(sender))
    return _arrived(raw, sender, [line(item.get("OriginalRecipient")), *named], vouched)


@dataclass(frozen=True, slots=True, kw_only=True)
class InboundFeed:
    """One provider's posts of mail; `form` says that they are forms. `read` never raises; None where there is
    no mail in what came."""

    name: str
    form: bool
    read: Callable[[Posted], Arrived | None]


INBOUND: tuple[InboundFeed, ...] = (
    InboundFeed(name="sendgrid-inbound", form=True, read=sendgrid),
    InboundFeed(name="mailgun-routes", form=True, read=mailgun),
    InboundFeed(name="postmark-inbound", form=False, read=postmark),
)
"""Every one."""


def build(fields: Fields, text: str, html: str) -> bytes:
    """The message out of its header fields and its text, the HTML where there is none."""
    lines = []
    for name, value in fields[:MOST_FIELDS]:
        if _NAME.match(name) and name.lower() not in _MADE:
            lines.append(f"{name}: {' '.join(value[:LONGEST_FIELD].split())}".replace("\0", ""))
    kind = "plain" if text.strip() or not html else "html"
    lines += [
        "MIME-Version: 1.0",
        f"Content-Type: text/{kind}; charset=utf-8",
        "Content-Transfer-Encoding: 8bit",
    ]
    body = (text if kind == "plain" else html)[:LONGEST_TEXT].replace("\0", "")
    return "\r\n".join([*lines, "", *body.splitlines(), ""]).encode("utf-8", "replace")


def _arrived(raw: bytes, sender: str, to: list[str], vouched: set[str]) -> Arrived | None:
    recipients = tuple(one for one in to if is_address(one))
    if not raw.strip() or (sender and not is_address(sender)):
        return None
    return Arrived(raw=raw, mail_from=sender, recipients=recipients, vouched=frozenset(vouched - {""}))


def _completed(fields: Fields, known: Mapping[str, str]) -> list[tuple[str, str]]:
    """The header with what the post says besides it and it lacks."""
    there = {name.lower() for name, _ in fields}
    return [*fields, *((name, value) for name, value in known.items() if value and name.lower() not in there)]


def _split(header: str) -> list[tuple[str, str]]:
    """The fields of a header as text, folded lines joined."""
    unfolded = re.sub(r"\r?\n[ \t]+", " ", header[:200_000])
    pairs = (each.partition(":") for each in unfolded.splitlines()[:MOST_FIELDS])
    return [(name.strip(), value.strip()) for name, mark, value in pairs if mark]


def _once(fields: Fields, name: str) -> str:
    """The value of a field that is there exactly once."""
    found = [value.strip() for each, value in fields if each.lower() == name]
    return found[0] if len(found) == 1 else ""


def _domain(address: str) -> str:
    return parseaddr(address)[1].rpartition("@")[2].lower()


def _part(form: Form, name: str) -> Part | None:
    return next((part for part in form.parts if part.name == name), None)


def _octets(form: Form, name: str) -> bytes:
    part = _part(form, name)
    raw = part.octets if part else b""
    return raw.replace(b"\0", b"").replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")


def _text(form: Form, name: str, charsets: Mapping[str, Any]) -> str:
    part = _part(form, name)
    if part is None:
        return ""
    return decode_text(part.octets, line(charsets.get(name), 40) or "utf-8")

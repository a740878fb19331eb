"""A whole message that comes by HTTP: as by SMTP, with what a provider does to one. Pure."""

from collections.abc import Sequence
from email.utils import formatdate

from msgspec.structs import replace

from gateway.access import Source
from gateway.ingress.dialects.bad import Bad
from gateway.ingress.dialects.letter import Party, domain_of
from gateway.ingress.smtp_commands import MailFrom, MailOptions, RcptOptions, RcptTo
from gateway.ingress.smtp_message import compose
from gateway.message.envelope import Message
from gateway.message.headers import Headers, read_person
from gateway.message.mailbox import is_address
from gateway.message.parse import parse
from gateway.message.rewrite import outgoing

_BLIND = frozenset({b"bcc", b"resent-bcc"})


def read_mime(raw: bytes) -> bytes:
    """The message with CRLF line ends, whatever ends its lines came with."""
    if not raw.strip():
        raise Bad("message parameter is missing")
    if b"\0" in raw:
        raise Bad("message parameter holds a NUL octet")
    return raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")


def build_mime(
    raw: bytes,
    people: Sequence[Party],
    source: Source,
    identity: str,
    now: float,
    *,
    key: str,
    campaign: str,
    deliver: bool,
    send_at: float,
) -> Message:
    """The message to these people, who learn of no blind copies; with a Message-ID and a Date where it came
    without. Raises Bad where SMTP would refuse it."""
    headers = parse(raw).headers
    _, sender = read_person(headers.get("from"))
    if not is_address(sender):
        raise Bad("from parameter is missing")
    raw = _completed(raw, headers, f"<{identity}@{domain_of(sender)}>", now)
    utf8 = not all(one.address.isascii() for one in people) or not sender.isascii()
    mail = MailFrom(sender, MailOptions(utf8=utf8))
    rcpts = tuple(RcptTo(one.address, RcptOptions()) for one in people)
    message = compose(source, mail, rcpts, raw, identity, now)
    if isinstance(message, bytes):
        text = message.decode("ascii", "replace").strip()
        raise Bad(text[10:], status=403 if text.startswith("550 5.7") else 400)
    return replace(
        message,
        idempotency_key=key,
        class_=message.class_ or source.default_class,
        campaign=message.campaign or campaign,
        deliver=deliver,
        send_at=send_at if send_at > now else 0.0,
    )


def _completed(raw: bytes, headers: Headers, message_id: str, now: float) -> bytes:
    usual = (("Message-ID", message_id), ("Date", formatdate(now)))
    missing = [(name, value) for name, value in usual if not headers.get(name.lower()).strip()]
    return outgoing(raw, _BLIND | {name.lower().encode() for name, _ in missing}, missing)

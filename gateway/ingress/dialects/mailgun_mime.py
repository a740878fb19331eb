"""A whole message that comes by HTTP: the same as by SMTP, its envelope in the form. Pure."""

from collections.abc import Sequence

from msgspec.structs import replace

from gateway.access import Source
from gateway.ingress.dialects.bad import Bad
from gateway.ingress.dialects.letter import Party
from gateway.ingress.smtp_commands import MailFrom, MailOptions, RcptOptions, RcptTo
from gateway.ingress.smtp_message import compose
from gateway.message.envelope import Message
from gateway.message.headers import read_person
from gateway.message.mailbox import is_address
from gateway.message.parse import parse

_BLIND = frozenset({b"bcc"})


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
    """The message to these people. Raises Bad where SMTP would refuse it."""
    _, sender = read_person(parse(raw).headers.get("from"))
    if not is_address(sender):
        raise Bad("from parameter is missing")
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

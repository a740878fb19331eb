"""Mailgun's webhooks: one event under `event-data`."""

from collections.abc import Mapping
from typing import Any

from gateway.access import Source
from gateway.ingress.feeds.told import Feed, Told, filled, line, mark_of, message_id, moment, obj
from gateway.message.refusal import find_code, says_full

_TYPES = {
    "delivered": "message.delivered",
    "failed": "message.bounced",
    "unsubscribed": "unsubscribe",
    "complained": "complaint",
}
_PASSING = {"old": "4.4.7", "espblock": "5.7.1", "greylisted": "4.7.1"}
"""Reasons why Mailgun gave up that are not about the address (a server that was down, a block), and the
status (RFC 3463) that says the same."""
_SUPPRESSED = {"suppress-unsubscribe": "unsubscribe", "suppress-complaint": "complaint"}


def read(body: Any, options: Mapping[str, Any], source: Source) -> list[Told | None]:
    """What Mailgun suppressed by itself counts as what it remembers: an unsubscription, a complaint."""
    item = obj(obj(body).get("event-data"))
    kind = _TYPES.get(line(item.get("event")), "")
    if kind == "message.bounced":
        kind = _SUPPRESSED.get(line(item.get("reason")), kind)
    if not kind:
        return [None]
    status = obj(item.get("delivery-status"))
    headers = obj(obj(item.get("message")).get("headers"))
    code = _status(item, status) if kind == "message.bounced" else ""
    told = Told(
        type=kind,
        id=_of_a_full_mailbox(item, code) or line(item.get("id")) or mark_of(item),
        addresses=(("email", line(item.get("recipient"))),),
        at=moment(item.get("timestamp")),
        sent_as=message_id(headers.get("message-id")),
        data=filled(
            kind=_hardness(item, status) if kind == "message.bounced" else "",
            status=code,
            message_id=line(headers.get("message-id")),
        ),
    )
    return [told]


def _of_a_full_mailbox(item: Mapping[str, Any], code: str) -> str:
    """One id for all that is told of a message to a full mailbox, "" for anything else: Mailgun tells of each
    time that it tries, and five such messages in a row close an address, not one tried five times."""
    sent_as = line(obj(obj(item.get("message")).get("headers")).get("message-id"))
    full = bool(sent_as and code) and says_full(code, "")
    return mark_of({"full": line(item.get("recipient")), "message": sent_as}) if full else ""


def _hardness(item: Mapping[str, Any], status: Mapping[str, Any]) -> str:
    """`permanent` says only that Mailgun tries no more."""
    soft = line(status.get("bounce-type")) == "soft" or line(item.get("reason")) in _PASSING
    return "hard" if line(item.get("severity")) == "permanent" and not soft else "soft"


def _status(item: Mapping[str, Any], status: Mapping[str, Any]) -> str:
    """The status, or one that says why where Mailgun names none: what it tries again, many times, is no
    mailbox that is full."""
    code = line(status.get("enhanced-code"), 16) or _PASSING.get(line(item.get("reason")), "")
    if code or line(item.get("severity")) != "temporary":
        return code
    said = line(status.get("message")) or line(status.get("description"))
    return find_code(said, "4") or ("4.2.2" if says_full("", said) else "4.0.0")


MAILGUN = Feed(name="mailgun", read=read)

"""Brevo, Resend and Mandrill: what became of mail."""

from collections.abc import Mapping
from typing import Any

from gateway.access import Source
from gateway.ingress.feeds.told import Feed, Told, events, filled, line, mark_of, message_id, moment, obj

_BREVO = {
    "delivered": ("message.delivered", ""),
    "hard_bounce": ("message.bounced", "hard"),
    "invalid_email": ("message.bounced", "hard"),
    "soft_bounce": ("message.bounced", "soft"),
    "spam": ("complaint", ""),
    "complaint": ("complaint", ""),
    "unsubscribe": ("unsubscribe", ""),
    "unsubscribed": ("unsubscribe", ""),
}
_MANDRILL = {
    "delivered": ("message.delivered", ""),
    "hard_bounce": ("message.bounced", "hard"),
    "soft_bounce": ("message.bounced", "soft"),
    "spam": ("complaint", ""),
    "unsub": ("unsubscribe", ""),
}
_RESEND = {
    "email.delivered": ("message.delivered", ""),
    "email.bounced": ("message.bounced", "hard"),
    "email.complained": ("complaint", ""),
}


def read_brevo(body: Any, options: Mapping[str, Any], source: Source) -> list[Told | None]:
    """One event or an array of them. Brevo signs nothing."""
    told: list[Told | None] = []
    for item in events(body):
        kind, hardness = _BREVO.get(line(item.get("event")).lower(), ("", ""))
        at = moment(item.get("ts_epoch")) or moment(item.get("ts_event"))
        data = filled(kind=hardness, message_id=line(item.get("message-id")))
        address = (("email", line(item.get("email"))),)
        sent_as = message_id(item.get("message-id"))
        known = Told(type=kind, id=mark_of(item), addresses=address, at=at, sent_as=sent_as, data=data)
        told.append(known if kind else None)
    return told


def read_mandrill(body: Any, options: Mapping[str, Any], source: Source) -> list[Told | None]:
    """The array in the field `mandrill_events`."""
    told: list[Told | None] = []
    for item in events(body):
        kind, hardness = _MANDRILL.get(line(item.get("event")), ("", ""))
        message = obj(item.get("msg"))
        mark = f"{line(item.get('_id'))}-{line(item.get('event'))}" if item.get("_id") else mark_of(item)
        address = (("email", line(message.get("email"))),)
        data = filled(kind=hardness, message_id=line(message.get("_id")))
        at = moment(item.get("ts"))
        told.append(Told(type=kind, id=mark, addresses=address, at=at, data=data) if kind else None)
    return told


def read_resend(body: Any, options: Mapping[str, Any], source: Source) -> list[Told | None]:
    """One event; one is told for each address that it names. With several it does not say whose server
    refused, so that none of them is undeliverable for it alone."""
    item = obj(body)
    kind, hardness = _RESEND.get(line(item.get("type")), ("", ""))
    detail = obj(item.get("data"))
    listed = detail.get("to")
    if not kind:
        return [None]
    named = listed if isinstance(listed, list) else [listed]
    doubtful = line(obj(detail.get("bounce")).get("type")).lower() in ("transient", "undetermined")
    if hardness and (doubtful or len(named) > 1):
        hardness = "soft"
    mark, at = mark_of(item), moment(item.get("created_at"))
    data = filled(kind=hardness, message_id=line(detail.get("email_id")))
    return [
        Told(type=kind, id=f"{mark}-{n}", addresses=(("email", line(one)),), at=at, data=data)
        for n, one in enumerate(named)
    ]


BREVO = Feed(name="brevo", read=read_brevo)
MANDRILL = Feed(name="mandrill", read=read_mandrill)
RESEND = Feed(name="resend", read=read_resend)

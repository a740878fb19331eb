"""Amazon SES through SNS: a notification in a string in a notification."""

from collections.abc import Mapping
from typing import Any

from gateway.access import Source
from gateway.ingress.feeds.told import Feed, Told, filled, inner, line, mark_of, message_id, moment, obj, rows

_TYPES = {"Bounce": "message.bounced", "Complaint": "complaint", "Delivery": "message.delivered"}
_LISTS = {
    "Bounce": ("bounce", "bouncedRecipients"),
    "Complaint": ("complaint", "complainedRecipients"),
    "Delivery": ("delivery", "recipients"),
}


def read(body: Any, options: Mapping[str, Any], source: Source) -> list[Told | None]:
    """One event for each recipient. Also takes the raw message, where SNS delivers that alone."""
    note = obj(body)
    if line(note.get("Type") or "Notification") != "Notification":
        return []  # about the subscription: no event
    item = obj(inner(note["Message"])) if "Message" in note else note
    what = line(item.get("notificationType") or item.get("eventType"))
    if what not in _TYPES:
        return [None]
    part, names = _LISTS[what]
    detail, mail = obj(item.get(part)), obj(item.get("mail"))
    data = filled(
        kind=("hard" if detail.get("bounceType") == "Permanent" else "soft") if what == "Bounce" else "",
        message_id=line(mail.get("messageId")),
    )
    mark = line(detail.get("feedbackId")) or line(note.get("MessageId")) or mark_of(item)
    sent_as = message_id(obj(mail.get("commonHeaders")).get("messageId"))
    at = moment(detail.get("timestamp")) or moment(mail.get("timestamp"))
    return [
        Told(
            type=_TYPES[what],
            id=f"{mark}-{n}",
            addresses=(("email", address),),
            at=at,
            sent_as=sent_as,
            data=data | filled(status=status),
        )
        for n, (address, status) in enumerate(_addresses(detail.get(names)))
    ]


def _addresses(listed: Any) -> list[tuple[str, str]]:
    """Each address, with the status of its bounce where it has one."""
    if isinstance(listed, list) and all(isinstance(item, str) for item in listed):
        return [(line(item), "") for item in listed]
    return [(line(item.get("emailAddress")), line(item.get("status"), 16)) for item in rows(listed)]


SES = Feed(name="ses", read=read)

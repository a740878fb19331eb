"""SendGrid's Event Webhook: an array of events."""

from collections.abc import Mapping
from typing import Any

from gateway.access import Source
from gateway.ingress.feeds.told import Feed, Told, events, filled, line, mapped, mark_of, message_id, moment

_TYPES = {
    "delivered": "message.delivered",
    "bounce": "message.bounced",
    "deferred": "",
    "dropped": "message.failed",
    "spamreport": "complaint",
    "unsubscribe": "unsubscribe",
    "group_unsubscribe": "unsubscribe",
    "group_resubscribe": "consent.granted",
}
_SOFT = ("technical", "content", "frequency or volume", "mailbox unavailable", "reputation", "unclassified")
_DROPPED = {"unsubscribed address": "unsubscribe", "bounced address": "message.bounced"}
_DROPPED["spam reporting address"] = "complaint"


def read(body: Any, options: Mapping[str, Any], source: Source) -> list[Told | None]:
    """`groups` in the options maps suppression groups to purposes; a group without one means everything."""
    return [_read(item, options) for item in events(body)]


def _read(item: Mapping[str, Any], options: Mapping[str, Any]) -> Told | None:
    event = line(item.get("event"))
    kind = _TYPES.get(event, "")
    if event == "dropped":
        kind = _DROPPED.get(line(item.get("reason")).lower(), kind)
    if not kind:
        return None
    group = line(item.get("asm_group_id"))
    return Told(
        type=kind,
        id=line(item.get("sg_event_id")) or mark_of(item),
        addresses=(("email", line(item.get("email"))),),
        at=moment(item.get("timestamp")),
        sent_as=message_id(item.get("smtp-id")),
        purpose=mapped(options, "groups", group) if event.startswith("group_") else "",
        data=filled(
            kind=_kind(item) if kind == "message.bounced" else "",
            status=line(item.get("status"), 16) or (_passing(item) if kind == "message.bounced" else ""),
            message_id=line(item.get("sg_message_id")),
            campaign=line(item.get("campaign_id")),
            group=group,
        ),
    )


def _kind(item: Mapping[str, Any]) -> str:
    if line(item.get("type")) == "blocked" or line(item.get("status")).startswith("4"):
        return "soft"
    return "soft" if line(item.get("bounce_classification")).lower() in _SOFT else "hard"


def _passing(item: Mapping[str, Any]) -> str:
    """The status (RFC 3463) of a block that comes without one; "" where it may be a mailbox that is full."""
    full = line(item.get("bounce_classification")).lower() == "mailbox unavailable"
    return "5.7.1" if line(item.get("type")) == "blocked" and not full else ""


SENDGRID = Feed(name="sendgrid", read=read)

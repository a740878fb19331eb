"""Postmark's webhooks. They carry no signature: they restrict, and never grant."""

from collections.abc import Mapping
from typing import Any

from gateway.access import Source
from gateway.ingress.feeds.told import Feed, Told, filled, line, mapped, mark_of, moment, obj

_HARD = frozenset({"HardBounce", "BadEmailAddress", "ManuallyDeactivated"})
_PASSING = {"Blocked": "5.7.1", "DMARCPolicy": "5.7.1", "DnsError": "4.4.3", "Transient": "4.4.0"}
"""Types that are not about the mailbox, and the status (RFC 3463) that says the same."""
_SILENT = frozenset({"AutoResponder", "AddressChange", "OpenRelayTest", "VirusNotification", "Subscribe"})


def read(body: Any, options: Mapping[str, Any], source: Source) -> list[Told | None]:
    """`streams` in the options maps message streams to purposes; a stream without one means everything."""
    item = obj(body)
    kind = _type(item)
    if not kind:
        return [None]
    times = (item.get(name) for name in ("BouncedAt", "ChangedAt", "DeliveredAt"))
    changed = kind in ("unsubscribe", "consent.granted")
    told = Told(
        type=kind,
        id=_id(item),
        addresses=(("email", line(item.get("Email")) or line(item.get("Recipient"))),),
        at=next((at for value in times if (at := moment(value))), 0.0),
        purpose=mapped(options, "streams", line(item.get("MessageStream"))) if changed else "",
        data=filled(
            kind=_hardness(item) if kind == "message.bounced" else "",
            status=_PASSING.get(line(item.get("Type")), "") if kind == "message.bounced" else "",
            message_id=line(item.get("MessageID")),
            campaign=line(obj(item.get("Metadata")).get("campaign_id")),
            stream=line(item.get("MessageStream")),
        ),
    )
    return [told]


def _type(item: Mapping[str, Any]) -> str:
    record, kind = line(item.get("RecordType")), line(item.get("Type"))
    if record == "SubscriptionChange":
        return _change(item)
    if record == "SpamComplaint" or (record == "Bounce" and kind in ("SpamComplaint", "SpamNotification")):
        return "complaint"
    if record == "Bounce":
        return "unsubscribe" if kind == "Unsubscribe" else "" if kind in _SILENT else "message.bounced"
    return "message.delivered" if record == "Delivery" else ""


def _change(item: Mapping[str, Any]) -> str:
    if item.get("SuppressSending") is False:
        # Only the person may take it back, never whoever looks after the tool.
        return "consent.granted" if line(item.get("Origin")) == "Recipient" else ""
    reason = line(item.get("SuppressionReason"))
    return {"HardBounce": "message.bounced", "SpamComplaint": "complaint"}.get(reason, "unsubscribe")


def _hardness(item: Mapping[str, Any]) -> str:
    hard = line(item.get("Type")) in _HARD or line(item.get("SuppressionReason")) == "HardBounce"
    return "hard" if hard else "soft"


def _id(item: Mapping[str, Any]) -> str:
    number = line(item.get("ID"))
    return f"{line(item.get('RecordType'))}-{number}" if number else mark_of(item)


POSTMARK = Feed(name="postmark", read=read)

"""Events of every other tool, by a map of fields as the generic webhook has it.

`types` maps the tool's names of events to types of event, with the channel before it where the tool speaks of
several: `linkedin message.replied`. `items` leads to an array of events in the body, which may be JSON in a
string. `sender` may be a constant: a tool that does not say for whom it writes serves one person.
"""

from collections.abc import Mapping
from typing import Any

from gateway.access import Source
from gateway.ingress.dialects.paths import BadPath, apply_map, check_map
from gateway.ingress.feeds.told import Feed, Told, events, filled, inner, line, mark_of, moment, obj
from gateway.ledger.happening import TYPES
from gateway.message.envelope import CHANNELS

FIELDS = frozenset({
    "items", "type", "types", "id", "at", "channel", "addresses", "sender", "thread", "in_reply_to", "text",
    "subject", "purpose", "campaign", "step", "kind",
})  # fmt: skip

HEYREACH: Mapping[str, Any] = {
    "type": ["$.eventType", "$.event_type"],
    "types": {
        "CONNECTION_REQUEST_ACCEPTED": "connection.accepted",
        "MESSAGE_REPLY_RECEIVED": "message.replied",
        "EVERY_MESSAGE_REPLY_RECEIVED": "message.replied",
        "INMAIL_REPLY_RECEIVED": "message.replied",
        "CONNECTION_REQUEST_SENT": "message.sent",
        "MESSAGE_SENT": "message.sent",
        "INMAIL_SENT": "message.sent",
    },
    "id": ["$.message.id", "$.id"],
    "at": "$.timestamp",
    "channel": "linkedin",
    "addresses": {
        "linkedin": ["$.leadProfile.linkedInUrl", "$.lead.profile_url"],
        "email": ["$.leadProfile.emailAddress", "$.lead.email_address"],
    },
    "sender": {"linkedin": ["$.sender.profile_url", "$.senderProfile.linkedInUrl"]},
    "text": ["$.message.text", "$.message"],
    "campaign": "$.campaign.id",
}
LEMLIST: Mapping[str, Any] = {
    "type": "$.type",
    "types": {
        "linkedinInviteAccepted": "linkedin connection.accepted",
        "linkedinReplied": "linkedin message.replied",
        "linkedinInviteDone": "linkedin message.sent",
        "linkedinSent": "linkedin message.sent",
        "emailsReplied": "email message.replied",
        "emailsBounced": "email message.bounced",
        "emailsUnsubscribed": "email unsubscribe",
    },
    "id": "$._id",
    "at": "$.createdAt",
    "addresses": {"linkedin": "$.linkedinUrl", "email": ["$.leadEmail", "$.email"]},
    "sender": {"email": "$.sendUserEmail"},
    "text": "$.text",
    "campaign": "$.campaignId",
    "step": "$.sequenceStep",
}
SMARTLEAD: Mapping[str, Any] = {
    "type": "$.event_type",
    "types": {
        "EMAIL_REPLY": "message.replied",
        "EMAIL_BOUNCE": "message.bounced",
        "LEAD_UNSUBSCRIBED": "unsubscribe",
    },
    "id": ["$.reply_message.message_id", "$.event_id"],
    "at": ["$.reply_message.time", "$.event_timestamp"],
    "channel": "email",
    "addresses": {"email": ["$.to_email", "$.lead_email"]},
    "sender": {"email": "$.from_email"},
    "in_reply_to": "$.sent_message.message_id",
    "subject": "$.subject",
    "text": "$.reply_message.text",
    "campaign": "$.campaign_id",
    "step": "$.sequence_number",
}
INSTANTLY: Mapping[str, Any] = {
    "type": "$.event_type",
    "types": {
        "reply_received": "message.replied",
        "email_bounced": "message.bounced",
        "lead_unsubscribed": "unsubscribe",
    },
    "at": "$.timestamp",
    "channel": "email",
    "addresses": {"email": "$.lead_email"},
    "sender": {"email": "$.email_account"},
    "subject": "$.reply_subject",
    "text": "$.reply_text",
    "campaign": "$.campaign_id",
    "step": "$.step",
}
PHANTOMBUSTER: Mapping[str, Any] = {
    "items": "$.resultObject",
    "type": "*",
    "types": {"*": "message.sent"},
    "at": "$.timestamp",
    "channel": "linkedin",
    "addresses": {"linkedin": ["$.profileUrl", "$.linkedinProfileUrl"], "email": "$.email"},
    "sender": {"linkedin": "$.senderProfileUrl"},
}


def read_map(fields: Mapping[str, Any], body: Any) -> list[Told | None]:
    """What a map makes of a body; None for an entry of which the type is not known."""
    items = apply_map(fields["items"], body) if "items" in fields else body
    if isinstance(items, str):
        items = inner(items)
    return [_read(fields, item) for item in events(items)]


def _read(fields: Mapping[str, Any], item: Mapping[str, Any]) -> Told | None:
    found = {name: apply_map(where, item) for name, where in fields.items() if name not in ("types", "items")}
    known = obj(dict(fields.get("types") or {}))
    named = str(known.get(line(found.get("type"))) or "")
    channel, _, kind = named.rpartition(" ")
    channel = channel or line(found.get("channel")) or "email"
    if kind not in TYPES or channel not in CHANNELS:
        return None
    text, id_ = found.get("text"), line(found.get("id"))
    if id_ and kind == "message.sent":
        # Some tools give all that happens to one lead the same id: what was sent must not hide the reply.
        id_ = f"{line(found.get('type'))} {id_}"
    return Told(
        type=kind,
        id=id_ or mark_of(item),
        addresses=_pairs(found.get("addresses")),
        at=moment(found.get("at")),
        channel=channel,
        sender=_pairs(found.get("sender")),
        thread=line(found.get("thread")) or line(found.get("in_reply_to")),
        in_reply_to=line(found.get("in_reply_to")),
        text=text[:100_000] if isinstance(text, str) else "",
        purpose=line(found.get("purpose")).lower() if kind == "consent.granted" else "",
        data=filled(**{name: line(found.get(name)) for name in ("subject", "campaign", "step", "kind")}),
    )


def _pairs(value: Any) -> tuple[tuple[str, str], ...]:
    return tuple((str(kind), text) for kind, one in obj(value).items() if (text := line(one, 1024)))


def check_fields(fields: Any) -> None:
    """Raises BadPath where a map cannot be meant."""
    if not isinstance(fields, Mapping):
        raise BadPath("fields must be a mapping")
    for name in fields:
        if name not in FIELDS:
            raise BadPath(f"there is no field {name}; there are {', '.join(sorted(FIELDS))}", (str(name),))
    check_map(fields)
    types = fields.get("types", {})
    if not isinstance(types, Mapping):
        raise BadPath("this must be a mapping of the tool's words to types of event", ("types",))
    for word, named in types.items():
        channel, _, kind = str(named).rpartition(" ")
        if kind not in TYPES or (channel and channel not in CHANNELS):
            raise BadPath(
                f"there is no type of event {named!s:.60}; there are {', '.join(TYPES)}", ("types", str(word))
            )


def _by_map(name: str, shipped: Mapping[str, Any]) -> Feed:
    def read(body: Any, options: Mapping[str, Any], source: Source) -> list[Told | None]:
        fields = {"purpose": source.default_purpose, **shipped, **obj(options.get("fields"))}
        return read_map(fields, body)

    return Feed(name=name, read=read)


MAPPED = (
    _by_map("heyreach", HEYREACH),
    _by_map("lemlist", LEMLIST),
    _by_map("smartlead", SMARTLEAD),
    _by_map("instantly", INSTANTLY),
    _by_map("phantombuster", PHANTOMBUSTER),
    _by_map("generic", {}),
)
"""Feeds by a map that is shipped; `fields` in the options changes entries of it. `generic` has none."""

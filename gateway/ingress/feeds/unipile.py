"""Unipile: connections that were accepted, and private messages that came in."""

from collections.abc import Mapping
from typing import Any

from gateway.access import Source
from gateway.ingress.feeds.told import Feed, Told, filled, line, mark_of, moment, obj

_CHANNELS = {
    "LINKEDIN": "linkedin", "WHATSAPP": "whatsapp", "TELEGRAM": "telegram", "INSTAGRAM": "instagram",
}  # fmt: skip


def read(body: Any, options: Mapping[str, Any], source: Source) -> list[Told | None]:
    """Accounts are people as `dialects.unipile.accounts` of the source lists them. A message that the account
    itself sent arrives as received too: it is no reply, nor does it show that a person wrote it."""
    item = obj(body)
    channel = _CHANNELS.get(line(item.get("account_type")).upper(), "")
    event = line(item.get("event"))
    if channel and event == "new_relation":
        return [_related(item, channel, source)]
    return [_received(item, channel, source) if channel and event == "message_received" else None]


def _related(item: Mapping[str, Any], channel: str, source: Source) -> Told:
    addresses = _addresses(
        channel,
        line(item.get("user_profile_url")) or line(item.get("user_public_identifier")),
        line(item.get("user_provider_id")),
    )
    return Told(
        type="connection.accepted",
        id=mark_of(item),
        addresses=addresses,
        channel=channel,
        sender=_sender(item, channel, source),
    )


def _received(item: Mapping[str, Any], channel: str, source: Source) -> Told | None:
    own, writer = line(obj(item.get("account_info")).get("user_id")), obj(item.get("sender"))
    author = line(writer.get("attendee_provider_id"))
    if item.get("is_sender") in (True, 1) or not own or not author or own == author:
        return None
    text = item.get("message")
    return Told(
        type="message.replied",
        id=line(item.get("message_id")) or mark_of(item),
        addresses=_addresses(channel, line(writer.get("attendee_profile_url")), author),
        at=moment(item.get("timestamp")),
        channel=channel,
        sender=_sender(item, channel, source),
        thread=line(item.get("chat_id")),
        text=text[:100_000] if isinstance(text, str) else "",
        data=filled(message_id=line(item.get("message_id"))),
    )


def _addresses(channel: str, profile: str, provider_id: str) -> tuple[tuple[str, str], ...]:
    pairs = ((channel, profile), (f"{channel}_provider_id", provider_id))
    return tuple((kind, value) for kind, value in pairs if value)


def _sender(item: Mapping[str, Any], channel: str, source: Source) -> tuple[tuple[str, str], ...]:
    listed = obj(obj(source.dialects.get("unipile")).get("accounts")).get(line(item.get("account_id")))
    address = line(obj(listed).get("address")) if isinstance(listed, dict) else line(listed)
    own = line(obj(item.get("account_info")).get("user_id"))
    return ((channel, address),) if address else ((f"{channel}_provider_id", own),) if own else ()


UNIPILE = Feed(name="unipile", read=read)

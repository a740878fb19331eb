"""The native message: one JSON object, as `POST /v1/messages` takes it and a relay passes it on. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from gateway.message.content import Attachment, Content


def pack_native(fields: Mapping[str, Any]) -> bytes:
    """The canonical octets of a native message: keys in order, nothing that is null or empty.

    The same fields give the same octets. Raises TypeError for what JSON cannot say.
    """
    return orjson.dumps(_prune(fields), option=orjson.OPT_SORT_KEYS)


def _prune(value: Any) -> Any:
    if isinstance(value, Mapping):
        pruned = ((name, _prune(item)) for name, item in value.items())
        return {name: item for name, item in pruned if item is not None and item != {} and item != []}
    if isinstance(value, (list, tuple)):
        return [_prune(item) for item in value]
    return value


def content_of(raw: bytes) -> Content:
    """What a person would see of a native message; blank where the octets are no such message."""
    try:
        data = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return Content()
    if not isinstance(data, dict):
        return Content()
    return content_from(data)


def content_from(data: Mapping[str, Any]) -> Content:
    """The content of a native message's fields, whether or not they were packed."""
    recipients = [r for r in (data.get("recipients") or [data.get("recipient")]) if isinstance(r, dict)]
    first: Mapping[str, Any] = recipients[0] if recipients else {}
    sender, thread = _object(data, "sender"), _object(data, "thread")
    channel = _text(data, "channel") or "email"
    return Content(
        channel=channel,
        subject=_text(data, "subject"),
        text=_text(data, "text"),
        html=_text(data, "html"),
        sender_name=_text(sender, "name"),
        sender_address=_first_address(sender, channel),
        recipient_name=_text(first, "name") if len(recipients) == 1 else "",
        recipient_company=_scalar(_object(first, "attributes").get("company")),
        own_words=own_words(recipients),
        is_reply=bool(_text(thread, "in_reply_to")),
        template_pending=data.get("template_pending") is True,
        attachments=tuple(_attachment(file) for file in _list(data, "attachments")),
    )


def own_words(recipients: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    """What belongs to the recipients alone: names and attributes, of twenty people and twenty each."""
    words = []
    for recipient in recipients[:20]:
        values = list(_object(recipient, "attributes").values())[:20]
        words += [_text(recipient, "name"), *(_scalar(value) for value in values)]
    return tuple(word for word in words if word and len(word) < 200)


def _attachment(file: Mapping[str, Any]) -> Attachment:
    return Attachment(
        filename=_text(file, "filename"),
        type=_text(file, "type") or "application/octet-stream",
        size=len(_text(file, "content")) * 3 // 4,
        inline=file.get("inline") is True,
    )


def _first_address(party: Mapping[str, Any], channel: str) -> str:
    for address in _list(party, "addresses"):
        if _text(address, "type").startswith(channel):
            return _text(address, "value")
    return ""


def _scalar(value: object) -> str:
    """An attribute as text: numbers as JSON writes them, nothing for what is no scalar."""
    if isinstance(value, str):
        return value
    return orjson.dumps(value).decode() if isinstance(value, (bool, int, float)) else ""


def _text(data: Mapping[str, Any], name: str) -> str:
    value = data.get(name)
    return value if isinstance(value, str) else ""


def _object(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = data.get(name)
    return value if isinstance(value, dict) else {}


def _list(data: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    value = data.get(name)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []

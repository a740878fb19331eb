"""A stored message, as it was when it came in. Pure."""

from msgspec.structs import replace

from gateway.access import Access, Controller, Source
from gateway.message.content import Content
from gateway.message.envelope import Message
from gateway.message.native import content_of
from gateway.message.parse import parse
from gateway.store.packing import unpack_message
from gateway.store.records import MessageRow


def rebuild(row: MessageRow, body: bytes) -> Message:
    """The message of a row and its body; without a body its content is empty."""
    message = unpack_message(
        row.meta,
        message_id=row.id,
        source=row.source,
        controller=row.controller,
        channel=row.channel,
        received_at=row.received_at,
        content=Content(channel=row.channel),
        raw=body,
    )
    return replace(message, content=content_for(message)) if body else message


def content_for(message: Message) -> Content:
    """The words of a message, with what belongs to its recipients."""
    content = parse(message.raw).content if message.format == "mime" else content_of(message.raw)
    first = message.recipients[0]
    own = tuple(
        word
        for r in message.recipients[:20]
        for word in (r.name, r.company, *list(r.attributes.values())[:20])
        if word and len(word) < 200
    )
    return replace(
        content,
        channel=message.channel,
        sender_name=message.sender.name or content.sender_name,
        sender_address=message.sender.address or content.sender_address,
        recipient_name=(first.name or content.recipient_name) if len(message.recipients) == 1 else "",
        recipient_company=first.company,
        own_words=own,
    )


def source_of(access: Access, message: Message) -> Source:
    """The source that sent it; one that may do nothing more where it was removed since."""
    known = access.sources.get(message.source)
    return known or Source(name=message.source, controller=message.controller)


def controller_of(access: Access, message: Message) -> Controller:
    """The controller in whose name it goes out."""
    return access.controller(message.controller)

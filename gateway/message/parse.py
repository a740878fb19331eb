"""RFC 5322 octets in, `Parsed` out: whatever comes, in bounded time, without raising."""

from dataclasses import dataclass

from gateway.message.body import TEXT_OCTETS, decode_text, decode_transfer, decoded_size
from gateway.message.content import Attachment, Content
from gateway.message.headers import LONGEST_VALUE, Headers, decode_words, read_ids, read_person
from gateway.message.leaf import Leaf
from gateway.message.scan import scan
from gateway.message.tree import read_tree

_BULK = frozenset({"bulk", "list", "junk"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """What a message says and what its header tells the gateway.

    `header_end` is the offset of the blank line: the octets before it are whole header lines.
    `message_id` and `in_reply_to` keep their angle brackets. `whole` is False when some of the
    structure or text could not be read (broken MIME, too deep, too long): a person may see more than
    `content` holds.
    """

    content: Content
    headers: Headers
    message_id: str
    in_reply_to: tuple[str, ...]
    list_unsubscribe: str
    list_unsubscribe_post: str
    signed: bool
    header_end: int
    whole: bool = True


def parse(raw: bytes) -> Parsed:
    """Read one message. Never raises; the time grows with the length, and the memory with it.

    Text lines end in LF. Text beyond TEXT_OCTETS decoded octets is left out of the content.
    """
    quick = scan(raw)
    if quick is None:
        return _assemble(*read_tree(raw))
    return _assemble(*quick, True)


def bare_line_ends(raw: bytes) -> bool:
    """Whether a CR or LF stands alone, or a NUL stands anywhere: octets that may not leave again."""
    pairs = raw.count(b"\r\n")
    return raw.count(b"\n") != pairs or raw.count(b"\r") != pairs or b"\0" in raw


def _assemble(fields: dict[str, list[bytes]], header_end: int, leaves: list[Leaf], whole: bool) -> Parsed:
    headers = Headers.of(fields)
    get = headers.get
    thread = ""
    if "in-reply-to" in fields or "references" in fields:
        thread = f"{get('references')} {get('in-reply-to')}"
    unsubscribe = get("list-unsubscribe")
    bulk = bool(unsubscribe) or "list-id" in fields or get("precedence").lower() in _BULK
    name, address = read_person(get("from"))
    text, html, attachments, complete = _read_leaves(leaves)
    return Parsed(
        content=Content(
            subject=decode_words(get("subject")[:LONGEST_VALUE]),
            text=text,
            html=html,
            sender_name=name,
            sender_address=address,
            bulk_headers=bulk,
            is_reply=bool(thread.strip()),
            attachments=attachments,
        ),
        headers=headers,
        message_id=get("message-id"),
        in_reply_to=read_ids(thread),
        list_unsubscribe=unsubscribe,
        list_unsubscribe_post=get("list-unsubscribe-post"),
        signed="dkim-signature" in fields,
        header_end=header_end,
        whole=whole and complete,
    )


def _read_leaves(leaves: list[Leaf]) -> tuple[str, str, tuple[Attachment, ...], bool]:
    """Text, HTML, attachments, and whether all text fitted."""
    texts: dict[str, list[str]] = {"text/plain": [], "text/html": []}
    attachments: list[Attachment] = []
    room, complete = TEXT_OCTETS, True
    for leaf in leaves:
        if not leaf.is_text:
            attachments.append(_attachment(leaf))
            continue
        octets = decode_transfer(leaf.octets, leaf.encoding, TEXT_OCTETS)
        if len(octets) > room or len(leaf.octets) > 4 * TEXT_OCTETS:
            octets, complete = octets[:room], False
        room -= len(octets)
        texts[leaf.type].append(decode_text(octets, leaf.charset).replace("\r\n", "\n"))
    plain, html = texts.values()
    return "\n".join(plain), "\n".join(html), tuple(attachments), complete


def _attachment(leaf: Leaf) -> Attachment:
    return Attachment(
        filename=decode_words(leaf.filename),
        type=leaf.type,
        size=decoded_size(leaf.octets, leaf.encoding),
        inline=leaf.disposition == "inline" or (leaf.embedded and leaf.disposition != "attachment"),
    )

"""RFC 5322 octets in, `Parsed` out: whatever comes, in bounded time, without raising."""

from msgspec import Struct

from gateway.message.body import TEXT_OCTETS, decode_text, decode_transfer, decoded_size
from gateway.message.content import Attachment, Content
from gateway.message.headers import Headers, decode_raw, decode_words, read_ids, read_person
from gateway.message.leaf import Fields, Leaf
from gateway.message.scan import scan, unix_lines
from gateway.message.tree import read_tree

_BULK = frozenset({"bulk", "list", "junk"})


class Parsed(Struct, frozen=True, kw_only=True):
    """What a message says and what its header tells the gateway.

    `header_end` is the offset of the blank line: the octets before it are whole header lines.
    `message_id` and `in_reply_to` keep their angle brackets. `whole` is False when some of the
    structure or text could not be read, or can be read in two ways (broken MIME, too deep, too long,
    two subjects): a person may see something else than `content` holds.
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

    Text lines end in LF. Of the text, and of the HTML, what is beyond TEXT_OCTETS decoded
    octets is left out of the content.
    """
    quick = scan(raw)
    if quick is None:
        return _assemble(*read_tree(raw))
    return _assemble(*quick, True)


def bare_line_ends(raw: bytes) -> bool:
    """Whether a CR or LF stands alone, or a NUL stands anywhere: octets that may not leave again."""
    return b"\0" in raw or unix_lines(raw) is None


def _assemble(fields: Fields, header_end: int, leaves: list[Leaf], whole: bool) -> Parsed:
    thread = ""
    if "in-reply-to" in fields or "references" in fields:
        thread = f"{_first(fields, 'references')} {_first(fields, 'in-reply-to')}".strip()
    unsubscribe = _first(fields, "list-unsubscribe")
    bulk = bool(unsubscribe) or "list-id" in fields or _first(fields, "precedence").lower() in _BULK
    name, address = read_person(_first(fields, "from"))
    text, html, attachments, complete = _read_leaves(leaves)
    once = len(fields.get("subject", ())) < 2 and len(fields.get("from", ())) < 2
    whole = whole and complete and once
    return Parsed(
        content=Content(
            subject=decode_words(_first(fields, "subject")),
            text=text,
            html=html,
            sender_name=name,
            sender_address=address,
            bulk_headers=bulk,
            is_reply=bool(thread),
            attachments=attachments,
            whole=whole,
        ),
        headers=Headers.of(fields),
        message_id=_first(fields, "message-id"),
        in_reply_to=read_ids(thread),
        list_unsubscribe=unsubscribe,
        list_unsubscribe_post=_first(fields, "list-unsubscribe-post"),
        signed="dkim-signature" in fields,
        header_end=header_end,
        whole=whole,
    )


def _first(fields: Fields, name: str) -> str:
    return decode_raw(fields[name][0]) if name in fields else ""


def _read_leaves(leaves: list[Leaf]) -> tuple[str, str, tuple[Attachment, ...], bool]:
    """Text, HTML, attachments, and whether all text fitted."""
    plain: list[str] = []
    html: list[str] = []
    attachments: list[Attachment] = []
    room_plain = room_html = TEXT_OCTETS
    complete = True
    for leaf in leaves:
        if not leaf.is_text:
            attachments.append(_attachment(leaf))
        elif leaf.type == "text/plain":
            text, used, fitted = _read_text(leaf, room_plain)
            plain.append(text)
            room_plain -= used
            complete = complete and fitted
        else:
            text, used, fitted = _read_text(leaf, room_html)
            html.append(text)
            room_html -= used
            complete = complete and fitted
    return "\n".join(plain), "\n".join(html), tuple(attachments), complete


def _read_text(leaf: Leaf, room: int) -> tuple[str, int, bool]:
    """The text of a leaf as far as there is room, the octets it took, and whether it fitted."""
    octets = decode_transfer(leaf.octets, leaf.encoding, TEXT_OCTETS)
    fits = len(octets) <= room and len(leaf.octets) <= 4 * TEXT_OCTETS
    if not fits:
        octets = octets[:room]
    return decode_text(octets, leaf.charset), len(octets), fits


def _attachment(leaf: Leaf) -> Attachment:
    return Attachment(
        filename=decode_words(leaf.filename),
        type=leaf.type,
        size=decoded_size(leaf.octets, leaf.encoding),
        inline=leaf.disposition == "inline" or (leaf.embedded and leaf.disposition != "attachment"),
    )

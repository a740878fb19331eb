"""RFC 5322 octets in, `Parsed` out: whatever comes, in bounded time, without raising."""

from msgspec import Struct

from gateway.message.body import TEXT_OCTETS, decoded_size
from gateway.message.content import Attachment, Content
from gateway.message.headers import (
    LONG_NAME,
    LONGEST_THREAD,
    LONGEST_VALUE,
    Headers,
    decode_raw,
    decode_words,
    read_ids,
    read_long_names,
    read_person,
)
from gateway.message.leaf import Fields, Leaf
from gateway.message.scan import scan, unix_lines
from gateway.message.texts import (
    ENRICHED,
    as_html,
    files_within,
    hides_text,
    read_aside,
    read_text,
    without_marks,
)
from gateway.message.tree import read_tree

_NAMED = ("from", "sender", "reply-to", "to", "cc")
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
    texts = _read_leaves(leaves)
    once = len(fields.get("subject", ())) < 2 and len(fields.get("from", ())) < 2
    short = "subject" not in fields or len(fields["subject"][0]) <= LONGEST_VALUE
    whole = whole and texts.complete and once and short
    return Parsed(
        content=Content(
            subject=decode_words(_first(fields, "subject")),
            text="\n".join(texts.plain),
            html="\n".join(texts.html),
            sender_name=name,
            sender_address=address,
            bulk_headers=bulk,
            is_reply=bool(thread),
            attachments=tuple(texts.attachments),
            whole=whole,
            shown=texts.pages,
            besides=(*_long_names(fields, name), *texts.besides),
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


def _long_names(fields: Fields, sender: str) -> list[str]:
    """What stands in the place of names, as HTML; that of the sender is read by itself."""
    found: list[str] = []
    for field in _NAMED:
        for value in fields.get(field, ()):
            if len(value) > LONG_NAME:
                found += read_long_names(decode_raw(value[:LONGEST_THREAD]))
    return [as_html(name) for name in dict.fromkeys(found) if name != sender]


def _first(fields: Fields, name: str) -> str:
    return decode_raw(fields[name][0]) if name in fields else ""


class _Texts:
    """The texts of a message, as its leaves are read one by one."""

    __slots__ = ("attachments", "besides", "complete", "html", "plain", "room", "shown")

    def __init__(self) -> None:
        self.plain: list[str] = []
        self.html: list[str] = []
        self.shown: list[tuple[bool, str]] = []  # whether it is HTML, and the text
        self.besides: list[str] = []
        self.attachments: list[Attachment] = []
        self.room = dict.fromkeys(("plain", "html", "besides", "attached", "files"), TEXT_OCTETS)
        self.complete = True

    def add(self, leaf: Leaf, spare: bool) -> None:
        """One leaf; `spare` says that a program which reads HTML shows another version of it."""
        if leaf.attached:
            self._add_attached(leaf)
        elif not leaf.is_text:
            self.attachments.append(_attachment(leaf))
            self.complete = self.complete and not hides_text(leaf)
            if leaf.is_seen:
                self._add_aside(leaf, "besides")
        elif leaf.type != "text/html":
            self.plain.append(self._read(leaf, "plain"))
            self.attachments += [Attachment(filename=name) for name in files_within(self.plain[-1])]
            if leaf.type in ENRICHED:
                self.besides.append(without_marks(self.plain[-1]))
            if not spare:
                self.shown.append((False, self.plain[-1]))
        elif spare:
            self.besides.append(self._read(leaf, "besides"))
        else:
            self.html.append(self._read(leaf, "html"))
            self.shown.append((True, self.html[-1]))

    def _add_attached(self, leaf: Leaf) -> None:
        """One leaf of an attached message: some programs show such a message below the one that holds it."""
        if leaf.is_text:
            said = self._read(leaf, "attached")
            if said and not said.isspace():
                self.besides.append(said if leaf.type == "text/html" else as_html(said))
        elif leaf.is_seen:
            self._add_aside(leaf, "attached")

    def _add_aside(self, leaf: Leaf, kind: str) -> None:
        """What some read in one leaf that is no text of the message; of long files, only the beginning."""
        kind = "files" if leaf.is_card or leaf.is_shown_file else kind
        if said := read_aside(leaf, self._read(leaf, kind)):
            self.besides.append(said)

    def _read(self, leaf: Leaf, kind: str) -> str:
        text, used, fitted = read_text(leaf, self.room[kind])
        self.room[kind] -= used
        self.complete = self.complete and (fitted or kind == "files")
        return text

    @property
    def pages(self) -> tuple[str, ...]:
        """What is shown one below another, each as HTML; nothing where one text, or one kind, is all."""
        if len(self.shown) < 2 or not self.html:
            return ()
        return tuple([text if marked else as_html(text) for marked, text in self.shown])


def _read_leaves(leaves: list[Leaf]) -> _Texts:
    """Texts, attachments, and whether all text fitted."""
    texts = _Texts()
    chosen = _choose(leaves)
    for leaf in leaves:
        texts.add(leaf, any([chosen[number] != version for number, version in leaf.branch]))  # noqa: C419 (quicker)
    return texts


def _choose(leaves: list[Leaf]) -> dict[int, int]:
    """The version that is shown of each alternative: the last that holds HTML, else the last text."""
    ranks: dict[int, tuple[int, int]] = {}
    for leaf in leaves:
        if leaf.branch:
            rank = (2 if leaf.type == "text/html" else 1) if leaf.is_text else 0
            for number, version in leaf.branch:
                ranks[number] = max(ranks.get(number, (-1, 0)), (rank, version))
    return {number: version for number, (_, version) in ranks.items()}


def _attachment(leaf: Leaf) -> Attachment:
    return Attachment(
        filename=decode_words(leaf.filename).replace("\0", "\ufffd"),
        type=leaf.type,
        size=decoded_size(leaf.octets, leaf.encoding),
        inline=leaf.disposition == "inline" or (leaf.embedded and leaf.disposition != "attachment"),
    )

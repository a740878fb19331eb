"""Messages that begin here: RFC 5322 octets made of fields, text and attachments."""

import re
from binascii import b2a_qp
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from email.header import Header
from email.utils import formatdate
from hashlib import sha256
from urllib.parse import quote

from gateway.message.base64_text import encode_lines
from gateway.message.body import TEXT_OCTETS, decode_text
from gateway.message.content import Attachment
from gateway.message.headers import LONG_NAME, decode_words
from gateway.message.leaf import Leaf
from gateway.message.mailbox import is_address
from gateway.message.texts import as_html, files_within, hides_text, read_aside, read_text

_NAME = re.compile(r"[!-9;-~]{1,76}\Z")
_BROKEN = re.compile(r"[\r\n\0\ud800-\udfff]")
_ID = re.compile(r"[!-;=?-~]{1,200}")
_TYPE = re.compile(r"[A-Za-z0-9.+-]{1,60}/[A-Za-z0-9.+-]{1,60}\Z")
_NEVER_ENCODED = ("multipart/", "message/")
"""Types whose parts may not stand in Base64 (RFC 2045 6.4, RFC 2046 5.2.1): sent as plain files, which every
program saves under their names."""
_WIDTH = 76
_LONGEST_LINE = 998


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One attachment of a message to be built; `content_id` without brackets."""

    filename: str
    octets: bytes
    type: str = "application/octet-stream"
    inline: bool = False
    content_id: str = ""

    @property
    def is_text(self) -> bool:
        """Whether a mail program shows it as text of the message."""
        return self.inline and self.type.lower() in ("text/plain", "text/html")

    @property
    def described(self) -> Attachment:
        """What there is to know of it where it is not shown."""
        return Attachment(filename=self.filename, type=self.type, size=len(self.octets), inline=self.inline)


def shown_with(text: str, html: str, files: Sequence[File]) -> tuple[str, str]:
    """Text and HTML of a message together with what its inline files show, as `parse` reads them."""
    plain, marked = [text] if text else [], [html] if html else []
    for file in files:
        if file.is_text:
            said = decode_text(file.octets[:TEXT_OCTETS], "")
            (plain if file.type.lower() == "text/plain" else marked).append(said)
    return "\n".join(plain), "\n".join(marked)


def seen_aside(files: Sequence[File], names: Iterable[str] = ()) -> tuple[str, ...]:
    """What is said in the place of these names, and what is read in files that are no text of the message
    without opening them (appointments, cards, pages), each as HTML: as `parse` reads them."""
    long = dict.fromkeys([decode_words(name) for name in names if len(name) > LONG_NAME])
    said = [as_html(name) for name in long if len(name) > LONG_NAME]
    for file in files:
        leaf = _leaf(file)
        if leaf.is_seen and not file.is_text:
            leaf = leaf._replace(octets=leaf.octets.replace(b"\r\n", b"\n"))
            text, _, _ = read_text(leaf, TEXT_OCTETS)
            said.append(read_aside(leaf, text))
    return tuple(one for one in said if one)


def attached(text: str, files: Sequence[File]) -> tuple[Attachment, ...]:
    """What is attached and not shown, files that stand in the plain text too: as `parse` tells."""
    within = [Attachment(filename=name) for name in files_within(text)]
    return (*[file.described for file in files if not file.is_text], *within)


def is_whole(files: Sequence[File]) -> bool:
    """Whether the text that is read is the one that every program shows: none unwraps another."""
    return not any(hides_text(_leaf(file)) for file in files)


def _leaf(file: File) -> Leaf:
    shown = "inline" if file.inline else "attachment"
    return Leaf(file.octets, file.type.lower(), disposition=shown, filename=file.filename)


def field(name: str, value: str) -> bytes:
    """One header field with its CRLF, folded at white space, non-ASCII as encoded words (RFC 2047).

    Raises ValueError for CR, LF, NUL or surrogates in the value, for a bad name, and for a piece
    without white space that would not fit in a line of 998 octets.
    """
    if not _NAME.match(name):
        raise ValueError("not the name of a header field")
    if _BROKEN.search(value):
        raise ValueError("a header value holds CR, LF or NUL")
    if not value.isascii():
        value = Header(value, "utf-8", maxlinelen=_WIDTH, header_name=name).encode(linesep="\r\n")
        return f"{name}: {value}\r\n".encode("ascii")
    line = f"{name}: {value}"
    if len(line) > 78:
        line = _fold(line)
    return line.encode("ascii") + b"\r\n"


def _fold(line: str) -> str:
    """CRLF before white space where a line would pass the width; never a line of white space alone."""
    lines: list[str] = []
    current = ""
    for piece in re.findall(r"[ \t]*[^ \t]+", line.rstrip()):
        if current and len(current) + len(piece) > _WIDTH and current.strip():
            lines.append(current)
            current = ""
        current += piece
    lines.append(current)
    if any(len(part) > _LONGEST_LINE for part in lines):
        raise ValueError("a header value has a piece longer than a line")
    return "\r\n".join(lines)


def person(name: str, address: str) -> str:
    """`name <address>` for a From or To field: quoted or as encoded words where needed.

    Raises ValueError for a name with CR, LF or NUL and for what is no address.
    """
    if _BROKEN.search(name):
        raise ValueError("a name holds CR, LF or NUL")
    if not is_address(address):
        raise ValueError("no address")
    if not name:
        return address
    if not name.isascii():
        name = Header(name, "utf-8", maxlinelen=_WIDTH).encode(linesep="\n").replace("\n", "")
    elif not re.fullmatch(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+", name) or "=?" in name:
        name = '"' + re.sub(r'(["\\])', r"\\\1", name) + '"'
    return f"{name} <{address}>"


def build(
    *,
    sender: str,
    recipient: str,
    subject: str,
    message_id: str,
    date: float,
    text: str = "",
    html: str = "",
    sender_name: str = "",
    recipient_name: str = "",
    attachments: Sequence[File] = (),
    headers: Sequence[tuple[str, str]] = (),
) -> bytes:
    """An RFC 5322 message with CRLF line ends; the same arguments give the same octets.

    `message_id` with or without brackets; `date` in unix seconds. Text and HTML both given become
    multipart/alternative, HTML and the pictures that it shows multipart/related; with other attachments,
    multipart/mixed. Raises ValueError for what cannot stand in a header. Addresses that are not ASCII stand
    as UTF-8 (RFC 6532) and need SMTPUTF8.
    """
    identity = message_id if message_id.startswith("<") else f"<{message_id}>"
    seed = sha256(identity.encode("utf-8", "replace")).hexdigest()[:24]
    head = [
        _address_field("From", sender_name, sender),
        _address_field("To", recipient_name, recipient),
        field("Subject", subject),
        field("Date", formatdate(date)),
        field("Message-ID", identity),
        *[field(name, value) for name, value in headers],
        b"MIME-Version: 1.0\r\n",
    ]
    shown, others = _part(attachments, html)
    body = _body(text, html, shown, seed)
    if others:
        body = _multipart("mixed", f"mixed-{seed}", [body, *(_file(file) for file in others)])
    return b"".join(head) + body


def addressed(raw: bytes, fields: bytes) -> bytes:
    """A message that `build` made, with these fields, each with its CRLF, in the place of To."""
    start = raw.index(b"\r\nTo:") + 2  # what stands behind the colon may begin on the next line
    return raw[:start] + fields + raw[raw.index(b"\r\nSubject:", start) + 2 :]


def _address_field(name: str, display: str, address: str) -> bytes:
    value = person(display, address)
    if value.isascii():
        return field(name, value)
    return f"{name}: {value}\r\n".encode()


def _part(files: Sequence[File], html: str) -> tuple[list[File], list[File]]:
    """The files that the HTML shows in their place (RFC 2392), and the others: some programs would list the
    first besides."""
    able = [f for f in files if f.inline and not f.is_text and _ID.fullmatch(f.content_id)]
    names = {name: file.content_id for file in able for name in (file.content_id, quote(file.content_id))}
    found = {names[name] for name in _named(html, names)} if names else set()
    shown = [file for file in able if file.content_id in found]
    return shown, [file for file in files if file not in shown]


def _named(html: str, names: Iterable[str]) -> Iterator[str]:
    """Those of these names that stand behind `cid:`, in one pass for all of them."""
    any_name = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    for match in re.finditer(rf"(?i:cid:)({any_name})(?![\w.@%+-])", html):
        yield match[1]


def _body(text: str, html: str, shown: Sequence[File], seed: str) -> bytes:
    parts = [_text(text, "plain")] if text or not html else []
    if html:
        page = _text(html, "html")
        if shown:  # RFC 2387 3.1 asks for the type of what is shown first
            page = _multipart("related", f"related-{seed}", [page, *map(_file, shown)], b'; type="text/html"')
        parts.append(page)
    return parts[0] if len(parts) == 1 else _multipart("alternative", f"alternative-{seed}", parts)


def _multipart(kind: str, boundary: str, parts: Sequence[bytes], more: bytes = b"") -> bytes:
    # "=_" can occur in neither quoted-printable nor base64 (RFC 2045 6.7).
    line = f"=_{boundary}".encode("ascii")
    head = b'Content-Type: multipart/%b; boundary="%b"%b\r\n\r\n' % (kind.encode("ascii"), line, more)
    return head + b"".join(b"--%b\r\n%b\r\n" % (line, part) for part in parts) + b"--%b--\r\n" % line


def _text(text: str, kind: str) -> bytes:
    octets = "\r\n".join(text.splitlines()).encode("utf-8", "replace") + b"\r\n"
    if octets.isascii() and b"\0" not in octets and all(len(line) < 900 for line in octets.split(b"\r\n")):
        encoding, encoded = b"7bit", octets
    else:
        encoding, encoded = b"quoted-printable", _quoted(octets)
    if b"--=_" in encoded:
        encoding, encoded = b"base64", encode_lines(octets)
    kind_octets = kind.encode("ascii")
    return (
        b"Content-Type: text/%b; charset=utf-8\r\nContent-Transfer-Encoding: %b\r\n\r\n"
        % (kind_octets, encoding)
        + encoded
    )


def _quoted(octets: bytes) -> bytes:
    lines = b2a_qp(octets.replace(b"\r\n", b"\n"), istext=True).replace(b"\r\n", b"\n")
    return lines.replace(b"\n", b"\r\n").replace(b"\0", b"=00")


def _file(file: File) -> bytes:
    kind = file.type if _TYPE.match(file.type) and not file.type.lower().startswith(_NEVER_ENCODED) else ""
    lines = [
        f"Content-Type: {kind or 'application/octet-stream'}",
        f"Content-Disposition: {'inline' if file.inline else 'attachment'}{_filename(file.filename)}",
        "Content-Transfer-Encoding: base64",
    ]
    if _ID.fullmatch(file.content_id):
        lines.append(f"Content-ID: <{file.content_id}>")
    head = "\r\n".join(lines).encode("ascii")
    return head + b"\r\n\r\n" + encode_lines(file.octets)


def _filename(name: str) -> str:
    """The parameter, in the form of RFC 2231 where the name is not plain."""
    name = re.sub(r"[\r\n\0\ud800-\udfff]", "", name)
    if re.fullmatch(r"[A-Za-z0-9._ -]{1,120}", name):
        return f';\r\n filename="{name}"'
    return f";\r\n filename*=utf-8''{quote(name[:80], safe='')}" if name else ""

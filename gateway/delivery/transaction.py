"""One message as an SMTP transaction: what is written, and what must not be. Pure.

Everything that goes out passes `compose` and `open_transaction`: no byte of a message, header or address
can end the message or start a command (no NUL, no bare CR or LF, no line break in an address).
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

import idna

from gateway.delivery.outbox import Entry
from gateway.message.rewrite import outgoing

# RFC 5321 4.1.2, without what only makes trouble: no route, no brackets, no control character.
_ADDRESS = re.compile(
    r'(?:[^\x00-\x20\x7f-\x9f<>()\[\],;:\\"@]+|"(?:[^"\\<>\x00-\x1f\x7f-\x9f]|\\[\x20-;=?-~])*")'
    r"@(?:[^\x00-\x20\x7f-\x9f<>()\[\],;:\\\"@]+|\[[0-9A-Za-z.:-]+\])"
)
_HEADER_NAME = re.compile(r"[!-9;-~]+")
_LINE_BREAK = re.compile(r"\r\n(?![ \t])|(?<!\r)\n|\r(?!\n)|\x00|\r\n[ \t]*$")
_NOTIFY = re.compile(r"NEVER|(?:SUCCESS|FAILURE|DELAY)(?:,(?:SUCCESS|FAILURE|DELAY)){0,2}", re.ASCII)
_XTEXT = re.compile(r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})+")
_ORCPT = re.compile(r"[A-Za-z0-9-]+;(?:[!-*,-<>-~]|\+[0-9A-F]{2})+")
_UNICODE = re.compile(r"[^\x00-\x7f]")
_LONG = 262_144


class Refusal(NamedTuple):
    """Why a message cannot go to this relay at all, whatever the relay would say."""

    enhanced: str
    text: str


class Offers(NamedTuple):
    """What a relay's EHLO reply offers. `size` is its limit in bytes, 0 for none known."""

    pipelining: bool = False
    eight_bit: bool = False
    utf8: bool = False
    dsn: bool = False
    size: int = 0
    takes_size: bool = False


def read_offers(extensions: Mapping[str, str]) -> Offers:
    """Read lower-case EHLO keywords and their parameters."""
    size = extensions.get("size", "").strip()
    return Offers(
        pipelining="pipelining" in extensions,
        eight_bit="8bitmime" in extensions,
        utf8="smtputf8" in extensions,
        dsn="dsn" in extensions,
        size=int(size) if size.isdecimal() and size.isascii() and len(size) < 16 else 0,
        takes_size="size" in extensions,
    )


def compose(entry: Entry) -> bytes | Refusal:
    """The octets to send, headers added and ended by CRLF, before dot-stuffing."""
    raw = entry.raw
    if entry.strip_headers:
        raw = outgoing(raw, frozenset(name.encode() for name in entry.strip_headers))
    if entry.add_headers:
        added = []
        for name, value in entry.add_headers:
            if not _HEADER_NAME.fullmatch(name) or _LINE_BREAK.search(value):
                return Refusal("5.6.0", "a header to be added is not a header")
            added.append(f"{name}: {value}\r\n")
        raw = "".join(added).encode() + raw
    if not is_clean(raw):
        return Refusal(
            "5.6.0", "the message holds a NUL, or a CR or LF of its own, and is not sent like that"
        )
    return raw if raw.endswith(b"\r\n") else raw + b"\r\n"


def is_clean(raw: bytes) -> bool:
    """Whether no relay can read the end of a message into it: no NUL, every CR and LF in a CRLF."""
    if len(raw) > _LONG:  # not twice in memory
        lines = raw.count(b"\r\n")
        return raw.count(b"\n") == lines and raw.count(b"\r") == lines and b"\0" not in raw
    # Cheap passes over memory; a regular expression would take ten times as long.
    rest = b"".join(raw.split(b"\r\n"))
    return not (b"\n" in rest or b"\r" in rest or b"\0" in rest)


def stuff(raw: bytes) -> bytes:
    """Double the dots that begin a line (RFC 5321 4.5.2)."""
    if b"\r\n." in raw:
        raw = raw.replace(b"\r\n.", b"\r\n..")
    return b"." + raw if raw.startswith(b".") else raw


def open_transaction(entry: Entry, raw: bytes, offers: Offers) -> tuple[bytes, bytes] | Refusal:
    """The MAIL and RCPT lines for this relay, or why it cannot take the message."""
    sender, recipient = entry.return_path or entry.envelope_from, entry.address
    if (sender and not _ADDRESS.fullmatch(sender)) or len(sender) > 320:
        return Refusal("5.1.7", "the envelope sender is not an address")
    if not _ADDRESS.fullmatch(recipient) or len(recipient) > 320:
        return Refusal("5.1.3", "the recipient is not an address")
    if offers.size and len(raw) > offers.size:
        return Refusal("5.3.4", f"the relay takes at most {offers.size} bytes, this message has {len(raw)}")
    eight_bit = not raw.isascii()
    if eight_bit and not offers.eight_bit:
        return Refusal("5.6.3", "the relay does not take 8-bit text (8BITMIME)")
    utf8 = False
    if entry.smtputf8 or not (sender.isascii() and recipient.isascii()):
        sender, recipient = _in_ascii(sender), _in_ascii(recipient)
        utf8 = not (sender.isascii() and recipient.isascii() and _has_ascii_header(raw, eight_bit))
    if utf8 and not offers.utf8:
        return Refusal("5.6.7", "the relay does not take addresses or headers beyond ASCII (SMTPUTF8)")
    return _mail_line(entry, sender, len(raw), eight_bit, utf8, offers), _rcpt_line(entry, recipient, offers)


def _mail_line(entry: Entry, sender: str, size: int, eight_bit: bool, utf8: bool, offers: Offers) -> bytes:
    line = f"MAIL FROM:<{sender}>"
    if offers.takes_size:
        line += f" SIZE={size}"
    if eight_bit:
        line += " BODY=8BITMIME"
    if utf8:
        line += " SMTPUTF8"
    if offers.dsn:
        if entry.dsn_return in {"FULL", "HDRS"}:
            line += f" RET={entry.dsn_return}"
        if entry.dsn_envelope_id and _is_word(_XTEXT, entry.dsn_envelope_id, 100):
            line += f" ENVID={entry.dsn_envelope_id}"
    return f"{line}\r\n".encode()


def _rcpt_line(entry: Entry, recipient: str, offers: Offers) -> bytes:
    line = f"RCPT TO:<{recipient}>"
    if offers.dsn:
        if entry.notify and _is_word(_NOTIFY, entry.notify, 28):
            line += f" NOTIFY={entry.notify}"
        orcpt = orcpt_in_ascii(entry.orcpt)
        if orcpt and _is_word(_ORCPT, orcpt, 500):
            line += f" ORCPT={orcpt}"
    return f"{line}\r\n".encode()


def orcpt_in_ascii(orcpt: str) -> str:
    """An ORCPT in the form that every relay takes: signs beyond ASCII of a utf-8 one in hexadecimal numbers
    (RFC 6533 3)."""
    if orcpt[:6].lower() != "utf-8;":
        return orcpt
    return _UNICODE.sub(lambda sign: f"\\x{{{ord(sign[0]):X}}}", orcpt)


def _is_word(pattern: re.Pattern[str], text: str, limit: int) -> bool:
    return len(text) <= limit and pattern.fullmatch(text) is not None


def _in_ascii(address: str) -> str:
    """The address with its domain in ASCII (IDNA 2008) where its local part is; else as it is."""
    local, _, domain = address.rpartition("@")
    if domain.isascii() or not local.isascii():
        return address
    try:
        return f"{local}@{idna.encode(domain, uts46=True).decode()}"
    except idna.IDNAError:
        return address


def _has_ascii_header(raw: bytes, eight_bit: bool) -> bool:
    if not eight_bit:
        return True
    end = raw.find(b"\r\n\r\n")
    return raw[: end if end >= 0 else len(raw)].isascii()

"""The octets that leave: header fields taken out and put in, everything else byte for byte."""

import re
from collections.abc import Iterator, Sequence

from gateway.message.compose import build, field
from gateway.message.declared import Declared, read_declared
from gateway.message.parse import Parsed
from gateway.message.tree import find_header_end

__all__ = ["BLIND", "Declared", "build", "metadata", "outgoing", "unsigned"]

_COLON = re.compile(rb"[ \t]*:")
_SIGNATURE = re.compile(rb"^dkim-signature[ \t]*:(.*(?:\n[ \t].*)*)", re.MULTILINE)
_SIGNED_FIELDS = re.compile(rb"(?:^|;)\s*h\s*=([^;]*)")

BLIND = frozenset({b"bcc", b"resent-bcc", b"return-path"})
"""Fields that are for servers alone: who gets a blind copy (RFC 5322 3.6.3), and the reverse-path, which only
the last server writes (RFC 5321 4.4)."""


def outgoing(raw: bytes, strip: frozenset[bytes], add: Sequence[tuple[str, str]] = ()) -> bytes:
    """The message without the fields named in `strip` and with those of `add` before all others.

    `strip` holds lower-case names; one that ends in "-" takes every field that begins so. A field goes
    with its continuation lines. Added values are folded; one with CR, LF or NUL is refused (ValueError),
    as is a name that is no field name (RFC 5322 3.6.8).
    """
    added = b"".join([field(name, value) for name, value in add])
    end = find_header_end(raw)
    lower = raw[:end].lower()
    fields = sorted({start for name in strip if name in lower for start in _starts(lower, name)})
    if not fields:
        return added + raw
    kept = [added]
    position = 0
    for start in fields:
        kept.append(raw[position:start])
        position = _end_of_field(raw, start, end)
    kept.append(raw[position:])
    return b"".join(kept)


def unsigned(raw: bytes, names: frozenset[bytes]) -> frozenset[bytes]:
    """Those of these field names, in lower case, that stand in the header and that no DKIM signature covers
    (RFC 6376 3.5, `h=`): without one that is covered the signature would break."""
    lower = raw[: find_header_end(raw)].lower()
    there = frozenset(name for name in names if name in lower)
    if not there or b"dkim-signature" not in lower:
        return there
    covered = (_SIGNED_FIELDS.search(found[1]) for found in _SIGNATURE.finditer(lower))
    return there - {name.strip() for tag in covered if tag for name in tag[1].split(b":")}


def _starts(lower: bytes, name: bytes) -> Iterator[int]:
    """Where fields of that name begin in a header in lower case.

    White space before the colon makes no field to RFC 5322, but does to lenient readers.
    """
    at = 0 if lower.startswith(name) else lower.find(b"\n" + name) + 1
    while at or lower.startswith(name):
        if name.endswith(b"-") or _COLON.match(lower, at + len(name)):
            yield at
        at = lower.find(b"\n" + name, at) + 1
        if not at:
            return


def _end_of_field(raw: bytes, start: int, end: int) -> int:
    """The offset behind the field's last line: continuation lines begin with white space."""
    while True:
        start = raw.find(b"\n", start, end) + 1
        if not start:
            return end
        if raw[start : start + 1] not in (b" ", b"\t") or start >= end:
            return start


def metadata(parsed: Parsed) -> Declared:
    """What the header declares: the X-Galateo-* fields, and the campaign by the tools' own."""
    return read_declared(parsed.headers)

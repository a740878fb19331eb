"""The octets of one message as they come in after DATA (RFC 5321 4.1.1.4, 4.5.2). No I/O.

Only CRLF.CRLF ends a message. Whatever else other servers took for an end (LF.LF, LF.CRLF, CR.CR, CRLF.LF,
CRLF NUL.CRLF) is data, and makes the message one that is refused: no bytes that came in may start a second
message on the way out (SMTP smuggling).
"""

from typing import Any

import re2

_END = b"\r\n.\r\n"

BARE_LINE_END = b"550 5.6.11 A line of the message ends in CR or LF alone; it must be CRLF\r\n"
NUL_OCTET = b"554 5.6.0 The message contains NUL octets; encode them (RFC 2045)\r\n"
LONG_HEADER = b"554 5.6.0 The header of the message is too long\r\n"
LOOP = b"554 5.4.6 The message passed too many servers; it seems to go round in a loop\r\n"


class Body:
    """One message being received: `feed` until it ends, then `finish`.

    `size` counts the octets received, dots of transparency included. Beyond `limit` nothing more is kept:
    `oversize` turns true and the rest is only searched for its end.
    """

    __slots__ = ("_kept", "_limit", "_tail", "oversize", "size")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept = bytearray()
        # The last octets before the next chunk. The line of DATA itself ended in CRLF.
        self._tail = b"\r\n"
        self.size = 0
        self.oversize = False

    def feed(self, data: bytes) -> int:
        """Take a chunk. Return how many of its octets belong to this message, end mark included, or -1
        where the end is not among them. Costs one search of the chunk, whatever came before."""
        tail = self._tail
        seam = (tail + data[:4]).find(_END)
        end = seam - len(tail) if seam >= 0 else data.find(_END)
        if seam < 0 and end < 0:
            self._tail = data[-4:] if len(data) >= 4 else (tail + data)[-4:]
            self._keep(data)
            return -1
        # The CRLF before the dot is the message's own.
        own = end + 2
        if own >= 0:
            self._keep(data[:own])
        elif not self.oversize:
            del self._kept[own:]
            self.size += own
        return end + 5

    def _keep(self, data: bytes) -> None:
        self.size += len(data)
        if self.size > self._limit and not self.oversize:
            self.oversize = True
            self._kept = bytearray()
        if not self.oversize:
            self._kept += data

    def finish(self) -> bytes:
        """Return the octets as they came, dots of transparency included, and let go of them."""
        raw = bytes(self._kept)
        self._kept = bytearray()
        return raw


def unwrap(raw: bytes, longest_header: int, hops: int) -> tuple[bytes, bytes | None]:
    """Return the message without dots of transparency, and the reply that refuses it, or None.

    Refused are octets that must not travel on, and headers without end.
    """
    fault = None
    if _SPECIAL.Match(raw):
        raw = (raw[1:] if raw.startswith(b".") else raw).replace(b"\r\n.", b"\r\n")
        fault = _find_bad_octets(raw)
    return raw, fault or _find_bad_header(raw, longest_header, hops)


def _compile_special() -> Any:
    # One pass over the whole tells that nothing is to be done, as with most messages; a regular expression
    # of `re` would take twenty times as long, and counting each of these octets twice.
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    special = re2.Set.SearchSet(options)
    special.Add(rb"\A[.\n]|[^\r]\n|\r[^\n]|\r\z|\x00|\r\n\.")
    special.Compile()
    return special


_SPECIAL = _compile_special()


def _find_bad_octets(raw: bytes) -> bytes | None:
    lines = raw.count(b"\r\n")
    if raw.count(b"\r") != lines or raw.count(b"\n") != lines:
        return BARE_LINE_END
    return NUL_OCTET if b"\0" in raw else None


def _find_bad_header(raw: bytes, longest: int, hops: int) -> bytes | None:
    end = raw.find(b"\r\n\r\n", 0, longest + 4)
    if end < 0:
        if len(raw) > longest:
            return LONG_HEADER
        end = len(raw)
    return LOOP if (b"\r\n" + raw[:end].lower()).count(b"\r\nreceived:") > hops else None

"""SMTP replies as a relay sends them (RFC 5321 4.2), read without trust. Pure."""

import re
from typing import NamedTuple

MAX_LINE = 4096
MAX_LINES = 128

_CODES = {b"%d" % code: code for code in range(200, 600)}
_MARKS = (b" ", b"-", b"")
_ENHANCED = re.compile(rb"([245])\.(\d{1,3})\.(\d{1,3})(?=[ \t]|$)")
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]+")


class BrokenReplyError(Exception):
    """What the relay sent is no SMTP reply; the text says why and repeats nothing of it."""


class Reply(NamedTuple):
    """A whole reply. `text` joins its lines by a space, without the code."""

    code: int
    text: bytes

    @property
    def enhanced(self) -> str:
        """The RFC 3463 code at the start of the text, if it is of the reply's own class; else ""."""
        found = _ENHANCED.match(self.text)
        return found[0].decode() if found and int(found[1]) == self.code // 100 else ""


class ReplyReader:
    """Bytes in, replies out, in whatever pieces they come. Memory is bounded by MAX_LINE x MAX_LINES.

    `broken` says what came after the replies that were returned last and is none: no more is read.
    """

    __slots__ = ("_lines", "_partial", "broken")

    def __init__(self) -> None:
        self._partial = b""
        self._lines: list[bytes] = []
        self.broken: BrokenReplyError | None = None

    @property
    def midway(self) -> bool:
        """Whether a reply has begun and not ended, or is none."""
        return bool(self._partial or self._lines or self.broken)

    def feed(self, data: bytes) -> list[Reply]:
        """Return the replies that these bytes complete, or raise BrokenReplyError: only once those before it
        were returned, for a message that was taken stays taken, whatever is said after that."""
        if self.broken is not None:
            raise self.broken
        lines = (self._partial + data if self._partial else data).split(b"\n")
        self._partial = lines.pop()
        replies: list[Reply] = []
        try:
            for line in lines:
                reply = self._add(line)
                if reply is not None:
                    replies.append(reply)
            if len(self._partial) > MAX_LINE:
                raise BrokenReplyError("a reply line without end")
        except BrokenReplyError as error:
            if not replies:
                raise
            self.broken = error
        return replies

    def _add(self, line: bytes) -> Reply | None:
        line = line.rstrip(b"\r")
        code, mark = _CODES.get(line[:3]), line[3:4]
        if code is None or mark not in _MARKS:
            raise BrokenReplyError("a line that is no SMTP reply")
        if len(line) > MAX_LINE or len(self._lines) >= MAX_LINES:
            raise BrokenReplyError("a reply without end")
        if not self._lines and mark != b"-":
            return Reply(code, line[4:])
        if self._lines and self._lines[0][:3] != line[:3]:
            raise BrokenReplyError("a reply of several codes")
        self._lines.append(line)
        if mark == b"-":
            return None
        text = b" ".join(each[4:] for each in self._lines)
        self._lines.clear()
        return Reply(code, text)


def printable(text: bytes | str, limit: int = 200) -> str:
    """The text as one line of printable ASCII, at most `limit` characters; anything else becomes "?"."""
    if isinstance(text, bytes):
        if len(text) <= limit and text.isascii():
            plain = text.decode("ascii")
            if plain.isprintable():
                return plain
        text = text[: 4 * limit].decode("ascii", "replace")
    return _UNPRINTABLE.sub("?", text[: 4 * limit]).strip()[:limit]

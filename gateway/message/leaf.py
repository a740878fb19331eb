"""The leaves of a MIME tree: what both readers of structure hand on."""

import re
from collections.abc import Callable
from email.message import Message
from functools import lru_cache
from typing import NamedTuple

# A Content-Type or Content-Disposition without comments, escapes, encodings or repetition.
_VALUE = re.compile(
    rb"[ \t]*([A-Za-z0-9.+-]+(?:/[A-Za-z0-9.+-]+)?)"
    rb"((?>(?:[ \t]*;[ \t]*[A-Za-z0-9-]++="
    rb"(?:\"[^\"\\\0\x80-\xff]*+\"|[^\s;\"(),<>@:\\/\[\]?=\0\x80-\xff]++))*))[ \t]*;?[ \t]*\Z"
)
_MULTIPART = re.compile(rb' ?[Mm]ultipart/([A-Za-z-]+);[ \t]*(?:boundary|BOUNDARY)="([^"\\\0\x80-\xff]*+)"\Z')
_KIND = re.compile(r"[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+\Z")
_BEHIND = re.compile(r"[;(\s]")
_PARAMETER = re.compile(rb"([A-Za-z0-9-]+)=(?:\"([^\"]*)\"|([^\s;]+))")

LONGEST_PARAMETERS = 768  # characters; stdlib's parameter parser takes time that grows with the square

# Unfolded values as octets, by lower-case name.
Fields = dict[str, list[bytes]]

Branch = tuple[tuple[int, int], ...]
"""The alternatives around a part, outermost first, and which of their versions it belongs to."""
_NO_TEXT = frozenset(
    {"text/calendar", "text/csv", "text/directory", "text/rtf", "text/vcard", "text/x-vcard"}
)
_NO_PROSE = _NO_TEXT | {"text/css", "text/javascript", "text/tab-separated-values", "text/xml"}
_SOME_SHOW = frozenset({"text/x-amp-html", "text/watch-html", "application/xhtml+xml", "image/svg+xml"})
_INVITATIONS = frozenset({"text/calendar", "application/ics"})
_CARDS = frozenset({"text/vcard", "text/x-vcard", "text/directory"})
_WRAPPED = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})
_SIGNED = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})


class Leaf(NamedTuple):
    """One part that holds no further parts; `octets` are still in their transfer encoding, with LF.
    `attached` is set where it belongs to a message within the message."""

    octets: bytes
    type: str = "text/plain"
    charset: str = ""
    encoding: str = ""
    disposition: str = ""
    filename: str = ""
    embedded: bool = False
    joined: bool = False
    branch: Branch = ()
    attached: bool = False

    @property
    def is_text(self) -> bool:
        """Whether a mail program shows it as the text of the message (RFC 2046 4.1.4: of a kind that it does
        not know, as plain text)."""
        if self.disposition == "attachment":
            return False
        if self.type in ("text/plain", "text/html"):
            return True
        return (
            self.type.startswith("text/")
            and not self.filename
            and self.type not in _NO_TEXT
            and self.type not in _SOME_SHOW
        )

    @property
    def is_page(self) -> bool:
        """Whether it holds HTML, or a drawing with words, that only some mail programs show."""
        return self.type in _SOME_SHOW and self.disposition != "attachment"

    @property
    def is_version(self) -> bool:
        """Whether it is called attached, and may be shown all the same as one of several versions."""
        return self.type == "text/html" and self.disposition == "attachment" and bool(self.branch)

    @property
    def is_invitation(self) -> bool:
        """Whether mail programs show what it says of an appointment, attached or not."""
        return self.type in _INVITATIONS or self.filename.lower().endswith((".ics", ".vcs"))

    @property
    def is_card(self) -> bool:
        """Whether mail programs show what it says of a person, attached or not."""
        return self.type in _CARDS or self.filename.lower().endswith(".vcf")

    @property
    def is_shown_file(self) -> bool:
        """Whether it is a file of text that some mail programs show below the message."""
        if self.disposition == "attachment" or self.is_text:
            return False
        return self.type.startswith("text/") and self.type not in _NO_PROSE

    @property
    def is_wrapped(self) -> bool:
        """Whether some mail programs show, in the place of the text, what is wrapped in it: that of Outlook's
        own format, or of a signature around the whole (RFC 8551 3.5.2). Signed files are files."""
        return self.type in _WRAPPED or (self.type in _SIGNED and self.filename.lower() in ("", "smime.p7m"))

    @property
    def is_seen(self) -> bool:
        """Whether it is no text of the message, and some read in it without opening it."""
        return self.is_page or self.is_version or self.is_invitation or self.is_card or self.is_shown_file


def read_value(value: bytes) -> tuple[str, dict[str, str]] | None:
    """The value, lower case, and its parameters; None when it is anything but plain."""
    if len(value) < 100 and b"boundary" not in value:
        return _read_kept(value)
    return _read(value) if len(value) < LONGEST_PARAMETERS else None


def _read(value: bytes) -> tuple[str, dict[str, str]] | None:
    if match := _MULTIPART.match(value):
        return f"multipart/{match[1].decode('ascii').lower()}", {"boundary": match[2].decode("ascii")}
    match = _VALUE.match(value)
    if not match:
        return None
    parameters: dict[str, str] = {}
    if match[2]:
        for name, quoted, plain in _PARAMETER.findall(match[2]):
            key = name.decode("ascii").lower()
            if key in parameters:
                return None
            parameters[key] = (quoted or plain).decode("ascii")
    return match[1].decode("ascii").lower(), parameters


# The same few types stand in nearly every message; the dictionaries given out are only read.
_read_kept = lru_cache(maxsize=256)(_read)


def joins_lines(parameters: dict[str, str]) -> bool:
    """Whether a blank at the end of a line goes with the line end (RFC 3676 4.1)."""
    return "delsp" in parameters and parameters["delsp"].lower() == "yes"


class Part(Message):
    """A part as stdlib sees it, its structural headers cut before their parameters are parsed."""

    def get(self, name, failobj=None):  # type: ignore[no-untyped-def]
        """The value, unfolded and bounded where stdlib looks for parameters."""
        value = super().get(name, failobj)
        if name.lower() in ("content-type", "content-disposition") and isinstance(value, str):
            return value.replace("\n", "").replace("\r", "")[:LONGEST_PARAMETERS]
        return value


def describe(part: Message, octets: Callable[[Message], bytes]) -> Leaf:
    """The leaf that stdlib finds in a part's headers."""
    kind = read_token(part.get_content_type())
    if kind.startswith("multipart/") or not _KIND.match(kind):
        kind = "text/plain"  # no boundary, or no kind at all: what is there is shown as it stands
    encoding = read_token(str(part.get("content-transfer-encoding", "")))
    disposition = read_token(str(part.get("content-disposition", "")))
    filename = (part.get_filename() or "").strip()
    embedded = "content-id" in part
    joined = str(part.get_param("delsp", "")).lower() == "yes"
    return Leaf(octets(part), kind, _charset(part), encoding, disposition, filename, embedded, joined)


def read_token(value: str) -> str:
    """What stands before parameters, comments and white space, in lower case."""
    return _BEHIND.split(value.strip(), maxsplit=1)[0].lower()


def _charset(part: Message) -> str:
    try:
        return (part.get_content_charset() or "").strip()
    except (ValueError, LookupError):
        return ""

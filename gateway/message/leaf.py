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
_BEHIND = re.compile(r"[;(\s]")
_PARAMETER = re.compile(rb"([A-Za-z0-9-]+)=(?:\"([^\"]*)\"|([^\s;]+))")

LONGEST_PARAMETERS = 768  # characters; stdlib's parameter parser takes time that grows with the square

# Unfolded values as octets, by lower-case name.
Fields = dict[str, list[bytes]]


class Leaf(NamedTuple):
    """One part that holds no further parts; `octets` are still in their transfer encoding, with LF."""

    octets: bytes
    type: str = "text/plain"
    charset: str = ""
    encoding: str = ""
    disposition: str = ""
    filename: str = ""
    embedded: bool = False

    @property
    def is_text(self) -> bool:
        """Whether a mail program shows it as the text of the message."""
        return self.type in ("text/plain", "text/html") and self.disposition != "attachment"


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
    if kind.startswith("multipart/"):
        kind = "text/plain"  # no boundary found: what is there is shown as it stands
    encoding = read_token(str(part.get("content-transfer-encoding", "")))
    disposition = read_token(str(part.get("content-disposition", "")))
    filename = (part.get_filename() or "").strip()
    embedded = "content-id" in part
    return Leaf(octets(part), kind, _charset(part), encoding, disposition, filename, embedded)


def read_token(value: str) -> str:
    """What stands before parameters, comments and white space, in lower case."""
    return _BEHIND.split(value.strip(), maxsplit=1)[0].lower()


def _charset(part: Message) -> str:
    try:
        return (part.get_content_charset() or "").strip()
    except (ValueError, LookupError):
        return ""

"""The leaves of a MIME tree: what both readers of structure hand on."""

import re
from functools import lru_cache
from typing import NamedTuple

# A Content-Type or Content-Disposition without comments, escapes, encodings or repetition.
_VALUE = re.compile(
    rb"[ \t]*([A-Za-z0-9.+-]+(?:/[A-Za-z0-9.+-]+)?)"
    rb"((?:[ \t]*;[ \t]*[A-Za-z0-9-]++="
    rb"(?:\"[^\"\\\0\x80-\xff]*+\"|[^\s;\"(),<>@:\\/\[\]?=\0\x80-\xff]++))*+)[ \t]*;?[ \t]*\Z"
)
_PARAMETER = re.compile(rb"([A-Za-z0-9-]+)=(?:\"([^\"]*)\"|([^\s;]+))")

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
    return _read(value) if len(value) < 1000 else None


def _read(value: bytes) -> tuple[str, dict[str, str]] | None:
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

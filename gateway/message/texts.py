"""The text of one leaf, as it is shown: decoded, its lines joined, or taken out of an invitation."""

import re
from html import escape

from gateway.message.body import TEXT_OCTETS, decode_text, decode_transfer, is_odd_charset, is_odd_encoding
from gateway.message.leaf import Leaf

_INLINE_DATA = re.compile(rb"data:[a-zA-Z0-9/+.-]{0,60};base64,[A-Za-z0-9+/=\s%]{200,}+")
_SAID = re.compile(
    r"^(?:SUMMARY|DESCRIPTION|LOCATION|COMMENT|CONTACT|CATEGORIES|RESOURCES)"
    r"(?:;[^\n:\"]*(?:\"[^\n\"]*\"[^\n:\"]*)*)?:(.+)",
    re.MULTILINE | re.IGNORECASE,
)
_STYLED = re.compile(
    r"^(?:X-ALT-DESC|STYLED-DESCRIPTION)(?:;[^\n:\"]*(?:\"[^\n\"]*\"[^\n:\"]*)*)?:(.+)",
    re.MULTILINE | re.IGNORECASE,
)
"""A description as HTML, which Outlook and others show in place of the plain one (RFC 9073 6.5)."""
_HOST = re.compile(r"^ORGANIZER[^\n]*?;CN=(?:\"([^\"\n]+)\"|([^\n:;,]+))", re.MULTILINE | re.IGNORECASE)
_ESCAPED = re.compile(r"\\([nN,;\\])")


def read_text(leaf: Leaf, room: int) -> tuple[str, int, bool]:
    """The text of a leaf as far as there is room, the octets it took, and whether it fitted and can be read
    in one way only."""
    octets = decode_transfer(leaf.octets, leaf.encoding, TEXT_OCTETS)
    fits = len(leaf.octets) <= 4 * TEXT_OCTETS and not is_odd_encoding(leaf.encoding)
    if len(octets) > room:
        if b"data:" in octets:  # pictures within a page are no text
            octets = _INLINE_DATA.sub(b"data:,", octets)
        fits = fits and len(octets) <= room
        octets = octets[:room]
    if is_odd_charset(leaf.charset, octets):
        fits = False
    text = decode_text(octets, leaf.charset)
    if leaf.joined and leaf.type != "text/html":
        text = text.replace(" \n", "").replace("--\n", "-- \n")
    return text, len(octets), fits


def as_html(text: str) -> str:
    """A plain text as a page that shows the same lines."""
    return escape(text, quote=False).replace("\n\n", "<p>").replace("\n", "<br>")


def read_invitation(text: str) -> str:
    """What an iCalendar object says to people, as HTML: titles, descriptions, places, who invites
    (RFC 5545 3.8.1)."""
    unfolded = text.replace("\n ", "").replace("\n\t", "")
    said = [as_html(_unescape(match[1].strip())) for match in _SAID.finditer(unfolded)]
    said += [as_html(match[1] or match[2]) for match in _HOST.finditer(unfolded)]
    said += [_unescape(match[1].strip()) for match in _STYLED.finditer(unfolded)]  # may leave tags open: last
    return "<p>".join(dict.fromkeys(said))


def _unescape(value: str) -> str:
    return _ESCAPED.sub(lambda one: "\n" if one[1] in "nN" else one[1], value)

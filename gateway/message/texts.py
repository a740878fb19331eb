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
_TOLD = re.compile(
    r"^(?:[\w-]+\.)?(?:FN|NICKNAME|TITLE|ROLE|ORG|NOTE|CATEGORIES|LABEL)"
    r"(?:;[^\n:\"]*(?:\"[^\n\"]*\"[^\n:\"]*)*)?:(.+)",
    re.MULTILINE | re.IGNORECASE,
)
_CARD_DATA = re.compile(rb"^(?:[\w-]+\.)?(?:PHOTO|LOGO|SOUND|KEY)[;:][^\n]*(?:\n[ \t][^\n]*)*", re.MULTILINE)
_TAG = re.compile(r"<[^<>\n]{0,200}>")
ENRICHED = ("text/enriched", "text/richtext")
_SIGNED_DATA = bytes.fromhex("2a864886f70d010702")
"""id-signedData (RFC 5652 5.1)."""
_HEAD = 100
"""Octets in which what a CMS object is stands."""
_FILE = 20_000
"""Characters of a file of text that are read where it is shown below the message."""
_FILE_WITHIN = re.compile(
    r"^(?:begin [0-7]{3,4} ([^\n]{1,200})\n[!-M][ -`]{4,}|=ybegin [^\n]{0,80}name=([^\n]{1,200}))$",
    re.MULTILINE,
)
"""Where a file begins in a plain text: as uuencode and yEnc write it."""
_ESCAPED = re.compile(r"\\([nN,;\\])")


def read_text(leaf: Leaf, room: int) -> tuple[str, int, bool]:
    """The text of a leaf as far as there is room, the octets it took, and whether it fitted and can be read
    in one way only."""
    octets = decode_transfer(leaf.octets, leaf.encoding, TEXT_OCTETS)
    fits = len(leaf.octets) <= 4 * TEXT_OCTETS and not is_odd_encoding(leaf.encoding)
    if len(octets) > room:
        if b"data:" in octets:  # pictures within a page are no text
            octets = _INLINE_DATA.sub(b"data:,", octets)
        if leaf.is_card:
            octets = _CARD_DATA.sub(b"", octets.replace(b"\r\n", b"\n"))
        fits = fits and len(octets) <= room
        octets = octets[:room]
    if is_odd_charset(leaf.charset, octets):
        fits = False
    text = decode_text(octets, leaf.charset)
    if leaf.joined and leaf.type != "text/html":
        text = text.replace(" \n", "").replace("--\n", "-- \n")
    return text, len(octets), fits


def hides_text(leaf: Leaf) -> bool:
    """Whether a text is wrapped in a leaf that some programs unwrap; what is encrypted is for its reader."""
    if not leaf.is_wrapped:
        return False
    return "tnef" in leaf.type or _SIGNED_DATA in decode_transfer(leaf.octets[:_HEAD], leaf.encoding)[:_HEAD]


def read_aside(leaf: Leaf, text: str) -> str:
    """What is read, as HTML, in the text of a leaf that is no text of the message."""
    if leaf.is_page or leaf.is_version:
        return text
    if leaf.is_invitation:
        return read_invitation(text)
    if leaf.is_card:
        return read_card(text)
    return without_marks(text[:_FILE]) if leaf.type in ENRICHED else as_html(text[:_FILE])


def files_within(text: str) -> list[str]:
    """The names of files that stand in a plain text, which some programs show as attached."""
    if "begin " not in text:
        return []
    return [(one[0] or one[1]).strip() for one in _FILE_WITHIN.findall(text)]


def without_marks(text: str) -> str:
    """Enriched text as HTML that shows the same words (RFC 1896)."""
    return as_html(_TAG.sub("", text))


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


def read_card(text: str) -> str:
    """What a card says of a person in words, as HTML: names, titles, notes (RFC 6350 6)."""
    if "QUOTED-PRINTABLE" in text.upper():  # RFC 2045, as version 2.1 has it
        text = decode_text(decode_transfer(text.encode(), "quoted-printable"), "utf-8")
    unfolded = text.replace("\n ", "").replace("\n\t", "")
    said = [as_html(_unescape(match[1].strip())) for match in _TOLD.finditer(unfolded)]
    return "<p>".join(dict.fromkeys(said))


def _unescape(value: str) -> str:
    return _ESCAPED.sub(lambda one: "\n" if one[1] in "nN" else one[1], value)

"""From the octets of one part to what a person reads: transfer encodings and character sets."""

import codecs
import re
from binascii import Error as BadBase64
from binascii import a2b_base64, a2b_qp, a2b_uu
from functools import lru_cache

TEXT_OCTETS = 262_144  # of decoded text, and of HTML, per message; what is beyond is left out of Content

_UTF8 = frozenset({"utf-8", "utf8", "us-ascii", "ascii", ""})
_WESTERN = frozenset({"iso-8859-1", "latin1", "latin-1", "iso8859-1", "windows-1252", "cp1252", "iso_8859-1"})
# Codecs of Python that no mail uses: they run escapes, or take time that grows with the square.
_REFUSED = frozenset({"unicode-escape", "raw-unicode-escape", "punycode", "idna", "undefined", "utf-7"})
_UTF7 = frozenset({"utf-7", "utf7", "utf_7", "csutf7", "unicode-1-1-utf-7", "x-unicode-2-0-utf-7"})
_SHIFTED = ("hz", "iso-2022-kr", "iso-2022-cn", "csiso2022kr", "iso2022_kr", "iso2022kr")
"""Character sets that few programs still read; to the others what stands between their signs is ASCII."""
_SHIFTS = re.compile(rb"~\{|\x0e|\x1b")
_QUOTED_BLANKS = re.compile(rb"(?<![ \t])[ \t]++(?=\r?\n|\Z)")
_MOST_PIECES = 100  # of one base64 body
PLAIN_ENCODINGS = frozenset({"", "7bit", "8bit", "binary"})


def decode_transfer(octets: bytes, encoding: str, limit: int = 0) -> bytes:
    """The part's octets after its Content-Transfer-Encoding (lower case); an unknown one changes nothing.

    With a limit, encoded octets beyond four times it are not looked at.
    """
    if encoding in PLAIN_ENCODINGS:
        return octets
    if limit and len(octets) > 4 * limit:
        octets = octets[: 4 * limit]
    if encoding == "quoted-printable":
        if b"= " in octets or b"=\t" in octets:  # blanks at the end of a line do not count (RFC 2045 6.7)
            octets = _QUOTED_BLANKS.sub(b"", octets)
        return a2b_qp(octets)
    if encoding == "base64":
        return _decode_base64(octets)
    if encoding in ("x-uuencode", "uuencode", "uue", "x-uue"):
        return _decode_uu(octets)
    return octets


def is_odd_encoding(encoding: str) -> bool:
    """Whether some mail programs decode what is called so, and others show it as it stands."""
    if encoding in PLAIN_ENCODINGS or encoding in ("quoted-printable", "base64"):
        return False
    return re.sub(r"[^a-z0-9]", "", encoding) in ("quotedprintable", "base64", "xbase64", "xquotedprintable")


def is_odd_charset(charset: str, octets: bytes) -> bool:
    """Whether mail programs differ about what it says: some still read UTF-7 (RFC 2152), guess the order of
    UTF-16 without its mark (RFC 2781), heed that mark whatever the header says, or leave NUL out; many read
    as ASCII what calls itself EBCDIC or shifts between two sets in an old way (RFC 1557, RFC 1843)."""
    name = charset.lower()
    marked = octets[:2] in (codecs.BOM_UTF16_BE, codecs.BOM_UTF16_LE)
    if name.startswith(("utf-16", "utf16", "utf_16", "utf-32", "utf32", "utf_32", "ucs")):
        return name in ("utf-16", "utf16", "utf_16") and not marked
    if marked or b"\0" in octets:
        return True
    if name.startswith(_SHIFTED) and _SHIFTS.search(octets):
        return True
    return (name in _UTF7 and b"+" in octets) or not _holds_ascii(name)


@lru_cache(maxsize=256)
def _holds_ascii(charset: str) -> bool:
    """Whether letters of ASCII are themselves in a character set; so they are in one that is not known."""
    if charset in _UTF8 or charset in _WESTERN:
        return True
    return charset in _UTF7 or _decode(b"offerta", charset) == "offerta"


def _decode_base64(octets: bytes) -> bytes:
    padding = octets.find(b"=")
    if padding >= 0 and octets[padding:].strip(b"=\r\n \t"):
        # Pieces one after another, each padded: some readers show them all, so all are read.
        *pieces, rest = octets[: 4 * TEXT_OCTETS].split(b"=", _MOST_PIECES)
        pieces.append(rest.replace(b"=", b""))
        return b"".join([_decode_piece(piece) for piece in pieces if piece.strip()])
    return _decode_piece(octets)


def _decode_piece(octets: bytes) -> bytes:
    try:
        return a2b_base64(octets)
    except BadBase64:
        pass
    # Padding lost, or a last character too many: what can be read is read.
    for mended in (octets + b"==", octets.rstrip()[:-1]):
        try:
            return a2b_base64(mended)
        except BadBase64:
            continue
    return octets


def _decode_uu(octets: bytes) -> bytes:
    lines: list[bytes] = []
    for line in octets.splitlines():
        if line.startswith(b"begin ") or line.strip() in (b"", b"`", b"end"):
            continue
        try:
            lines.append(a2b_uu(line))
        except BadBase64:
            lines.append(line)
    return b"".join(lines)


def decoded_size(octets: bytes, encoding: str) -> int:
    """About how many octets the part has once decoded, without decoding it."""
    if encoding != "base64":
        return len(octets)
    length = len(octets) - octets.count(b"\r") - octets.count(b"\n")
    return max(0, length * 3 // 4 - octets[-8:].count(b"="))


def decode_text(octets: bytes, charset: str) -> str:
    """The octets as str with LF line ends; never fails, holds neither NUL nor surrogates.

    ISO-8859-1 is read as Windows-1252, as mail programs do (WHATWG Encoding). What calls itself UTF-8
    or ASCII and is not keeps U+FFFD if declared UTF-8, else is read as Windows-1252.
    """
    if not octets:
        return ""
    text = _decode(octets, charset.lower())
    if "\r" in text:
        text = text.replace("\r\n", "\n")
    return text.replace("\0", "\ufffd") if "\0" in text else text


def _decode(octets: bytes, charset: str) -> str:
    if charset in _UTF8:
        try:
            return octets.decode("utf-8")
        except UnicodeDecodeError:
            return octets.decode("utf-8" if charset.startswith("utf") else "cp1252", "replace")
    if charset in _WESTERN:
        return octets.decode("cp1252", "replace")
    try:
        codec = codecs.lookup(charset).name
        if codec in _REFUSED:
            return _decode(octets, "")
        text = octets.decode(codec, "replace")
    except (LookupError, ValueError, TypeError):
        return _decode(octets, "")
    return text.encode("utf-8", "replace").decode("utf-8")

"""What a page says otherwise than in its text: in style sheets, and in addresses that hold what they show."""

import re
from binascii import Error as BadBase64
from binascii import a2b_base64
from html import unescape
from urllib.parse import unquote

from gateway.reading.looks import plain_letters

_DECLARED = re.compile(
    r"(?<![\w\\-])([\w\\-]{1,200})\s{0,20}:((?:[^;{}\"'\\]|\\.|\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*')*)",
    re.DOTALL,
)
_SAYING = frozenset(
    "content quotes list-style list-style-type symbols additive-symbols prefix suffix hyphenate-character"
    " text-overflow text-emphasis text-emphasis-style".split()
)
"""Properties whose strings are shown; those of a custom property may be put into one of them."""
_STRING = re.compile(r"\"((?:[^\"\\]|\\.)*)\"|'((?:[^'\\]|\\.)*)'", re.DOTALL)
_ADDRESS = re.compile(
    r"url\(\s{0,9}(?:\"[^\"]{0,300}\"|'[^']{0,300}'|[^()\"']{0,300})\s{0,9}\)", re.IGNORECASE
)
_ATTRIBUTE = re.compile(r"attr\(\s{0,9}([\w-]{1,60})", re.IGNORECASE)
_LETTER = re.compile(r"[^\W\d_]")
_HOLDING = re.compile(r"data:(?:text/|image/svg|application/xhtml)[^,\"'<>]{0,80},", re.IGNORECASE)
_LONGEST = 20_000
_MOST = 20
_BASE64 = re.compile(r"[A-Za-z0-9+/=\s_-]*")
_ENDS = {'"': '"', "'": "'", "(": ")", "=": " "}
MAY_SAY = re.compile(
    r"(?<![\w-])(?:quotes|list-style(?:-type)?|--[\w-]{1,60})\s{0,9}:[^;]{0,300}[\"']", re.IGNORECASE
)
"""A style attribute of which something may be shown."""


def read_said(css: str) -> tuple[str, frozenset[str]]:
    """The words that declarations put on the page, and the attributes whose values they put there."""
    words: list[str] = []
    names: set[str] = set()
    for one in _DECLARED.finditer(css):
        name, value = plain_letters(one[1]).lower(), one[2]
        if name not in _SAYING and not name.startswith("--"):
            continue
        names.update(found.lower() for found in _ATTRIBUTE.findall(value))
        strings = _STRING.findall(_ADDRESS.sub(" ", value))
        said = plain_letters("".join(double or single for double, single in strings))
        if _LETTER.search(said):
            words.append(said)
    return " ".join(words), frozenset(names)


def read_held(html: str) -> list[str]:
    """What addresses hold that are a page, a text or a drawing themselves (RFC 2397)."""
    held = []
    for one in _HOLDING.finditer(html):
        end = "&quot;" if html.endswith("&quot;", 0, one.start()) else _ENDS.get(html[one.start() - 1], "")
        body = html[one.end() : one.end() + _LONGEST]
        body = unquote(unescape(body.partition(end)[0] if end else body))
        if ";base64" in one[0].lower():
            body = _decode(body)
        held.append(read_said(body)[0] + " " + body if "text/css" in one[0].lower() else body)
        if len(held) == _MOST:
            break
    return held


def _decode(body: str) -> str:
    kept = _BASE64.match(body)
    letters = re.sub(r"[\s=]", "", kept[0] if kept else "").replace("-", "+").replace("_", "/")
    try:
        return a2b_base64(letters[: len(letters) // 4 * 4 or None] + "====").decode("utf-8", "replace")
    except BadBase64:
        return ""

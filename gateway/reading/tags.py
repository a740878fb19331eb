# ruff: noqa: E501 (a pattern reads better whole)
"""The tags of an HTML body: what each does to the text that follows it."""

import re
from html import unescape

BREAK = frozenset(
    "p div br li tr td th h1 h2 h3 h4 h5 h6 table ul ol blockquote hr section article header footer center pre dd dt dl address form main aside nav figure figcaption tbody thead tfoot body html".split()
)
WIDE = frozenset(
    "p h1 h2 h3 h4 h5 h6 table ul ol blockquote hr section article header footer pre center tr div".split()
)
_VOID = frozenset("br hr img input meta link area base col embed source track wbr".split())
SILENT = frozenset("style script title head noscript template".split())
_ODD = frozenset(
    "plaintext xmp svg math select textarea iframe noembed noframes frameset frame object button audio video details dialog".split()
)
# Tags that a browser closes by itself: hidden ones need the real parser to know where they end.
OPTIONAL = frozenset("p li td th tr dd dt option tbody thead".split())
_TAG = re.compile(r"(/?)([a-zA-Z][a-zA-Z0-9:]*)((?:[^>\"']|\"[^\"]*\"|'[^']*')*)>", re.DOTALL)
BLANKS = re.compile(r"[ \t\r\n\f]+")
_STYLE = re.compile(r"style\s*=\s*(?:\"([^\"]*)\"|'([^']*)')", re.IGNORECASE)
_HREF = re.compile(r"href\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s>]+))", re.IGNORECASE)
_CLASS = re.compile(r"class\s*=\s*(?:\"([^\"]*)\"|'([^']*)')", re.IGNORECASE)
_GONE = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|opacity\s*:\s*0(?:\.0*)?\s*(?:;|$|!)|(?<!-)font-size\s*:\s*(?:[012](?:\.\d+)?(?:px|pt)?|0(?:\.\d+)?(?:em|rem|%)?)\s*(?:;|$|!)"
    r"|text-indent\s*:\s*-\d{3,}|(?:left|top|margin-left)\s*:\s*-\d{3,}|max-height\s*:\s*0(?:px)?\s*(?:;|$|!)|(?<![-\w])(?:height|width)\s*:\s*0(?:px)?\s*(?:;|$|!)[^\"]*overflow|clip\s*:\s*rect\(0"
    r"|mso-hide\s*:\s*all|color\s*:\s*transparent|transform\s*:\s*scale\(0",
    re.IGNORECASE,
)
_COLOR = re.compile(r"(?<![-\w])color\s*:\s*([^;\"']+)", re.IGNORECASE)
_GROUND = re.compile(
    r"(?:background(?:-color)?\s*:\s*(#[0-9a-f]{3,8}|rgba?\([^)]*\)|[a-z]+)|bgcolor\s*=\s*[\"']?(#?[0-9a-z]+))",
    re.IGNORECASE,
)
_FONT_COLOR = re.compile(r"(?<![-\w])color\s*=\s*[\"']?(#?[0-9a-z]+)", re.IGNORECASE)
_RULE = re.compile(r"([^{}]*)\{([^{}]*)\}")
_NAMED = {
    "white": "ffffff",
    "black": "000000",
    "red": "ff0000",
    "gray": "808080",
    "grey": "808080",
    "silver": "c0c0c0",
    "transparent": "",
}

Head = tuple[str, str, str, str, str, str]
"""A tag: (kind, name, why it hides, color, background, target or classes); kind is open, close, void, or
odd where only a real parser can tell"""
_ODD_HEAD: Head = ("odd", "", "", "", "", "")


def read_head(piece: str) -> tuple[Head, int]:
    """The tag that a piece of HTML begins with, its `<` left out, and where its text begins."""
    match = _TAG.match(piece)
    if match is None:
        return _ODD_HEAD, 0
    tag, attributes = match[2].lower(), match[3]
    if tag in _ODD:
        return _ODD_HEAD, match.end()
    if match[1]:
        return ("close", tag, "", "", "", ""), match.end()
    kind = "void" if tag in _VOID else "open"
    return (kind, tag, *find_looks(tag, attributes)), match.end()


def plain(text: str) -> str:
    """Text between tags with its entities resolved and its blanks evened out."""
    if "&" in text:
        text = unescape(text)
    if "  " in text or "\n" in text or "\t" in text or "\r" in text or "\f" in text:
        text = BLANKS.sub(" ", text)
    return text


def find_looks(tag: str, attributes: str) -> tuple[str, str, str, str]:
    """Why a tag hides its text, color, background, and its target or, with a dot before each, its classes."""
    if not attributes:
        return "", "", "", ""
    style = _STYLE.search(attributes)
    css = unescape(style[1] or style[2] or "") if style else ""
    why = ""
    if css and (gone := _GONE.search(css)):
        why = gone.group().strip("; ")
    elif re.search(r"(?:^|\s)hidden(?:\s|=|$)", attributes):
        why = "hidden"
    color = _paint(_COLOR, css) or (_paint(_FONT_COLOR, attributes) if tag == "font" else "")
    ground = _paint(_GROUND, css) or _paint(_GROUND, attributes)
    href = ""
    if tag == "a" and (link := _HREF.search(attributes)):
        href = unescape(link[1] or link[2] or link[3] or "").strip()
    classes = _CLASS.search(attributes)
    return (
        why,
        color,
        ground,
        href or (("." + " .".join((classes[1] or classes[2] or "").split())) if classes and not href else ""),
    )


def _paint(pattern: "re.Pattern[str]", text: str) -> str:
    match = pattern.search(text)
    if not match:
        return ""
    value = next((g for g in match.groups() if g), "").strip().lower().replace("!important", "").strip()
    value = _NAMED.get(value, value).lstrip("#")
    if value.startswith("rgb"):
        parts = re.findall(r"[\d.]+", value)
        value = "".join(f"{min(255, int(float(p))):02x}" for p in parts[:3])
    if len(value) == 3:
        value = "".join(c * 2 for c in value)
    return value if re.fullmatch(r"[0-9a-f]{6}", value) else ""


def look_alike(color: str, ground: str) -> bool:
    """Whether a color can hardly be told from its background; both are six hexadecimal digits."""
    if not color:
        return False
    return all(abs(int(color[i : i + 2], 16) - int(ground[i : i + 2], 16)) < 12 for i in (0, 2, 4))


def hidden_classes(css: str) -> frozenset[str]:
    """Class names that a style sheet hides, outside media queries."""
    plain = re.sub(r"@media[^{]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}", "", css)[:50_000]
    return frozenset(
        name
        for selectors, body in _RULE.findall(plain)
        if _GONE.search(body)
        for name in re.findall(r"\.[\w-]+", selectors)
    )

# ruff: noqa: E501 (a pattern reads better whole)
"""What a person sees of an HTML body, and what was hidden from them.

Ordinary mail HTML is read piece by piece, each piece (one tag and the text after it) looked up in a
cache, because the pieces of a template repeat. Anything unusual goes to the real parser.
"""

import re
from collections.abc import MutableMapping
from dataclasses import dataclass
from html import unescape

from selectolax.lexbor import LexborHTMLParser, LexborNode

_BREAK = frozenset(
    "p div br li tr td th h1 h2 h3 h4 h5 h6 table ul ol blockquote hr section article header footer center pre dd dt dl address form main aside nav figure figcaption tbody thead tfoot body html".split()
)
_WIDE = frozenset(
    "p h1 h2 h3 h4 h5 h6 table ul ol blockquote hr section article header footer pre center tr div".split()
)
_VOID = frozenset("br hr img input meta link area base col embed source track wbr".split())
_SILENT = frozenset("style script title head noscript template".split())
_ODD = frozenset(
    "plaintext xmp svg math select textarea iframe noembed noframes frameset frame object button audio video details dialog".split()
)
# Tags that a browser closes by itself: hidden ones need the real parser to know where they end.
_OPTIONAL = frozenset("p li td th tr dd dt option tbody thead".split())
_TAG = re.compile(r"(/?)([a-zA-Z][a-zA-Z0-9:]*)((?:[^>\"']|\"[^\"]*\"|'[^']*')*)>", re.DOTALL)
_BLANKS = re.compile(r"[ \t\r\n\f]+")
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
MAX_HTML = 400_000
MAX_DEPTH = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Visible text, hidden passages with the way they were hidden, link targets with the place of
    their words in the text, and how many pictures."""

    text: str
    hidden: tuple[tuple[str, str], ...] = ()
    links: tuple[tuple[int, int, str], ...] = ()
    images: int = 0
    truncated: bool = False


Piece = tuple[str, str, str, str, str, str, str]
"""(kind, tag, hidden why, color, ground, href, text)"""


class Pages:
    """Reads HTML bodies, with a bounded memory of pieces read before."""

    def __init__(self, room: int) -> None:
        self._pieces: dict[str, Piece] = {}
        self._room = room

    def read(self, html: str) -> Page:
        """The page as seen; at most MAX_HTML characters of source are looked at."""
        truncated = len(html) > MAX_HTML
        if truncated:
            html = html[:MAX_HTML]
        if len(self._pieces) > self._room:
            self._pieces.clear()
        return _scan(html, self._pieces, truncated) or _walk(html, truncated)


def _read_piece(piece: str) -> Piece:
    match = _TAG.match(piece)
    if match is None:
        return ("odd", "", "", "", "", "", "")
    tag, attributes = match[2].lower(), match[3]
    text = piece[match.end() :]
    if "&" in text:
        text = unescape(text)
    if not text.isascii() or "  " in text or "\n" in text or "\t" in text or "\r" in text:
        text = _BLANKS.sub(" ", text)
    if tag in _ODD or "\x00" in piece:
        return ("odd", tag, "", "", "", "", "")
    if match[1]:
        return ("close", tag, "", "", "", "", text)
    why, color, ground, href = _looks(tag, attributes)
    kind = "void" if tag in _VOID else "open"
    return (kind, tag, why, color, ground, href, text)


def _looks(tag: str, attributes: str) -> tuple[str, str, str, str]:
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


def _alike(color: str, ground: str) -> bool:
    if not color:
        return False
    return all(abs(int(color[i : i + 2], 16) - int(ground[i : i + 2], 16)) < 12 for i in (0, 2, 4))


def _hidden_classes(css: str) -> frozenset[str]:
    """Class names that a style sheet hides, outside media queries."""
    plain = re.sub(r"@media[^{]*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}", "", css)[:50_000]
    return frozenset(
        name
        for selectors, body in _RULE.findall(plain)
        if _GONE.search(body)
        for name in re.findall(r"\.[\w-]+", selectors)
    )


class _Sheet:
    """Builds the visible text with its links while the page is read."""

    __slots__ = ("blank", "hidden", "images", "length", "links", "out", "whys")

    def __init__(self) -> None:
        self.out: list[str] = []
        self.length = 0
        self.blank = True
        self.hidden: list[str] = []
        self.whys: list[tuple[str, str]] = []
        self.links: list[tuple[int, int, str]] = []
        self.images = 0

    def add(self, text: str) -> None:
        if self.blank and text[:1] == " ":
            text = text[1:]
        if text:
            self.out.append(text)
            self.length += len(text)
            self.blank = text[-1] == " "

    def line(self, *, wide: bool) -> None:
        last = self.out[-1] if self.out else "\n\n"
        if last == "\n\n":
            return
        if last == "\n":
            if wide:
                self.out[-1] = "\n\n"
                self.length += 1
            return
        mark = "\n\n" if wide else "\n"
        self.out.append(mark)
        self.length += len(mark)
        self.blank = True

    def conceal(self, text: str, why: str) -> None:
        if text.strip() and len(self.whys) < 200:
            self.whys.append((text.strip()[:2000], why))

    def page(self, truncated: bool) -> Page:
        text = "".join(self.out).rstrip()
        links = tuple((a, min(b, len(text)), href) for a, b, href in self.links if a <= len(text))
        return Page(text=text, hidden=tuple(self.whys), links=links, images=self.images, truncated=truncated)


def _scan(  # noqa: C901 (one pass over the pieces, kept whole for speed)
    html: str, cache: MutableMapping[str, Piece], truncated: bool
) -> Page | None:
    """The quick reading; None where only a real parser can tell."""
    sheet = _Sheet()
    stack: list[tuple[str, str, str, int, str]] = []  # tag, hidden why, ground, link start, href
    classes: frozenset[str] = frozenset()
    why, ground, color, silent = "", "ffffff", "", ""
    start = html.find("<")
    if start < 0:
        sheet.add(_BLANKS.sub(" ", unescape(html)))
        return sheet.page(truncated)
    sheet.add(_BLANKS.sub(" ", unescape(html[:start])))
    raw = html[start + 1 :].split("<")
    skip = ""
    for piece in raw:
        if skip:
            place = piece.find(skip)
            if skip == "-->":
                if place >= 0:
                    skip = ""
                    sheet.add(_BLANKS.sub(" ", unescape(piece[place + 3 :])))
                continue
            if not piece.lower().startswith(skip):
                continue
            skip = ""
        if piece[:1] in "!?":
            if piece.startswith("!--"):
                if piece.find("-->", 2) < 0:
                    skip = "-->"
                else:
                    sheet.add(_BLANKS.sub(" ", unescape(piece[piece.find("-->", 2) + 3 :])))
            continue
        known = cache.get(piece)
        if known is None:
            known = _read_piece(piece)
            if len(piece) < 2000:
                cache[piece] = known
        kind, tag, hides, paint, back, href, text = known
        if kind == "odd" or len(stack) > MAX_DEPTH:
            return None
        if tag in _SILENT:
            if kind == "open" and tag != "head":
                if tag == "style":
                    classes |= _hidden_classes(piece)
                skip = "/" + tag
                silent = tag
            if tag == "noscript" or tag == "template":
                return None
            continue
        # A closing tag that closes nothing is ignored by browsers, but for </p>.
        stray = kind == "close" and tag != "p" and not any(one[0] == tag for one in stack)
        if tag in _BREAK and not why and not stray:
            sheet.line(wide=tag in _WIDE)
        if kind == "void":
            if tag == "img":
                sheet.images += 1
        elif kind == "open":
            if href[:1] == ".":
                if classes and any(name in classes for name in href.split()):
                    hides = hides or "hidden by a style sheet"
                href = ""
            stack.append((tag, why, ground + color, sheet.length, href))
            if back:
                ground = back
            if paint:
                color = paint
            if not why:
                if hides:
                    if tag in _OPTIONAL:
                        return None
                    why = hides
                elif paint and _alike(color, ground):
                    why = "text in the color of its background"
        elif stack:
            depth = len(stack) - 1
            while depth >= 0 and stack[depth][0] != tag:
                depth -= 1
            if depth >= 0:
                if depth != len(stack) - 1 and any(one[0] not in _OPTIONAL for one in stack[depth + 1 :]):
                    return None
                _, why, colors, begin, href = stack[depth]
                del stack[depth:]
                ground, color = colors[:6], colors[6:]
                if href and tag == "a" and not why:
                    sheet.links.append((begin, sheet.length, href))
        if text:
            if why:
                sheet.conceal(text, why)
            else:
                sheet.add(text)
    return None if silent and skip else sheet.page(truncated)


def _walk(  # noqa: C901 (a tree walk without recursion)
    html: str, truncated: bool
) -> Page:
    """The thorough reading, with an HTML5 parser and without recursion, whatever the depth."""
    sheet = _Sheet()
    tree = LexborHTMLParser(html)
    classes: frozenset[str] = frozenset()
    for style in tree.css("style"):
        classes |= _hidden_classes("x{}" + (style.text() or ""))
    root = tree.body or tree.root
    if root is None:
        return sheet.page(truncated)
    node: LexborNode | None = root
    trail: list[tuple[LexborNode, str, str, str, int, str]] = []
    why, ground, color = "", "ffffff", ""
    while node is not None:
        tag = node.tag or ""
        if tag == "-text":
            text = _BLANKS.sub(" ", node.text_content or "")
            if why:
                sheet.conceal(text, why)
            else:
                sheet.add(text)
        elif tag not in _SILENT and tag[:1] not in "-_!":
            if tag in _BREAK and not why:
                sheet.line(wide=tag in _WIDE)
            if tag == "img":
                sheet.images += 1
            child = node.child
            if child is not None:
                href = ""
                trail.append((node, why, ground, color, sheet.length, tag))
                attributes = _attributes(node)
                hides, paint, back, href = _looks(tag, attributes)
                if href[:1] == "." and any(name in classes for name in href.split()):
                    hides = hides or "hidden by a style sheet"
                ground, color = back or ground, paint or color
                if not why:
                    why = hides or (
                        "text in the color of its background" if paint and _alike(color, ground) else ""
                    )
                node = child
                continue
        while node is not None and node.next is None:
            if not trail:
                node = None
                break
            node, was, ground, color, begin, tag = trail.pop()
            if tag == "a" and not was and (link := (node.attributes or {}).get("href")):
                sheet.links.append((begin, sheet.length, link))
            why = was
            if tag in _BREAK and not why:
                sheet.line(wide=tag in _WIDE)
            if node.mem_id == root.mem_id:
                node = None
        if node is not None:
            node = node.next
    return sheet.page(truncated)


def _attributes(node: LexborNode) -> str:
    return "".join(
        f' {key}="{(value or "").replace(chr(34), chr(39))}"'
        for key, value in (node.attributes or {}).items()
    )

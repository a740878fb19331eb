"""What a person sees of an HTML body, and what was hidden from them.

Ordinary mail HTML is read piece by piece, a piece being one tag and the text after it. What lies
between two paragraph ends and closes what it opens does the same to every page: it is kept, since
templates repeat. Anything unusual goes to the real parser.
"""

from selectolax.lexbor import LexborHTMLParser, LexborNode

from gateway.reading.recent import Recent
from gateway.reading.sheet import Page, Sheet
from gateway.reading.tags import (
    BLANKS,
    BREAK,
    OPTIONAL,
    SILENT,
    WIDE,
    Head,
    find_looks,
    hidden_classes,
    look_alike,
    plain,
    read_head,
)

__all__ = ["MAX_HTML", "Page", "Pages"]
MAX_HTML = 400_000
MAX_DEPTH = 512
_LONGEST_KEPT = 3_000
_MOST_PIECES = 60
_MOST_CLASSES = 1_000
"""Hidden classes beyond which a page that adds more of them goes to the real parser."""
_ENDS = ("</p><", "</tr><", "</td><", "</div><", "</li><", "</table><")
_CHUNK = 400
"""Characters; where lines are longer than this on average, the page is cut at the ends of its elements."""

Chunk = tuple[bool, tuple[str, ...], int, bool, tuple[tuple[int, int, str], ...], int]
"""What a self-contained part of a page adds after a break: (wide break, text, its length, whether it ends
blank, links from where it begins, pictures)"""
_Key = tuple[str, str, str, frozenset[str]]


class Pages:
    """Reads HTML bodies, with a bounded memory of tags and parts read before."""

    def __init__(self, room: int) -> None:
        self.heads: Recent[str, Head] = Recent(room)
        self.chunks: Recent[_Key, Chunk | str] = Recent(room)

    def read(self, html: str) -> Page:
        """The page as seen; at most MAX_HTML characters of source are looked at."""
        truncated = len(html) > MAX_HTML
        if truncated:
            html = html[:MAX_HTML]
        return self.scan(html, truncated) or _walk(html, truncated)

    def scan(self, html: str, truncated: bool) -> Page | None:
        """The quick reading; None where only a real parser can tell."""
        start = html.find("<")
        if "\x00" in html:
            return None
        sheet = Sheet()
        sheet.add(plain(html if start < 0 else html[:start]))
        if start < 0:
            return sheet.page(truncated)
        scanner = _Scanner(sheet, self.heads)
        for part in _cut(html[start:]):
            chunk = self._chunk(part, scanner)
            if not isinstance(chunk, str):
                sheet.add_chunk(chunk)
            elif not scanner.take(part[1:].split("<")):
                return None
        return None if scanner.silent and scanner.skip else sheet.page(truncated)

    def _chunk(self, part: str, scanner: "_Scanner") -> Chunk | str:
        """What a part does to any page, as kept; "" where that depends on the page."""
        if scanner.why or scanner.skip or len(part) > _LONGEST_KEPT or len(scanner.stack) > MAX_DEPTH // 2:
            return ""
        key = (part, scanner.ground, scanner.color, scanner.classes)
        chunk = self.chunks.get(key)
        if chunk is None:
            chunk = _condense(part, scanner) or ""
            self.chunks.put(key, chunk)
        return chunk


def _cut(html: str) -> list[str]:
    """The parts of a page, each beginning with a tag."""
    marked = html.replace("\n<", "\n\x00<")
    if (len(marked) - len(html)) * _CHUNK < len(html):
        for end in _ENDS:
            marked = marked.replace(end, end[:-1] + "\x00<")
    return marked.split("\x00")


def _condense(part: str, scanner: "_Scanner") -> Chunk | None:
    """What a part does to any page; None where that depends on the page."""
    pieces = part[1:].split("<")
    if len(pieces) == 2 and (paragraph := _paragraph(pieces, scanner)):
        return paragraph
    if len(pieces) > _MOST_PIECES or not _closes_itself(pieces, scanner.heads):
        return None
    sheet = Sheet()
    sheet.add("x")
    alone = _Scanner(sheet, scanner.heads)
    alone.ground, alone.color, alone.classes = scanner.ground, scanner.color, scanner.classes
    if not alone.take(pieces) or len(sheet.out) < 2 or sheet.out[1] not in ("\n", "\n\n") or sheet.whys:
        return None
    begin = 1 + len(sheet.out[1])
    if any(a < begin for a, _, _ in sheet.links):
        return None
    links = tuple((a - begin, b - begin, href) for a, b, href in sheet.links)
    rest = sheet.out[2:]
    parts = ("".join(rest[:-1]), rest[-1]) if len(rest) > 1 else tuple(rest)
    return (len(sheet.out[1]) == 2, parts, sheet.length - begin, sheet.blank, links, sheet.images)


def _paragraph(pieces: list[str], scanner: "_Scanner") -> Chunk | None:
    """What a paragraph of nothing but text comes to; None for all else."""
    (kind, tag, hides, paint, back, _), begin = _head(pieces[0], scanner.heads)
    (after, closed, *_), end = _head(pieces[1], scanner.heads)
    if kind != "open" or after != "close" or tag != closed or tag not in WIDE or hides or scanner.classes:
        return None
    if (paint and look_alike(paint, back or scanner.ground)) or pieces[1][end:].strip(" \t\r\n\f"):
        return None
    text = plain(pieces[0][begin:])
    text = text[1:] if text[:1] == " " else text
    return (True, (text, "\n\n"), len(text) + 2, True, (), 0) if text else None


def _closes_itself(pieces: list[str], heads: Recent[str, Head]) -> bool:
    """Whether each tag is closed in its turn, and none is of an unusual kind."""
    inside: list[str] = []
    for piece in pieces:
        if piece[:1] in "!?":
            return False
        kind, tag = _head(piece, heads)[0][:2]
        if kind == "odd" or tag in SILENT:
            return False
        if kind == "open":
            inside.append(tag)
        elif kind == "close" and (not inside or inside.pop() != tag):
            return False
    return not inside


def _head(piece: str, heads: Recent[str, Head]) -> tuple[Head, int]:
    """The tag of a piece, and where its text begins."""
    end = piece.find(">") + 1
    start = piece[:end]
    known = heads.get(start)
    if known is None:
        known, size = read_head(start)
        if not size:  # the sign stands in an attribute
            return read_head(piece)
        if size < _LONGEST_KEPT:
            heads.put(start, known)
    return known, end


class _Scanner:
    """Where the reading of a page stands."""

    __slots__ = ("classes", "color", "ground", "heads", "sheet", "silent", "skip", "stack", "why")

    def __init__(self, sheet: Sheet, heads: Recent[str, Head]) -> None:
        self.sheet = sheet
        self.heads = heads
        self.stack: list[tuple[str, str, str, int, str]] = []  # tag, hidden why, colors, link start, href
        self.classes: frozenset[str] = frozenset()
        self.why, self.ground, self.color = "", "ffffff", ""
        self.skip, self.silent = "", ""

    def take(self, pieces: list[str]) -> bool:  # noqa: C901 (one pass over the pieces, kept whole for speed)
        """Read on; False where only a real parser can tell."""
        heads, sheet = self.heads, self.sheet
        for piece in pieces:
            if self.skip and not self._wake(piece):
                continue
            if piece[:1] in "!?":
                self._declare(piece)
                continue
            end = piece.find(">") + 1
            head = heads.get(piece[:end])
            if head is None:
                head, end = _head(piece, heads)
            kind, tag, hides, paint, back, href = head
            if kind == "odd" or len(self.stack) > MAX_DEPTH:
                return False
            if tag in SILENT:
                if not self._hush(kind, tag, piece):
                    return False
                continue
            if tag in BREAK and not self.why and not (kind == "close" and self._is_stray(tag)):
                sheet.line(wide=tag in WIDE)
            if kind == "open":
                if not self._open(tag, hides, paint, back, href):
                    return False
            elif kind == "void":
                sheet.images += tag == "img"
            elif self.stack and not self._close(tag):
                return False
            if end < len(piece):
                text = plain(piece[end:])
                if self.why:
                    sheet.conceal(text, self.why)
                else:
                    sheet.add(text)
        return True

    def _wake(self, piece: str) -> bool:
        """Whether what was skipped ends with this piece, and the piece still is to be read."""
        if self.skip == "-->":
            place = piece.find("-->")
            if place >= 0:
                self.skip = ""
                self.sheet.add(plain(piece[place + 3 :]))
            return False
        if piece.lower().startswith(self.skip):
            self.skip = ""
            return True
        return False

    def _declare(self, piece: str) -> None:
        if piece.startswith("!--"):
            place = piece.find("-->", 2)
            if place < 0:
                self.skip = "-->"
            else:
                self.sheet.add(plain(piece[place + 3 :]))

    def _hush(self, kind: str, tag: str, piece: str) -> bool:
        if kind == "open" and tag != "head":
            if tag == "style" and (more := hidden_classes(piece) - self.classes):
                if len(self.classes) > _MOST_CLASSES:
                    return False
                self.classes |= more
            self.skip = "/" + tag
            self.silent = tag
        return tag not in ("noscript", "template")

    def _is_stray(self, tag: str) -> bool:
        """A closing tag that closes nothing is ignored by browsers, but for </p>."""
        return tag != "p" and not any([one[0] == tag for one in self.stack])  # noqa: C419 (a list is quicker)

    def _open(self, tag: str, hides: str, paint: str, back: str, href: str) -> bool:
        if href[:1] == ".":
            if self.classes and any(name in self.classes for name in href.split()):
                hides = hides or "hidden by a style sheet"
            href = ""
        self.stack.append((tag, self.why, self.ground + self.color, self.sheet.length, href))
        self.ground = back or self.ground
        self.color = paint or self.color
        if not self.why:
            if hides:
                if tag in OPTIONAL:
                    return False
                self.why = hides
            elif paint and look_alike(self.color, self.ground):
                self.why = "text in the color of its background"
        return True

    def _close(self, tag: str) -> bool:
        stack = self.stack
        depth = len(stack) - 1
        while depth >= 0 and stack[depth][0] != tag:
            depth -= 1
        if depth < 0:
            return True
        if depth != len(stack) - 1 and any(one[0] not in OPTIONAL for one in stack[depth + 1 :]):
            return False
        _, self.why, colors, begin, href = stack[depth]
        del stack[depth:]
        self.ground, self.color = colors[:6], colors[6:]
        if href and tag == "a" and not self.why:
            self.sheet.links.append((begin, self.sheet.length, href))
        return True


def _walk(  # noqa: C901 (a tree walk without recursion)
    html: str, truncated: bool
) -> Page:
    """The thorough reading, with an HTML5 parser and without recursion, whatever the depth."""
    sheet = Sheet()
    tree = LexborHTMLParser(html)
    classes: set[str] = set()
    for style in tree.css("style"):
        classes |= hidden_classes("x{}" + (style.text() or ""))
    root = tree.body or tree.root
    if root is None:
        return sheet.page(truncated)
    node: LexborNode | None = root
    trail: list[tuple[LexborNode, str, str, str, int, str]] = []
    why, ground, color = "", "ffffff", ""
    while node is not None:
        tag = node.tag or ""
        if tag == "-text":
            text = BLANKS.sub(" ", node.text_content or "")
            if why:
                sheet.conceal(text, why)
            else:
                sheet.add(text)
        elif tag not in SILENT and tag[:1] not in "-_!":
            if tag in BREAK and not why:
                sheet.line(wide=tag in WIDE)
            if tag == "img":
                sheet.images += 1
            child = node.child
            if child is not None:
                href = ""
                trail.append((node, why, ground, color, sheet.length, tag))
                attributes = _attributes(node)
                hides, paint, back, href = find_looks(tag, attributes)
                if href[:1] == "." and any(name in classes for name in href.split()):
                    hides = hides or "hidden by a style sheet"
                ground, color = back or ground, paint or color
                if not why:
                    why = hides or (
                        "text in the color of its background" if paint and look_alike(color, ground) else ""
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
            if tag in BREAK and not why:
                sheet.line(wide=tag in WIDE)
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

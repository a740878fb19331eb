"""What a person sees of an HTML body, and what was hidden from them.

Ordinary mail HTML is read piece by piece, a piece being one tag and the text after it. What lies
between two paragraph ends and closes what it opens does the same to every page: it is kept, since
templates repeat. Anything unusual goes to the real parser.
"""

import re

from xxhash import xxh3_128_intdigest

from gateway.reading.looks import Looks, State
from gateway.reading.marks import lift, put_back
from gateway.reading.recent import Recent
from gateway.reading.rules import MAX_CSS, Rules
from gateway.reading.sheet import Chunk, Page, Sheet
from gateway.reading.tags import (
    BREAK,
    OPTIONAL,
    SILENT,
    TABLE,
    WIDE,
    WITHIN,
    Dress,
    Head,
    closes_another,
    dressed,
    is_in_force,
    plain,
    read_head,
)
from gateway.reading.walk import walk

__all__ = ["MAX_HTML", "Page", "Pages"]
MAX_HTML = 400_000
MAX_DEPTH = 512
_LONGEST_KEPT = 3_000
_MOST_PIECES = 60
_MOST_SHEETS = 20
"""Style sheets beyond which a page goes to the real parser."""
_RULES_KEPT = 32
_START = State()
_COMMENT_ENDS = {"-->": re.compile(r"--!?>"), ">": re.compile(">")}
_TAG_ENDS = (">", "/", " ", "\n", "\t", "\r", "\f")
_ENDS = ("</p><", "</tr><", "</td><", "</div><", "</li><", "</table><")
_CHUNK = 400
"""Characters; where lines are longer than this on average, the page is cut at the ends of its elements."""

_Key = tuple[str, State, int]
_Step = tuple[str, str, State, int]


class Pages:
    """Reads HTML bodies, with a bounded memory of tags and parts read before."""

    def __init__(self, room: int) -> None:
        self.heads: Recent[str, Head] = Recent(room)
        self.chunks: Recent[_Key, Chunk | str] = Recent(room)
        self.rules: Recent[int, Rules] = Recent(_RULES_KEPT)
        self.steps: Recent[_Step, tuple[State, str]] = Recent(room)

    def read(self, html: str) -> Page:
        """The page as seen; at most MAX_HTML characters of source are looked at."""
        truncated = len(html) > MAX_HTML
        if truncated:
            html = html[:MAX_HTML]
        return self.scan(html, truncated) or walk(html, truncated)

    def scan(self, html: str, truncated: bool) -> Page | None:
        """The quick reading; None where only a real parser can tell."""
        start = html.find("<")
        if "\x00" in html:
            return None
        sheet = Sheet()
        sheet.add(plain(html if start < 0 else html[:start]))
        if start < 0:
            return sheet.page(truncated)
        scanner = _Scanner(sheet, self)
        for part in _cut(html[start:]):
            chunk = self._chunk(part, scanner)
            if not isinstance(chunk, str):
                sheet.add_chunk(chunk)
            elif not scanner.take(part[1:].split("<")):
                return None
        return None if scanner.why or scanner.skip or scanner.shows_silent() else sheet.page(truncated)

    def _chunk(self, part: str, scanner: "_Scanner") -> Chunk | str:
        """What a part does to any page, as kept; "" where that depends on the page."""
        if (
            scanner.why
            or scanner.skip
            or scanner.sheets
            or len(part) > _LONGEST_KEPT
            or len(scanner.stack) > MAX_DEPTH // 2
        ):
            return ""
        marks: list[str] = []
        if "://" in part and not (scanner.rules and scanner.rules.compare):
            part, marks = lift(part)
        key = (part, scanner.state, scanner.rules_key)
        chunk = self.chunks.get(key)
        if chunk is None:
            chunk = _condense(part, scanner) or ""
            self.chunks.put(key, chunk)
        return put_back(chunk, marks) if marks and not isinstance(chunk, str) else chunk


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
    alone = _Scanner(sheet, scanner.kept)
    alone.state, alone.rules, alone.rules_key = scanner.state, scanner.rules, scanner.rules_key
    if not alone.take(pieces) or len(sheet.out) < 2 or sheet.out[1] not in ("\n", "\n\n") or sheet.whys:
        return None
    begin = 1 + len(sheet.out[1])
    if any(a < begin for a, _, _ in sheet.links):
        return None
    links = tuple((a - begin, b - begin, href) for a, b, href in sheet.links)
    rest = sheet.out[2:]
    parts = ("".join(rest[:-1]), rest[-1]) if len(rest) > 1 else tuple(rest)
    said = tuple(sheet.said)
    return (len(sheet.out[1]) == 2, parts, sheet.length - begin, sheet.blank, links, sheet.images, said)


def _paragraph(pieces: list[str], scanner: "_Scanner") -> Chunk | None:
    """What a paragraph of nothing but text comes to; None for all else."""
    (kind, tag, dress, looks, _), begin = _head(pieces[0], scanner.heads)
    (after, closed, *_), end = _head(pieces[1], scanner.heads)
    if kind != "open" or after != "close" or tag != closed or tag not in WIDE:
        return None
    if ((looks or scanner.rules) and scanner.dress(tag, dress, looks)[1]) or pieces[1][end:].strip(
        " \t\r\n\f"
    ):
        return None
    text = plain(pieces[0][begin:])
    text = text[1:] if text[:1] == " " else text
    return (True, (text, "\n\n"), len(text) + 2, True, (), 0, ()) if text else None


def _closes_itself(pieces: list[str], heads: Recent[str, Head]) -> bool:
    """Whether each tag is closed in its turn, and none is of an unusual kind."""
    inside: list[str] = []
    for piece in pieces:
        if piece[:1] in ("!", "?"):
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

    __slots__ = (
        "heads", "hushed", "kept", "rules", "rules_key", "sheet", "sheets", "silent", "skip", "stack",
        "state", "style", "tied", "told", "why",
    )  # fmt: skip

    def __init__(self, sheet: Sheet, kept: Pages) -> None:
        self.sheet, self.heads, self.kept = sheet, kept.heads, kept
        # tag, state and why around it, link start, href, whether it changed the state
        self.stack: list[tuple[str, State, str, int, str, bool]] = []
        self.state, self.why = _START, ""
        self.tied = 0  # open elements that may end by themselves and changed the state
        self.skip, self.silent = "", ""
        self.style: list[str] = []
        self.sheets: list[str] = []  # style sheets not yet in force
        self.told: list[str] = []
        self.hushed: list[tuple[str, Dress | None]] = []
        self.rules: Rules | None = None
        self.rules_key = 0

    def take(self, pieces: list[str]) -> bool:  # noqa: C901 (one pass over the pieces, kept whole for speed)
        """Read on; False where only a real parser can tell."""
        heads, sheet = self.heads, self.sheet
        for piece in pieces:
            if self.skip:
                if self.silent == "script" and piece.startswith("!--"):
                    return False
                if self.skip in _COMMENT_ENDS:
                    if not self._say(self._end_comment(piece, 0)):
                        return False
                    continue
                if not self._wake(piece):
                    continue
            if piece[:1] in ("!", "?"):
                if not self._say(self._declare(piece)):
                    return False
                continue
            end = piece.find(">") + 1
            head = heads.get(piece[:end])
            if head is None:
                head, end = _head(piece, heads)
            kind, tag, dress, looks, href = head
            if kind == "odd" or len(self.stack) > MAX_DEPTH:
                return False
            if tag in SILENT:
                if tag == "template" or not self._hush(kind, tag, dress, piece[end:]):
                    return False
                if self.skip:
                    continue
            else:
                if tag in BREAK:
                    if self.why:
                        sheet.break_unseen()
                    elif not (kind == "close" and self._is_stray(tag)):
                        sheet.line(wide=tag in WIDE)
                if kind == "open":
                    if not self._open(tag, dress, looks, href):
                        return False
                elif kind == "void":
                    sheet.images += tag == "img"
                    if href:
                        sheet.say(href)
                    if tag == "br" and self.state.veil:
                        return False
                elif self.stack and not self._close(tag):
                    return False
            if end < len(piece):
                text = plain(piece[end:])
                if not self.why:
                    sheet.add(text)
                elif not self._say(text):
                    return False
        return True

    def _say(self, text: str) -> bool:
        """Add text, or note what nobody sees; False where only a parser can tell to where it moves."""
        if not self.why:
            self.sheet.add(text)
            return True
        self.sheet.conceal(text, self.why)
        moves = (self.stack and self.stack[-1][0] in TABLE) or self.state.veil.startswith("text-indent")
        return not moves or not text or text.isspace()

    def _wake(self, piece: str) -> bool:
        """Whether what was skipped ends with this piece, which then is to be read."""
        size = len(self.skip)
        if piece[:size].lower() == self.skip and piece[size : size + 1] in _TAG_ENDS:
            self.skip = ""
            return True
        if self.silent == "style":
            self.style.append(piece)
        return False

    def _declare(self, piece: str) -> str:
        """What follows a comment, or what passes for one."""
        if piece.startswith("!--") and piece[3:4] != ">" and piece[3:5] != "->":
            self.skip = "-->"
            return self._end_comment(piece, 3)
        self.skip = ">"
        return self._end_comment(piece, 0)

    def _end_comment(self, piece: str, start: int) -> str:
        """What follows the end of a comment; "" where it goes on."""
        found = _COMMENT_ENDS[self.skip].search(piece, start)
        if not found:
            return ""
        self.skip = ""
        return plain(piece[found.end() :])

    def _hush(self, kind: str, tag: str, dress: Dress | None, text: str) -> bool:
        """Begin or end what is never shown; False where a style sheet comes too late for a quick reading."""
        if kind == "open":
            self.hushed.append((tag, dress))
        if kind == "open" and tag != "head":
            self.skip, self.silent, self.style = "/" + tag, tag, [text]
            if tag == "style" and dress is not None and not is_in_force(dress.attributes):
                self.silent = "idle"
        elif kind == "close" and tag == "style" and self.silent == "style":
            self.silent = ""
            self.sheets.append("<".join(self.style))
            late = self.sheet.length or any(one[0] != "html" for one in self.stack)
            return not late and len(self.sheets) + len(self.told) <= _MOST_SHEETS
        return True

    def shows_silent(self) -> bool:
        """Whether a style shows what otherwise is never shown."""
        for tag, dress in self.hushed:
            if dress is not None and not {**dress.plain, **dress.important}.get("display", "none"):
                return True
            written, attributes = (dress.written, dress.attributes) if dress is not None else ("", {})
            if self.rules is not None and self.rules.shows(tag, written, attributes):
                return True
        return False

    def _obey(self) -> bool:
        """Put the style sheets that were read in force; False where they tell what stands in attributes."""
        self.told += self.sheets
        self.sheets = []
        css = "\n}\n".join(self.told)[:MAX_CSS]
        self.rules_key = xxh3_128_intdigest(css.encode("utf-8", "surrogatepass"))
        rules = self.kept.rules.get(self.rules_key)
        if rules is None:
            rules = Rules(tuple(self.told))
            self.kept.rules.put(self.rules_key, rules)
        for words in rules.said:
            self.sheet.say(words)
        self.rules = rules or None
        self.rules_key = self.rules_key if rules else 0
        return not rules.telling

    def _is_stray(self, tag: str) -> bool:
        """A closing tag that closes nothing is ignored by browsers, but for </p> and </br>."""
        return tag not in ("p", "br") and not any([one[0] == tag for one in self.stack])  # noqa: C419 (a list is quicker)

    def dress(self, tag: str, dress: Dress | None, looks: Looks | None) -> tuple[State, str]:
        """The state within an element, and why nobody sees text in it."""
        key = (tag, dress.written if dress is not None else "", self.state, self.rules_key)
        known = self.kept.steps.get(key)
        if known is None:
            state = dressed(self.state, self.rules, tag, dress, looks)
            known = (state, state.why)
            if len(key[1]) < _LONGEST_KEPT:
                self.kept.steps.put(key, known)
        return known

    def _open(self, tag: str, dress: Dress | None, looks: Looks | None, href: str) -> bool:
        if self.sheets and not self._obey():
            return False
        state, stack = self.state, self.stack
        if (self.tied or self.why) and closes_another(tag, stack):
            return False
        around = stack[-1][0] if stack else ""
        if self.why and (tag == "body" or (around not in WITHIN[tag] if tag in WITHIN else around in TABLE)):
            return False
        if not looks and not self.rules:
            stack.append((tag, state, self.why, self.sheet.length, href, False))
            return True
        after, why = self.dress(tag, dress, looks)
        changed = after != state
        stack.append((tag, state, self.why, self.sheet.length, href, changed))
        if changed:
            self.state = after
            self.tied += tag in OPTIONAL
            if why and not self.why and not self._may_hide(tag, around):
                return False
            self.why = why
        return True

    def _may_hide(self, tag: str, around: str) -> bool:
        """Whether a quick reading knows where this element ends, and what stays within it."""
        if tag in ("div", "span"):
            return True
        if self.state.gone or self.state.veil or (tag != "table" and around not in WITHIN.get(tag, ())):
            return False
        return any([one[0] == "table" for one in self.stack])  # noqa: C419 (a list is quicker)

    def _close(self, tag: str) -> bool:
        stack = self.stack
        depth = len(stack) - 1
        while depth >= 0 and stack[depth][0] != tag:
            depth -= 1
        if depth < 0:
            return not self.why or tag not in WITHIN
        if depth != len(stack) - 1 and any(one[0] not in OPTIONAL for one in stack[depth + 1 :]):
            return False
        if self.tied:
            self.tied -= sum([one[5] and one[0] in OPTIONAL for one in stack[depth:]])
        _, self.state, why, begin, href, _ = stack[depth]
        if href and tag == "a" and not self.why:
            self.sheet.links.append((begin, self.sheet.length, href))
        self.why = why
        del stack[depth:]
        return True

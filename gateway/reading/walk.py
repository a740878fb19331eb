"""The thorough reading of an HTML body, with a real parser."""

import re

from selectolax.lexbor import LexborHTMLParser, LexborNode

from gateway.reading.looks import State
from gateway.reading.rules import Rules
from gateway.reading.sheet import Page, Sheet
from gateway.reading.spoken import MAY_SAY, read_said
from gateway.reading.tags import (
    BLANKS,
    BREAK,
    OPTIONAL,
    SILENT,
    TELLING,
    VOID,
    WIDE,
    dressed,
    is_in_force,
    read_dress,
    read_telling,
)

_ONE_LINE = 400
"""Characters that one line moved off the screen may hold; what is longer wraps into sight."""

_MOST_TAGS = 3_000
"""Tags beyond which a page may nest deeper than a parser can follow in time."""
DEEPEST = 1_000
_TAGS = re.compile(r"<[^<>]*>")
_ANY_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9:-]*)[^<>]*>?")


def walk(  # noqa: C901 (a tree walk without recursion)
    html: str, truncated: bool
) -> Page:
    """The thorough reading, with an HTML5 parser and without recursion, whatever the depth."""
    sheet = Sheet()
    tree = LexborHTMLParser(_flatten(html) if html.count("<") > _MOST_TAGS else html)
    rules = _read_styles(tree, sheet)
    root = tree.body or tree.root
    if root is None:
        return sheet.page(truncated)
    node: LexborNode | None = root
    trail: list[tuple[LexborNode, State, str, int, str]] = []
    state, why = State(), ""
    while node is not None:
        tag = node.tag or ""
        if tag == "-text":
            text = BLANKS.sub(" ", node.text_content or "")
            if why and not (len(text) > _ONE_LINE and why.startswith("text-indent")):
                sheet.conceal(text, why)
            else:
                sheet.add(text)
        elif tag in SILENT:
            sheet.say(_unhush(node, tag, rules))
        elif tag[:1] not in "-_!":
            if tag in BREAK:
                if tag == "br" and state.veil.startswith("text-indent"):
                    state = state._replace(veil="")
                    why = state.why
                if not why:
                    sheet.line(wide=tag in WIDE)
                else:
                    sheet.break_unseen()
            if tag == "img":
                sheet.images += 1
            sheet.say(_tell(node, tag, rules))
            child = node.child
            if child is not None:
                trail.append((node, state, why, sheet.length, tag))
                state = _enter(node, tag, state, rules)
                why = state.why
                node = child
                continue
        while node is not None and node.next is None:
            if not trail:
                node = None
                break
            was = why
            node, state, why, begin, tag = trail.pop()
            if tag == "a" and not was and (link := (node.attributes or {}).get("href")):
                sheet.links.append((begin, sheet.length, link))
            if tag in BREAK:
                if was:
                    sheet.break_unseen()
                if not why:
                    sheet.line(wide=tag in WIDE)
            if node.mem_id == root.mem_id:
                node = None
        if node is not None:
            node = node.next
    return sheet.page(truncated)


def _read_styles(tree: LexborHTMLParser, sheet: Sheet) -> Rules | None:
    """The rules of the style sheets in force, if they change anything; what they say goes on the sheet."""
    styles = [one for one in tree.css("style") if is_in_force(one.attributes or {})]
    rules = Rules(tuple(one.text() or "" for one in styles))
    for words in rules.said:
        sheet.say(words)
    kept = rules if rules or rules.telling else None
    for one in tree.css("head > title, head > style, head > script"):
        sheet.say(_unhush(one, one.tag or "", kept))
    return kept


def _tell(node: LexborNode, tag: str, rules: Rules | None) -> str:
    """The words in the attributes of an element that some see."""
    attributes = node.attributes or {}
    said = [read_telling(tag, attributes)] if tag in TELLING else []
    if rules is not None and rules.telling:
        told = [value for name, value in attributes.items() if value and name in rules.telling]
        said += [one for one in told if "://" not in one or " " in one]
    if (style := attributes.get("style")) and MAY_SAY.search(style):
        said.append(read_said(style)[0])
    return " ".join(said)


def _unhush(node: LexborNode, tag: str, rules: Rules | None) -> str:
    """The text of what browsers do not show, where a style or `shadowrootmode` shows it."""
    found = {key: value or "" for key, value in (node.attributes or {}).items()}
    if tag == "template":
        return _TAGS.sub(" ", node.html or "") if "shadowrootmode" in found else ""
    dress = read_dress(tag, "".join(f" {key}={value!r}" for key, value in found.items()), found)
    own = {**dress.plain, **dress.important}.get("display", "none")
    shown = not own or (rules is not None and rules.shows(tag, dress.written, found))
    return _TAGS.sub(" ", node.text(deep=True)) if shown else ""


def _enter(node: LexborNode, tag: str, state: State, rules: Rules | None) -> State:
    """The state within an element, given that around it."""
    found = {key: value or "" for key, value in (node.attributes or {}).items()}
    if not found and rules is None and tag != "mark":
        return state
    dress = read_dress(tag, "".join(f" {key}={value!r}" for key, value in found.items()), found)
    return dressed(state, rules, tag, dress, dress.alone)


def _flatten(html: str) -> str:
    """The page without the tags that nest deeper than DEEPEST, whose text stays: parsers need time that grows
    with the square of the depth."""
    depth = 0

    def keep(match: "re.Match[str]") -> str:
        nonlocal depth
        tag = match[2].lower()
        if tag in OPTIONAL or tag in VOID or tag in SILENT:
            return match.group() if depth <= DEEPEST or tag not in OPTIONAL else "<br>"
        depth += -1 if match[1] else 1
        inside = depth >= DEEPEST if match[1] else depth > DEEPEST
        depth = max(0, depth)
        return ("<br>" if tag in BREAK else "") if inside else match.group()

    return _ANY_TAG.sub(keep, html)

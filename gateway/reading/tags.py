# ruff: noqa: E501 (a pattern reads better whole)
"""The tags of an HTML body: what each does to the text that follows it."""

import re
from collections.abc import Mapping, Sequence
from html import unescape
from typing import NamedTuple

from gateway.reading.looks import Looks, State, presented, read_style, wear
from gateway.reading.rules import NEVER_SHOWN, Rules, always
from gateway.reading.spoken import MAY_SAY

BREAK = frozenset(
    "p div br li tr td th h1 h2 h3 h4 h5 h6 table ul ol blockquote hr section article header footer center pre dd dt dl address form main aside nav figure figcaption tbody thead tfoot body html details summary fieldset legend option caption dialog".split()
)
WIDE = frozenset(
    "p h1 h2 h3 h4 h5 h6 table ul ol blockquote hr section article header footer pre center tr div".split()
)
VOID = frozenset("br hr img input meta link area base col embed source track wbr".split())
SILENT = NEVER_SHOWN
_ODD = frozenset(
    "plaintext xmp noscript svg math select textarea iframe noembed noframes frameset frame object button audio video details dialog datalist".split()
)
# Tags that a browser closes by itself: hidden ones need the real parser to know where they end.
OPTIONAL = frozenset("p li td th tr dd dt option tbody thead".split())
TABLE = frozenset("table tbody thead tfoot tr".split())
"""Tags within which text and most elements are moved out in front of the table."""
WITHIN = {"td": ("tr",), "th": ("tr",), "tr": ("tbody", "thead", "tfoot", "table"),
          "tbody": ("table",), "thead": ("table",), "tfoot": ("table",), "caption": ("table",)}  # fmt: skip
"""Tags that count only within these."""
TELLING = {
    "img": ("alt",), "area": ("alt",), "input": ("value", "placeholder", "alt"), "textarea": ("placeholder",),
    "option": ("label",), "optgroup": ("label",), "iframe": ("srcdoc",), "object": ("data",), "embed": ("src",),
}  # fmt: skip
"""Attributes whose words are shown where a picture is not, in a field, or in a frame."""
_TAGS = re.compile(r"<[^<>]*+>")
_CELLS = frozenset("td th tr tbody thead tfoot".split())
_CLOSED_BY = {
    "td": _CELLS, "th": _CELLS, "tr": _CELLS - {"td", "th"}, "tbody": _CELLS - {"td", "th", "tr"},
    "thead": _CELLS - {"td", "th", "tr"}, "li": frozenset(["li"]), "dt": frozenset(["dt", "dd"]),
    "dd": frozenset(["dt", "dd"]), "p": WIDE | {"li", "dt", "dd"}, "option": frozenset(["option"]),
}  # fmt: skip
_SCOPES = frozenset("table ul ol dl".split())
_ATTRIBUTE = r"[^\s\"'<>/=]++(?>(?:\s*+=\s*+(?:\"[^\"]*+\"|'[^']*+'|[^\s\"'<>`]++))?)"
_TAG = re.compile(rf"(/?)([a-zA-Z][a-zA-Z0-9:_-]*+)((?>(?:[\s/]++(?>(?:{_ATTRIBUTE})?))*))>")
_NAMED = re.compile(r"([^\s\"'<>/=]+)(?:\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'<>`]+)))?")
BLANKS = re.compile(r"[ \t\r\n\f]+")


class Dress(NamedTuple):
    """The attributes of a tag, as `written` and by name, and what they make of its text: before any style
    sheet, by its own style, and by what of that is `!important`."""

    written: str
    attributes: Mapping[str, str]
    presented: Looks
    plain: Looks
    important: Looks

    @property
    def alone(self) -> Looks:
        """The looks where no style sheet speaks."""
        return {**self.presented, **self.plain, **self.important}


Head = tuple[str, str, Dress | None, Looks | None, str]
"""A tag: (kind, name, what it wears, its looks where no style sheet speaks, target, or what it tells some);
kind is open, close, void, or odd where only a real parser can tell"""
_ODD_HEAD: Head = ("odd", "", None, None, "")


def read_head(piece: str) -> tuple[Head, int]:
    """The tag that a piece of HTML begins with, its `<` left out, and where its text begins."""
    match = _TAG.match(piece)
    if match is None:
        return _ODD_HEAD, 0
    tag, written = match[2].lower(), match[3]
    if tag in _ODD:
        return _ODD_HEAD, match.end()
    if match[1]:
        return ("close", tag, None, None, ""), match.end()
    kind = "void" if tag in VOID else "open"
    if (not written or written == "/") and tag != "mark":
        return (kind, tag, None, None, ""), match.end()
    dress = read_dress(tag, written, read_attributes(written))
    if (style := dress.attributes.get("style")) and ('"' in style or "'" in style) and MAY_SAY.search(style):
        return _ODD_HEAD, match.end()
    href = dress.attributes.get("href", "").strip() if tag == "a" else ""
    if kind == "void" and tag in TELLING:
        href = read_telling(tag, dress.attributes)
    return (kind, tag, dress, dress.alone or None, href), match.end()


def read_attributes(written: str) -> dict[str, str]:
    """The attributes of a tag by name; of two of one name the first counts."""
    found: dict[str, str] = {}
    for name, double, single, bare in _NAMED.findall(written):
        found.setdefault(name.lower(), unescape(double or single or bare))
    return found


def read_dress(tag: str, written: str, attributes: Mapping[str, str]) -> Dress:
    """What a tag of these attributes wears."""
    plain, important = read_style(attributes["style"]) if "style" in attributes else ({}, {})
    return Dress(written, attributes, presented(tag, attributes), plain, important)


def read_telling(tag: str, attributes: Mapping[str, str | None]) -> str:
    """The words in the attributes of a tag that are shown in place of what it is, or in it."""
    said = [one for name in TELLING[tag] if (one := attributes.get(name))]
    return BLANKS.sub(" ", _TAGS.sub(" ", " ".join(said))) if said else ""


def plain(text: str) -> str:
    """Text between tags with its entities resolved and its blanks evened out."""
    if "&" in text:
        text = unescape(text)
    if "  " in text or "\n" in text or "\t" in text or "\r" in text or "\f" in text:
        text = BLANKS.sub(" ", text)
    return text


def closes_another(tag: str, stack: Sequence[tuple[str, *tuple[object, ...]]]) -> bool:
    """Whether a browser would end an element that is still open, where this tag begins."""
    for one in reversed(stack):
        name = one[0]
        if tag in _CLOSED_BY.get(name, ()):
            return True
        if name in _SCOPES or name in ("td", "th"):
            return False
    return False


def is_in_force(attributes: Mapping[str, str | None]) -> bool:
    """Whether a style sheet counts on a screen."""
    media, kind = (attributes.get("media") or "all").lower(), (attributes.get("type") or "text/css").lower()
    return always(f"@media {media}") and kind == "text/css"


def dressed(state: State, rules: Rules | None, tag: str, dress: Dress | None, looks: Looks | None) -> State:
    """The state within an element, given that around it."""
    bits = 0
    if rules is not None:
        written, attributes = (dress.written, dress.attributes) if dress is not None else ("", {})
        common, important, bits = rules.fit(tag, written, attributes, state)
        if common or important:
            looks = (
                {**dress.presented, **common, **dress.plain, **important, **dress.important}
                if dress
                else {**common, **important}
            )
    if looks:
        state = wear(state, looks, boxed=tag not in TABLE and tag not in ("td", "th"))
    if bits or state.around:
        state = state._replace(above=state.above | bits, around=bits)
    return state

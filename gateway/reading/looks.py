"""What declarations of style do to the text they stand for: whether it can be seen, its size and colors."""

import re
from collections.abc import Mapping
from html import unescape
from typing import NamedTuple

from gateway.reading.colors import look_alike, read_color

SAME_COLOR = "text in the color of its background"
Looks = Mapping[str, str]
"""Settled properties by name. "" stands for shown, or for what is inherited anyway."""
_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_ESCAPE = re.compile(r"\\(?:([0-9a-fA-F]{1,6})\s?|(.))", re.DOTALL)
_LENGTH = re.compile(r"([-+]?\d*\.?\d+(?:e[-+]?\d{1,2})?)([a-z]+|%)?")
_TERMS = re.compile(r"([-+]?)\s*([-+]?\d*\.?\d+(?:e[-+]?\d{1,2})?)([a-z]+|%)?\s*")
_INSIDE = re.compile(r"(?:calc|min|max|clamp)\(([^()]*)\)")
_FONT = re.compile(r"(?:^|\s)(?:(\d*\.?\d+(?:px|pt|em|rem|%|vw|in|cm|mm|pc))|(0))(?=[\s/])")
_PIXELS = {
    "": 1.0, "px": 1.0, "pt": 1.333, "em": 16.0, "rem": 16.0, "ex": 8.0, "ch": 8.0, "vw": 8.0,
    "vh": 8.0, "in": 96.0, "cm": 37.8, "mm": 3.78, "pc": 16.0, "q": 0.945, "vmin": 6.0, "vmax": 10.0,
    "lh": 19.0, "rlh": 19.0, "cap": 12.0, "ic": 16.0, "dvw": 8.0, "dvh": 8.0, "svw": 8.0, "svh": 8.0,
    "lvw": 8.0, "lvh": 8.0,
}  # fmt: skip
_FAR = -500.0
"""Pixels; what begins so far outside is not on any screen."""
_SMALLEST = 3.0
"""Pixels of type that an eye can still read."""
_LONGEST_VALUE = 300
_HELD = re.compile(
    r"\\(?:.|\Z)|\"(?:[^\"\\]|\\(?:.|\Z))*(?:\"|\Z)|'(?:[^'\\]|\\(?:.|\Z))*(?:'|\Z)"
    r"|\((?:[^()\"'\\]|\\.)*\)|\{(?:[^{}\\]|\\.)*\}",
    re.DOTALL,
)
"""What a semicolon within which ends no declaration; a text that nothing ends goes on to the end, so that
each sign is looked at once."""
_MOST_DECLARED = 20_000
"""Characters of one block of declarations; what is beyond hides nothing."""
_BOXES = frozenset(
    "block inline inline-block flex inline-flex grid inline-grid flow-root contents table inline-table"
    " list-item table-row table-cell table-row-group table-header-group table-footer-group table-column"
    " table-caption table-column-group run-in ruby math -webkit-box -webkit-inline-box -webkit-flex"
    " -ms-flexbox flow initial inherit unset revert revert-layer".split()
)
_SEEN = frozenset("visible inherit initial unset revert revert-layer".split())
_OVER = ("hidden", "clip", "auto", "scroll")
_SAME = {
    "block-size": "height", "max-block-size": "max-height", "inline-size": "width",
    "max-inline-size": "max-width", "margin-inline-start": "margin-left",
    "margin-block-start": "margin-top", "inset-inline-start": "left", "inset-block-start": "top",
    "-webkit-clip-path": "clip-path", "-webkit-transform": "transform", "-webkit-opacity": "opacity",
    "-webkit-filter": "filter", "-ms-transform": "transform", "-webkit-mask": "mask",
    "-webkit-mask-image": "mask", "mask-image": "mask",
}  # fmt: skip
"""Properties that do what others do."""
_FLAT = ("height", "max-height", "width", "max-width")
_SIDES = ("left", "top")
_BLURRED = 4.0
"""Pixels of a blur that leave no letter."""
_ON_EDGE = re.compile(r"rotate(?:[xy]\(|\([xy],)\s*(?:-?90deg|270deg|-?\.25turn|-?0\.25turn|-?100grad)")
_HIDING = ("clip", "shrunk", "pushed", "turned", "translate", "rotate", "filtered", "masked")
"""Ways to hide that nothing within takes back."""


class State(NamedTuple):
    """How text looks at one place of a page: why it is `gone` for good or under a `veil` that an element in
    it may lift, its size in pixels, colors as six digits ("" unknown, "none" transparent, "?" past telling),
    and which beginnings of selectors were met `above`, and by the element `around` it."""

    gone: str = ""
    veil: str = ""
    size: float = 16.0
    color: str = ""
    ground: str = "ffffff"
    above: int = 0
    around: int = 0

    @property
    def why(self) -> str:
        """Why nobody sees text here; "" where it is seen."""
        if self.gone or self.veil:
            return self.gone or self.veil
        if self.size < _SMALLEST:
            return f"font-size:{self.size:g}px"
        if self.color == "none":
            return "transparent text"
        return SAME_COLOR if look_alike(self.color, self.ground) else ""


def wear(state: State, looks: Looks, *, boxed: bool) -> State:
    """The state within an element of these looks; `boxed` says that it may be smaller than its text."""
    get = looks.get
    gone, veil, size, color, ground, above, around = state
    position = get("position")
    if gone.startswith(_SIDES) and position == "fixed":
        gone = ""
    if not gone:
        gone = get("display") or get("opacity") or next((why for one in _HIDING if (why := get(one))), "")
        if not gone and position:
            gone = get("far") or (position != "relative" and get("cut")) or ""
        if not gone and boxed and get("overflow") and not get("padded"):
            gone = next((why for side in _FLAT if (why := get(side))), "")
    if "visibility" in looks or "indent" in looks:
        veil = get("visibility") or get("indent") or ""
    if drawn := get("size"):
        size = round(float(drawn[1:]) * (size if drawn[0] == "x" else 1.0), 2)
    color = get("fill") or get("color") or color
    if get("shadow") and color != "none":
        color = "?"
    ground = get("ground") or ("?" if get("image") else ground)
    return State(gone, veil, size, color, ground, above, around)


def read_style(css: str) -> tuple[dict[str, str], dict[str, str]]:
    """The looks of a block of declarations: ordinary ones, and those that are `!important`."""
    css = css[:_MOST_DECLARED]
    if "/*" in css:
        css = _COMMENT.sub(" ", css)
    if '"' in css or "'" in css or "(" in css or "{" in css or "\\" in css:
        css = _HELD.sub(_hold, css)
    plain: dict[str, str] = {}
    important: dict[str, str] = {}
    for one in css.split(";"):
        name, colon, value = one.partition(":")
        if not colon:
            continue
        value, sign, word = value.partition("!")
        if "\\" in one:
            name, value, word = plain_letters(name), plain_letters(value), plain_letters(word)
        if sign and word.strip().lower() != "important":
            continue
        _settle(name.strip().lower(), value.lower().strip()[:_LONGEST_VALUE], important if sign else plain)
    return plain, important


def _hold(held: "re.Match[str]") -> str:
    return held[0].replace(";", " ").replace("!", " ")


def plain_letters(css: str) -> str:
    """What CSS says with its escapes read (CSS Syntax 4.3.7)."""
    return _ESCAPE.sub(_unescape, css) if "\\" in css else css


def _unescape(match: "re.Match[str]") -> str:
    if match[2]:
        return "" if match[2] == "\n" else str(match[2])
    number = int(match[1], 16)
    return chr(number) if 0 < number < 0x110000 else "\ufffd"


def _settle(  # noqa: C901 (a plain table of properties)
    name: str, value: str, looks: dict[str, str]
) -> None:
    """Note what one declaration does. A value that no browser knows changes nothing."""
    shown = f"{name}:{value}"[:40]
    name = _SAME.get(name, name)
    if name == "display":
        if value == "none" or value.startswith("var("):
            looks[name] = shown
        elif value and _BOXES.issuperset(value.split()):
            looks[name] = ""
    elif name == "visibility":
        if value in ("hidden", "collapse") or value in _SEEN:
            looks[name] = "" if value in _SEEN else shown
    elif name == "content-visibility":
        looks["opacity"] = shown if value == "hidden" else ""
    elif name in ("opacity", "zoom", "scale"):
        if (size := _number(value)) is not None:
            hides = size < 0.1 and (size > 0 or name != "zoom")
            looks["opacity" if name == "opacity" else "shrunk"] = shown if hides else ""
    elif name == "filter":
        looks["filtered"] = shown if _is_filtered_out(value) else ""
    elif name == "mask":
        looks["masked"] = shown if "gradient(" in value else ""
    elif name in ("font-size", "font"):
        if size_ := _size(value, name):
            looks["size"] = size_
    elif name in _FLAT:
        length = _pixels(value)
        looks[name] = shown if length is not None and 0 <= length <= 3 else ""
    elif name in ("padding-bottom", "padding") and value:
        sides = value.split()
        if (_pixels(sides[2] if len(sides) > 2 else sides[0]) or 0.0) > 2:
            looks["padded"] = "yes"
    elif name in ("overflow", "overflow-y", "overflow-x"):
        if value.startswith((*_OVER, "visible", "inherit", "initial", "unset")):
            looks["overflow"] = "yes" if any(one in _OVER for one in value.split()) else ""
    elif name == "position":
        if value in ("absolute", "fixed", "relative", "static", "sticky", "initial", "inherit", "unset"):
            looks[name] = value if value in ("absolute", "fixed", "relative") else ""
    elif name in ("clip", "clip-path"):
        looks["cut" if name == "clip" else "clip"] = shown if _is_clipped(name, value) else ""
    elif name in ("transform", "translate", "rotate"):
        moved = value if name == "transform" else f"{name}({value.replace(' ', ',')})"
        looks["turned" if name == "transform" else name] = shown if _is_turned_away(moved) else ""
    elif not _move(name, value, shown, looks):
        _paint(name, value, looks)


def _move(name: str, value: str, shown: str, looks: dict[str, str]) -> bool:
    """Note where a declaration puts the text; whether it is about that."""
    if name in _SIDES:
        _place("far", value, shown, looks)
    elif name in ("right", "bottom"):
        _place("far", f"-{value.lstrip('+')}" if value[:1] != "-" else "0", shown, looks)
    elif name == "inset":
        sides = value.split() or [""]
        _place("far", sides[0], shown, looks)
        if not looks.get("far"):
            _place("far", sides[-1] if len(sides) in (1, 2, 4) else sides[1], shown, looks)
    elif name in ("margin-left", "margin-top", "margin"):
        for one in value.split() if name == "margin" else [value]:
            _place("pushed", one, shown, looks)
            if looks.get("pushed"):
                break
    elif name == "text-indent":
        _place("indent", value, shown, looks)
    else:
        return False
    return True


def _paint(name: str, value: str, looks: dict[str, str]) -> None:
    if name in ("color", "-webkit-text-fill-color"):
        if color := read_color(value):
            looks["color" if name == "color" else "fill"] = "" if color == "kept" else color
    elif name == "text-shadow":
        looks["shadow"] = "" if value == "none" else "yes"
    elif name == "background-image":
        looks["image"] = "" if value == "none" else "yes"
    elif name == "background-color":
        if color := "none" if value == "initial" else read_color(value):
            looks["ground"] = "" if color in ("none", "kept") else color
    elif name == "background":
        looks["ground"] = _read_ground(value)


def _read_ground(value: str) -> str:
    """The color in a `background`, "?" for a picture that has none."""
    if value == "initial":
        return ""
    bare = re.sub(r"url\([^)]*\)", " ", value)
    if "gradient(" in bare or "var(" in bare:
        colors = {
            read_color(one) for one in re.findall(r"#[0-9a-f]{3,8}|(?:rgb|hsl)a?\([^)]*\)|\bwhite\b", bare)
        }
        return colors.pop() if len(colors) == 1 and "var(" not in bare else "?"
    for one in re.findall(r"#[0-9a-f]{3,8}|(?:rgb|hsl)a?\([^)]*\)|[a-z]+", bare):
        color = read_color(one)
        if color and color not in ("kept", "?"):
            return "" if color == "none" else color
    if "url(" in value:
        return "?"
    known = ("none", "transparent", "0", "initial", "inherit", "unset")
    return "" if not bare.strip() or bare.split()[0] in known else "?"


def _number(value: str) -> float | None:
    match = re.fullmatch(r"([-+]?\d*\.?\d+(?:e[-+]?\d{1,2})?)(%?)(?:[\s,].*)?", value)
    if match is None:
        return 0.0 if value.startswith("var(") else _reckon(value)
    return float(match[1]) / (100 if match[2] else 1)


def _pixels(value: str) -> float | None:
    match = _LENGTH.fullmatch(value)
    if match is None:
        return _reckon(value)
    if match[2] == "%":
        return 0.0 if not float(match[1]) else None
    return float(match[1]) * _PIXELS[match[2] or ""] if (match[2] or "") in _PIXELS else None


def _reckon(value: str) -> float | None:
    """A length in pixels that is added up, or the least or the most of several; else None."""
    inside = _INSIDE.fullmatch(value)
    if inside is None:
        return None
    sums = [_add_up(one.strip()) for one in inside[1].split(",")]
    known = [one for one in sums if one is not None]
    if len(known) < len(sums):
        return None
    kind = value[:4]
    if kind == "clam":
        return sorted(known)[len(known) // 2]
    return max(known) if kind == "max(" else min(known)


def _add_up(terms: str) -> float | None:
    total, place = 0.0, 0
    while place < len(terms):
        match = _TERMS.match(terms, place)
        if match is None or (match[3] or "") not in _PIXELS:
            return None
        total += float(match[2]) * _PIXELS[match[3] or ""] * (-1 if match[1] == "-" else 1)
        place = match.end()
    return total


def _size(value: str, name: str) -> str:
    """Type as pixels (`=12`) or as a share of what is around it (`x0.9`); "" where nothing is said."""
    if name == "font":
        match = _FONT.search(value + " ")
        if match is None:
            return ""
        value = match[1] or match[2]
    length = _LENGTH.fullmatch(value)
    if length is None and (reckoned := _reckon(value)) is not None:
        return f"={max(0.0, reckoned)}"
    if length is None or length[1].startswith("-"):
        return "=13" if value in ("small", "medium", "large", "x-small", "x-large", "xx-large") else ""
    number, unit = float(length[1]), length[2] or ""
    if unit in ("em", "%"):
        return f"x{number / (100 if unit == '%' else 1)}"
    return f"={number * _PIXELS[unit]}" if (unit or not number) and unit in _PIXELS else ""


def _place(name: str, value: str, shown: str, looks: dict[str, str]) -> None:
    length = _pixels(value)
    away = (length or 0.0) <= _FAR or re.fullmatch(r"-[2-9]\d{2,}%|-\d{4,}%", value)
    if name == "indent":
        away = away or (length or 0.0) >= -_FAR or re.fullmatch(r"-?\d{3,}%", value)
    if away:
        looks[name] = shown
    elif name == "indent" or looks.get(name, "").startswith(shown.partition(":")[0] + ":"):
        looks[name] = ""


def _is_clipped(name: str, value: str) -> bool:
    if name == "clip":
        sides = [_pixels(one) for one in re.findall(r"-?[\d.]+(?:[a-z]+)?|auto", value)]
        if not value.startswith("rect") or len(sides) != 4:
            return False
        top, right, bottom, left = sides
        flat = bottom is not None and bottom - (top or 0.0) <= 1
        return flat or (right is not None and right - (left or 0.0) <= 1)
    kind, opened, inside = value.partition("(")
    numbers = [float(one) for one in re.findall(r"-?\d*\.?\d+", inside.partition(")")[0])]
    if not opened or not numbers:
        return False
    if kind == "inset":
        most = max(numbers)
        return most >= 100 or (most >= 50 and "%" in inside and len(numbers) == 1)
    if kind == "polygon":
        return len(numbers) < 6 or len(set(numbers[::2])) == 1 or len(set(numbers[1::2])) == 1
    if kind in ("circle", "ellipse", "rect", "xywh"):
        return max(numbers[: 1 if kind == "circle" else 4]) <= 1
    return kind == "path" and len(numbers) < 6


def _is_filtered_out(value: str) -> bool:
    """Whether a filter leaves nothing to be read."""
    for name, written in re.findall(r"(opacity|contrast|blur)\(([^)]*)\)", value):
        if name == "blur":
            if (_pixels(written.strip()) or 0.0) >= _BLURRED:
                return True
        elif (_number(written.strip()) or 0.0) < 0.1:
            return True
    return False


def _is_turned_away(value: str) -> bool:
    """Whether what a transformation leaves is too small, too far or on its edge."""
    for name, written in re.findall(r"(scale|translate|rotate|matrix)(?:x|y|3d)?\(([^()]*)\)", value):
        parts = [one.strip() for one in written.split(",")]
        numbers = [_number(one) for one in parts]
        if name == "scale" and any(one is not None and abs(one) < 0.1 for one in numbers[:2]):
            return True
        if name == "translate" and any((_pixels(one) or 0.0) <= _FAR for one in parts[:2]):
            return True
        if name == "matrix" and len(parts) == 6 and None not in numbers:
            a, b, c, d, x, y = [one or 0.0 for one in numbers]
            if abs(a * d - b * c) < 0.01 or min(x, y) <= _FAR:
                return True
    return bool(_ON_EDGE.search(value))


def presented(tag: str, attributes: Mapping[str, str]) -> dict[str, str]:
    """The looks that a tag has before any style: those of old attributes, and of links."""
    looks: dict[str, str] = {}
    if tag == "a" and "href" in attributes:
        looks["color"] = "0000ee"
    elif tag == "mark":
        looks |= {"color": "000000", "ground": "ffff00"}
    if "hidden" in attributes:
        looks["display"] = "hidden"
    if (value := attributes.get("bgcolor")) and (color := read_color(unescape(value))):
        looks["ground"] = "?" if color in ("none", "kept") else color
    if attributes.get("background"):
        looks["image"] = "yes"
    value = attributes.get("color" if tag == "font" else "text", "") if tag in ("font", "body") else ""
    if value and (color := read_color(value)):
        looks["color"] = color
    return looks

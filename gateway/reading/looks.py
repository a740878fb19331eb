"""What declarations of style do to the text they stand for: whether it can be seen, its size and colors."""

import re
from collections.abc import Mapping
from colorsys import hls_to_rgb
from html import unescape
from typing import NamedTuple

SAME_COLOR = "text in the color of its background"
Looks = Mapping[str, str]
"""Settled properties by name. "" stands for shown, or for what is inherited anyway."""
_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_ESCAPE = re.compile(r"\\(?:([0-9a-fA-F]{1,6})\s?|(.))", re.DOTALL)
_LENGTH = re.compile(r"([-+]?\d*\.?\d+)(px|pt|em|rem|ex|ch|vw|vh|%|in|cm|mm|pc)?")
_FONT = re.compile(r"(?:^|\s)(?:(\d*\.?\d+(?:px|pt|em|rem|%|vw|in|cm|mm|pc))|(0))(?=[\s/])")
_PIXELS = {
    "": 1.0, "px": 1.0, "pt": 1.333, "em": 16.0, "rem": 16.0, "ex": 8.0, "ch": 8.0, "vw": 8.0,
    "vh": 8.0, "in": 96.0, "cm": 37.8, "mm": 3.78, "pc": 16.0,
}  # fmt: skip
_FAR = -500.0
"""Pixels; what begins so far outside is not on any screen."""
_SMALLEST = 3.0
"""Pixels of type that an eye can still read."""
_NEAR = 20
"""Steps of 256 by which a color differs from its background before anybody sees a difference."""
_NAMED = {
    "white": "ffffff", "snow": "fffafa", "ivory": "fffff0", "ghostwhite": "f8f8ff", "whitesmoke": "f5f5f5",
    "floralwhite": "fffaf0", "mintcream": "f5fffa", "azure": "f0ffff", "seashell": "fff5ee",
    "aliceblue": "f0f8ff", "black": "000000", "red": "ff0000", "gray": "808080", "grey": "808080",
    "silver": "c0c0c0", "navy": "000080", "blue": "0000ff", "green": "008000", "yellow": "ffff00",
    "initial": "000000", "windowtext": "000000",
}  # fmt: skip
_LONGEST_VALUE = 300
_KEPT = ("inherit", "currentcolor", "unset", "revert")
_FLAT = ("height", "max-height", "width", "max-width")
_SIDES = ("left", "top")


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


def look_alike(color: str, ground: str) -> bool:
    """Whether a color can hardly be told from its background; what is not known looks like nothing."""
    if len(color) != 6 or len(ground) != 6:
        return False
    return all(abs(int(color[i : i + 2], 16) - int(ground[i : i + 2], 16)) < _NEAR for i in (0, 2, 4))


def wear(state: State, looks: Looks, *, boxed: bool) -> State:
    """The state within an element of these looks; `boxed` says that it may be smaller than its text."""
    get = looks.get
    gone, veil, size, color, ground, above, around = state
    position = get("position")
    if gone.startswith(_SIDES) and position == "fixed":
        gone = ""
    if not gone:
        gone = get("display") or get("opacity") or get("clip") or get("shrunk") or get("pushed") or ""
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
    if "/*" in css:
        css = _COMMENT.sub(" ", css)
    css = plain_letters(css)
    plain: dict[str, str] = {}
    important: dict[str, str] = {}
    for one in css[:20_000].lower().split(";"):
        name, colon, value = one.partition(":")
        if not colon:
            continue
        value, sign, _ = value.partition("!")
        _settle(name.strip(), value.strip()[:_LONGEST_VALUE], important if sign else plain)
    return plain, important


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
    if name == "display":
        looks[name] = shown if value == "none" else ""
    elif name == "visibility":
        looks[name] = shown if value in ("hidden", "collapse") else ""
    elif name == "content-visibility":
        looks["opacity"] = shown if value == "hidden" else ""
    elif name in ("opacity", "zoom", "scale"):
        if (size := _number(value)) is not None:
            hides = size < 0.1 and (size > 0 or name != "zoom")
            looks["opacity" if name == "opacity" else "shrunk"] = shown if hides else ""
    elif name == "filter":
        inside = re.search(r"opacity\(([^)]*)\)", value)
        looks["clip"] = shown if inside and (_number(inside[1]) or 0.0) < 0.1 else ""
    elif name in ("font-size", "font"):
        if size_ := _size(value, name):
            looks["size"] = size_
    elif name in _FLAT:
        length = _pixels(value)
        looks[name] = shown if length is not None and 0 <= length <= 2 else ""
    elif name in ("padding-bottom", "padding"):
        if any((_pixels(one) or 0.0) > 2 for one in value.split()):
            looks["padded"] = "yes"
    elif name in ("overflow", "overflow-y", "overflow-x"):
        looks["overflow"] = "yes" if value.startswith(("hidden", "clip")) else ""
    elif name == "position":
        looks[name] = value if value in ("absolute", "fixed", "relative") else ""
    elif name in _SIDES:
        _place("far", value, shown, looks)
    elif name in ("margin-left", "margin-top"):
        _place("pushed", value, shown, looks)
    elif name == "text-indent":
        _place("indent", value, shown, looks)
    elif name in ("clip", "clip-path"):
        looks["cut" if name == "clip" else "clip"] = shown if _is_clipped(name, value) else ""
    elif name == "transform":
        looks["shrunk"] = shown if _is_turned_away(value) else ""
    else:
        _paint(name, value, looks)


def _paint(name: str, value: str, looks: dict[str, str]) -> None:
    if name in ("color", "-webkit-text-fill-color"):
        if color := read_color(value):
            looks["color" if name == "color" else "fill"] = "" if color == "kept" else color
    elif name == "text-shadow":
        looks["shadow"] = "" if value == "none" else "yes"
    elif name == "background-image":
        looks["image"] = "" if value == "none" else "yes"
    elif name == "background-color":
        if color := read_color(value):
            looks["ground"] = "" if color in ("none", "kept") else color
    elif name == "background":
        looks["ground"] = _read_ground(value)


def _read_ground(value: str) -> str:
    """The color in a `background`, "?" for a picture that has none."""
    bare = re.sub(r"url\([^)]*\)", " ", value)
    if "gradient(" in bare or "var(" in bare:
        return "?"
    for one in re.findall(r"#[0-9a-f]{3,8}|(?:rgb|hsl)a?\([^)]*\)|[a-z]+", bare):
        color = read_color(one)
        if color and color not in ("kept", "?"):
            return "" if color == "none" else color
    if "url(" in value:
        return "?"
    known = ("none", "transparent", "0", "initial", "inherit", "unset")
    return "" if not bare.strip() or bare.split()[0] in known else "?"


def read_color(value: str) -> str:
    """Six hexadecimal digits; "none" for what lets all through, "kept" for what is inherited, "?" for a color
    that only a browser could name, "" where there is none."""
    value = value.strip().lower()
    if value in _NAMED:
        return _NAMED[value]
    if value == "transparent":
        return "none"
    if value in _KEPT:
        return "kept"
    bare = value.lstrip("#")
    if re.fullmatch(r"[0-9a-f]{3,8}", bare) and len(bare) in (3, 4, 6, 8):
        long = bare if len(bare) > 4 else "".join(one * 2 for one in bare)
        return "none" if len(long) == 8 and int(long[6:], 16) < 26 else long[:6]
    if value.startswith(("rgb", "hsl")):
        return _read_parts(value)
    return "?" if re.match(r"[a-z-]+(?:\(|$)", value) else ""


def _read_parts(value: str) -> str:
    parts = re.findall(r"([-+]?\d*\.?\d+)(%|deg)?", value)
    if len(parts) < 3:
        return "?"
    alpha = float(parts[3][0]) / (100 if parts[3][1] == "%" else 1) if len(parts) > 3 else 1.0
    if alpha < 0.1:
        return "none"
    if alpha < 0.5:
        return "?"
    numbers = [float(number) for number, _ in parts[:3]]
    if value.startswith("hsl"):
        rgb = hls_to_rgb(numbers[0] / 360 % 1, min(1, numbers[2] / 100), min(1, numbers[1] / 100))
        return "".join(f"{round(255 * one):02x}" for one in rgb)
    scale = [2.55 if unit == "%" else 1.0 for _, unit in parts[:3]]
    return "".join(f"{min(255, max(0, round(n * s))):02x}" for n, s in zip(numbers, scale, strict=True))


def _number(value: str) -> float | None:
    match = re.fullmatch(r"([-+]?\d*\.?\d+)(%?)(?:[\s,].*)?", value)
    return None if match is None else float(match[1]) / (100 if match[2] else 1)


def _pixels(value: str) -> float | None:
    match = _LENGTH.fullmatch(value)
    if match is None or match[2] == "%":
        return None
    return float(match[1]) * _PIXELS[match[2] or ""]


def _size(value: str, name: str) -> str:
    """Type as pixels (`=12`) or as a share of what is around it (`x0.9`); "" where nothing is said."""
    if name == "font":
        match = _FONT.search(value + " ")
        if match is None:
            return ""
        value = match[1] or match[2]
    length = _LENGTH.fullmatch(value)
    if length is None or length[1].startswith("-"):
        return "=13" if value in ("small", "medium", "large", "x-small", "x-large", "xx-large") else ""
    number, unit = float(length[1]), length[2] or ""
    if unit in ("em", "%"):
        return f"x{number / (100 if unit == '%' else 1)}"
    return f"={number * _PIXELS[unit]}" if unit or not number else ""


def _place(name: str, value: str, shown: str, looks: dict[str, str]) -> None:
    length = _pixels(value)
    if length is not None and length <= _FAR:
        looks[name] = shown
    elif name == "indent" or looks.get(name, "").startswith(shown.partition(":")[0] + ":"):
        looks[name] = ""


def _is_clipped(name: str, value: str) -> bool:
    if name == "clip":
        sides = [_pixels(one) for one in re.findall(r"-?[\d.]+(?:px|em|pt)?", value)]
        return (
            value.startswith("rect")
            and len(sides) == 4
            and all(one is not None and one <= 1 for one in sides)
        )
    inside = re.match(r"(inset|circle)\(\s*([\d.]+)(%?)", value)
    if not inside:
        return False
    number = float(inside[2].rstrip(".") or 0)
    return number >= 50 if inside[1] == "inset" and inside[3] else inside[1] == "circle" and number == 0


def _is_turned_away(value: str) -> bool:
    for name, first in re.findall(r"(scale[xy]?|translate[xy]?|rotate[xy])\(\s*([^,)]*)", value):
        if name.startswith("scale") and (number := _number(first.strip())) is not None and abs(number) < 0.1:
            return True
        if name.startswith("translate") and (_pixels(first.strip()) or 0.0) <= _FAR:
            return True
        if name.startswith("rotate") and first.strip() in ("90deg", "-90deg", "270deg"):
            return True
    return False


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

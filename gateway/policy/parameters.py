"""From YAML values to a rule's fields: types, units and words, each mistake with its place."""

import re
from dataclasses import MISSING, fields, is_dataclass
from functools import lru_cache
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from gateway.policy.document import Findings, Node, did_you_mean
from gateway.policy.rules.case import Clock, Contradiction, Duration

_UNITS = {
    "second": 1,
    "minute": 60,
    "hour": 3600,
    "day": 86400,
    "week": 7 * 86400,
    "month": 30 * 86400,
    "year": 365 * 86400,
}
_SHORT = {"s": "second", "m": "minute", "min": "minute", "h": "hour", "d": "day", "w": "week"}
_LONGEST = 10 * _UNITS["year"]
_DURATION = re.compile(r"(?:(\d{1,6})\s*)?([a-z]+?)s?")
_PERCENT = re.compile(r"(\d{1,3}(?:[.,]\d{1,6})?)\s*%")
_COMMA = re.compile(r"-?\d{1,9},\d{1,9}")
_CLOCK = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)")

_WORD = re.compile(r"\w+")
_PLAIN = re.compile(r"[^\W\d_][\w .-]*")
"""What YAML takes for text without quotes."""
_THROUGH = ("to", "till", "until", "through", "a")
"""Between the first and the last of some, besides dashes."""

UNSET = object()
"""What a value that cannot be read becomes, once it was complained about."""


def seconds(text: str) -> int | None:
    """`7 days`, `1 hour`, `week`, `30d` as seconds; None where it is none of these."""
    match = _DURATION.fullmatch(text.strip().casefold())
    if not match:
        return None
    unit = _UNITS.get(_SHORT.get(match[2], match[2]))
    return unit * int(match[1] or 1) if unit else None


def build(type_: type, node: Node, findings: Findings, skip: tuple[str, ...] = ()) -> Any:
    """An instance of a rule (or of a group of its parameters) from a mapping; None, with problems
    noted, where it cannot be made. Keys in `skip` belong to the policy line, not to the rule."""
    types = _types(type_)
    values: dict[str, Any] = {}
    wrong = False
    for key, value in node.items():
        if key in skip:
            continue
        place = (node.keys or {}).get(key, (node.line, node.column))
        if key not in types:
            findings.add(place, f"unknown key {key!r}", did_you_mean(key, [*types, *skip]))
            wrong = True
            continue
        values[_field(type_, key)] = read = _read(types[key], value, key, findings)
        wrong = wrong or read is UNSET
    for f in fields(type_):
        lacks = f.default is MISSING and f.default_factory is MISSING and f.name not in values
        if lacks and not wrong:
            findings.add(node, f"the key {_key(f.name)!r} is missing")
            wrong = True
    if wrong:
        return None
    try:
        return type_(**values)
    except Contradiction as error:
        place = (node.keys or {}).get(error.field, (node.line, node.column))
        findings.add(place, str(error), error.suggestion)
        return None


def _key(field: str) -> str:
    return field.rstrip("_")


def _field(type_: type, key: str) -> str:
    return next(f.name for f in fields(type_) if _key(f.name) == key)


@lru_cache(maxsize=256)
def _types(type_: type) -> dict[str, Any]:
    hints = get_type_hints(type_)
    return {_key(f.name): hints[f.name] for f in fields(type_)}


def _read(wanted: Any, node: Node, key: str, findings: Findings) -> Any:
    value = node.value
    if get_origin(wanted) in (Union, UnionType):
        inner = next(arg for arg in get_args(wanted) if arg is not NoneType)
        return _read(inner, node, key, findings)
    if is_dataclass(wanted) and isinstance(wanted, type):
        return _read_group(wanted, node, key, findings)
    if get_origin(wanted) is tuple:
        return _read_list(get_args(wanted)[0], node, key, findings)
    if get_origin(wanted) is Literal:
        return _read_word(get_args(wanted), node, key, findings)
    if wanted is Duration:
        return _read_duration(node, key, findings)
    if wanted is Clock:
        match = _CLOCK.fullmatch(value) if isinstance(value, str) else None
        if match and int(match[1]) * 60 + int(match[2]) <= 24 * 60:
            return Clock((int(match[1]) * 60 + int(match[2])) % (24 * 60))
        return _complain(node, key, 'a time of day such as "20:00"', findings)
    return _read_scalar(wanted, node, key, findings)


def _read_scalar(wanted: Any, node: Node, key: str, findings: Findings) -> Any:
    value = node.value
    if wanted is bool and isinstance(value, bool):
        return value
    if wanted is int and isinstance(value, int) and not isinstance(value, bool):
        return value
    if wanted is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if wanted is str and isinstance(value, str):
        return value
    names = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
    return _complain(node, key, names[wanted], findings, _meant(wanted, value, key))


_YES = ("yes", "y", "on", "1", "si", "sì", "ja", "oui", "sí", "vero", "wahr", "vrai")
_NO = ("no", "n", "off", "0", "nein", "non", "falso", "falsch", "faux")


def meant_by(word: str) -> bool | None:
    """Whether a word for yes or no says yes; None where it is no such word."""
    said = word.strip().casefold()
    return said in _YES if said in (*_YES, *_NO) else None


def _meant(wanted: type, value: Any, key: str) -> str:
    """What was meant by a value of another type, where that is clear."""
    if wanted in (int, float) and isinstance(value, str) and value.isdecimal() and len(value) < 9:
        return f"without quotes, {key}: {int(value)}"
    if wanted is float and isinstance(value, str):
        return _number_meant(value.strip(), key)
    if wanted is str and isinstance(value, int | float) and not isinstance(value, bool):
        return f'in quotes, {key}: "{value}"'
    meant = meant_by(str(value)) if wanted is bool else None
    return "" if meant is None else f"{key}: {str(meant).lower()}"


def _number_meant(text: str, key: str) -> str:
    percent = _PERCENT.fullmatch(text)
    if percent:
        return f"{key}: {float(percent[1].replace(',', '.')) / 100:g}"
    return f"{key}: {text.replace(',', '.')}" if _COMMA.fullmatch(text) else ""


def _read_group(wanted: type, node: Node, key: str, findings: Findings) -> Any:
    if not isinstance(node.value, dict):
        return _complain(node, key, "a group of keys, such as {days_connected: 14, replies: 1}", findings)
    made = build(wanted, node, findings)
    return UNSET if made is None else made


def _read_list(inner: Any, node: Node, key: str, findings: Findings) -> Any:
    if not isinstance(node.value, tuple):
        if isinstance(node.value, str):
            plain = f"{key}: {several(node)}" if inner is str and several(node) else ""
            listed = plain or _list_meant(inner, node.value, key)
            if listed:
                return _complain(node, key, "a list", findings, listed)
            one = _read(inner, node, key, findings)
            return UNSET if one is UNSET else (one,)
        return _complain(node, key, "a list", findings)
    values = tuple(_read(inner, item, key, findings) for item in node.value)
    return UNSET if UNSET in values else values


def several(node: Node) -> str:
    """The list that was meant by one text with commas, "" where it has none; a name that has one stands in
    a list."""
    if not isinstance(node.value, str) or "," not in node.value:
        return ""
    parts = (part.strip() for part in node.value.split(","))
    return f"[{', '.join(part if _PLAIN.fullmatch(part) else quoted(part) for part in parts if part)}]"


def quoted(text: str) -> str:
    """The text as YAML takes it for one, whatever stands in it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _list_meant(inner: Any, text: str, key: str) -> str:
    """The list that was meant by several known words in one text, or by the first and the last of some."""
    words = get_args(inner) if get_origin(inner) is Literal else ()
    parts = _WORD.findall(text.casefold())
    found = [part for part in parts if part in words]
    if found and found == parts and (len(found) > 2 or "," in text):
        return f"{key}: [{', '.join(found)}]"
    if len(found) != 2 or set(parts) - {*found, *_THROUGH}:
        return ""
    first, last = (words.index(word) for word in found)
    span = words[first : last + 1] if first <= last else (*words[first:], *words[: last + 1])
    return f"{key}: [{', '.join(span)}]"


def _read_word(words: tuple[str, ...], node: Node, key: str, findings: Findings) -> Any:
    if node.value in words:
        return node.value
    known = [word for word in words if word]
    findings.add(
        node, f"{key}: {node.shown} is not one of {', '.join(known)}", did_you_mean(str(node.value), known)
    )
    return UNSET


def _read_duration(node: Node, key: str, findings: Findings) -> Any:
    found = seconds(node.value) if isinstance(node.value, str) else None
    if found is None:
        hint = f"say the unit, {key}: {node.value} days" if isinstance(node.value, int) else ""
        return _complain(node, key, "a length of time such as 7 days, 1 hour or week", findings, hint)
    if found > _LONGEST:
        return _complain(node, key, "at most 10 years", findings)
    return Duration(found)


def _complain(node: Node, key: str, wanted: str, findings: Findings, hint: str = "") -> object:
    findings.add(node, f"{key} must be {wanted}, not {node.shown}", hint)
    return UNSET

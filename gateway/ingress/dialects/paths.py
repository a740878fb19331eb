"""A small part of JSONPath (RFC 9535): `$.a.b[0]['c d']`. Pure.

A map of fields in the access file says where a tool's body holds what a message needs. Each value of the
map is a path (`$...`), a constant, a text with paths in braces (`Ciao {$.contact.first}`), a list of these
of which the first that gives something counts, or an object of further fields.
"""

import re
from collections.abc import Mapping
from typing import Any

LONGEST = 200
DEPTH = 8

_STEP = re.compile(r"\.([A-Za-z_][A-Za-z0-9_-]*)|\[(-?\d{1,4})\]|\['([^']{1,100})'\]|\[\"([^\"]{1,100})\"\]")
_BRACES = re.compile(r"\{(\$[^{}]{0,200})\}")

Step = str | int


class BadPath(ValueError):
    """A path or map that cannot be meant; the text says why, `at` where in the map."""

    def __init__(self, text: str, at: tuple[str, ...] = ()) -> None:
        super().__init__(text)
        self.at = at


def parse_path(text: str) -> tuple[Step, ...]:
    """The steps of a path. Raises BadPath."""
    if not text.startswith("$") or len(text) > LONGEST:
        raise BadPath(f"a path begins with $ and has at most {LONGEST} characters: {text[:40]}")
    steps: list[Step] = []
    at = 1
    while at < len(text):
        found = _STEP.match(text, at)
        if not found:
            raise BadPath(f"only names and numbers may stand in a path, as in $.a.b[0]: {text[:40]}")
        name, number, quoted, double = found.groups()
        steps.append(int(number) if number is not None else name or quoted or double)
        at = found.end()
    return tuple(steps)


def find(data: Any, steps: tuple[Step, ...]) -> Any:
    """What stands at the end of the steps; None for nothing."""
    for step in steps:
        if isinstance(step, int):
            if not isinstance(data, list) or not -len(data) <= step < len(data):
                return None
            data = data[step]
        else:
            if not isinstance(data, dict) or step not in data:
                return None
            data = data[step]
    return data


def check_map(value: Any, at: tuple[str, ...] = ()) -> None:
    """Raises BadPath where a map of fields cannot be meant."""
    if len(at) > DEPTH:
        raise BadPath("the map nests too deep", at)
    if isinstance(value, str):
        for path in [value] if value.startswith("$") else _BRACES.findall(value):
            try:
                parse_path(path)
            except BadPath as error:
                raise BadPath(str(error), at) from None
    elif isinstance(value, Mapping):
        for name, item in value.items():
            check_map(item, (*at, str(name)))
    elif isinstance(value, (list, tuple)):
        for n, item in enumerate(value):
            check_map(item, (*at, str(n)))


def apply_map(value: Any, data: Any) -> Any:
    """What a map of fields makes of a body; None where a path leads nowhere."""
    if isinstance(value, str):
        if value.startswith("$"):
            return find(data, parse_path(value))
        return _BRACES.sub(lambda match: _text(find(data, parse_path(match[1]))), value)
    if isinstance(value, Mapping):
        made = {str(name): apply_map(item, data) for name, item in value.items()}
        return {name: item for name, item in made.items() if item is not None and item != {}} or None
    if isinstance(value, (list, tuple)):
        found = (apply_map(item, data) for item in value)
        return next((item for item in found if item not in (None, "", [], {})), None)
    return value


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, (str, int, float)) else ""

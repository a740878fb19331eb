"""Templates of Postmark, in Mustachio. Pure.

Values, scopes (`{{#a}}`, `{{^a}}`), `each` and comments, as Mustachio's published source has them. Nothing is
looked up further out, `../` leaves one step of the path (an item's list is one), there is no `else`. For
anything else Unrendered is raised.
"""

import html
import re
from dataclasses import dataclass, field
from typing import Any

from gateway.ingress.dialects.rendering import DEPTH, LARGEST, LONGEST, Meter, Unrendered, Work

_PATH = re.compile(r"(?:\.\./)*(?:\.|[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)\Z")
_OTHERS = frozenset({"this", "else", "each", "if", "unless", "with", "length"})
"""Plain names to Mustachio, words of the language to whoever thinks of Handlebars."""


@dataclass(slots=True)
class _Block:
    kind: str = ""
    path: str = ""
    inside: list[Any] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Place:
    """A value, and where it was found."""

    value: Any
    parent: "_Place | None" = None


def render(template: str, data: Any, *, escape: bool, work: Work | None = None) -> str:
    """The text for this data; `escape` for HTML. Raises Unrendered."""
    if len(template) > LONGEST:
        raise Unrendered
    if "{{" not in template:
        return template
    work = work or Work()
    work.take(template.count("{{"))
    return _Renderer(escape, Meter(work)).run(_parse(template), _Place(data))


def _parse(template: str) -> list[Any]:
    stack = [_Block()]
    at = 0
    while (begun := template.find("{{", at)) >= 0:
        stack[-1].inside.append(template[at:begun])
        raw = template.startswith("{{{", begun)
        end = template.find("}}", begun)
        tag = template[begun + 2 + raw : max(end, begun + 2)]
        if end < 0 or (raw and not template.startswith("}}}", end)) or set(tag) & set("{}") or not tag:
            raise Unrendered
        at = end + 2 + raw
        if raw or tag[0] == "&":
            stack[-1].inside.append((_path(tag[not raw :]), False))
        elif tag[0] == "/":
            _close(stack, tag[1:].strip())
        elif tag[0] in "#^":
            _open(stack, tag)
        elif tag[0] != "!":
            stack[-1].inside.append((_path(tag), True))
    if len(stack) != 1:
        raise Unrendered
    stack[0].inside.append(template[at:])
    return stack[0].inside


def _open(stack: list[_Block], tag: str) -> None:
    kind, path = tag[0], tag[1:].strip()
    if kind == "#" and path.partition(" ")[0] == "each":
        kind, path = "each", path[4:]
    block = _Block(kind, _path(path))
    if len(stack) > DEPTH or stack[-1].path == block.path:
        raise Unrendered  # the same path again ends a block
    stack[-1].inside.append(block)
    stack.append(block)


def _close(stack: list[_Block], name: str) -> None:
    closed = stack.pop()
    if not stack or name != ("each" if closed.kind == "each" else closed.path):
        raise Unrendered


def _path(text: str) -> str:
    path = text.strip()
    if not _PATH.match(path) or set(re.split("[./]", path)) & _OTHERS:
        raise Unrendered
    return path


class _Renderer:
    """One rendering, and how much it has done."""

    def __init__(self, escape: bool, meter: Meter) -> None:
        self._escape = escape
        self._meter = meter

    def run(self, nodes: list[Any], place: _Place) -> str:
        """The text of some nodes, at a place in the data."""
        found: list[str] = []
        for node in nodes:
            self._meter.step()
            if isinstance(node, _Block):
                found.append(self._block(node, place))
            else:
                text = node if isinstance(node, str) else self._value(node[0], node[1], place)
                found.append(self._meter.said(text))
        return "".join(found)

    def _value(self, path: str, escaped: bool, place: _Place) -> str:
        text = _say(_find(place, path).value)
        return html.escape(text) if escaped and self._escape else text

    def _block(self, block: _Block, place: _Place) -> str:
        found = _find(place, block.path)
        there = _exists(found.value)
        if block.kind == "each":
            if there and not isinstance(found.value, list):
                raise Unrendered
            return "".join(self.run(block.inside, _Place(item, found)) for item in found.value or ())
        return self.run(block.inside, found) if there == (block.kind == "#") else ""


def _find(place: _Place, path: str) -> _Place:
    while path.startswith("../"):
        if place.parent is None:
            raise Unrendered
        place, path = place.parent, path[3:]
    for step in path.split(".") if path != "." else ():
        place = _Place(place.value.get(step) if isinstance(place.value, dict) else None, place)
    return place


def _exists(value: Any) -> bool:
    if value == {} and isinstance(value, dict):
        raise Unrendered
    return value not in (None, False, "", 0, [])


def _say(value: Any) -> str:
    if value is None:
        return ""
    whole = isinstance(value, int) and not isinstance(value, bool) and abs(value) <= LARGEST
    if not (whole or isinstance(value, str)):
        raise Unrendered
    return str(value)

"""Templates of providers, rendered as they would: the common part of Handlebars (SendGrid, Mailgun) and
Mustachio (Postmark). Pure.

Values, sections, `each`, `if`, `unless`, `with`, comparisons, `insert` with a default and `length`. For
anything else (partials, dates, helpers of one's own) Unrendered is raised: a guess would not be what the
person sees.
"""

import html
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

LONGEST = 5_000_000
MOST_STEPS = 200_000
DEPTH = 20

_TAG = re.compile(r"\{\{\{([^{}]*+)\}\}\}|\{\{([^{}]*+)\}\}")
_ARGUMENT = re.compile(r'"[^"]*"|\'[^\']*\'|[^\s"\']+')
_PATH = re.compile(r"(?:\.\./)*(?:@?[A-Za-z_$][\w$-]*|\.|this)(?:[./][\w$-]+|\.\[[^\]]+\])*\Z")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?\Z")


class Unrendered(Exception):
    """The template says something that is not understood here, or is too large."""


@dataclass(slots=True)
class _Block:
    """A part of a template: texts, values, and blocks with what stands between their tags."""

    name: str = ""
    arguments: Sequence[str] = ()
    inside: list[Any] = field(default_factory=list)
    otherwise: list[Any] = field(default_factory=list)
    inverted: bool = False
    current: list[Any] = field(default_factory=list)


def render(template: str, data: Any, *, escape: bool) -> str:
    """The text for this data; `escape` for HTML. Raises Unrendered."""
    if len(template) > LONGEST:
        raise Unrendered
    if "{{" not in template:
        return template
    return _Renderer(data, escape).run(_parse(template))


def _parse(template: str) -> list[Any]:
    root = _Block()
    root.current = root.inside
    stack = [root]
    at = 0
    for match in _TAG.finditer(template):
        if match.start() > at:
            stack[-1].current.append(template[at : match.start()])
        at = match.end()
        raw, tag = match.groups()
        if raw is not None:
            stack[-1].current.append((raw.strip(), False))
        else:
            _take_tag(stack, tag.strip())
    if len(stack) != 1 or "{{" in template[at:]:
        raise Unrendered
    root.current.append(template[at:])
    return root.inside


def _take_tag(stack: list[_Block], tag: str) -> None:
    if tag.startswith("!"):
        return
    if tag in ("else", "^"):
        stack[-1].current = stack[-1].otherwise
    elif tag[:1] in ("#", "^"):
        _open(stack, tag)
    elif tag.startswith("/"):
        closed = stack.pop()
        if not stack or tag[1:].strip() not in ("", closed.name):
            raise Unrendered
    elif tag[:1] in (">", "*", "~") or tag.endswith("~") or not tag:
        raise Unrendered
    else:
        stack[-1].current.append((tag.lstrip("&").strip(), not tag.startswith("&")))


def _open(stack: list[_Block], tag: str) -> None:
    words = _ARGUMENT.findall(tag[1:].strip())
    if not words or len(stack) > DEPTH:
        raise Unrendered
    block = _Block(name=words[0], arguments=words[1:], inverted=tag[0] == "^")
    block.current = block.inside
    stack[-1].current.append(block)
    stack.append(block)


class _Renderer:
    """One rendering: where it stands in the data, and how much it has done."""

    def __init__(self, data: Any, escape: bool) -> None:
        self._scopes: list[Any] = [data]
        self._index: list[int] = []
        self._escape = escape
        self._steps = 0
        self._size = 0

    def run(self, nodes: Sequence[Any]) -> str:
        """The text of some nodes."""
        found: list[str] = []
        for node in nodes:
            self._steps += 1
            if self._steps > MOST_STEPS or self._size > LONGEST:
                raise Unrendered
            if isinstance(node, str):
                found.append(node)
                self._size += len(node)
            elif isinstance(node, _Block):
                found.append(self._block(node))
            else:
                text = self._value(*node)
                found.append(text)
                self._size += len(text)
        return "".join(found)

    def _value(self, tag: str, escaped: bool) -> str:
        words = _ARGUMENT.findall(tag)
        if len(words) == 1:
            value = self._look(words[0])
        elif words[:1] == ["insert"]:
            value = self._insert(words[1:])
        elif words[:1] == ["length"] and len(words) == 2:
            several = self._look(words[1])
            value = len(several) if isinstance(several, (list, dict, str)) else 0
        else:
            raise Unrendered
        text = _say(value)
        return html.escape(text) if escaped and self._escape else text

    def _insert(self, words: Sequence[str]) -> Any:
        value = self._look(words[0]) if words else None
        default = next((w.strip("\"'")[8:] for w in words[1:] if w.strip("\"'").startswith("default=")), "")
        return default if value in (None, "") else value

    def _block(self, block: _Block) -> str:
        decide = _HELPERS.get(block.name) if block.arguments else None
        if decide is not None:
            truth = decide([self._look(word) for word in block.arguments]) != block.inverted
            return self.run(block.inside if truth else block.otherwise)
        name = block.arguments[0] if block.name in ("each", "with") and block.arguments else block.name
        if block.arguments and name == block.name:
            raise Unrendered
        value = self._look(name)
        if block.inverted:
            return self.run(block.inside if not _true(value) else block.otherwise)
        if not _true(value):
            return self.run(block.otherwise)
        if isinstance(value, list):
            return "".join(self._within(block, item, n) for n, item in enumerate(value))
        if block.name == "each" and isinstance(value, dict):
            return "".join(self._within(block, item, n) for n, item in enumerate(value.values()))
        return self._within(block, value, 0)

    def _within(self, block: _Block, scope: Any, index: int) -> str:
        self._scopes.append(scope)
        self._index.append(index)
        try:
            return self.run(block.inside)
        finally:
            self._scopes.pop()
            self._index.pop()

    def _look(self, word: str) -> Any:
        if word[0] in "\"'":
            return word[1:-1]
        if word in ("true", "false"):
            return word == "true"
        if _NUMBER.match(word):
            return float(word) if "." in word else int(word)
        if word == "@index":
            return self._index[-1] if self._index else ""
        if not _PATH.match(word):
            raise Unrendered
        scopes = list(self._scopes)
        while word.startswith("../"):
            word = word[3:]
            if len(scopes) > 1:
                scopes.pop()
        if word.startswith("@root."):
            scopes, word = scopes[:1], word[6:]
        elif word.startswith("@"):
            raise Unrendered
        return _walk(scopes, word)


def _walk(scopes: Sequence[Any], word: str) -> Any:
    if word in (".", "this"):
        return scopes[-1]
    own = word.startswith("this.")
    steps = re.split(r"[./]", word.removeprefix("this."))
    steps = [step.strip("[]") for step in steps]
    within = (
        scopes[-1:] if own else [s for s in reversed(scopes) if isinstance(s, dict) and steps[0] in s][:1]
    )
    value: Any = within[0] if within else None
    for step in steps:
        if isinstance(value, dict):
            value = value.get(step)
        elif isinstance(value, list) and step.isdigit() and int(step) < len(value):
            value = value[int(step)]
        else:
            return None
    return value


def _true(value: Any) -> bool:
    return value not in (None, False, "", 0, [])


def _say(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if value is None or isinstance(value, (dict, list)):
        return ""
    return str(value)


def _compare(test: Callable[[Any, Any], bool]) -> Callable[[list[Any]], bool]:
    def decide(values: list[Any]) -> bool:
        if len(values) != 2:
            raise Unrendered
        try:
            return test(*values)
        except TypeError:
            return False

    return decide


_HELPERS: dict[str, Callable[[list[Any]], bool]] = {
    "if": lambda values: _true(values[0]),
    "unless": lambda values: not _true(values[0]),
    "equals": _compare(lambda a, b: bool(a == b)),
    "notEquals": _compare(lambda a, b: bool(a != b)),
    "greaterThan": _compare(lambda a, b: bool(a > b)),
    "lessThan": _compare(lambda a, b: bool(a < b)),
    "and": lambda values: all(map(_true, values)),
    "or": lambda values: any(map(_true, values)),
}
"""Blocks that decide by their arguments."""

"""Templates in Handlebars (SendGrid, Mailgun), rendered as the provider would. Pure.

Values, sections, `each`, `if`, `unless`, `with`, `else` and `else if`, `length` of a list; and what SendGrid
adds: comparisons, `insert` with a default. Providers use different implementations (handlebars.js; Mailgun's
raymond, in Go): where these differ, as for all that is not understood (partials, dates, other helpers),
Unrendered is raised: a guess would not be what the person sees.
"""

import html
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.ingress.dialects.rendering import DEPTH, LARGEST, LONGEST, Meter, Unrendered, Work

_WORDS = re.compile(r"""(?:"[^"]*"|'[^']*'|[^\s"'()|=]+)(?:\s+(?:"[^"]*"|'[^']*'|[^\s"'()|=]+))*\Z""")
_WORD = re.compile(r"""("[^"]*"|'[^']*'|[^\s"']+)(?:\s+|\Z)""")
_STEP = r"(?:(?!(?:this|true|false|null|undefined)(?![\w$-]))[A-Za-z_$][\w$-]*)"
_PATH = re.compile(
    rf"((?:\.\./)*)(@root[./])?((?:this|\.)\Z|(?:this[./]|\./)?{_STEP}(?:[./]{_STEP}|\.\d+(?=[./])|\.\[[^\]]+\])*\Z)"
)
_STEPS = re.compile(r"\[([^\]]+)\]|([\w$-]+)")
_NUMBER = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,15})?\Z")
_ELSE = re.compile(r"\s*else\b\s*")
_PLACED = frozenset({"each", "with"})
_PLAIN = frozenset({"if", "unless"})
_RESERVED = frozenset(
    "each with if unless log lookup insert length equals notEquals greaterThan lessThan and or formatDate"
    " equal ifGt ifLt ifEq ifMatchesRegexStr pluralize blockHelperMissing helperMissing".split()
)
"""Names that a provider takes for helpers where they stand first: what they do without a word is not said."""


@dataclass(slots=True)
class _Block:
    """A part of a template: texts, values, and blocks with what stands between their tags."""

    name: str = ""
    arguments: Sequence[str] = ()
    inside: list[Any] = field(default_factory=list)
    otherwise: list[Any] = field(default_factory=list)
    inverted: bool = False
    chained: bool = False
    parted: bool = False

    @property
    def current(self) -> list[Any]:
        """Where the next part goes."""
        return self.otherwise if self.parted else self.inside


@dataclass(frozen=True, slots=True)
class _Frame:
    """Data that names are looked up in. `sure` says that every implementation counts it as one level."""

    scope: Any
    sure: bool = True


def render(
    template: str, data: Any, *, escape: bool, sendgrid: bool = False, work: Work | None = None
) -> str:
    """The text for this data; `escape` for HTML, `sendgrid` with the helpers that SendGrid adds. Raises
    Unrendered."""
    if len(template) > LONGEST or "\x00" in template:
        raise Unrendered
    if "{{" not in template:
        return template
    work = work or Work()
    work.take(template.count("{{"))
    return _Renderer(data, escape, Meter(work)).run(_parse(template, sendgrid))


def _parse(template: str, sendgrid: bool) -> list[Any]:
    stack = [_Block()]
    at = 0
    while (begun := template.find("{{", at)) >= 0:
        if begun > at:
            stack[-1].current.append(template[at:begun])
        if template[at:begun].endswith("\\"):
            raise Unrendered
        at = _take_tag(stack, template, begun, sendgrid)
    if len(stack) != 1:
        raise Unrendered
    stack[0].inside.append(template[at:])
    return stack[0].inside


def _take_tag(stack: list[_Block], template: str, begun: int, sendgrid: bool) -> int:
    """Puts in the tag that begins here; where the text goes on."""
    if template.startswith("{{!", begun):
        return _end_of_comment(template, begun)
    raw = template.startswith("{{{", begun)
    end = template.find("}}", begun)
    tag = template[begun + 2 + raw : max(end, begun + 2)]
    if end < 0 or (raw and not template.startswith("}}}", end)) or set(tag) & set("{}\\~"):
        raise Unrendered
    if raw:
        stack[-1].current.append(_value_of(tag, sendgrid, escaped=False))
        return end + 3
    if match := _ELSE.match(tag):
        _turn(stack, tag[match.end() :], sendgrid)
    elif tag.strip() == "^":
        _turn(stack, "", sendgrid)
    elif tag[:1] in ("#", "^"):
        _open(stack, tag[1:], sendgrid, inverted=tag[0] == "^")
    elif tag[:1] == "/":
        _close(stack, tag[1:].strip())
    elif tag[:1] == "&":
        stack[-1].current.append(_value_of(tag[1:], sendgrid, escaped=False))
    else:
        stack[-1].current.append(_value_of(tag, sendgrid, escaped=True))
    return end + 2


def _end_of_comment(template: str, begun: int) -> int:
    """Behind a comment; `{{!-- --}}` may hold tags. Raises Unrendered where its end is seen in two places."""
    dashed = template.startswith("{{!--", begun)
    end = template.find("--}}" if dashed else "}}", begun + 3)
    if end < 0 or (dashed and end < begun + 5):
        raise Unrendered
    return end + (4 if dashed else 2)


def _words(text: str) -> list[str]:
    text = text.strip()
    if not _WORDS.match(text):
        raise Unrendered
    return _WORD.findall(text)


def _value_of(tag: str, sendgrid: bool, *, escaped: bool) -> tuple[list[str], bool]:
    """A value's words. Raises Unrendered for an unknown helper, whether it would be reached or not."""
    words = _words(tag)
    if len(words) == 1:
        known = words[0] not in _RESERVED and (words[0] == "@index" or _PATH.match(words[0]))
    else:
        known = sendgrid and (words[0], len(words)) in (("insert", 2), ("insert", 3), ("length", 2))
    if not known:
        raise Unrendered
    _check(words[1:])
    return words, escaped


def _check(words: Sequence[str]) -> None:
    for word in words:
        plain = word[0] in "\"'" or word in ("true", "false", "@index") or _NUMBER.match(word)
        if not plain and not _PATH.match(word):
            raise Unrendered


def _open(
    stack: list[_Block], tag: str, sendgrid: bool, *, inverted: bool = False, chained: bool = False
) -> None:
    words = _words(tag)
    if len(stack) > DEPTH or words[0][0] in "\"'":
        raise Unrendered
    name, arguments = words[0], words[1:]
    if name in _PLACED or name in _PLAIN:
        fits = len(arguments) == 1 and (name in _PLAIN or not inverted)
    elif arguments:
        fits = sendgrid and name in _HELPERS
    else:
        fits = name not in _RESERVED and _PATH.match(name) is not None and not chained
    if not fits:
        raise Unrendered
    _check(arguments)
    block = _Block(name=name, arguments=arguments, inverted=inverted, chained=chained)
    stack[-1].current.append(block)
    stack.append(block)


def _turn(stack: list[_Block], tag: str, sendgrid: bool) -> None:
    """`else`, and `else if ...`, which is a block of its own that ends with the one around it."""
    block = stack[-1]
    if len(stack) == 1 or block.parted or block.inverted:
        raise Unrendered
    block.parted = True
    if tag:
        _open(stack, tag, sendgrid, chained=True)


def _close(stack: list[_Block], name: str) -> None:
    while stack[-1].chained:
        stack.pop()
    closed = stack.pop()
    if not stack or name != closed.name:
        raise Unrendered


class _Renderer:
    """One rendering: where it stands in the data, and how much it has done."""

    def __init__(self, data: Any, escape: bool, meter: Meter) -> None:
        self._frames = [_Frame(data)]
        self._index: list[int] = []
        self._escape = escape
        self._meter = meter

    def run(self, nodes: Sequence[Any]) -> str:
        """The text of some nodes."""
        found: list[str] = []
        for node in nodes:
            self._meter.step()
            if isinstance(node, _Block):
                found.append(self._block(node))
            else:
                found.append(self._meter.said(node if isinstance(node, str) else self._value(*node)))
        return "".join(found)

    def _value(self, words: Sequence[str], escaped: bool) -> str:
        if len(words) == 1:
            value = self._look(words[0])
        elif words[0] == "insert":
            value = self._insert(words[1:])
        else:
            several = self._look(words[1])
            if not isinstance(several, list):
                raise Unrendered
            value = len(several)
        text = _say(value)
        return html.escape(text) if escaped and self._escape else text

    def _insert(self, words: Sequence[str]) -> Any:
        value = self._look(words[0])
        default = words[1].strip("\"'") if len(words) == 2 else "default="
        if not default.startswith("default="):
            raise Unrendered
        if value in (None, ""):
            return default.removeprefix("default=")
        return value if _true(value) else _unsure()

    def _block(self, block: _Block) -> str:
        if block.name in _HELPERS:
            truth = _HELPERS[block.name]([self._look(word) for word in block.arguments]) != block.inverted
            return self.run(block.inside if truth else block.otherwise)
        value = self._look(block.arguments[0] if block.arguments else block.name)
        if block.name == "each" and not isinstance(value, list) and _true(value):
            raise Unrendered
        if block.name not in _PLACED and value in ("", 0) and value is not False:
            raise Unrendered  # some show the section
        if block.name == "with" and value == 0 and value is not False:
            raise Unrendered
        if not _true(value) or block.inverted:
            shown = block.inside if _true(value) != block.inverted else block.otherwise
            return self.run(shown)
        if isinstance(value, list) and block.name != "with":
            return "".join(self._within(block, item, n) for n, item in enumerate(value))
        return self._within(block, value, None)

    def _within(self, block: _Block, scope: Any, index: int | None) -> str:
        below = self._frames[-1].scope
        if scope is None:
            raise Unrendered  # the outer data for some
        if scope is True and block.name not in _PLACED:
            scope = below
        alike = scope is below or (not isinstance(scope, (dict, list)) and scope == below)
        self._frames.append(_Frame(scope, sure=not alike))
        if index is not None:
            self._index.append(index)
        try:
            return self.run(block.inside)
        finally:
            self._frames.pop()
            if index is not None:
                self._index.pop()

    def _look(self, word: str) -> Any:
        if word[0] in "\"'":
            return word[1:-1]
        if word in ("true", "false"):
            return word == "true"
        if _NUMBER.match(word):
            return float(word) if "." in word else int(word)
        if word == "@index":
            return self._index[-1] if self._index else None
        match = _PATH.match(word)
        if match is None:
            raise Unrendered
        up, root, rest = len(match[1]) // 3, match[2], match[3]
        if root:
            frames = self._frames[:1] if not up else []
        else:
            frames = self._frames[: len(self._frames) - up]
            if up and not all(frame.sure for frame in self._frames[len(frames) :]):
                raise Unrendered
        if not frames:
            raise Unrendered
        if rest in ("this", "."):
            return frames[-1].scope if frames[-1].sure else _unsure()
        own = re.sub(r"\A(?:this[./]|\./)", "", rest)
        return _walk([frame.scope for frame in frames], [a or b for a, b in _STEPS.findall(own)])


def _walk(scopes: Sequence[Any], steps: Sequence[str]) -> Any:
    """What stands under these steps in the innermost scope. What is missing there and stands further out is
    shown by some."""
    first, value = steps[0], scopes[-1]
    if isinstance(value, list):
        raise Unrendered
    if not isinstance(value, dict) or value.get(first) is None:
        outer = (isinstance(s, list) or (isinstance(s, dict) and s.get(first) is not None) for s in scopes)
        if first == "length" or any(outer):
            raise Unrendered
        return None
    for step in steps:
        value = _step(value, step)
    return value


def _step(value: Any, step: str) -> Any:
    if isinstance(value, dict):
        return value[step] if step in value else _unsure() if step == "length" else None
    if isinstance(value, list):
        if step == "length":
            return len(value)
        if len(step) > 9 or not (step.isdecimal() and step == str(int(step))):
            raise Unrendered
        return value[int(step)] if int(step) < len(value) else None
    if isinstance(value, str) and (step == "length" or step.isdigit()):
        raise Unrendered
    return None


def _unsure() -> Any:
    raise Unrendered


def _true(value: Any) -> bool:
    if value == {} and isinstance(value, dict):
        raise Unrendered  # true for some
    return value not in (None, False, "", 0, [])


def _say(value: Any) -> str:
    """A value as text; for what different programs write in different ways, Unrendered."""
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value) if abs(value) < LARGEST else _unsure()
    if isinstance(value, (dict, list)) or (isinstance(value, int) and abs(value) > LARGEST):
        raise Unrendered
    text = str(value)
    if isinstance(value, float) and ("e" in text or "n" in text):
        raise Unrendered
    return text


def _alike(values: Sequence[Any]) -> tuple[Any, Any]:
    """Two values that compare in the same way everywhere: both numbers, or both texts."""
    if len(values) != 2:
        raise Unrendered
    for kinds in ((int, float), (str,)):
        if all(isinstance(value, kinds) and not isinstance(value, bool) for value in values):
            return values[0], values[1]
    raise Unrendered


def _equal(values: Sequence[Any]) -> bool:
    if len(values) == 2 and (values[0] is None) != (values[1] is None):
        return False
    if len(values) == 2 and all(isinstance(value, bool) for value in values):
        return bool(values[0] == values[1])
    first, second = _alike(values)
    return bool(first == second)


def _truths(values: Sequence[Any]) -> list[bool]:
    return [_true(value) if value != [] else _unsure() for value in values]


def _less(values: Sequence[Any]) -> bool:
    first, second = _alike(values)
    if isinstance(first, str):
        first, second = (text.encode("utf-16-be", "surrogatepass") for text in (first, second))
    return bool(first < second)


_HELPERS: dict[str, Callable[[list[Any]], bool]] = {
    "if": lambda values: _true(values[0]),
    "unless": lambda values: not _true(values[0]),
    "equals": _equal,
    "notEquals": lambda values: not _equal(values),
    "greaterThan": lambda values: _less(values[::-1]),
    "lessThan": _less,
    "and": lambda values: all(_truths(values)),
    "or": lambda values: any(_truths(values)),
}
"""Blocks that decide by their arguments."""

"""Style sheets: which of their rules fit an element, and what those make of it.

Understood are tags, classes, ids and attributes, within and beneath one another. What depends on anything
else (siblings, places, states of a link, screens) hides nothing; where it may paint a background, the
background counts as past telling. So doubt leaves text to be read.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from gateway.reading.looks import Looks, State, read_style
from gateway.reading.spoken import read_said

MAX_CSS = 100_000
MAX_STEPS = 600
"""Parts of selectors that are looked at; rules beyond hide nothing."""
_MOST_ALIKE = 40
"""Parts of selectors that end in the same name; further ones are left out."""
_MOST_KEPT = 1_000
_ASIDE = re.compile(r"/\*.*?(?:\*/|\Z)|<!--|-->", re.DOTALL)
_SCREEN = re.compile(
    r"(?:only\s+)?(?:all|screen)|not\s+(?:print|speech)|\(color\)|\(min-color:\s*[1-8]\)"
    r"|\(min-(?:device-)?(?:width|height):\s*(?:[1-5]?\d?\d(?:px)?|[12]?\d(?:\.\d+)?r?em)\)"
    r"|\(max-(?:device-)?(?:width|height):\s*(?:(?:[2-9]\d{3}|[1-9]\d{4,6})(?:px)?|[1-9]\d{2,5}r?em)\)"
    r"|\((?:width|height)\s*>=?\s*[1-5]?\d?\d(?:px)?\)"
    r"|\((?:width|height)\s*<=?\s*(?:[2-9]\d{3}|[1-9]\d{4,6})(?:px)?\)"
    r"|\([1-5]?\d?\dpx\s*<=?\s*(?:width|height)\s*<=?\s*(?:[2-9]\d{3}|[1-9]\d{4,6})px\)"
    r"|\(prefers-color-scheme:\s*light\)"
)
_WHOLE = ("", "(html)", "(body)", "(:root)", "(:scope)")
"""Scopes of the whole page."""
_TEXTS = re.compile(r"\"[^\"\n]*\"|'[^'\n]*'")
_COMPOUND = re.compile(
    r"(\*|[a-zA-Z][\w-]*)?((?:[.#][\w-]+|\[\s*[\w-]+\s*(?:[~^$*|]?=\s*(?:\"[^\"]*\"|'[^']*'|[\w-]+)\s*)?\])*)\Z"
)
_PART = re.compile(
    r"([.#])([\w-]+)|\[\s*([\w-]+)\s*(?:([~^$*|]?)=\s*(?:\"([^\"]*)\"|'([^']*)'|([\w-]+)))?\s*\]"
)
_NEVER = re.compile(r"::|:(?:hover|active|focus|visited|before|after|target|checked|first-l|selection)")
NEVER_SHOWN = frozenset("style script title head template".split())
"""Tags that browsers do not show, unless a style says so."""
_PLAIN = str.maketrans("{};", "   ")
_Asked = tuple[str, str, str]
"""(attribute, how to compare or "" for its mere presence, value)"""


class Step(NamedTuple):
    """One compound of a selector: what it asks of an element, which bit must be set above or (`direct`) right
    around it, which bit it sets, and its looks where it is the last."""

    tag: str
    asked: tuple[_Asked, ...]
    needs: int
    direct: bool
    sets: int
    weight: tuple[int, int]
    plain: Looks
    important: Looks


class Rules:
    """The rules of a page that change how text looks. `said` are the words that they add to it, `telling`
    the attributes whose values they add; they `compare` where what an attribute says may decide."""

    def __init__(self, sheets: tuple[str, ...]) -> None:
        self._by_name: dict[str, list[Step]] = {}
        self._kept: dict[tuple[str, str, int, int], tuple[Looks, Looks, int]] = {}
        self._count = self._bits = 0
        self.compare = False
        self.said: tuple[str, ...] = ()
        self.telling: frozenset[str] = frozenset()
        for sheet in sheets:
            css = _ASIDE.sub(" ", sheet[:MAX_CSS])
            words, names = read_said(css)
            self.telling |= names
            if words:
                self.said += (words,)
            if "{" in css and ('"' in css or "'" in css):
                css = _TEXTS.sub(_without_braces, css)
            self._read(css, 0)

    def __bool__(self) -> bool:
        return self._count > 0

    def shows(self, tag: str, written: str, attributes: Mapping[str, str]) -> bool:
        """Whether some rule may show an element that browsers do not."""
        plain, important, _ = self.fit(tag, written, attributes, State(above=-1, around=-1))
        return not {**plain, **important}.get("display", "none")

    def fit(
        self, tag: str, written: str, attributes: Mapping[str, str], state: State
    ) -> tuple[Looks, Looks, int]:
        """Ordinary and `!important` looks of an element, and the bits it sets. The answer is kept by its
        attributes as `written`."""
        key = (tag, written, state.above, state.around)
        known = self._kept.get(key)
        if known is None:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            known = self._kept[key] = self._fit(tag, attributes, state)
        return known

    def _fit(self, tag: str, attributes: Mapping[str, str], state: State) -> tuple[Looks, Looks, int]:
        names = [tag, "*", *["." + one for one in attributes.get("class", "").split()]]
        if ident := attributes.get("id"):
            names.append("#" + ident)
        bits = 0
        found: list[Step] = []
        for name in dict.fromkeys(names):
            for step in self._by_name.get(name, ()):
                if step.needs and not step.needs & (state.around if step.direct else state.above):
                    continue
                if (step.tag and step.tag != tag) or not all(_has(attributes, one) for one in step.asked):
                    continue
                bits |= step.sets
                if step.plain or step.important:
                    found.append(step)
        plain: dict[str, str] = {}
        important: dict[str, str] = {}
        for step in sorted(found, key=lambda one: one.weight):
            plain.update(step.plain)
            important.update(step.important)
        return plain, important, bits

    def _read(self, css: str, depth: int) -> None:
        place = 0
        while (opened := css.find("{", place)) >= 0 and self._count < MAX_STEPS:
            prelude = css[place:opened].rpartition(";")[2].strip()
            closed = _closing(css, opened) if prelude[:1] == "@" else css.find("}", opened)
            closed = closed if closed >= 0 else len(css)
            if prelude[:1] != "@":
                self._add(prelude, css[opened + 1 : closed])
            elif depth < 3 and always(prelude.lower()):
                self._read(css[opened + 1 : closed], depth + 1)
            place = closed + 1

    def _add(self, selectors: str, declared: str) -> None:
        plain, important = read_style(declared)
        if not plain and not important:
            return
        for selector in selectors.split(",")[:100]:
            if not _NEVER.search(selector) and self._count < MAX_STEPS:
                self._select(selector, plain, important)

    def _select(self, selector: str, plain: Looks, important: Looks) -> None:
        compounds = " >".join(map(str.strip, selector.replace(":link", "").split(">"))).split()
        read = [_COMPOUND.match(one.lstrip(">")) for one in compounds]
        if not read or len(read) > 6:
            return
        clean = [one for one in read if one is not None and one.group()]
        if len(clean) < len(read):
            self._doubt(compounds[-1], {**plain, **important})
            return
        needs, weight = 0, 0
        for place, one in enumerate(clean):
            last = place == len(clean) - 1
            asked = tuple(_asked(part) for part in _PART.finditer(one[2]))
            tag = "" if one[1] in (None, "*") else one[1].lower()
            weight += sum(100 if name == "id" and how == "=" else 10 for name, how, _ in asked) + bool(tag)
            sets = 0 if last else 1 << self._bits
            self._bits += not last
            self._count += 1
            step = Step(
                tag, asked, needs, compounds[place][:1] == ">", sets, (weight, self._count),
                plain if last else {}, important if last else {},
            )  # fmt: skip
            self._file(step)
            needs = sets

    def _doubt(self, compound: str, looks: Looks) -> None:
        """What a rule past understanding may paint counts as past telling."""
        match = _COMPOUND.match(re.sub(r"[:+~].*", "", compound))
        if match is None or not match.group():
            return
        if match[1] and match[1].lower() in NEVER_SHOWN and not looks.get("display", "none"):
            looks = {"display": "", "ground": ""}
        if not ({"ground", "image", "color"} & looks.keys()):
            return
        self._count += 1
        tag = "" if match[1] in (None, "*") else match[1].lower()
        asked = tuple(_asked(part) for part in _PART.finditer(match[2]))
        painted = looks if tag in NEVER_SHOWN else {"ground": "?"}
        step = Step(tag, asked, 0, False, 0, (0, self._count), {}, painted)
        self._file(step)

    def _file(self, step: Step) -> None:
        alike = self._by_name.setdefault(_name(step), [])
        if len(alike) < _MOST_ALIKE:
            alike.append(step)
            self.compare |= any(_compares(one) for one in step.asked)


def _name(step: Step) -> str:
    """What the step is filed under: something that an element must have."""
    for name, how, value in step.asked:
        if name == "id" and how == "=":
            return "#" + value
        if name == "class" and how == "~":
            return "." + value
    return step.tag or "*"


def _asked(part: "re.Match[str]") -> _Asked:
    if part[1]:
        return ("class", "~", part[2]) if part[1] == "." else ("id", "=", part[2])
    value = next((one for one in part.group(5, 6, 7) if one is not None), None)
    return (part[3].lower(), "" if value is None else part[4] or "=", value or "")


def _compares(asked: _Asked) -> bool:
    """Whether more than the beginning of a link may decide."""
    name, how, value = asked
    return bool(how) and name not in ("class", "id") and (how != "^" or "://" in value)


def _has(attributes: Mapping[str, str], asked: _Asked) -> bool:
    name, how, value = asked
    known = attributes.get(name)
    if known is None:
        return False
    if how in ("~", "^", "$", "*") and not value:
        return False
    return (
        not how
        or (how == "=" and known == value)
        or (how == "~" and value in known.split())
        or (how == "^" and known.startswith(value))
        or (how == "$" and known.endswith(value))
        or (how == "*" and value in known)
        or (how == "|" and (known == value or known.startswith(value + "-")))
    )


def _without_braces(text: "re.Match[str]") -> str:
    """A text in quotes, in which braces and semicolons mean nothing."""
    return text[0].translate(_PLAIN) if "{" in text[0] or "}" in text[0] or ";" in text[0] else text[0]


def always(prelude: str) -> bool:
    """Whether what an at-rule holds is for every large screen, in every program: what only some
    of them support is named with a hyphen first."""
    kind, _, condition = prelude.partition(" ")
    if kind == "@supports":
        return condition.strip().startswith("(") and "(-" not in condition
    if kind == "@scope":
        return condition.strip() in _WHOLE
    if kind == "@layer":
        return True
    return kind == "@media" and any(_fits(one.strip()) for one in condition.split(","))


def _fits(query: str) -> bool:
    """Whether a media query is met by every large screen."""
    return all(_SCREEN.fullmatch(one.strip()) for one in re.split(r"\band\b", query))


def _closing(css: str, opened: int) -> int:
    """Where the brace that opens at `opened` closes."""
    depth = 0
    for match in re.compile(r"[{}]").finditer(css, opened):
        depth += 1 if match.group() == "{" else -1
        if not depth:
            return match.start()
    return -1

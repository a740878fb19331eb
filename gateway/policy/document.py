"""A YAML text as a tree that remembers where each value stands, so that every complaint has a line."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher, get_close_matches
from types import MappingProxyType
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

from gateway.policy.syntax import diagnose, strange

MAX_CHARACTERS = 512 * 1024
"""Policy files are written by people; a longer one is a mistake."""

MAX_DEPTH = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong in a file, where (1-based; 0 where there is no place), and what may have been meant."""

    file: str
    line: int
    column: int
    text: str
    suggestion: str = ""

    def __str__(self) -> str:
        hint = f" ({self.suggestion})" if self.suggestion else ""
        return f"{self.file}:{self.line}: {self.text}{hint}"


class PolicyErrors(Exception):
    """A set of policies that cannot be used, with every problem found in it."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in problems))


@dataclass(frozen=True, slots=True)
class Node:
    """One value and its place. `value` is a str, int, float, bool, None, a tuple of Nodes, or a dict of
    (key, Node) whose keys' own places are in `keys`."""

    value: Any
    line: int
    column: int
    keys: dict[str, tuple[int, int]] | None = None

    @property
    def kind(self) -> str:
        """What it is, in words for whoever wrote it."""
        if isinstance(self.value, dict):
            return "a group of keys"
        if isinstance(self.value, tuple):
            return "a list"
        if isinstance(self.value, bool):
            return "true or false"
        if isinstance(self.value, int | float):
            return "a number"
        return "nothing" if self.value is None else "text"

    def items(self) -> Iterator[tuple[str, "Node"]]:
        """Keys and values of a mapping; nothing for anything else."""
        if isinstance(self.value, dict):
            yield from self.value.items()

    def get(self, key: str) -> "Node | None":
        """The value under a key of a mapping."""
        return self.value.get(key) if isinstance(self.value, dict) else None

    @property
    def shown(self) -> str:
        """What stands there, as a complaint quotes it: a short text or number, else its kind."""
        if isinstance(self.value, bool):
            return str(self.value).lower()
        if not isinstance(self.value, str | int | float):
            return self.kind
        text = str(self.value)
        return repr(text if len(text) < 40 else text[:39] + "…")

    def plain(self) -> Any:
        """The same without places."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, tuple):
            return [node.plain() for node in self.value]
        return self.value


class Findings:
    """Collects the problems of one file."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.problems: list[Problem] = []

    def add(self, place: "Node | tuple[int, int]", text: str, suggestion: str = "") -> None:
        """One more problem, at a node or at (line, column)."""
        line, column = (place.line, place.column) if isinstance(place, Node) else place
        self.problems.append(
            Problem(file=self.file, line=line, column=column, text=text, suggestion=suggestion)
        )

    def unknown_keys(
        self,
        node: "Node",
        known: tuple[str, ...],
        outside: tuple[str, ...] = (),
        inside: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Complains about every key of a mapping that is not known; `outside` are keys of what holds it,
        `inside` those of what it holds, with the key that they belong to."""
        for key, place in (node.keys or {}).items():
            if key in outside and key not in known:
                self.add(
                    place, f"the key {key!r} stands too far to the right", "begin its line without spaces"
                )
            elif key in inside and key not in known:
                wrong = f"the key {key!r} stands too far to the left"
                self.add(place, wrong, f"it belongs to {inside[key]}: begin its line with more spaces")
            elif key not in known:
                self.add(place, f"unknown key {key!r}", did_you_mean(key, known))


def did_you_mean(word: str, known: "list[str] | tuple[str, ...]") -> str:
    """A suggestion for a mistyped word: the nearest known one, else all of them."""
    near = get_close_matches(word, known, n=1, cutoff=0.6)
    if near and _is_like(word, near[0]):
        return f"did you mean {near[0]!r}?"
    return "known: " + ", ".join(sorted(known)) if len(known) <= 40 else ""


def _is_like(word: str, near: str) -> bool:
    """Whether a near word is near enough: of three letters, two make a Monday (*lun*) a Sunday."""
    if min(len(word), len(near)) >= 5 or (word.startswith(near) and word.isalpha()):
        return True
    return SequenceMatcher(None, near, word).ratio() >= 0.75


def parse(text: str, findings: Findings) -> Node | None:
    """The tree of one YAML 1.2 document; None, with a problem noted, where there is none. Anchors,
    tags and duplicate keys are refused: a policy means what it seems to say."""
    if len(text) > MAX_CHARACTERS:
        findings.add((0, 0), f"the file has {len(text)} characters; at most {MAX_CHARACTERS} are read")
        return None
    try:
        root = YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        unclosed = "end of stream" in str(error.problem)  # what was opened tells more than the file's end
        mark = (error.context_mark if unclosed else None) or error.problem_mark or error.context_mark
        line, wrong, hint = diagnose(text, str(error.problem or error.context), mark.line + 1 if mark else 1)
        column = mark.column + 1 if mark and mark.line + 1 == line else 1
        findings.add((line, column), f"this is not valid YAML: {wrong}", hint)
        return None
    except (YAMLError, RecursionError, ValueError) as error:
        line, wrong, hint = strange(text) or (1, type(error).__name__, "")
        findings.add((line, 1), f"this is not valid YAML: {wrong}", hint)
        return None
    if root is None:
        findings.add((1, 1), "the file is empty")
        return None
    return _Tree(findings).node(root, 0)


class _Tree:
    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._met: set[int] = set()

    def node(self, raw: Any, depth: int) -> Node:
        place = (raw.start_mark.line + 1, raw.start_mark.column + 1)
        if id(raw) in self._met or raw.anchor:
            self._findings.add(place, "anchors and aliases are not used in policies", "write the value out")
            return Node(None, *place)
        self._met.add(id(raw))
        if depth > MAX_DEPTH:
            self._findings.add(place, f"nested more than {MAX_DEPTH} deep")
            return Node(None, *place)
        if isinstance(raw, MappingNode):
            return self._mapping(raw, place, depth)
        if isinstance(raw, SequenceNode):
            return Node(tuple(self.node(item, depth + 1) for item in raw.value), *place)
        return Node(self._scalar(raw, place), *place)

    def _mapping(self, raw: MappingNode, place: tuple[int, int], depth: int) -> Node:
        values: dict[str, Node] = {}
        keys: dict[str, tuple[int, int]] = {}
        tag = _tag_of(raw)
        if tag:
            self._findings.add(place, f"{tag} is taken for a group of keys", f'put it in quotes: "{tag}"')
            return Node(tag, *place)
        for raw_key, raw_value in raw.value:
            at = (raw_key.start_mark.line + 1, raw_key.start_mark.column + 1)
            if not isinstance(raw_key, ScalarNode):
                self._findings.add(at, "a key must be a word")
                continue
            key = str(raw_key.value)
            if key in values:
                self._findings.add(at, f"the key {key!r} stands here twice", f"first on line {keys[key][0]}")
                continue
            keys[key] = at
            made = self.node(raw_value, depth + 1)
            # Where a value is left out, the parser's place is that of whatever comes next.
            values[key] = Node(None, *at) if made.value is None else made
        return Node(values, *place, keys)

    def _scalar(self, raw: ScalarNode, place: tuple[int, int]) -> Any:
        text = str(raw.value)
        tag = str(raw.tag).removeprefix("tag:yaml.org,2002:")
        if tag not in _TAGS:
            self._findings.add(place, "tags (!...) are not used in policies")
            return None
        return _READ.get(tag, str)(text)


def _tag_of(raw: MappingNode) -> str:
    """The placeholder that is written with two braces and without quotes, "" where there is none."""
    inner = raw.value[0][0] if len(raw.value) == 1 else None
    if not isinstance(inner, MappingNode) or len(inner.value) != 1:
        return ""
    word, value = inner.value[0]
    alone = isinstance(word, ScalarNode) and isinstance(value, ScalarNode) and not value.value
    return f"{{{{{word.value}}}}}" if alone else ""


def _integer(text: str) -> int | str:
    try:
        return int(text.replace("_", ""), 0 if text.lower().startswith(("0x", "0o", "-0x")) else 10)
    except ValueError:
        return text


def _decimal(text: str) -> float | str:
    try:
        return float(text.replace("_", "").replace(".inf", "inf").replace(".nan", "nan"))
    except ValueError:
        return text


_TAGS = ("str", "int", "float", "bool", "null", "timestamp", "merge", "value")

_READ: dict[str, Any] = {
    "int": _integer,
    "float": _decimal,
    "bool": lambda text: text.lower() == "true",
    "null": lambda text: None,
}

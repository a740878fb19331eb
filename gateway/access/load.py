"""Reads `access.yaml`, and says in words what in it cannot be meant."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from gateway.access.access import Access
from gateway.access.entries import Controller, Entry, Reviewer, Source, Subscription
from gateway.message.envelope import CLASSES
from gateway.policy.document import did_you_mean
from gateway.policy.syntax import diagnose, strange, undecodable

DEEPEST = 12


class AccessError(Exception):
    """The access file cannot be used; the text says where and why, without secrets."""


class _File(Entry):
    sources: tuple[Source, ...] = ()
    controllers: tuple[Controller, ...] = ()
    reviewers: tuple[Reviewer, ...] = ()


def load_access(path: Path, octets: bytes | None = None) -> Access:
    """Read `access.yaml`, or `octets` that were read of it. Raises AccessError with file and line where the
    file says something wrong."""
    text = _text(path, octets)
    yaml = YAML(typ="rt")
    try:
        data = {} if (made := yaml.load(text)) is None else made
    except DuplicateKeyError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        key = re.search(r'duplicate key "([^"]*)"', str(error.problem))  # what follows quotes both values
        raise AccessError(f"{path}:{line}: the key {key[1] if key else ''!r} stands here twice") from None
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        said = str(error.problem or error.context)
        raise AccessError(_place(path, *diagnose(text, said, mark.line + 1 if mark else 1))) from None
    except (YAMLError, RecursionError, ValueError) as error:  # the last: a date that is none
        raise AccessError(_place(path, *(strange(text) or (1, "this is not valid YAML", "")))) from error
    if not isinstance(data, dict):
        raise AccessError(f"{path}:1: the file begins with keys: {', '.join(_File.model_fields)}")
    try:
        parsed = _File.model_validate(data)
    except ValidationError as error:
        raise AccessError("\n".join(_say(path, data, problem) for problem in error.errors())) from error
    return _checked(path, parsed, _places(path, data))


def _text(path: Path, octets: bytes | None) -> str:
    try:
        data = path.read_bytes() if octets is None else octets
    except OSError as error:
        raise AccessError(f"{path}: cannot be read: {error.strerror}") from error
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        raise AccessError(_place(path, *undecodable(data))) from error


def _place(path: Path, line: int, wrong: str, hint: str) -> str:
    return f"{path}:{line}: {wrong}{f' ({hint})' if hint else ''}"


def _places(path: Path, data: Any) -> dict[tuple[str, ...], str]:
    """Where everything stands that the file says of a source."""
    found: dict[tuple[str, ...], str] = {}

    def walk(keys: tuple[str, ...], node: Any) -> None:
        marks = getattr(node, "lc", None)
        if marks is None or len(keys) > DEEPEST:
            return
        for key in node if isinstance(node, Mapping) else range(len(node)):
            try:
                line = (marks.key(key) if isinstance(node, Mapping) else marks.item(key))[0] + 1
            except KeyError:
                continue  # merged from elsewhere (`<<`): said to stand where its parent does
            found[*keys, str(key)] = f"{path}:{line}"
            walk((*keys, str(key)), node[key])

    for n, source in enumerate(data.get("sources") or ()):
        name = str(source["name"])
        found[name,] = f"{path}:{data['sources'].lc.item(n)[0] + 1}"
        walk((name,), source)
    return found


def _say(path: Path, data: Any, problem: Any) -> str:
    """One thing that is wrong: its line, whose it is by name, and what was expected."""
    line, node, owner, keys = 1, data, "", [str(step) for step in problem["loc"]]
    for depth, step in enumerate(problem["loc"]):
        marks = getattr(node, "lc", None)
        try:
            line = (marks.key(step) if isinstance(step, str) else marks.item(step))[0] + 1 if marks else line
            node = node[step]
        except (KeyError, IndexError, TypeError, AttributeError):
            break
        if depth == 1 and isinstance(node, Mapping) and isinstance(node.get("name"), str):
            owner, keys = f"{problem['loc'][0].removesuffix('s')} {node['name']!r}: ", keys[2:]
    return f"{path}:{line}: {owner}{'.'.join(keys)}: {_in_words(problem, len(problem['loc']))}"


_MEANT = {
    "string_type": 'must be text; put it in quotes: "..."',
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "greater_than_equal": "must not be negative",
    "tuple_type": "must be a list, each entry beginning with a dash",
    "frozen_set_type": "must be a list, such as [one, other]",
    "mapping_type": "must be a group of keys",
    "dict_type": "must be a group of keys",
    "model_type": "must be a group of keys",
    "missing": "is missing",
    "string_too_short": "must not be empty",
    "string_too_long": "is too long",
}


def _in_words(problem: Any, depth: int) -> str:
    if problem["type"] == "extra_forbidden":
        known = tuple(_File.model_fields) if depth == 1 else _keys(problem["loc"])
        return f"there is no such key; {did_you_mean(str(problem['loc'][-1]), known)}"
    if problem["type"] == "string_pattern_mismatch":
        return f"must be one of {problem['ctx']['pattern'].strip('^()$').replace('|', ', ')}"
    if problem["type"] == "value_error":
        return str(problem["ctx"]["error"])
    return _MEANT.get(problem["type"]) or str(problem["msg"])


def _keys(loc: tuple[str | int, ...]) -> tuple[str, ...]:
    """The keys that may stand where this one does."""
    entries: dict[str, type[Entry]] = {"sources": Source, "controllers": Controller, "reviewers": Reviewer}
    return tuple((Subscription if len(loc) > 3 else entries[str(loc[0])]).model_fields)


def _checked(path: Path, parsed: _File, places: Mapping[tuple[str, ...], str]) -> Access:
    controllers = {c.name: c for c in parsed.controllers}
    problems = []
    for kind, entries in (
        ("source", parsed.sources),
        ("controller", parsed.controllers),
        ("reviewer", parsed.reviewers),
    ):
        names = [entry.name for entry in entries]
        twice = sorted(set(names)) if len(set(names)) < len(names) else []
        problems += [f"{path}: {kind} {name!r} is listed twice" for name in twice if names.count(name) > 1]
    for source in parsed.sources:
        for key, wrong in _contradictions(source, controllers):
            place = places.get((source.name, key)) or places.get((source.name,)) or str(path)
            problems.append(f"{place}: source {source.name!r}{wrong}")
    if problems:
        raise AccessError("\n".join(problems))
    return Access(
        sources={s.name: s for s in parsed.sources},
        controllers=controllers,
        reviewers={r.name: r for r in parsed.reviewers},
        places=places,
    )


def _contradictions(source: Source, controllers: Mapping[str, Controller]) -> Iterator[tuple[str, str]]:
    """What cannot be true of a source beside the rest of the file: the key, and the words."""
    if source.controller not in controllers:
        hint = did_you_mean(source.controller, tuple(controllers)) if controllers else ""
        yield (
            "controller",
            f" names controller {source.controller!r}, which is not listed{f' ({hint})' if hint else ''}",
        )
    for key, names in (("classes", source.classes), ("default_class", {source.default_class} - {""})):
        for name in sorted(names - set(CLASSES)):
            yield key, f": there is no class {name!r} ({did_you_mean(name, CLASSES)})"
    if source.default_class and source.default_class not in source.classes:
        yield "default_class", f": its default class {source.default_class!r} is not among its classes"
    if source.development:
        yield "development", ": the development source stands in no file; leave the key out"

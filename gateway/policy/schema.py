"""From a YAML tree to a Policy: which keys a policy file has and what each must be."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from gateway.message.address import is_valid, normalize
from gateway.message.envelope import CHANNELS, CLASSES
from gateway.policy.cases import Example, read_case
from gateway.policy.document import Findings, Node, did_you_mean, parse
from gateway.policy.parameters import build, quoted, several
from gateway.policy.policies import MODES, OUTCOMES, Entry, Policy, Scope
from gateway.policy.rules.table import FLOOR, RULES

KEYS = ("version", "policy", "title", "owner", "why", "mode", "applies_to", "rules", "cases")
SCOPE_KEYS = ("class", "channel", "source", "campaign", "purpose", "recipient_domain", "jurisdiction")
LINE_KEYS = ("rule", "outcome")
_NAME = re.compile(r"\w[\w .-]{0,63}")
"""Names stand in replies to tools, in metrics and in the console's addresses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """What one policy file gave: its policy, and the cases to try."""

    policy: Policy
    cases: tuple[Example, ...]


def fingerprint(text: str) -> str:
    """The short hash that stands for a file's or a set's content."""
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def text_of(node: Node, key: str, findings: Findings, default: str | None = None) -> str:
    """The text under a key; a problem where it is missing (without a default) or no text."""
    value = node.get(key)
    if value is None:
        if default is None:
            findings.add(node, f"the key {key!r} is missing")
        return default or ""
    if not isinstance(value.value, str) or not value.value.strip():
        quoted = isinstance(value.value, int | float)
        findings.add(value, f"{key} must be text, not {value.kind}", f'{key}: "..."' if quoted else "")
        return ""
    return value.value


def version_of(node: Node, findings: Findings) -> None:
    """Every file says which version of this language it is written in."""
    version = node.get("version")
    if version is None:
        findings.add(node, "the key 'version' is missing", "begin the file with: version: 1")
    elif version.value != 1 or isinstance(version.value, bool):
        findings.add(version, f"version {version.value!r} is not known here", "version: 1")


def read_policy(text: str, findings: Findings, laws: tuple[str, ...] = ()) -> File | None:
    """The policy in one file's text, or None with the problems noted. `laws` are the jurisdictions known."""
    root = parse(text, findings)
    if root is None:
        return None
    if not isinstance(root.value, dict):
        findings.add(root, f"a policy file is a group of keys, not {root.kind}")
        return None
    findings.unknown_keys(root, KEYS, inside={**dict.fromkeys(SCOPE_KEYS, "applies_to"), "outcome": "rules"})
    version_of(root, findings)
    name = text_of(root, "policy", findings)
    if name and not _NAME.fullmatch(name):
        findings.add(root.value["policy"], "a policy's name is up to 64 letters, digits, spaces and - . _")
    title = text_of(root, "title", findings, name)
    mode = _one_of(root, "mode", MODES, findings, "enforce")
    scope = _scope(root.get("applies_to"), findings, laws)
    entries = tuple(_entries(root, name, mode, scope, findings))
    cases = tuple(_cases(root, name, findings))
    if findings.problems:
        return None
    policy = Policy(
        name=name,
        title=title,
        owner=text_of(root, "owner", findings, " ").strip(),
        why=text_of(root, "why", findings, " ").strip(),
        mode=mode,
        scope=scope,
        entries=entries,
        file=findings.file,
        text=text,
        version=fingerprint(text),
    )
    return None if findings.problems else File(policy=policy, cases=cases)


def _one_of(node: Node, key: str, words: Any, findings: Findings, default: str) -> str:
    value = node.get(key)
    if value is None:
        return default
    if value.value not in tuple(words):
        findings.add(
            value,
            f"{key}: {value.shown} is not one of {', '.join(words)}",
            did_you_mean(str(value.value), list(words)),
        )
        return default
    return str(value.value)


_KNOWN_VALUES = {"class": CLASSES, "channel": CHANNELS}


def _scope(node: Node | None, findings: Findings, laws: tuple[str, ...]) -> Scope:
    if node is None:
        return Scope()
    if not isinstance(node.value, dict):
        findings.add(node, f"applies_to is a group of keys, not {node.kind}", ", ".join(SCOPE_KEYS))
        return Scope()
    findings.unknown_keys(node, SCOPE_KEYS, outside=KEYS)
    known = {**_KNOWN_VALUES, "jurisdiction": tuple(dict.fromkeys((*laws, "unknown"))) if laws else ()}
    values = {
        key: _words(key, value, known.get(key, ()), findings)
        for key, value in node.items()
        if key in SCOPE_KEYS
    }
    values["class_"] = values.pop("class", frozenset())
    return Scope(**values)


_FOLDED: dict[str, Callable[[str], str]] = {"jurisdiction": str.casefold, "purpose": str.lower}
"""What is one in any capitals, folded as every ingress folds it."""


def _words(key: str, node: Node, known: tuple[str, ...], findings: Findings) -> frozenset[str]:
    items = node.value if isinstance(node.value, tuple) else (node,)
    if not items:
        findings.add(node, f"{key} is empty, so nothing would match", "leave the key out to match everything")
    listed = several(node) if key in _FREE else ""
    if listed:
        one = f"or, where it is one name, {key}: [{quoted(node.value)}]"
        findings.add(node, f"{key} has several names in one text", f"{key}: {listed}; {one}")
    words = set()
    for item in items:
        if not isinstance(item.value, str) or not item.value:
            number = isinstance(item.value, int | float) and not isinstance(item.value, bool)
            findings.add(item, f"{key} takes words, not {item.kind}", f'"{item.value}"' if number else "")
            continue
        word = _FOLDED.get(key, str)(item.value)
        if key == "recipient_domain":
            word = _domain(item, findings)
        elif known and word not in known:
            _complain_of_word(key, item, known, findings)
        words.add(word)
    return frozenset(words)


_FREE = ("source", "campaign", "purpose")
"""What a house names itself, so that no list of known words tells two names from one."""


def _complain_of_word(key: str, node: Node, known: tuple[str, ...], findings: Findings) -> None:
    listed = [word.strip() for word in str(node.value).replace(",", " ").split()]
    if len(listed) > 1 and set(listed) <= set(known):
        hint = f"{key}: [{', '.join(listed)}]"
    else:
        hint = did_you_mean(str(node.value), known)
    where = ", for which there is no file in jurisdictions/" if key == "jurisdiction" else ""
    findings.add(node, f"unknown {key} {node.shown}{where}", hint)


def _domain(node: Node, findings: Findings) -> str:
    """A domain as addresses have it: A-labels in lower case."""
    key = normalize("email", f"x@{node.value}")
    if "@" in node.value or not is_valid("email", key):
        wrong = f"recipient_domain takes a whole domain, not {node.shown}"
        findings.add(node, wrong, "for example example.org; one below it is named by itself")
    return key.rpartition("@")[2]


def _entries(root: Node, policy: str, mode: str, scope: Scope, findings: Findings) -> list[Entry]:
    node = root.get("rules")
    if node is None:
        return []
    if not isinstance(node.value, tuple):
        findings.add(node, f"rules is a list, not {node.kind}", "begin each rule with: - rule: ...")
        return []
    made = [_entry(item, policy, mode, scope, findings) for item in node.value]
    return [entry for entry in made if entry is not None]


def _entry(node: Node, policy: str, mode: str, scope: Scope, findings: Findings) -> Entry | None:
    if not isinstance(node.value, dict):
        findings.add(node, f"a rule is a group of keys, not {node.kind}", "- rule: consent")
        return None
    name = text_of(node, "rule", findings)
    if not name:
        return None
    if name not in RULES:
        findings.add(node.value["rule"], f"unknown rule {name!r}", did_you_mean(name, list(RULES)))
        return None
    outcome = node.get("outcome")
    if outcome is None:
        findings.add(node, f"the rule {name!r} has no outcome", "outcome: hold, or outcome: reject")
    elif outcome.value not in tuple(OUTCOMES):  # it may be a group of keys, which no dict can look up
        findings.add(
            outcome,
            f"outcome: {outcome.shown} is not one of {', '.join(OUTCOMES)}",
            did_you_mean(str(outcome.value), list(OUTCOMES)),
        )
    rule = build(RULES[name], node, findings, skip=LINE_KEYS)
    if rule is None or outcome is None or outcome.value not in tuple(OUTCOMES):
        return None
    if name in dict(FLOOR) and mode == "observe":
        findings.add(node, f"{name!r} is part of the floor, which is always enforced", "leave the rule out")
        return None
    return Entry(
        name=name,
        rule=rule,
        outcome=OUTCOMES[outcome.value],
        policy=policy,
        mode=mode,
        scope=scope,
        narrow=scope if scope.asks_more else None,
        line=node.line,
    )


def _cases(root: Node, policy: str, findings: Findings) -> list[Example]:
    node = root.get("cases")
    if node is None:
        return []
    if not isinstance(node.value, tuple):
        findings.add(node, f"cases is a list, not {node.kind}", "begin each case with: - case: ...")
        return []
    made = [read_case(item, policy, findings) for item in node.value]
    return [case for case in made if case is not None]

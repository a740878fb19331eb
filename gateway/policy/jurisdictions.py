"""From YAML to a Jurisdiction: every line states its value, its source, and when it was checked."""

import re
from collections.abc import Callable
from datetime import date
from typing import Any

from gateway.message.envelope import CHANNELS
from gateway.policy.document import Findings, Node, parse
from gateway.policy.jurisdiction import GRADES, IDENTITY, LINES, Jurisdiction, Line, zone_named

KEYS = ("version", "jurisdiction", "name", "warning", "lines")
LINE_KEYS = ("value", "source", "checked_on", "signed_off_by", "note")
ALL = "all"
_COUNTRY = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,3})?")


class _Wrong(Exception):
    """What the value should have been."""


def _words(known: tuple[str, ...]) -> Callable[[Any], frozenset[str]]:
    def read(value: Any) -> frozenset[str]:
        if known and value == ALL:
            return frozenset(known)
        words = isinstance(value, list) and all(isinstance(item, str) and item.strip() for item in value)
        if not words or (known and not set(value) <= set(known)):
            raise _Wrong(f"a list of: {', '.join(known)}; or all" if known else "a list of words")
        return frozenset(value)

    return read


def _days(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 36500:
        raise _Wrong("a number of days, 0 for none")
    return value


def _one_of(*known: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if value not in known:
            raise _Wrong(f"one of {', '.join(known)}")
        return str(value)

    return read


def _time_zone(value: Any) -> str:
    if value and not (isinstance(value, str) and zone_named(value)):
        raise _Wrong(f"a time zone such as Europe/Rome, not {value!r}")
    return value or ""


def _holidays(value: Any) -> str:
    if not isinstance(value, str) or (value and not _COUNTRY.fullmatch(value)):
        raise _Wrong('a country, or a part of one, such as "IT" or "ES-MD"')
    return value


_READ: dict[str, Callable[[Any], Any]] = {
    "time_zone": _time_zone,
    "holidays": _holidays,
    "consent_channels": _words(CHANNELS),
    "min_grade": _one_of(*GRADES),
    "soft_opt_in_channels": _words(CHANNELS),
    "soft_opt_in_purposes": lambda value: frozenset(word.lower() for word in _words(())(value)),
    "legitimate_interest_channels": _words(CHANNELS),
    "permission_request": _one_of("marketing", "lawful"),
    "implied_purchase_days": _days,
    "implied_inquiry_days": _days,
    "consent_lasts_days": _days,
    "answer_days": _days,
    "opt_out_days": _days,
    "identity": _words(IDENTITY),
}


def read_jurisdiction(text: str, findings: Findings) -> Jurisdiction | None:
    """The jurisdiction in one file's text, or None with the problems noted. A line that is left out has
    the strictest value."""
    root = parse(text, findings)
    if root is None:
        return None
    if not isinstance(root.value, dict):
        findings.add(root, f"a jurisdiction file is a group of keys, not {root.kind}")
        return None
    findings.unknown_keys(root, KEYS)
    code = root.get("jurisdiction")
    if code is None or not isinstance(code.value, str) or not code.value.isalpha():
        findings.add(code or root, "jurisdiction must be a country code such as it, or unknown")
        return None
    if root.get("version") is None or root.value["version"].value != 1:
        findings.add(root.get("version") or root, "version must be 1")
    values, lines = _lines(root.get("lines"), findings)
    if findings.problems:
        return None
    name, warning = (str(node.value) if (node := root.get(key)) else "" for key in ("name", "warning"))
    return Jurisdiction(
        code=code.value.casefold(), name=name or code.value, warning=warning, lines=lines, **values
    )


def _lines(node: Node | None, findings: Findings) -> tuple[dict[str, Any], dict[str, Line]]:
    values: dict[str, Any] = {}
    lines: dict[str, Line] = {}
    if node is None or not isinstance(node.value, dict):
        findings.add(node or (1, 1), "lines is a group of keys", ", ".join(LINES))
        return values, lines
    findings.unknown_keys(node, LINES)
    for name, line in node.items():
        if name not in LINES:
            continue
        made = _line(name, line, findings)
        if made is not None:
            values[name], lines[name] = made
    return values, lines


def _line(name: str, node: Node, findings: Findings) -> tuple[Any, Line] | None:
    if not isinstance(node.value, dict):
        findings.add(node, f"{name} states value, source, checked_on and signed_off_by, not {node.kind}")
        return None
    findings.unknown_keys(node, LINE_KEYS)
    for key in ("value", "source", "checked_on"):
        if node.get(key) is None:
            findings.add(node, f"{name} lacks the key {key!r}")
            return None
    given = node.plain()
    try:
        value = _READ[name](given["value"])
    except _Wrong as error:
        findings.add(node.value["value"], f"{name} must be {error}")
        return None
    if not isinstance(given["source"], str) or not given["source"].strip():
        findings.add(node.value["source"], f"the source of {name} must be text", 'source: "..."')
        return None
    if given["checked_on"] and not _is_date(str(given["checked_on"])):
        findings.add(node.value["checked_on"], "checked_on must be a date such as 2026-11-20")
        return None
    signed = given.get("signed_off_by")
    if signed not in (None, "") and not _is_name(signed):
        told = "signed_off_by is the name of whoever read the line"
        findings.add(node.value["signed_off_by"], told, "until somebody has: signed_off_by: null")
        return None
    return value, Line(
        value=given["value"],
        source=given["source"],
        checked_on=str(given["checked_on"] or ""),
        signed_off_by=signed or "",
    )


_NOBODY = frozenset(
    "no non none nobody nessuno not yet null false true yes si sì todo tbd n a na da fare".split()
)


def _is_name(value: Any) -> bool:
    """Whether it can be a person's name: none of the words that stand where nobody signed."""
    words = re.findall(r"\w+", value.casefold()) if isinstance(value, str) else []
    return not set(words) <= _NOBODY


def _is_date(text: str) -> bool:
    try:
        return bool(date.fromisoformat(text))
    except ValueError:
        return False

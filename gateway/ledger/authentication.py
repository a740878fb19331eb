"""Whether a trusted mail server vouches for the author of a message (RFC 8601, 7489, 7208, 6376). Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

_LONGEST = 8_000
_WORD = re.compile(
    r"(?<![A-Za-z0-9-])([A-Za-z][A-Za-z0-9-]*+(?>(?:\.[A-Za-z0-9_-]++)?))\s{0,9}+=\s{0,9}+([^\s;]{1,320})"
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """One method's result, with its properties by `ptype.property`, all in lower case."""

    method: str
    result: str
    properties: Mapping[str, str]


def read_results(value: str) -> tuple[str, tuple[Verdict, ...]]:
    """The authserv-id and the verdicts of an Authentication-Results value; "" where it is malformed."""
    parts = _plain(value[:_LONGEST]).split(";")
    name = parts[0].split()
    verdicts = []
    for part in parts[1:50]:
        words = _WORD.findall(part)
        if words:
            (method, result), *rest = words
            properties = {key.lower(): said.lower() for key, said in reversed(rest)}
            verdicts.append(Verdict(method.lower(), result.lower(), properties))
    return (name[0].lower() if name else ""), tuple(verdicts)


def _plain(value: str) -> str:
    """Without comments, and with what is quoted made harmless: both may hold an attacker's words."""
    kept: list[str] = []
    depth, quoted, escaped = 0, False, False
    for sign in value:
        if escaped:
            escaped = False
        elif sign == "\\" and (quoted or depth):
            escaped = True
        elif quoted:
            quoted = sign != '"'
        elif sign == '"' and not depth:
            quoted = True
            kept.append("quoted")
        elif sign == "(":
            depth += 1
        elif sign == ")" and depth:
            depth -= 1
        elif not depth:
            kept.append(sign)
    return "".join(kept) if not (depth or quoted) else ""


def vouches(values: Sequence[str], authserv_id: str, domain: str) -> bool:
    """Whether the server of that name says that mail in the name of `domain` is genuine.

    Only its first field counts, as the outermost hop put it on top: one further down may have come with
    the message. DMARC, DKIM or SPF must have passed for the domain or, but for DMARC, for one above it.
    """
    wanted, domain = authserv_id.strip().lower(), domain.strip().lower().rstrip(".")
    if not wanted or "." not in domain:
        return False
    for value in values:
        name, verdicts = read_results(value)
        if name == wanted:
            return any(_passes(verdict, domain) for verdict in verdicts)
    return False


def _passes(verdict: Verdict, domain: str) -> bool:
    if verdict.result != "pass":
        return False
    said = verdict.properties
    if verdict.method == "dmarc":
        return _domain(said.get("header.from", "")) == domain
    if verdict.method == "dkim":
        return _covers([said.get("header.d", ""), said.get("header.i", "")], domain)
    if verdict.method == "spf":
        return _covers([said.get("smtp.mailfrom", "")], domain)
    return False


def _domain(value: str) -> str:
    return value.rpartition("@")[2].strip("<>.")


def _covers(values: Iterable[str], domain: str) -> bool:
    """Whether one of the domains is `domain` itself or stands above it, short of a top-level one."""
    named = (_domain(value) for value in values)
    return any("." in name and (domain == name or domain.endswith("." + name)) for name in named)

"""What is kept how long: a file that compliance writes."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError

from gateway.message.envelope import CLASSES
from gateway.policy.outcome import Outcome
from gateway.policy.syntax import diagnose

FILE = "retention/retention.yaml"
DAY = 86400.0
SHORTEST = {"decisions": 30 * DAY, "holds": 30 * DAY, "facts": DAY, "words": 0.0}
WHATS = ("words", "facts", "decisions", "holds", "consents", "events", "replies", "attempts")
OUTCOMES = {outcome.word: int(outcome) for outcome in Outcome}
_UNITS = {"day": DAY, "days": DAY, "month": 30.5 * DAY, "months": 30.5 * DAY, "year": 365.25 * DAY}
_UNITS["years"] = _UNITS["year"]


class BadRetention(Exception):
    """The file cannot be followed; the text names the line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keep:
    """One line: what, of which classes and outcomes (all where empty), for how many seconds, and why."""

    what: str
    seconds: float
    why: str
    classes: frozenset[str] = frozenset()
    outcomes: frozenset[int] = frozenset()

    def fits(self, class_: str, outcome: int) -> bool:
        """Whether the line is about such a decision."""
        return (not self.classes or class_ in self.classes) and (
            not self.outcomes or outcome in self.outcomes
        )


@dataclass(frozen=True, slots=True)
class Retention:
    """All lines together. Where several fit, the longest stays; what no line names is kept."""

    lines: tuple[Keep, ...] = ()

    def seconds(self, what: str, class_: str = "", outcome: int = 0) -> float | None:
        """How long something is kept; None for ever."""
        found = [line.seconds for line in self.lines if line.what == what and line.fits(class_, outcome)]
        return max(found, default=None)

    def shortest(self, what: str) -> float | None:
        """The shortest time of any line about it: nothing younger goes."""
        return min((line.seconds for line in self.lines if line.what == what), default=None)


def read_retention(text: str) -> Retention:
    """The lines of a file. Raises BadRetention."""
    try:
        told = YAML(typ="safe", pure=True).load(text)
    except MarkedYAMLError as error:
        at = error.problem_mark.line + 1 if error.problem_mark else 1
        line, wrong, hint = diagnose(text, str(error.problem or error.context), at)
        raise BadRetention(f"line {line}: {wrong}{f' ({hint})' if hint else ''}") from error
    except Exception as error:  # the library raises many kinds for octets that are no text
        raise BadRetention("this is no YAML") from error
    if not isinstance(told, dict) or told.get("version") != 1 or not isinstance(told.get("keep"), list):
        raise BadRetention("it needs `version: 1` and a list `keep`")
    unknown = set(told) - {"version", "title", "owner", "keep"}
    if unknown:
        raise BadRetention(f"unknown key {sorted(map(str, unknown))[0]!r}")
    return Retention(tuple(_line(n, line) for n, line in enumerate(told["keep"], 1)))


def load_retention(policies: Path) -> Retention:
    """The retention of a policy folder; without a file, everything is kept. Raises BadRetention."""
    path = policies / FILE
    if not path.is_file():
        return Retention()
    try:
        return read_retention(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise BadRetention(f"{path} cannot be read") from error
    except BadRetention as error:
        raise BadRetention(f"{path}: {error}") from error


def _line(n: int, told: Any) -> Keep:
    where = f"entry {n} of keep"
    if not isinstance(told, dict):
        raise BadRetention(f"{where}: it needs what, for and why")
    unknown = set(told) - {"what", "for", "why", "class", "outcome"}
    if unknown:
        raise BadRetention(f"{where}: unknown key {sorted(map(str, unknown))[0]!r}")
    what = told.get("what")
    if what not in WHATS:
        raise BadRetention(f"{where}: what is one of {', '.join(WHATS)}")
    if not isinstance(told.get("why"), str) or not told["why"].strip():
        raise BadRetention(f"{where}: say why")
    if what not in ("decisions", "facts") and ("class" in told or "outcome" in told):
        raise BadRetention(f"{where}: only decisions and facts differ by class and outcome")
    seconds = _span(where, told.get("for"))
    if seconds < SHORTEST.get(what, DAY):
        raise BadRetention(f"{where}: at least {SHORTEST.get(what, DAY) / DAY:.0f} days")
    return Keep(
        what=what,
        seconds=seconds,
        why=told["why"].strip(),
        classes=frozenset(_names(where, told.get("class"), CLASSES)),
        outcomes=frozenset(OUTCOMES[name] for name in _names(where, told.get("outcome"), tuple(OUTCOMES))),
    )


def _span(where: str, told: Any) -> float:
    number, _, unit = str(told).partition(" ")
    if not number.isdigit() or unit not in _UNITS or int(number) > 1000:
        raise BadRetention(f"{where}: for is a time such as `90 days`, `18 months` or `5 years`")
    return int(number) * _UNITS[unit]


def _names(where: str, told: Any, known: Sequence[str]) -> list[str]:
    names = [told] if isinstance(told, str) else told or []
    if not isinstance(names, list) or any(name not in known for name in names):
        raise BadRetention(f"{where}: choose among {', '.join(known)}")
    return names

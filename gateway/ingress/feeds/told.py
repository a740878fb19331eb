"""What providers tell, before it is known who they told it for. Pure."""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

from gateway.access import Source
from gateway.web.problem import Problem
from gateway.web.strict_json import parse_json

_MILLISECONDS = 1e11
"""Unix seconds reach this in the year 5138; milliseconds had it in 1973."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One event as a provider tells it. `type` is a type of Happening; `id` is the provider's own, or a
    digest of what was said; `at` unix seconds, 0 where it says none. `addresses` and `sender` are pairs of
    a type of address and its value. `sent_as` is the Message-ID (RFC 5322) of the mail that it is about.
    `data` holds no address: it is kept as it is."""

    type: str
    id: str
    addresses: tuple[tuple[str, str], ...]
    at: float = 0.0
    channel: str = "email"
    sender: tuple[tuple[str, str], ...] = ()
    thread: str = ""
    in_reply_to: str = ""
    sent_as: str = ""
    text: str = ""
    purpose: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """One provider's events. `read` takes what the body says, the options of the source for this feed and the
    source, and gives what is worth telling; None for each event that it does not know, so that it is counted.
    It never raises."""

    name: str
    read: Callable[[Any, Mapping[str, Any], Source], list[Told | None]]


def obj(value: Any) -> Mapping[str, Any]:
    """The object, or an empty one where it is none."""
    return value if isinstance(value, dict) else {}


def events(body: Any) -> list[Mapping[str, Any]]:
    """The events of an array; anything else is an array of one. What is no object is an empty one: an event
    that nobody knows."""
    return [obj(item) for item in (body if isinstance(body, list) else [body])]


def rows(value: Any) -> list[Mapping[str, Any]]:
    """The objects of an array; a single object is an array of one."""
    if isinstance(value, dict):
        return [value]
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def inner(value: Any) -> Any:
    """What JSON in a string says; None where it is no JSON or nothing that could be read in one way only."""
    try:
        return parse_json(value.encode()) if isinstance(value, str) else None
    except (Problem, UnicodeError):
        return None


def line(value: Any, longest: int = 320) -> str:
    """Text or a number as one short line, "" for anything else."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return ""
    return " ".join(str(value).split())[:longest]


def message_id(value: Any) -> str:
    """A Message-ID in its brackets, with which some write it and some do not; "" for what is none."""
    text = line(value).strip("<> ")
    return f"<{text}>" if "@" in text and " " not in text else ""


def moment(value: Any) -> float:
    """Unix seconds of seconds, of milliseconds or of an ISO 8601 time; 0 where there is none."""
    if isinstance(value, bool):
        return 0.0
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        return _iso(value) if isinstance(value, str) else 0.0
    if not math.isfinite(seconds) or seconds < 0:
        return 0.0
    return seconds / 1000 if seconds > _MILLISECONDS else seconds


def _iso(text: str) -> float:
    try:
        read = datetime.fromisoformat(text.strip()[:40])
        return max(0.0, (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        return 0.0


def mark_of(item: Any) -> str:
    """A digest that stands for an id where the provider gives none: the same said twice is the same event."""
    said = json.dumps(item, sort_keys=True, default=str)
    return blake2b(said.encode(), digest_size=16, person=b"feed").hexdigest()


def filled(**data: Any) -> dict[str, Any]:
    """The entries that hold something."""
    return {name: value for name, value in data.items() if value not in ("", None)}


def mapped(options: Mapping[str, Any], name: str, key: str) -> str:
    """What the option `name` maps `key` to, keys taken as text; "" for nothing."""
    table = options.get(name)
    if not isinstance(table, Mapping) or not key:
        return ""
    return next((str(value).strip().lower() for k, value in table.items() if str(k) == key), "")


def purpose_of(options: Mapping[str, Any], source: Source, form: str) -> str:
    """What a consent given in a form is for: by the form, else the feed's purpose, else the source's."""
    default = str(options.get("purpose") or source.default_purpose).strip().lower()
    return mapped(options, "forms", form) or default

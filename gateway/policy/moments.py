"""Times and counts as a person writes them in a case: `2 hours ago`, `yesterday`, `in 3 days`."""

import re
from datetime import UTC, datetime

from gateway.policy.parameters import seconds

NOW = datetime(2026, 11, 18, 10, 0, tzinfo=UTC).timestamp()
"""When a case happens that does not say: a Wednesday morning."""

_NAMED = {"now": 0, "just now": 0, "today": 0, "yesterday": -86400, "tomorrow": 86400}
_AGO = re.compile(r"(.+?)\s+ago")
_IN = re.compile(r"in\s+(.+)")


def moment(text: str, now: float) -> float | None:
    """The unix time that a few words mean; None where they mean none. Dates without a zone are UTC."""
    words = text.strip().casefold()
    if words in _NAMED:
        return now + _NAMED[words]
    for pattern, sign in ((_AGO, -1), (_IN, 1)):
        match = pattern.fullmatch(words)
        if match:
            span = seconds(match[1])
            return now + sign * span if span is not None else None
    try:
        date = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()


def number_within(text: str) -> tuple[int, str, int] | None:
    """`20 connection_request within 1 hour` as (20, "connection_request", 3600); the middle word may be
    left out."""
    match = re.fullmatch(r"(\d{1,5})(?:\s+([a-z_]+))?\s+(?:within|in|for)\s+(.+)", text.strip().casefold())
    if not match:
        return None
    span = seconds(match[3])
    return (int(match[1]), match[2] or "", span) if span else None

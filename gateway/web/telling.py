"""What the answers of every API tell in the same form. Pure."""

from datetime import UTC, datetime
from typing import Any

from gateway.policy.outcome import Violation


def describe_violation(v: Violation, language: str) -> dict[str, Any]:
    """One violation, its words in this language."""
    return {
        "policy": v.policy,
        "rule": v.rule,
        "code": v.code,
        "outcome": v.outcome.word,
        "mode": v.mode,
        "reason": v.reason.in_(language),
        "evidence": [{"text": e.text, "part": e.part, "why": e.why} for e in v.evidence],
        "remedy": v.remedy.in_(language),
        "earliest": iso(v.earliest),
    }


def iso(time: float) -> str | None:
    """A moment as ISO 8601 in UTC, None for never."""
    if not time:
        return None
    try:
        return datetime.fromtimestamp(time, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    except (ValueError, OverflowError, OSError):
        return None

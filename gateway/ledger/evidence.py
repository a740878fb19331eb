"""What counts as evidence of a consent, and what stands in its place only because something had to. Pure.

The fields are those of `consents import`. A field that proves nothing supports no grade.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from ipaddress import ip_address
from math import inf

PROVING = (
    "wording", "form_url", "confirmation_message", "contract", "recording", "signed_document", "sale_id",
    "assessment_id",
)  # fmt: skip
"""Fields of free text on which a grade or a basis rests."""
_NOTHING = frozenset(
    "- -- – — . ? / 0 n/a #n/a n.a. n.a na nan null (null) <null> \\n nil none (none) no false undefined"
    " unknown n/d n.d. n.d nd nessuno nessuna".split()
)
"""How databases, spreadsheets and people write that there is nothing, in small letters."""

_LATEST = 1e10
"""Unix seconds, in the year 2286: more can only be milliseconds."""


def faults(proof: Mapping[str, str], latest: float = inf) -> dict[str, str]:
    """The fields of a proof that prove nothing as they stand, each with what is wrong in words: no IP
    address, no time or one after `latest`, a word for nothing."""
    found: dict[str, str] = {}
    for name in PROVING:
        said = proof.get(name, "")
        if len(said) < 10 and said.strip().casefold() in _NOTHING:
            found[name] = f"{name} {said!r} stands for nothing; leave it empty where there is none"
    for name in ("ip", "confirmed_ip"):
        if (said := proof.get(name, "")) and not _is_ip(said):
            found[name] = f"{name} {said[:40]!r} is no IP address; leave it empty where it is not known"
    if said := proof.get("confirmed_at", ""):
        try:
            confirmed = parse_moment(said)
        except ValueError as error:
            found["confirmed_at"] = f"confirmed_at {error}"
        else:
            if confirmed > latest:
                found["confirmed_at"] = f"confirmed_at {said[:40]!r} is yet to come"
    return found


@lru_cache(maxsize=64)
def _is_ip(text: str) -> bool:
    try:
        ip_address(text.strip())
    except ValueError:
        return False
    return True


def parse_moment(text: str) -> float:
    """ISO 8601 with a zone, a date, or unix seconds, as events may tell them. Raises ValueError."""
    try:
        return parse_time(text)
    except ValueError:
        number = text.partition(".")[0]
        if number.isascii() and number.isdecimal() and len(number) in (9, 10):
            return float(number)
        raise


def told_moment(value: object) -> float:
    """A moment that a source tells beside an event: unix seconds as a number, or text as `parse_moment` reads
    it; 0 for none. Raises ValueError where it is neither, milliseconds too."""
    if value is None:
        return 0.0
    if isinstance(value, str):
        return parse_moment(value.strip())
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < _LATEST:
        raise ValueError("it is no moment")
    return float(value)


def parse_time(text: str) -> float:
    """ISO 8601 with a zone (Z or an offset), or a date, to unix seconds; 0 for nothing. Raises ValueError
    with what is wrong."""
    if not text:
        return 0.0
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"{text[:40]!r} is not a time; write 2026-03-01T10:00:00Z") from error
    if at.tzinfo is None:
        if len(text) > 10:
            raise ValueError(f"{text[:40]!r} has no time zone; write 2026-03-01T10:00:00Z")
        at = at.replace(tzinfo=UTC)
    try:
        return at.timestamp()
    except OverflowError as error:
        raise ValueError(f"{text[:40]!r} is no time that can be meant") from error

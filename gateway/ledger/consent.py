"""What a person agreed to: an append-only log of events, and the state it adds up to. Pure.

A grade says how well a consent is proven: A a complete double opt-in, B signed paper or a recording,
C time and IP address only, D a claim without evidence (imported or made by the message itself).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from gateway.ledger.person import Permission, Person, Stop

ACTIONS = (
    "requested", "confirmed", "granted", "changed", "withdrawn", "objected", "expired", "imported",
)  # fmt: skip
BASES = ("consent", "soft_opt_in", "implied", "legitimate_interest")
REVIVING = ("A",)
"""Grades that may follow a withdrawal: the person's own double opt-in. Entries by compliance with proof
may as well; an import never does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentEvent:
    """One line of the log. `proof` keeps wording, form, addresses and times as they were given;
    `by_compliance` says that a person of compliance entered it with proof."""

    id: str
    action: str
    purpose: str
    channel: str
    at: float
    grade: str = "D"
    basis: str = "consent"
    expires_at: float = 0.0
    source: str = ""
    jurisdiction: str = ""
    imported: bool = False
    by_compliance: bool = False
    proof: Mapping[str, str] = field(default_factory=dict)


def grade_of(proof: Mapping[str, str]) -> str:
    """The grade that the evidence in a row supports (the field names of `consents import`)."""
    if proof.get("confirmed_at") and proof.get("confirmed_ip") and proof.get("wording"):
        return "A"
    if proof.get("recording") or proof.get("signed_document"):
        return "B"
    if proof.get("ip") and proof.get("at"):
        return "C"
    return "D"


def permission(person: Person, purpose: str, channel: str) -> Permission | None:
    """What the person said about this purpose on this channel."""
    return next((p for p in person.permissions if p.purpose == purpose and p.channel == channel), None)


def apply(person: Person, event: ConsentEvent) -> Person:
    """The state after one more event. Older events never undo newer ones."""
    if event.action in ("withdrawn", "objected"):
        return _stopped(person, event)
    state = {"requested": "requested", "expired": "expired"}.get(event.action, "granted")
    if state == "granted" and _blocked(person, event):
        return person
    before = permission(person, event.purpose, event.channel)
    if before is not None and not _supersedes(before, event, state):
        return person
    after = Permission(
        event.purpose,
        event.channel,
        state,
        event.grade,
        event.basis,
        event.at,
        event.expires_at,
        event.id,
        event.jurisdiction or (before.jurisdiction if before else ""),
    )
    others = tuple(p for p in person.permissions if p is not before)
    stops = _lifted(person.stops, event) if state == "granted" else person.stops
    return replace(person, permissions=(*others, after), stops=stops)


def _supersedes(before: Permission, event: ConsentEvent, state: str) -> bool:
    if event.at < before.at:
        return False
    if before.state == "granted" and state == "requested":
        return False
    if before.state == "granted" and state == "granted":
        return event.grade <= before.grade or (before.expires_at and before.expires_at < event.at)  # type: ignore[return-value]
    return True


def _stopped(person: Person, event: ConsentEvent) -> Person:
    """Withdrawn: for its purpose and channel, all of them where none is named. An objection is whole."""
    state = event.action
    everything = not event.purpose and not event.channel
    permissions = tuple(
        replace(p, state=state, at=event.at, event=event.id)
        if (everything or _covers(event, p)) and p.at <= event.at
        else p
        for p in person.permissions
    )
    stop = Stop(
        "objected" if state == "objected" else "unsubscribed",
        event.at,
        (event.purpose,) if event.purpose else (),
        (event.channel,) if event.channel else (),
        event.id,
    )
    kept = tuple(
        s
        for s in person.stops
        if (s.kind, s.purposes, s.channels) != (stop.kind, stop.purposes, stop.channels)
    )
    return replace(person, permissions=permissions, stops=(*kept, stop))


def _covers(event: ConsentEvent, p: Permission) -> bool:
    return (not event.purpose or event.purpose == p.purpose) and (
        not event.channel or event.channel == p.channel
    )


def _blocked(person: Person, event: ConsentEvent) -> bool:
    """Whether an earlier stop stands against this grant."""
    if _may_revive(event):
        return any(s.at > event.at and _stop_covers(s, event) for s in person.stops)
    return any(_stop_covers(s, event) for s in person.stops)


def _may_revive(event: ConsentEvent) -> bool:
    return not event.imported and (event.by_compliance or event.grade in REVIVING)


def _stop_covers(stop: Stop, event: ConsentEvent) -> bool:
    return (not stop.purposes or event.purpose in stop.purposes) and (
        not stop.channels or event.channel in stop.channels
    )


def _lifted(stops: tuple[Stop, ...], event: ConsentEvent) -> tuple[Stop, ...]:
    """The stops that a grant leaves standing: a reviving one lifts those it came after."""
    if not _may_revive(event):
        return stops
    return tuple(
        s for s in stops if s.at > event.at or not _stop_covers(s, event) or s.kind in ("bounced", "erased")
    )


def suppress(person: Person, kind: str, at: float, event: str = "", channel: str = "") -> Person:
    """Nobody writes to this person any more, on `channel` or, without one, at all."""
    stop = Stop(kind, at, (), (channel,) if channel else (), event)
    kept = tuple(s for s in person.stops if (s.kind, s.purposes, s.channels) != (kind, (), stop.channels))
    return replace(person, stops=(*kept, stop))

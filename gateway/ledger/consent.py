"""What a person agreed to: an append-only log of events, and the state it adds up to. Pure.

A grade says how well a consent is proven: A a complete double opt-in, B signed paper or a recording,
C time and IP address only, D a claim without evidence (imported or made by the message itself).

What restricts always counts, in whatever order it is told; what opens counts only where nothing newer
stands against it, and after a withdrawal only as the person's own double opt-in, for exactly the purpose
and channel that it names.
"""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from operator import attrgetter

from msgspec.structs import replace

from gateway.ledger.evidence import faults
from gateway.ledger.person import UNKNOWN, Permission, Person, Stop

ACTIONS = (
    "requested", "confirmed", "granted", "changed", "withdrawn", "objected", "expired", "imported",
)  # fmt: skip
BASES = ("consent", "soft_opt_in", "implied", "legitimate_interest")
REVIVING = ("A",)
"""Grades that may follow a withdrawal: the person's own double opt-in. Entries by compliance with proof
may as well; an import never does."""
STOPPING = ("withdrawn", "objected")
LASTING = ("bounced", "erased")
"""Stops that no consent lifts: nobody is there, or the person is to be forgotten."""


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


def grade_of(proof: Mapping[str, str], *, at: float = 0.0, latest: float = inf) -> str:
    """The grade that the evidence in a row supports (the field names of `consents import`): A needs the
    wording, the time of the request and of the confirmation, and who confirmed. `at` is the row's own time
    where that is known beside the proof, `latest` the time after which nobody can have confirmed yet. What
    proves nothing (`NULL` for an IP address) counts as if it were not there."""
    wrong = faults(proof, latest)
    get = {name: said for name, said in proof.items() if name not in wrong}.get if wrong else proof.get
    timed = bool(at or get("at"))
    confirmed = get("confirmed_at") and (get("confirmed_ip") or get("confirmation_message"))
    if timed and confirmed and get("wording"):
        return "A"
    if get("recording") or get("signed_document"):
        return "B"
    if timed and get("ip"):
        return "C"
    return "D"


def lacks_evidence(basis: str, expires_at: float, proof: Mapping[str, str]) -> str:
    """The field that a basis cannot do without and that a row does not have, or ""."""
    needed = _EVIDENCE.get(basis, "")
    if needed == "expires_at":
        return "" if expires_at else needed
    return "" if not needed or proof.get(needed) else needed


_EVIDENCE = {"soft_opt_in": "sale_id", "implied": "expires_at", "legitimate_interest": "assessment_id"}


def permission(person: Person, purpose: str, channel: str) -> Permission | None:
    """What the person said about this purpose on this channel."""
    for known in person.permissions:
        if known.purpose == purpose and known.channel == channel:
            return known
    return None


def country(person: Person, purpose: str = "") -> str:
    """The law that the person's consents name: the one for this purpose, else all of them with `+` between,
    of which the strictest counts; "" where none names any."""
    named = [p for p in person.permissions if p.jurisdiction and p.state == "granted"]
    if not named:
        return ""
    mine = {p.jurisdiction for p in named if p.purpose == purpose}
    return "+".join(sorted(mine or {p.jurisdiction for p in named}))


def apply(person: Person, event: ConsentEvent) -> Person:
    """The state after one more event. Older events never undo newer ones."""
    if event.action in STOPPING:
        return _stopped(person, event)
    before = permission(person, event.purpose, event.channel) if person.permissions else None
    if before is not None and event.action != "changed" and (terms := unheard(before)) is not None:
        return _under_terms(person, event, before, terms)
    if event.action in ("changed", "expired"):
        return _amended(person, event, before)
    state = "requested" if event.action == "requested" else "granted"
    if state == "granted" and person.stops and _blocked(person, event):
        return person
    reopened = state == "granted" and _reopens(person, event, before)
    if before is not None and not reopened and not _supersedes(before, event, state):
        return _kept_beside(person, event, before) if state == "granted" else person
    after = Permission(
        event.purpose,
        event.channel,
        state,
        event.grade,
        event.basis,
        event.at,
        max(event.expires_at, ended(before)) if state == "requested" else event.expires_at,
        event.id,
        event.jurisdiction or (before.jurisdiction if before else ""),
        state == "granted" and _may_revive(event),
    )
    if person is UNKNOWN or person == UNKNOWN:
        return Person((after,))
    stops = _lifted(person.stops, event) if state == "granted" and person.stops else person.stops
    return replace(person, permissions=(*_others(person, before), after), stops=stops)


def _kept_beside(person: Person, event: ConsentEvent, before: Permission) -> Person:
    """A newer grant that the better proof of `before` outweighs is kept with it, for the day on which a law
    ends that one by its age. A claim without evidence is not, and an end that was agreed to stays."""
    said = event.basis in ("consent", "") and before.basis in ("consent", "")
    if before.state != "granted" or event.at <= before.at or event.grade == "D" or not said:
        return person
    if before.newer is not None and not _supersedes(before.newer, event, "granted"):
        return person
    newer = Permission(
        event.purpose,
        event.channel,
        "granted",
        event.grade,
        event.basis,
        event.at,
        min(filter(None, (event.expires_at, before.expires_at)), default=0.0),
        event.id,
        event.jurisdiction or before.jurisdiction,
    )
    return replace(person, permissions=(*_others(person, before), replace(before, newer=newer)))


def _others(person: Person, before: Permission | None) -> tuple[Permission, ...]:
    return tuple(p for p in person.permissions if p is not before) if before else person.permissions


def _amended(person: Person, event: ConsentEvent, before: Permission | None) -> Person:
    """Expired: it holds no longer, nor does what was agreed to before and is told later. Changed: other terms
    of what was agreed to; it grants nothing, revives nothing that has ended, and what proves it stays unless
    it is proved better."""
    if event.action == "expired":
        after = _expired(before, event)
        if after is before:
            return person
    elif before is None or before.state in ("requested", "expired", "changed"):
        return _remembered(person, event, before)
    elif before.state != "granted" or event.at < before.at or _has_ended(before, event.at):
        return person
    else:
        after = _with_terms(before, event)
    return replace(person, permissions=(*_others(person, before), after))


def _with_terms(before: Permission, event: ConsentEvent) -> Permission:
    """A consent whose terms change. The end is kept beside it, where there is room, for a grant between the
    two that is told later; an older change never undoes a newer one."""
    kept = _latest(unheard(before), event)
    return replace(
        before,
        grade=min(before.grade, event.grade),
        expires_at=(kept.expires_at if kept else 0.0) or before.expires_at,
        event=event.id,
        jurisdiction=event.jurisdiction or before.jurisdiction,
        newer=_after_change(before.newer, event) or kept,
    )


def _latest(terms: Permission | None, event: ConsentEvent) -> Permission | None:
    """Of the end that was told and the one of an event the newer, with the older's time where that had come
    by then: what has ended is not revived."""
    if not event.expires_at:
        return terms
    told = (event.grade, event.basis, event.at, event.expires_at, event.id, event.jurisdiction)
    kept = Permission(event.purpose, event.channel, "changed", *told)
    if terms is None:
        return kept
    older, kept = sorted((terms, kept), key=attrgetter("at"))
    revived = older.expires_at <= kept.at
    return replace(kept, expires_at=min(older.expires_at, kept.expires_at)) if revived else kept


def _after_change(newer: Permission | None, event: ConsentEvent) -> Permission | None:
    """What was kept beside a consent whose terms change: what is newer than the change stays, and ends with
    it at the latest."""
    if newer is None or newer.at <= event.at or newer.state == "changed":
        return None
    return replace(newer, expires_at=min(filter(None, (newer.expires_at, event.expires_at)), default=0.0))


def _remembered(person: Person, event: ConsentEvent, before: Permission | None) -> Person:
    """An end that is told before the grant whose terms it changes is kept for it, and grants nothing."""
    if not event.expires_at or event.at <= ended(before):
        return person
    terms = unheard(before)
    kept = _latest(terms, event)
    if before is not None and before is not terms:
        kept = replace(before, newer=kept)
    return person if kept is None else replace(person, permissions=(*_others(person, before), kept))


def unheard(before: Permission | None) -> Permission | None:
    """The terms that may have been told before the grant which they change: alone, or beside what they were
    told after."""
    found = before if before is None or before.state == "changed" else before.newer
    return found if found is not None and found.state == "changed" else None


def _under_terms(person: Person, event: ConsentEvent, before: Permission, terms: Permission) -> Person:
    """The state after an event and, once more, the terms that were told before it."""
    bare = () if before is terms else (replace(before, newer=None),)
    after = apply(replace(person, permissions=(*_others(person, before), *bare)), event)
    change = ConsentEvent(
        id=terms.event,
        action="changed",
        purpose=terms.purpose,
        channel=terms.channel,
        at=terms.at,
        grade=terms.grade,
        basis=terms.basis,
        expires_at=terms.expires_at,
        jurisdiction=terms.jurisdiction,
    )
    return _amended(after, change, permission(after, terms.purpose, terms.channel))


def _expired(before: Permission | None, event: ConsentEvent) -> Permission:
    """The permission after an end; the same where something newer stands there."""
    if before is None:
        unheard = (event.grade, event.basis, event.at, 0.0, event.id, event.jurisdiction)
        return Permission(event.purpose, event.channel, "expired", *unheard)
    if before.state == "requested" and event.at < before.at:
        return replace(before, expires_at=max(before.expires_at, event.at))
    if event.at < before.at:
        return before
    return replace(before, state="expired", at=event.at, event=event.id, newer=None)


def _has_ended(before: Permission, at: float) -> bool:
    """Whether the end that was set for it has come by then."""
    return bool(before.expires_at) and before.expires_at <= at


def ended(before: Permission | None) -> float:
    """Until when all that was granted has ended, unix seconds, as far as a permission that grants nothing
    remembers it: a request keeps it as its own end. 0 for never."""
    if before is None or before.state not in ("expired", "requested"):
        return 0.0
    return before.at if before.state == "expired" else before.expires_at


def _supersedes(before: Permission, event: ConsentEvent, state: str) -> bool:
    if before.state == "requested" and state == "granted":
        return event.at >= before.at or event.at > before.expires_at
    if event.at < before.at or (before.state == "expired" and event.at == before.at):
        return False
    if before.state == "granted" and state == "requested":
        return False
    if before.state == "granted":
        if _has_ended(before, event.at):
            return True
        if before.own and not _may_revive(event):
            return False
        return _strength(event.basis, event.grade) <= _strength(before.basis, before.grade)
    return True


def _strength(basis: str, grade: str) -> tuple[bool, str]:
    """Smaller is stronger: what was said outweighs what is only implied."""
    return (basis not in ("consent", ""), grade)


def _stopped(person: Person, event: ConsentEvent) -> Person:
    """Withdrawn: for its purpose and channel, all of them where none is named. An objection is whole, also
    where it was told with the purpose or the channel by which it came."""
    state = event.action
    if state == "objected":
        event = dataclasses.replace(event, purpose="", channel="")
    permissions = tuple(
        replace(p, state=state, at=event.at, event=event.id, newer=None)
        if _covers(event, p) and p.at <= event.at
        else p
        for p in person.permissions
    )
    kind = "objected" if state == "objected" else "unsubscribed"
    purposes = (event.purpose,) if event.purpose else ()
    channels = (event.channel,) if event.channel else ()
    same = next(
        (s for s in person.stops if (s.kind, s.purposes, s.channels) == (kind, purposes, channels)), None
    )
    if same is not None and same.at >= event.at:
        return replace(person, permissions=permissions)
    covered = tuple(p for p in permissions if _covers(event, p))
    spares = _agreed_since(covered, event.at)
    stop = Stop(kind, event.at, purposes, channels, event.id, spares)
    if spares and purposes and channels:
        # All of it was agreed to anew, later on.
        return replace(person, permissions=permissions)
    kept = tuple(s for s in person.stops if s is not same)
    return replace(person, permissions=permissions, stops=(*kept, stop))


def _covers(event: ConsentEvent, p: Permission) -> bool:
    return (not event.purpose or event.purpose == p.purpose) and (
        not event.channel or event.channel == p.channel
    )


def _blocked(person: Person, event: ConsentEvent) -> bool:
    """Whether an earlier stop stands against this grant."""
    if _may_revive(event):
        return any(s.at >= event.at and _stop_covers(s, event) for s in person.stops)
    return any(_stop_covers(s, event) for s in person.stops)


def _reopens(person: Person, event: ConsentEvent, before: Permission | None) -> bool:
    """Whether a stop has closed what this grant opens again: what was agreed to before it, however well
    proved, then stands no longer."""
    if not person.stops or before is None or before.state != "granted" or not _may_revive(event):
        return False
    return any(s.kind not in LASTING and _stop_covers(s, event) for s in person.stops)


def _may_revive(event: ConsentEvent) -> bool:
    if event.imported:
        return False
    return event.by_compliance or (event.grade in REVIVING and event.basis in ("consent", ""))


def _stop_covers(stop: Stop, event: ConsentEvent) -> bool:
    return (
        (not stop.purposes or event.purpose in stop.purposes)
        and (not stop.channels or event.channel in stop.channels)
        and (event.purpose, event.channel) not in stop.spares
    )


def _lifted(stops: tuple[Stop, ...], event: ConsentEvent) -> tuple[Stop, ...]:
    """The stops that a grant leaves standing: a reviving one lifts, of those it came after, what it names."""
    if not _may_revive(event):
        return stops
    left = (_narrowed(s, event) for s in stops)
    return tuple(s for s in left if s is not None)


def _narrowed(stop: Stop, event: ConsentEvent) -> Stop | None:
    if stop.at >= event.at or stop.kind in LASTING or not _stop_covers(stop, event):
        return stop
    if stop.purposes == (event.purpose,) and stop.channels == (event.channel,):
        return None
    return replace(stop, spares=(*stop.spares, (event.purpose, event.channel)))


def suppress(person: Person, kind: str, at: float, event: str = "", channel: str = "") -> Person:
    """Nobody writes to this person any more, on `channel` or, without one, at all: but for what they agreed
    to themselves later than that, where a consent may lift it. An older one never moves a newer one."""
    channels = (channel,) if channel else ()
    same = [s for s in person.stops if (s.kind, s.purposes, s.channels) == (kind, (), channels)]
    at = max([at, *(s.at for s in same)])
    covered = tuple(p for p in person.permissions if channel in ("", p.channel))
    spares = () if kind in LASTING else _agreed_since(covered, at)
    kept = tuple(s for s in person.stops if s not in same)
    return replace(person, stops=(*kept, Stop(kind, at, (), channels, event, spares)))


def _agreed_since(permissions: tuple[Permission, ...], at: float) -> tuple[tuple[str, str], ...]:
    """The purposes and channels that the person agreed to themselves later than a moment."""
    return tuple((p.purpose, p.channel) for p in permissions if p.state == "granted" and p.own and p.at > at)

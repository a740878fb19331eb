"""What each kind of event changes: one function per type, in one table.

An effect may always restrict; it opens a door only for a happening that `opens`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from gateway.intake.consents import ConsentInput, record_consent
from gateway.intake.held import count_asked
from gateway.intake.owed import BACKLOG_PAUSE, keep_without, owe_nothing, without
from gateway.intake.refused import refuse_channels, refuse_sales
from gateway.ledger.bounce import SOFT_BOUNCES, is_full, is_hard
from gateway.ledger.consent import suppress
from gateway.ledger.evidence import told_moment
from gateway.ledger.happening import Happening
from gateway.ledger.person import Contact, Person
from gateway.ledger.relationship import (
    Event,
    claimed,
    happened,
    relationship,
    sent,
    told_elsewhere,
)
from gateway.message.envelope import CLASSES
from gateway.store.draft import Draft
from gateway.store.records import Ref

PROMPTLY = 900.0
"""Seconds within which what is told counts as having happened now: the clocks of two machines differ, and
one may go back. A withdrawal must not look older than the consent that it ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What an event did. `note` is a stable code, "" where it simply counted: untrusted, no_sender,
    no_purpose, no_class, automatic, stop_request, stop_channel, no_sales, declined, counted_before,
    unchanged, suppressed, too_many_addresses.

    The rest says what to count: `reply` is human, automatic, stop or untrusted; `bounce` hard or soft;
    `answered_after` seconds from a reply to its answer, None where nobody waited for one.
    """

    applied: bool = True
    note: str = ""
    reply: str = ""
    conversation: bool = False
    unsubscribed: bool = False
    complained: bool = False
    bounce: str = ""
    answered_after: float | None = None


NOTHING = Effect(applied=False)
UNTRUSTED = Effect(applied=False, note="untrusted")
NO_SENDER = Effect(applied=False, note="no_sender")


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """One event while it is applied. `people` are all addresses that it names, `near` those on its own
    channel, `linked` further addresses of the same person. `at` is when it counts as having happened;
    `places` says that the source may say which law counts for a consent, `channels` which are refused, and
    `refused` which of the addresses named are on one of these."""

    draft: Draft[Any]
    happening: Happening
    event: str
    at: float
    people: tuple[Ref, ...]
    near: tuple[Ref, ...]
    linked: tuple[Ref, ...]
    stops: bool = False
    refuses_sales: bool = False
    channels: tuple[str, ...] = ()
    refused: tuple[Ref, ...] = ()
    declines: bool = False
    automatic: bool = False
    revives: bool = False
    places: bool = False

    @property
    def everyone(self) -> tuple[Ref, ...]:
        """Every known address of the person: what a restriction covers."""
        return (*self.people, *self.linked)


def take_effect(telling: Telling) -> Effect:
    """Change the ledger as this event asks; types that say nothing about people change nothing."""
    return _EFFECTS.get(telling.happening.type, _nothing)(telling)


def _nothing(t: Telling) -> Effect:
    return NOTHING


# -- replies and answers -------------------------------------------------------------------------


def _replied(t: Telling) -> Effect:
    if t.automatic:
        return Effect(applied=False, note="automatic", reply="automatic")
    if t.stops:
        stop_everything(t, "stop_request")
        return Effect(note="stop_request", reply="stop", unsubscribed=True)
    refused = _refuse(t)
    if not t.happening.opens:
        return Effect(applied=bool(refused), note=refused or "untrusted", reply="untrusted")
    if not t.happening.sender:
        return Effect(note=refused) if refused else NO_SENDER
    first = not any(relationship(t.draft.person(ref), t.happening.sender).replies for ref in t.near)
    _happen(t)
    ref = t.near[0]
    if ref in t.refused:  # nobody can answer there any more
        owe_nothing(t.draft, ref, _until(t))
    else:
        waiting = relationship(t.draft.person(ref), t.happening.sender).unanswered_since
        t.draft.owe_answer(ref[0], t.happening.sender, ref[1], waiting)
    _recheck(t, "reply")
    note = refused or ("declined" if t.declines else "")
    return Effect(note=note, reply="human", conversation=first)


def _refuse(t: Telling) -> str:
    """What is refused short of everything, by whoever sent the reply: the note of it, "" for nothing new."""
    if t.channels:
        refuse_channels(t.draft, [(ref, _stopped_at(t, ref)) for ref in t.people], t.channels, t.event)
        for ref in t.refused:  # on which channel further addresses are nobody knows: the gate asks again
            owe_nothing(t.draft, ref, _until(t))
            t.draft.cancel(ref, "stop request")
    if t.refuses_sales and refuse_sales(t.draft, t.people, t.everyone, t.at):
        return "no_sales"
    return "stop_channel" if t.channels else ""


def _answered(t: Telling) -> Effect:
    h = t.happening
    if not h.opens:
        return UNTRUSTED
    if not h.sender:
        return NO_SENDER
    since = [relationship(t.draft.person(ref), h.sender).unanswered_since for ref in t.everyone]
    waited = min((s for s in since if s), default=0.0)
    for ref, unanswered in zip(t.everyone, since, strict=True):
        if unanswered or ref in t.near:
            _happen_to(t, ref, _until(t))
            left = relationship(t.draft.person(ref), h.sender).unanswered_since
            t.draft.owe_answer(ref[0], h.sender, ref[1], left)
    _recheck(t, "reply")
    t.draft.recheck_backlog(h.controller, h.sender, t.draft.now + BACKLOG_PAUSE)
    # By clocks that differ an answer may look older than what it answers.
    return Effect(answered_after=max(0.0, t.at - waited) if 0 < waited <= _until(t) else None)


def _until(t: Telling) -> float:
    """Until when it answers what came before: until now, where it is told promptly."""
    return t.draft.now if t.draft.now - t.at <= PROMPTLY else t.at


# -- what brings two people together, or apart -------------------------------------------------------


def _opened(t: Telling) -> Effect:
    if not t.happening.opens:
        return UNTRUSTED
    if not t.happening.sender:
        return NO_SENDER
    _happen(t)
    _recheck(t, "reply", "window", "consent")
    return Effect()


def _apart(t: Telling) -> Effect:
    """No longer connected, on no known address, whatever older acceptance is told of one later: a connection
    is read under each identifier by itself."""
    if not t.happening.sender:
        return NO_SENDER
    for ref in t.everyone:
        _happen_to(t, ref)
    return Effect()


def _told_sent(t: Telling) -> Effect:
    """A tool that sends by itself: the message counts in caps as if it had gone through the outbox, once
    however many identifiers of the person are named."""
    h, draft = t.happening, t.draft
    if not h.sender:
        return NO_SENDER
    if h.message and any(c.message == h.message for ref in t.near for c in draft.person(ref).contacts):
        return Effect(applied=False, note="counted_before")
    class_ = _class_of(t)
    contact = Contact(t.at, class_, h.channel, h.sender, h.message or t.event, h.purpose)
    first, *others = t.near
    person = draft.person(first)
    after = sent(person, contact, introduced=False) if h.opens else claimed(person, contact)
    draft.set_person(first, after)
    for ref in others if h.opens else ():
        draft.set_person(ref, told_elsewhere(draft.person(ref), contact))
    draft.count_sent(h.controller, h.sender, class_)
    if h.message:
        count_asked(draft, h.controller, h.message, first[1])
    return Effect()


def _class_of(t: Telling) -> str:
    """What it was judged as here, where it names a message that was asked about, else as the tool calls it;
    never `conversation`, which would answer somebody: `message.answered` says that."""
    h = t.happening
    asked = t.draft.message(h.message) if h.message else None
    judged = asked is not None and asked[0].controller == h.controller
    named = asked[0].class_ if asked and judged else str(h.data.get("class", ""))
    return named if named in CLASSES and named != "conversation" else "outreach"


# -- stops -----------------------------------------------------------------------------------------


def stop_everything(t: Telling, kind: str) -> None:
    """Nobody of this controller writes to this person any more, so that nobody owes them an answer to what
    they wrote before; what waits is cancelled."""
    draft = t.draft
    for ref in t.people:
        draft.set_person(ref, suppress(draft.person(ref), kind, _stopped_at(t, ref), t.event))
    for ref in t.everyone:
        owe_nothing(draft, ref, _until(t))
        draft.cancel(ref, kind.replace("_", " "))


def _complained(t: Telling) -> Effect:
    stop_everything(t, "complained")
    return Effect(complained=True)


def _unsubscribed(t: Telling) -> Effect:
    action = "objected" if t.happening.data.get("objected") in (True, "true") else "withdrawn"
    recorded = [_record(t, ref, action) for ref in t.people]
    for ref in t.everyone:
        t.draft.cancel(ref, f"consent {action}")
    changed = any(recorded)
    return Effect(applied=changed, unsubscribed=changed, note="" if changed else "unchanged")


def _granted(t: Telling) -> Effect:
    if not t.happening.opens:
        return UNTRUSTED
    if not t.happening.purpose:
        return Effect(applied=False, note="no_purpose")
    changed = [_record(t, ref, "granted") for ref in t.near]
    return Effect(applied=any(changed), note="" if any(changed) else "suppressed")


def _record(t: Telling, ref: Ref, action: str) -> bool:
    h = t.happening
    whole = action == "objected" or h.data.get("everywhere") in (True, "true")
    line = ConsentInput(
        controller=h.controller,
        channel="" if whole and action != "granted" else h.channel,
        address="",
        purpose="" if action == "objected" else h.purpose,
        action=action,
        at=t.at if action == "granted" else _stopped_at(t, ref),
        basis=str(h.data.get("basis") or "consent") if action == "granted" else "consent",
        jurisdiction=str(h.data.get("jurisdiction") or "") if t.places and action == "granted" else "",
        expires_at=_moment(h.data.get("expires_at")),
        imported=not t.revives,
        source=h.source,
        proof={name: str(value) for name, value in h.data.items() if isinstance(value, (str, int, float))},
    )
    return record_consent(t.draft, ref, line, h.source)


def _stopped_at(t: Telling, ref: Ref) -> float:
    """When someone left: after all that they agreed to, where it is told promptly."""
    if t.draft.now - t.at > PROMPTLY:
        return t.at
    return max(t.at, *(p.at for p in t.draft.person(ref).permissions), 0.0)


def _preferred(t: Telling) -> Effect:
    """The person's wishes: no sales, a pause. A wish is taken back only through a source that may."""
    changed = refused = False
    for ref in t.people:
        before = t.draft.person(ref)
        after = _wishing(t, before)
        if after != before:
            changed = True
            t.draft.set_person(ref, after)
            refused |= after.no_sales_at > before.no_sales_at
    if refused:
        for ref in t.everyone:
            t.draft.cancel(ref, "no sales, please")
    if changed:
        _recheck(t, "reply", "window", "consent", "reviewer")
    return Effect() if changed else Effect(applied=False, note="unchanged")


def _wishing(t: Telling, person: Person) -> Person:
    data, opens = t.happening.data, t.happening.opens
    wish, until = data.get("no_sales"), _moment(data.get("paused_until"), person.paused_until)
    if wish in (True, "true"):
        person = replace(person, no_sales_at=max(person.no_sales_at, t.at))
    elif wish in (False, "false") and opens and t.at > person.no_sales_at:
        person = replace(person, no_sales_at=0.0)
    if until > person.paused_until or (opens and "paused_until" in data):
        person = replace(person, paused_until=until)
    return person


# -- what became of a message ------------------------------------------------------------------------


def _bounced(t: Telling) -> Effect:
    hard, full = is_hard(t.happening.data), is_full(t.happening.data)
    for ref in t.near:
        person = t.draft.person(ref)
        soft = 0 if hard else person.soft_bounces + full
        dead = hard or (full and soft >= SOFT_BOUNCES)
        person = replace(person, soft_bounces=soft)
        if dead:
            person = suppress(person, "bounced", t.at, t.event, t.happening.channel)
            t.draft.cancel(ref, "bounced")
        lost = t.happening.message if hard or t.happening.opens else ""
        keep_without(t.draft, ref, without(t.draft, ref, person, lost) if lost else person, lost)
    return Effect(bounce="hard" if hard else "soft")


def _failed(t: Telling) -> Effect:
    """Nothing reached the person: it takes no place in any cap, and answered nobody."""
    if not (t.happening.message and t.happening.opens):
        return NOTHING
    for ref in t.near:
        person = without(t.draft, ref, t.draft.person(ref), t.happening.message)
        keep_without(t.draft, ref, person, t.happening.message)
    return Effect()


def _delivered(t: Telling) -> Effect:
    for ref in t.near:
        person = t.draft.person(ref)
        if person.soft_bounces:
            t.draft.set_person(ref, replace(person, soft_bounces=0))
    return NOTHING


_EFFECTS: Mapping[str, Callable[[Telling], Effect]] = {
    "message.sent": _told_sent,
    "message.delivered": _delivered,
    "message.failed": _failed,
    "message.bounced": _bounced,
    "message.replied": _replied,
    "message.answered": _answered,
    "connection.accepted": _opened,
    "connection.declined": _apart,
    "connection.withdrawn": _apart,
    "meeting.held": _opened,
    "purchase": _opened,
    "consent.granted": _granted,
    "consent.withdrawn": _unsubscribed,
    "preference.changed": _preferred,
    "complaint": _complained,
    "unsubscribe": _unsubscribed,
}


def _happen(t: Telling) -> None:
    for ref in t.near:
        _happen_to(t, ref)


def _happen_to(t: Telling, ref: Ref, at: float = 0.0) -> None:
    h = t.happening
    event = Event(
        type=h.type,
        sender=h.sender,
        at=at or t.at,
        thread=h.thread,
        threads=h.in_reply_to,
        backdated=h.backdated,
        declines=t.declines,
    )
    t.draft.set_person(ref, happened(t.draft.person(ref), event))


def _recheck(t: Telling, *conditions: str) -> None:
    for condition in conditions:
        for ref in t.everyone:
            t.draft.recheck(ref, condition)


def _moment(value: object, otherwise: float = 0.0) -> float:
    """A moment as `POST /v1/events` takes it; `otherwise` for what cannot be read."""
    try:
        return told_moment(value)
    except ValueError:
        return otherwise

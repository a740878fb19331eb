"""What passed between a sender and a person: each event gives the next state. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from msgspec.structs import replace

from gateway.ledger.person import CONTACTS_KEPT, STRANGER, UNCOUNTED_KEPT, Contact, Person, Relationship

NOT_MARKETING = ("transactional", "conversation")
"""Classes that no cap counts."""

THREADS_KEPT = 16
STAGES = ("stranger", "introduced", "connected", "replied", "conversation", "opted_in")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened between `sender` and a person, at a unix time.

    `type` is one of the types of a Happening; `thread` and `threads` what it belongs to; `backdated`
    marks an event told long after it happened: it may begin something, never move its beginning; `declines`
    a reply that invites nothing.
    """

    type: str
    sender: str
    at: float
    thread: str = ""
    threads: tuple[str, ...] = ()
    backdated: bool = False
    declines: bool = False


def relationship(person: Person, sender: str) -> Relationship:
    """What passed between them; a stranger's blank page where nothing did."""
    return person.relationships.get(sender, STRANGER)


def together(person: Person, linked: Sequence[Person], sender: str) -> Relationship:
    """What passed between them, with what restricts of the person's other addresses: a reply that waits
    there, messages that nobody answered, here neither. What opens a door there opens none here."""
    known = relationship(person, sender)
    if not linked:
        return known
    others = [(other, other.relationships[sender]) for other in linked if sender in other.relationships]
    if not others:
        return known
    waiting = [r.unanswered_since for r in (known, *(r for _, r in others)) if r.unanswered_since]
    return replace(
        known,
        unanswered_since=min(waiting, default=0.0),
        sent_since_reply=known.sent_since_reply
        + sum(_sent_after(other, r, sender, known.last_reply) for other, r in others),
    )


def waits_no_more(person: Person, sender: str, at: float = inf, answer: str = "") -> Person:
    """What they wrote to this sender until then was answered on another address, by the message `answer`, or
    waits for no answer."""
    r = relationship(person, sender)
    since = _still_waiting(r, at)
    if since == r.unanswered_since and not r.answer:
        return person
    after = replace(r, unanswered_since=since, answer=answer)
    return replace(person, relationships={**person.relationships, sender: after})


def waits_again(person: Person, message: str, contacts: Sequence[Contact]) -> Person:
    """Whom a message that failed answered on another address waits again, unless one of the contacts that
    are left on any address answers too."""
    after = {
        sender: replace(
            r, unanswered_since=0.0 if other else r.unanswered_since or r.last_reply, answer=other
        )
        for sender, r in person.relationships.items()
        if message and r.answer == message
        for other in (_answering(r, sender, contacts),)
    }
    return replace(person, relationships={**person.relationships, **after}) if after else person


def stage(person: Person, sender: str) -> str:
    """How far they have come, from stranger to opted_in."""
    r = relationship(person, sender)
    if any(p.state == "granted" for p in person.permissions):
        return "opted_in"
    if (r.welcoming and r.answers) or r.welcoming > 1 or r.meetings:
        return "conversation"
    if r.welcoming:
        return "replied"
    if r.connected_at:
        return "connected"
    return "introduced" if r.introduced else "stranger"


def sent(person: Person, contact: Contact, *, introduced: bool, by_person: bool = True) -> Person:
    """One accepted message more. A `conversation` of a person, not of a tool, answers whoever waits."""
    r = relationship(person, contact.sender)
    answers = by_person and contact.class_ == "conversation" and r.unanswered_since > 0
    after = Relationship(
        r.first_out or contact.at,
        max(r.last_out, contact.at),
        r.sent + 1,
        r.sent_since_reply + _unanswered(r, contact),
        r.connected_at,
        r.backdated,
        r.replies,
        r.last_reply,
        0.0 if answers else r.unanswered_since,
        r.answers + answers,
        r.meetings,
        r.last_meeting,
        r.purchases,
        r.last_purchase,
        r.threads,
        r.introduced or introduced,
        contact.message if answers else r.answer,
        r.parted_at,
        r.declined,
    )
    contacts = _with_contact(person.contacts, contact)
    return replace(person, relationships={**person.relationships, contact.sender: after}, contacts=contacts)


def told_elsewhere(person: Person, contact: Contact) -> Person:
    """The same message as one that is counted on another address of theirs: here it is no first contact any
    more, and takes no place of its own."""
    r = relationship(person, contact.sender)
    after = replace(
        r, first_out=r.first_out or contact.at, last_out=max(r.last_out, contact.at), sent=r.sent + 1
    )
    return replace(person, relationships={**person.relationships, contact.sender: after})


def claimed(person: Person, contact: Contact) -> Person:
    """A message that a source says it sent, and that nobody vouches for: it takes its place in caps and
    sequences, and is no first contact that a next one could lean on."""
    r = relationship(person, contact.sender)
    after = replace(
        r,
        last_out=max(r.last_out, contact.at),
        sent_since_reply=r.sent_since_reply + _unanswered(r, contact),
    )
    contacts = _with_contact(person.contacts, contact)
    return replace(person, relationships={**person.relationships, contact.sender: after}, contacts=contacts)


def _with_contact(contacts: tuple[Contact, ...], contact: Contact) -> tuple[Contact, ...]:
    """The latest contacts: receipts and answers, however many, push out none that a cap counts."""
    after = (*contacts, contact)
    if len(after) <= CONTACTS_KEPT:
        return after
    counted = sum(one.class_ not in NOT_MARKETING for one in after)
    if counted > CONTACTS_KEPT:
        return _without_oldest(after, counted=True)
    if len(after) - counted > max(UNCOUNTED_KEPT, CONTACTS_KEPT - counted):
        return _without_oldest(after, counted=False)
    return after


def _without_oldest(contacts: tuple[Contact, ...], *, counted: bool) -> tuple[Contact, ...]:
    n = next(n for n, one in enumerate(contacts) if (one.class_ not in NOT_MARKETING) is counted)
    return contacts[:n] + contacts[n + 1 :]


def _unanswered(r: Relationship, contact: Contact) -> bool:
    """Whether it is one message more without an answer: none where a reply that came later was told first."""
    return contact.at > r.last_reply and in_sequence(contact)


def in_sequence(contact: Contact) -> bool:
    """Whether a message is one that an answer may be hoped for: nobody answers a receipt."""
    return contact.class_ != "transactional"


def give_back(person: Person, message: str, elsewhere: Sequence[Contact] = ()) -> Person:
    """A message that finally failed takes no place in any cap, introduced nobody and answered nobody. Where
    the person was to have it twice, one copy of it failed. `elsewhere` is what other addresses had."""
    n = next((n for n, c in enumerate(person.contacts) if c.message == message), None)
    if n is None:
        return person
    lost, kept = person.contacts[n], person.contacts[:n] + person.contacts[n + 1 :]
    relationships = dict(person.relationships)
    r = relationships.get(lost.sender)
    if r is not None:
        relationships[lost.sender] = _waits_again(_without_one(r, lost), lost, (*kept, *elsewhere))
    return replace(person, contacts=kept, relationships=relationships)


def _without_one(r: Relationship, contact: Contact) -> Relationship:
    sent_since_reply = r.sent_since_reply - (contact.at > r.last_reply and in_sequence(contact))
    if r.sent <= 1:
        return replace(
            r,
            sent=0,
            sent_since_reply=max(0, sent_since_reply),
            first_out=0.0,
            last_out=0.0,
            introduced=False,
        )
    return replace(r, sent=r.sent - 1, sent_since_reply=max(0, sent_since_reply))


def _waits_again(r: Relationship, lost: Contact, kept: tuple[Contact, ...]) -> Relationship:
    """Whom the lost message answered waits again, unless a later one answers too."""
    if r.answer != lost.message or not lost.message:
        return r
    if other := _answering(r, lost.sender, kept):
        return replace(r, answer=other)
    since = r.unanswered_since or r.last_reply
    return replace(r, unanswered_since=since, answers=max(0, r.answers - 1), answer="")


def _answering(r: Relationship, sender: str, contacts: Sequence[Contact]) -> str:
    """The first of these contacts that answers the last reply; "" for none."""
    answers = (c for c in contacts if c.sender == sender and c.class_ == "conversation")
    return next((c.message for c in answers if c.at >= r.last_reply), "")


def happened(person: Person, event: Event) -> Person:
    """What an event from outside changes. Types that say nothing about the two change nothing."""
    r = relationship(person, event.sender)
    after = _AFTER.get(event.type, _unchanged)(r, event)
    if after is r:
        return person
    if event.type == "message.replied" and r.last_out > event.at:
        after = replace(after, sent_since_reply=_sent_after(person, r, event.sender, event.at))
    return replace(person, relationships={**person.relationships, event.sender: after})


def _sent_after(person: Person, r: Relationship, sender: str, reply: float) -> int:
    """How many messages a reply that is told late, or on another address, leaves unanswered: those that are
    newer."""
    if reply <= r.last_reply:
        return r.sent_since_reply
    newer = sum(1 for c in person.contacts if c.sender == sender and c.at > reply and in_sequence(c))
    return min(r.sent_since_reply, newer)


def _unchanged(r: Relationship, event: Event) -> Relationship:
    return r


def _connected(r: Relationship, event: Event) -> Relationship:
    if event.backdated and (r.connected_at or r.parted_at):
        return r
    if r.parted_at and event.at <= r.parted_at:
        return r
    return replace(r, connected_at=min(r.connected_at or event.at, event.at), backdated=event.backdated)


def _disconnected(r: Relationship, event: Event) -> Relationship:
    return replace(r, connected_at=0.0, backdated=False, parted_at=max(r.parted_at, event.at))


def _replied(r: Relationship, event: Event) -> Relationship:
    return replace(
        r,
        replies=r.replies + 1,
        declined=r.declined + event.declines,
        last_reply=max(r.last_reply, event.at),
        unanswered_since=r.unanswered_since or event.at,
        sent_since_reply=0,
        threads=_with_threads(r.threads, (*event.threads, event.thread)),
    )


def _answered(r: Relationship, event: Event) -> Relationship:
    return replace(r, unanswered_since=_still_waiting(r, event.at), answers=r.answers + 1, answer="")


def _still_waiting(r: Relationship, answered_at: float) -> float:
    """Since when they wait after an answer: what they wrote later than it is not answered by it."""
    if answered_at >= r.last_reply:
        return 0.0
    return r.unanswered_since if answered_at < r.unanswered_since else r.unanswered_since and r.last_reply


def _met(r: Relationship, event: Event) -> Relationship:
    return replace(r, meetings=r.meetings + 1, last_meeting=max(r.last_meeting, event.at))


def _bought(r: Relationship, event: Event) -> Relationship:
    return replace(r, purchases=r.purchases + 1, last_purchase=max(r.last_purchase, event.at))


_AFTER = {
    "message.replied": _replied,
    "message.answered": _answered,
    "connection.accepted": _connected,
    "connection.declined": _disconnected,
    "connection.withdrawn": _disconnected,
    "meeting.held": _met,
    "purchase": _bought,
}


def _with_threads(threads: tuple[str, ...], more: tuple[str, ...]) -> tuple[str, ...]:
    """The latest threads, each once; a new one that is cut off was the older."""
    fresh = tuple(thread for thread in dict.fromkeys(more) if thread and thread not in threads)
    return (*threads, *fresh)[-THREADS_KEPT:]

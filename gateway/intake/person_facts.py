"""From what is stored of a person to the facts that rules ask for. Pure."""

from typing import Any

from msgspec.structs import replace

from gateway.access import Controller, Source
from gateway.keys import Keys
from gateway.ledger.consent import country
from gateway.ledger.person import Person
from gateway.ledger.relationship import together
from gateway.ledger.wishes import declares_no_sales
from gateway.message.envelope import Message, Recipient
from gateway.policy.classify import classify
from gateway.policy.facts import NO_COPIES, Copies, Facts
from gateway.policy.jurisdiction import settle
from gateway.policy.rules.case import purpose_of
from gateway.reading.reading import Reading
from gateway.store.draft import Draft
from gateway.store.records import Ref

NOT_COUNTED = frozenset({"transactional"})
"""Classes whose text is the same for everyone by nature: their phrases are not counted as copies."""


def refs_of(keys: Keys, controller: str, message: Message) -> tuple[Ref, ...]:
    """Who the recipients are, in the order of the message."""
    return tuple((controller, keys.subject(r.channel, r.key)) for r in message.recipients)


def alias_refs(keys: Keys, controller: str, recipient: Recipient) -> tuple[Ref, ...]:
    """The other addresses that the message names for the same person."""
    return tuple((controller, keys.subject(a.channel, a.key)) for a in recipient.aliases)


def facts_for(
    draft: Draft[Any],
    message: Message,
    recipient: Recipient,
    ref: Ref,
    reading: Reading,
    source: Source,
    controller: Controller,
    *,
    aliases: tuple[Ref, ...] = (),
    way_out_added: bool = False,
    class_: str = "",
) -> Facts:
    """Everything a decision about this recipient may ask. A wish that their attributes declare is kept.
    `class_` is the class where it was settled before, else it is what the source may declare."""
    person = draft.person(ref)
    if recipient.attributes and not person.no_sales_at and declares_no_sales(recipient.attributes):
        person = replace(person, no_sales_at=draft.now)
        draft.set_person(ref, person)
    linked = _linked(draft, ref, person, aliases)
    known = together(person, linked, message.sender.key)
    known_reply = bool(known.replies and known.threads and answers(message, known.threads))
    law = settle(
        consent=_country(person, message, reading, source, class_, known_reply=known_reply),
        declared=recipient.jurisdiction,
        trusted="jurisdiction" in source.trusted,
        controller=controller.jurisdiction,
    )
    return Facts(
        person=person,
        linked=linked,
        relationship=known,
        jurisdiction=law,
        known_reply=known_reply,
        copies=_copies(draft, message, ref, reading),
        pace=draft.pace(message.controller, message.sender.key),
        has_reply_feed=source.reply_feed,
        source_kind=source.kind,
        identity=controller.identity,
        time_zone=recipient.time_zone or person.time_zone or _zone_at(law, controller),
        way_out_added=way_out_added,
        trusted=source.trusted,
        paused=draft.paused(message.source, message.controller, message.campaign),
    )


def _zone_at(law: str, controller: Controller) -> str:
    """The controller's time zone, for those who live where it does."""
    zone = controller.time_zone
    return zone if zone and law.partition("+")[0] == controller.jurisdiction.casefold() else ""


def _country(
    person: Person, message: Message, reading: Reading, source: Source, class_: str, *, known_reply: bool
) -> str:
    """The law of the consent that this message would need, as the ledger has it: a message that names no
    purpose needs the one of its class."""
    if not any(permission.jurisdiction for permission in person.permissions):
        return person.jurisdiction
    facts = Facts(known_reply=known_reply)
    class_ = class_ or classify(message, reading, facts, source.classes, source.default_class)
    return country(person, purpose_of(message, class_)) or person.jurisdiction


def answers(message: Message, threads: tuple[str, ...]) -> bool:
    """Whether the message belongs to a thread in which the person wrote."""
    return message.thread in threads or any(reference in threads for reference in message.in_reply_to)


def _linked(draft: Draft[Any], ref: Ref, person: Person, aliases: tuple[Ref, ...]) -> tuple[Person, ...]:
    """The person's other addresses: those linked to this one, those that the message names, and all that
    are linked to any of them."""
    if not person.aliases and not aliases:
        return ()
    found = {ref: person}
    ahead = [*aliases, *linked_refs(ref, person)]
    while ahead:
        other = ahead.pop()
        if other not in found:
            found[other] = draft.person(other)
            ahead += linked_refs(other, found[other])
    return tuple(found[other] for other in sorted(found) if other != ref)


def linked_refs(ref: Ref, person: Person) -> list[Ref]:
    """The addresses that the ledger has linked to this one."""
    return [(ref[0], bytes.fromhex(alias)) for alias in person.aliases]


def _copies(draft: Draft[Any], message: Message, ref: Ref, reading: Reading) -> Copies:
    if not reading.phrases:
        return NO_COPIES
    counts, since = draft.copies(message.controller, [p.hash for p in reading.phrases], ref[1])
    return Copies(counts=counts, since=since)

"""Who waits for an answer of whom: the ledger and the senders' backlogs, kept alike."""

from collections.abc import Iterable
from typing import Any

from gateway.intake.person_facts import linked_refs
from gateway.ledger.person import STRANGER, Contact, Person
from gateway.ledger.relationship import give_back, waits_again, waits_no_more
from gateway.store.draft import Draft
from gateway.store.records import Ref

BACKLOG_PAUSE = 60.0
"""Seconds until holds that wait for a sender's backlog are decided again: answers come in bunches."""


def keep(draft: Draft[Any], ref: Ref, person: Person) -> bool:
    """Know this of someone from now on, also in the backlogs of those who wrote to them; True where they wait
    otherwise than before."""
    before, moved = draft.person(ref).relationships, False
    draft.set_person(ref, person)
    for sender, r in person.relationships.items():
        if r.unanswered_since != before.get(sender, STRANGER).unanswered_since:
            draft.owe_answer(ref[0], sender, ref[1], r.unanswered_since)
            moved = True
    return moved


def answered(draft: Draft[Any], ref: Ref, sender: str, message: str) -> None:
    """Whoever waited for an answer of this sender has it, on whichever linked address they wrote; what waited
    for that is decided again."""
    draft.owe_answer(ref[0], sender, ref[1], 0.0)
    draft.recheck(ref, "reply")
    for other in linked_refs(ref, draft.person(ref)):
        keep(draft, other, waits_no_more(draft.person(other), sender, answer=message))
        draft.recheck(other, "reply")
    draft.recheck_backlog(ref[0], sender, draft.now + BACKLOG_PAUSE)


def without(draft: Draft[Any], ref: Ref, person: Person, message: str) -> Person:
    """Someone as if a message had never been for them; what they had on linked addresses stands."""
    return give_back(person, message, _contacts(draft, linked_refs(ref, person)))


def keep_without(draft: Draft[Any], ref: Ref, person: Person, message: str) -> None:
    """Know this of someone from now on, who gave back a message that did not reach them: if it answered what
    they wrote on a linked address, they wait there again."""
    keep(draft, ref, person)
    others = linked_refs(ref, person)
    contacts = _contacts(draft, (ref, *others))
    for other in others:
        keep(draft, other, waits_again(draft.person(other), message, contacts))


def _contacts(draft: Draft[Any], refs: Iterable[Ref]) -> list[Contact]:
    return [contact for ref in refs for contact in draft.person(ref).contacts]


def owe_nothing(draft: Draft[Any], ref: Ref, at: float) -> None:
    """Nobody owes this person an answer any more to what they wrote until then."""
    for sender in draft.person(ref).relationships:
        if keep(draft, ref, waits_no_more(draft.person(ref), sender, at)):
            draft.recheck_backlog(ref[0], sender, draft.now + BACKLOG_PAUSE)

"""What passes between a sender and a person, one event at a time."""

from collections.abc import Callable
from functools import partial
from random import Random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from gateway.ledger.person import (
    CONTACTS_KEPT,
    UNCOUNTED_KEPT,
    UNKNOWN,
    Contact,
    Permission,
    Person,
    Relationship,
)
from gateway.ledger.relationship import (
    STAGES,
    Event,
    claimed,
    give_back,
    happened,
    relationship,
    sent,
    stage,
    together,
)

RUI = "rui@acme.example"
TYPES = [
    "message.sent", "message.failed", "message.replied", "message.answered", "connection.accepted",
    "connection.declined",
    "connection.withdrawn", "meeting.held", "purchase", "message.delivered",
]  # fmt: skip


def tell(*events: tuple[str, float], person: Person = UNKNOWN, backdated: bool = False) -> Person:
    for type_, at in events:
        person = happened(person, Event(type=type_, sender=RUI, at=at, backdated=backdated))
    return person


def contact(message: str = "m1", at: float = 10.0, class_: str = "outreach") -> Contact:
    return Contact(at, class_, "email", RUI, message)


@pytest.mark.parametrize(
    ("events", "wanted"),
    [
        ([], "stranger"),
        ([("connection.accepted", 1.0)], "connected"),
        ([("connection.accepted", 1.0), ("connection.withdrawn", 2.0)], "stranger"),
        ([("message.replied", 1.0)], "replied"),
        ([("message.replied", 1.0), ("message.answered", 2.0)], "conversation"),
        ([("message.answered", 2.0)], "stranger"),
        ([("meeting.held", 2.0)], "conversation"),
        ([("message.replied", 1.0), ("message.replied", 2.0)], "conversation"),
        ([("message.delivered", 1.0)], "stranger"),
    ],
)
def test_stages(events: list[tuple[str, float]], wanted: str) -> None:
    assert stage(tell(*events), RUI) == wanted
    assert stage(tell(*events), "a colleague") == "stranger"


def test_an_introduction_and_a_consent() -> None:
    assert stage(sent(UNKNOWN, contact(), introduced=True), RUI) == "introduced"
    assert stage(replace(UNKNOWN, permissions=(Permission("offers", "email", "granted"),)), RUI) == "opted_in"


def test_a_reply_waits_from_the_first_until_it_is_answered() -> None:
    person = tell(("message.replied", 5.0), ("message.replied", 9.0))
    assert relationship(person, RUI).unanswered_since == 5.0
    assert relationship(tell(("message.answered", 10.0), person=person), RUI).unanswered_since == 0.0


@pytest.mark.parametrize(("answered", "since"), [(4.0, 5.0), (6.0, 9.0), (9.0, 0.0), (10.0, 0.0)])
def test_an_answer_told_late_is_none_to_what_came_after_it(answered: float, since: float) -> None:
    person = tell(("message.replied", 5.0), ("message.replied", 7.0), ("message.replied", 9.0))
    known = relationship(tell(("message.answered", answered), person=person), RUI)
    assert known.unanswered_since == since


def test_a_reply_told_late_answers_no_newer_message() -> None:
    person = UNKNOWN
    for at in (1.0, 3.0, 4.0):
        person = sent(person, contact(f"m{at}", at), introduced=False)
    assert relationship(tell(("message.replied", 2.0), person=person), RUI).sent_since_reply == 2
    assert relationship(tell(("message.replied", 4.0), person=person), RUI).sent_since_reply == 0


@pytest.mark.parametrize("tell_sent", [claimed, partial(sent, introduced=False)])
def test_a_message_told_after_the_reply_to_it_was_answered(tell_sent: Callable[..., Person]) -> None:
    """As where the reply is told after the message."""
    replied = tell(("message.replied", 5.0))
    for at, left in ((4.0, 0), (5.0, 0), (6.0, 1)):
        told_first = tell(("message.replied", 5.0), person=tell_sent(Person(), contact(at=at)))
        for person in (told_first, tell_sent(replied, contact(at=at))):
            assert relationship(person, RUI).sent_since_reply == left


def test_a_conversation_answers_and_outreach_does_not() -> None:
    person = tell(("message.replied", 5.0))
    assert (
        relationship(sent(person, contact(class_="outreach"), introduced=False), RUI).unanswered_since == 5.0
    )
    answered = relationship(sent(person, contact(class_="conversation"), introduced=False), RUI)
    assert (answered.unanswered_since, answered.answers) == (0.0, 1)


def test_an_event_told_late_begins_a_connection_and_never_moves_it() -> None:
    late = tell(("connection.accepted", 1.0), backdated=True)
    assert relationship(late, RUI).backdated
    known = tell(("connection.accepted", 100.0))
    moved = tell(("connection.accepted", 1.0), person=known, backdated=True)
    assert relationship(moved, RUI).connected_at == 100.0
    assert not relationship(moved, RUI).backdated


def test_an_acceptance_told_late_undoes_no_withdrawal() -> None:
    for parting in ("connection.withdrawn", "connection.declined"):
        parted = tell((parting, 50.0))
        assert stage(tell(("connection.accepted", 10.0), person=parted), RUI) == "stranger"
        assert stage(tell(("connection.accepted", 60.0), person=parted, backdated=True), RUI) == "stranger"
        assert stage(tell(("connection.accepted", 60.0), person=parted), RUI) == "connected"


def test_threads_are_kept_once_each_and_not_for_ever() -> None:
    person = UNKNOWN
    for n in range(40):
        event = Event(
            type="message.replied", sender=RUI, at=1.0, thread=f"r{n}", threads=(f"m{n}", f"m{n}", "")
        )
        person = happened(person, event)
    threads = relationship(person, RUI).threads
    assert len(threads) == 16
    assert threads[-2:] == ("m39", "r39")


def test_what_failed_counts_nowhere() -> None:
    person = sent(UNKNOWN, contact("m1"), introduced=True)
    back = give_back(person, "m1")
    assert back.contacts == ()
    assert stage(back, RUI) == "stranger"
    two = sent(person, contact("m2", 20.0), introduced=False)
    one = give_back(two, "m2")
    assert [c.message for c in one.contacts] == ["m1"]
    assert relationship(one, RUI).sent_since_reply == 1
    assert stage(one, RUI) == "introduced"
    assert give_back(two, "never sent") is two


def test_of_two_copies_each_that_fails_gives_back_its_own_place() -> None:
    both = sent(sent(UNKNOWN, contact("m1"), introduced=True), contact("m1"), introduced=True)
    one = give_back(both, "m1")
    assert (len(one.contacts), relationship(one, RUI).sent, stage(one, RUI)) == (1, 1, "introduced")
    none = give_back(one, "m1")
    assert (len(none.contacts), relationship(none, RUI).sent, stage(none, RUI)) == (0, 0, "stranger")


def test_what_failed_before_a_reply_takes_nothing_from_after_it() -> None:
    person = sent(UNKNOWN, contact("m1", 1.0), introduced=False)
    person = sent(person, contact("m2", 2.0), introduced=False)
    person = tell(("message.replied", 3.0), person=person)
    person = sent(person, contact("m3", 4.0), introduced=False)
    assert relationship(give_back(person, "m2"), RUI).sent_since_reply == 1


def test_receipts_begin_no_sequence_and_go_on_with_none() -> None:
    receipt = contact("r1", 20.0, "transactional")
    for told in (
        sent(sent(UNKNOWN, contact("m1"), introduced=True), receipt, introduced=False),
        claimed(claimed(UNKNOWN, contact("m1")), receipt),
    ):
        assert relationship(told, RUI).sent_since_reply == 1
        assert relationship(give_back(told, "r1"), RUI).sent_since_reply == 1
        assert relationship(give_back(told, "m1"), RUI).sent_since_reply == 0


def test_what_is_only_claimed_restricts_and_opens_nothing() -> None:
    person = claimed(UNKNOWN, contact())
    known = relationship(person, RUI)
    assert (known.sent, known.sent_since_reply, known.last_out) == (0, 1, 10.0)
    assert len(person.contacts) == 1
    assert stage(person, RUI) == "stranger"


def test_only_the_latest_contacts_are_kept() -> None:
    person = UNKNOWN
    for n in range(CONTACTS_KEPT + 5):
        person = sent(person, contact(f"m{n}", float(n)), introduced=False)
    assert len(person.contacts) == CONTACTS_KEPT
    assert relationship(person, RUI).sent == CONTACTS_KEPT + 5


def people() -> st.SearchStrategy[Person]:
    """What events and messages make of a person."""
    happenings = st.lists(
        st.tuples(st.sampled_from([*TYPES, "outreach", "transactional"]), st.floats(1, 1e3))
    )
    return happenings.map(_live)


def tell_all(events: list[tuple[str, int]]) -> Person:
    """What events and messages make of a person; of the same time, in the order told."""
    return _live([("outreach" if type_ == "message.out" else type_, float(at)) for type_, at in events])


def _live(told: list[tuple[str, float]]) -> Person:
    person = UNKNOWN
    for n, (type_, at) in enumerate(told):
        if "." in type_ or type_ == "purchase":
            person = tell((type_, at), person=person)
        else:
            person = sent(person, contact(f"m{n}", at, type_), introduced=False)
    return person


@given(people(), st.lists(people(), max_size=3))
def test_other_addresses_only_restrict(person: Person, linked: list[Person]) -> None:
    known, all_ = relationship(person, RUI), together(person, linked, RUI)
    waiting = [relationship(one, RUI).unanswered_since for one in (person, *linked)]
    assert bool(all_.unanswered_since) == any(waiting)
    assert all_.sent_since_reply >= known.sent_since_reply
    same = {"unanswered_since": 0.0, "sent_since_reply": 0}
    assert replace(all_, **same) == replace(known, **same)
    assert together(person, [], RUI) is known


CLASSES = ["newsletter", "outreach", "transactional", "conversation"]


@given(st.lists(st.sampled_from(CLASSES), max_size=200), st.booleans())
def test_receipts_and_answers_push_out_nothing_that_caps_count(classes: list[str], told: bool) -> None:
    person, counted, others = UNKNOWN, list[str](), list[str]()
    for n, class_ in enumerate(classes):
        one = contact(f"m{n}", float(n), class_)
        person = claimed(person, one) if told else sent(person, one, introduced=False)
        (others if class_ in ("transactional", "conversation") else counted).append(one.message)
    kept = [c.message for c in person.contacts if c.class_ in ("newsletter", "outreach")]
    rest = [c.message for c in person.contacts if c.class_ not in ("newsletter", "outreach")]
    assert kept == counted[-CONTACTS_KEPT:]
    assert rest == others[len(others) - len(rest) :]
    assert min(len(others), UNCOUNTED_KEPT) <= len(rest)
    assert len(person.contacts) <= CONTACTS_KEPT + UNCOUNTED_KEPT


def test_whoever_only_had_receipts_has_no_more_of_them_than_before() -> None:
    person = UNKNOWN
    for n in range(CONTACTS_KEPT + 40):
        person = sent(person, contact(f"m{n}", float(n), "transactional"), introduced=False)
    assert len(person.contacts) == CONTACTS_KEPT


@given(st.lists(st.tuples(st.sampled_from(TYPES), st.floats(1, 1e9)), max_size=30), st.booleans())
def test_whatever_happens_adds_up(events: list[tuple[str, float]], backdated: bool) -> None:
    person = tell(*events, backdated=backdated)
    known = relationship(person, RUI)
    assert stage(person, RUI) in STAGES
    assert known.replies == sum(type_ == "message.replied" for type_, _ in events)
    assert known.sent == 0
    waits, last_reply = False, 0.0
    for type_, at in events:
        if type_ == "message.replied":
            waits, last_reply = True, max(last_reply, at)
        elif type_ == "message.answered" and at >= last_reply:
            waits = False
    assert bool(known.unanswered_since) == waits


@given(
    st.lists(
        st.tuples(st.sampled_from([*TYPES, "message.out"]), st.integers(1, 20)),
        max_size=12,
        unique_by=lambda event: event[1],
    ),
    st.randoms(),
)
def test_in_another_order_nobody_is_less_protected(events: list[tuple[str, int]], random: Random) -> None:
    """What restricts after the events in the order of time does so in any other."""
    usual, other = sorted(events, key=lambda event: event[1]), list(events)
    random.shuffle(other)
    then, now = (relationship(tell_all(order), RUI) for order in (usual, other))
    assert now.unanswered_since or not then.unanswered_since
    assert not now.connected_at or 0 < then.connected_at <= now.connected_at
    assert now.sent_since_reply >= then.sent_since_reply


def test_a_polite_no_is_a_reply_that_opens_no_door_in_whatever_order() -> None:
    no = Event(type="message.replied", sender=RUI, at=5.0, declines=True)
    yes = Event(type="message.replied", sender=RUI, at=7.0)
    one, other = happened(happened(UNKNOWN, no), yes), happened(happened(UNKNOWN, yes), no)
    assert [relationship(person, RUI).welcoming for person in (one, other)] == [1, 1]
    refused = happened(UNKNOWN, no)
    assert (relationship(refused, RUI).unanswered_since, stage(refused, RUI)) == (5.0, "stranger")
    later = sent(refused, contact("m1", 9.0, "conversation"), introduced=True)
    assert (relationship(later, RUI).welcoming, relationship(later, RUI).answers) == (0, 1)


def test_what_was_stored_before_keeps_its_replies() -> None:
    stored = [1.0, 2.0, 3, 0, 0.0, False, 2, 5.0, 0.0, 1, 0, 0.0, 0, 0.0, ["t"], True, "m", 0.0]
    assert msgspec.convert(stored, Relationship).welcoming == 2

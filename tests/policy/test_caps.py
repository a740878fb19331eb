"""Caps over messages that go now and messages that go later."""

from time import perf_counter

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from gateway.ledger.person import CONTACTS_KEPT
from gateway.policy.outcome import Outcome
from tests.policy.world import DAY, NOW, Contact, Person, ask, facts, message, rules

HOURS = st.integers(0, 240)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 3), st.integers(1, 3), st.lists(st.tuples(HOURS, HOURS), max_size=25))
def test_no_window_ever_holds_more_than_the_limit(
    limit: int, days: int, asked: list[tuple[int, int]]
) -> None:
    """Whatever is accepted, in whatever order; and `earliest` is a time at which it would be accepted."""
    cap = rules(f"- rule: contact_cap\n  limit: {limit}\n  per: {days} days\n  outcome: hold")
    contacts: tuple[Contact, ...] = ()
    for now, later in sorted(asked):
        at, known = NOW + now * 3600.3, facts(person=Person(contacts=contacts))
        due = at + later * 3600.1 if later > 120 else at
        decision = ask(cap, replace(message(), send_at=due if due > at else 0.0), what=known, now=at)
        if decision.outcome is Outcome.ACCEPT:
            contacts = (*contacts, Contact(due, "outreach", "email", "marco@example.com"))
        else:
            assert decision.earliest > due
            again = replace(message(), send_at=decision.earliest)
            assert ask(cap, again, what=known, now=at).outcome is Outcome.ACCEPT
    times = sorted(contact.at for contact in contacts)
    spans = [last - first for first, last in zip(times, times[limit:], strict=False)]
    assert all(span >= days * DAY - 1e-3 for span in spans)


def test_a_full_ledger_of_nine_addresses_is_soon_weighed() -> None:
    """Each remembers as many contacts as it may, all yet to go; what is told is the first free moment."""
    cap = rules("- rule: contact_cap\n  limit: 64\n  per: 7 days\n  outcome: hold")
    times = [NOW + n * 900.5 for n in range(9 * CONTACTS_KEPT)]
    people = [
        Person(contacts=tuple(Contact(at, "outreach", "email", "marco@example.com") for at in times[n::9]))
        for n in range(9)
    ]
    known = facts(person=people[0], linked=tuple(people[1:]))
    began = perf_counter()
    decisions = [ask(cap, message(), what=known) for _ in range(100)]
    assert perf_counter() - began < 1.0
    free = decisions[0].earliest
    assert free == times[-64] + 7 * DAY
    for at, outcome in ((free - 1, Outcome.HOLD), (free, Outcome.ACCEPT)):
        assert ask(cap, replace(message(), send_at=at), what=known).outcome is outcome

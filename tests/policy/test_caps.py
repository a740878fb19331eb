"""Caps over messages that go now and messages that go later."""

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

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

"""Events to state: what opens, what closes, and that the order of telling never opens more."""

import itertools
from math import inf
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ledger.consent import (
    ACTIONS,
    ConsentEvent,
    apply,
    grade_of,
    lacks_evidence,
    permission,
    suppress,
)
from gateway.ledger.person import UNKNOWN, Person, restricted_like
from gateway.store.codec import pack_person, unpack_person

DAY = 86400.0
DOUBLE = {
    "wording": "Yes",
    "at": "2026-01-01T10:00:00Z",
    "confirmed_at": "2026-01-01T10:05:00Z",
    "confirmed_ip": "192.0.2.1",
}


def event(action: str, at: float, **given: Any) -> ConsentEvent:
    fields = {"purpose": "newsletter", "channel": "email", "id": f"{action}-{at}"} | given
    return ConsentEvent(action=action, at=at, **fields)


def after(*events: ConsentEvent, person: Person = UNKNOWN) -> Person:
    for each in events:
        person = apply(person, each)
    return person


def state(person: Person, purpose: str = "newsletter", channel: str = "email") -> str:
    found = permission(person, purpose, channel)
    return found.state if found else ""


def stopped(person: Person, purpose: str = "newsletter", channel: str = "email") -> bool:
    return any(
        (not s.purposes or purpose in s.purposes)
        and (not s.channels or channel in s.channels)
        and (purpose, channel) not in s.spares
        for s in person.stops
    )


@pytest.mark.parametrize("missing", DOUBLE)
def test_a_double_opt_in_is_proved_whole_or_not_at_all(missing: str) -> None:
    assert grade_of(DOUBLE) == "A"
    assert grade_of({k: v for k, v in DOUBLE.items() if k != missing}) != "A"
    assert grade_of({k: v for k, v in DOUBLE.items() if k != "at"}, at=1.0) == "A"


@pytest.mark.parametrize(
    ("given", "grade"),
    [
        ({"confirmed_ip": "NULL"}, "D"),
        ({"confirmed_ip": "n/a", "ip": "999.1.1.1"}, "D"),
        ({"confirmed_ip": "-", "ip": "2001:db8::1"}, "C"),
        ({"confirmed_ip": "", "confirmation_message": "none"}, "D"),
        ({"confirmed_ip": "-", "confirmation_message": "<a@example.org>"}, "A"),
        ({"confirmed_at": "soon"}, "D"),
        ({"confirmed_at": "2031-01-02T09:05:00Z"}, "D"),
        ({"confirmed_at": "1767261900"}, "A"),
        ({"wording": "N/A", "recording": "no", "signed_document": "null"}, "D"),
        ({"wording": "-", "recording": "tape 12"}, "B"),
    ],
)
def test_what_proves_nothing_supports_no_grade(given: dict[str, str], grade: str) -> None:
    assert grade_of(DOUBLE | given, latest=1.8e9) == grade


def test_lesser_grades() -> None:
    assert grade_of({"recording": "r"}) == grade_of({"signed_document": "d"}) == "B"
    assert grade_of({"ip": "192.0.2.1", "at": "1"}) == "C"
    assert grade_of({"ip": "192.0.2.1"}) == grade_of({}) == "D"


def test_a_basis_needs_its_evidence() -> None:
    assert lacks_evidence("soft_opt_in", 0, {}) == "sale_id"
    assert lacks_evidence("soft_opt_in", 0, {"sale_id": "7"}) == ""
    assert lacks_evidence("implied", 0, {}) == "expires_at"
    assert lacks_evidence("implied", 5.0, {}) == ""
    assert lacks_evidence("legitimate_interest", 0, {}) == "assessment_id"
    assert lacks_evidence("consent", 0, {}) == ""


def test_a_withdrawal_closes_its_purpose_and_channel_alone() -> None:
    person = after(
        event("granted", 1),
        event("granted", 1, purpose="offers"),
        event("granted", 1, channel="whatsapp"),
        event("withdrawn", 2),
    )
    assert state(person) == "withdrawn"
    assert state(person, "offers") == state(person, channel="whatsapp") == "granted"
    assert stopped(person)
    assert not stopped(person, "offers")


def test_an_objection_closes_everything() -> None:
    person = after(event("granted", 1), event("objected", 2, purpose="", channel=""))
    assert state(person) == "objected"
    assert stopped(person, "anything", "sms")


@pytest.mark.parametrize("named", [{}, {"purpose": ""}, {"channel": ""}])
def test_an_objection_is_whole_whatever_it_names(named: dict[str, str]) -> None:
    person = after(
        event("granted", 1),
        event("granted", 1, purpose="offers", channel="sms"),
        event("objected", 2, **named),
    )
    assert state(person) == state(person, "offers", "sms") == "objected"
    assert stopped(person, "anything", "linkedin")
    told_late = after(event("confirmed", 3, grade="A"), event("objected", 2, **named))
    assert not stopped(told_late)
    assert stopped(told_late, "offers")


def test_who_is_restricted_like_others_has_the_newest_of_their_stops() -> None:
    """Else a consent that came before it would lift it for one address of the person."""
    mine, theirs, older = (after(event("withdrawn", at)) for at in (2, 6, 4))
    for others in ([theirs, older], [older, theirs]):
        assert restricted_like(mine, others).stops == theirs.stops
        assert restricted_like(UNKNOWN, others).stops == theirs.stops
        assert stopped(apply(restricted_like(mine, others), event("confirmed", 5, grade="A")))
    assert restricted_like(theirs, [mine, older]) == theirs
    assert restricted_like(UNKNOWN, [suppress(UNKNOWN, "bounced", 1.0)]) == UNKNOWN


def test_only_an_own_double_opt_in_or_compliance_opens_again() -> None:
    closed = after(event("granted", 1), event("withdrawn", 2))
    for weak in (
        event("granted", 3, grade="D"),
        event("imported", 3, grade="A", imported=True),
        event("confirmed", 3, grade="C"),
        event("confirmed", 1.5, grade="A"),
    ):
        assert stopped(apply(closed, weak)), weak
        assert state(apply(closed, weak)) == "withdrawn"
    for strong in (event("confirmed", 3, grade="A"), event("granted", 3, grade="B", by_compliance=True)):
        assert not stopped(apply(closed, strong))
        assert state(apply(closed, strong)) == "granted"


@pytest.mark.parametrize("kind", ["complained", "stop_request"])
def test_proof_after_a_stop_opens_again_however_well_the_consent_before_was_proved(kind: str) -> None:
    paper = event("granted", 3, grade="B", by_compliance=True)
    before = suppress(after(event("confirmed", 1, grade="A")), kind, 2.0)
    opened = apply(before, paper)
    assert not stopped(opened)
    assert stopped(opened, "offers")
    assert [(p.grade, p.at, p.own) for p in opened.permissions] == [("B", 3, True)]
    for lesser in (event("granted", 3, grade="B"), event("imported", 3, grade="A", imported=True)):
        assert apply(before, lesser) == before
    assert stopped(apply(before, event("granted", 1.5, grade="B", by_compliance=True)))
    # What no consent lifts replaces no proof either.
    dead = suppress(after(event("confirmed", 1, grade="A")), "bounced", 2.0)
    assert [(p.grade, p.at) for p in apply(dead, paper).permissions] == [("A", 1)]
    assert apply(dead, paper).stops == dead.stops


@pytest.mark.parametrize("named", [{}, {"purpose": "", "channel": ""}])
def test_of_the_same_moment_the_stop_counts(named: dict[str, str]) -> None:
    events = (event("withdrawn", 3, **named), event("confirmed", 3, grade="A"))
    for order in itertools.permutations(events):
        assert stopped(after(*order))


def test_a_double_opt_in_opens_what_it_names_of_a_whole_objection() -> None:
    person = after(
        event("objected", 2, purpose="", channel=""), event("confirmed", 3, grade="A"),
        event("granted", 4, purpose="offers"),
    )  # fmt: skip
    assert not stopped(person)
    assert stopped(person, "offers")
    assert stopped(person, channel="whatsapp")
    assert state(person, "offers") == ""
    again = apply(person, event("objected", 5, purpose="", channel=""))
    assert stopped(again)


@pytest.mark.parametrize("kind", ["complained", "stop_request"])
def test_an_older_complaint_leaves_what_was_agreed_to_since(kind: str) -> None:
    anew = after(event("granted", 1, purpose="offers"), event("confirmed", 3, grade="A"))
    late = suppress(anew, kind, 2.0)
    assert not stopped(late)
    assert stopped(late, "offers")
    assert suppress(late, kind, 1.0).stops == late.stops
    assert stopped(suppress(late, kind, 3.0))
    assert stopped(suppress(anew, "erased", 2.0))


def test_no_consent_revives_a_dead_address() -> None:
    person = apply(suppress(UNKNOWN, "bounced", 1.0, "", "email"), event("confirmed", 3, grade="A"))
    assert [s.kind for s in person.stops] == ["bounced"]
    assert stopped(person)


def test_a_withdrawal_told_late_does_not_undo_what_came_after_it() -> None:
    events = (event("granted", 1), event("withdrawn", 2), event("confirmed", 3, grade="A"))
    for order in itertools.permutations(events):
        person = after(*order)
        assert state(person) == "granted", order
        assert not stopped(person)
    whole = (event("objected", 2, purpose="", channel=""), event("confirmed", 3, grade="A"))
    for order in itertools.permutations(whole):
        assert not stopped(after(*order))
        assert stopped(after(*order), "offers")


def test_terms_change_without_granting() -> None:
    assert apply(UNKNOWN, event("changed", 2, grade="A")) == UNKNOWN
    assert state(apply(UNKNOWN, event("changed", 2, expires_at=9.0))) == "changed"
    person = after(event("granted", 1, grade="A"), event("changed", 2, grade="D", expires_at=9.0))
    found = permission(person, "newsletter", "email")
    assert found is not None
    assert (found.state, found.grade, found.expires_at) == ("granted", "A", 9.0)
    closed = after(event("granted", 1), event("withdrawn", 2), event("changed", 3))
    assert state(closed) == "withdrawn"


def test_other_terms_revive_nothing_that_has_ended() -> None:
    granted = event("granted", 1, expires_at=3.0)
    for changed in (event("changed", 3, expires_at=9.0), event("changed", 4, grade="A")):
        assert after(granted, changed) == after(granted)
    longer = after(granted, event("changed", 2, expires_at=9.0))
    assert [p.expires_at for p in longer.permissions] == [9.0]
    # As soon as it begins anew, its terms may change again.
    anew = after(granted, event("granted", 4), event("changed", 5, expires_at=9.0))
    assert [p.expires_at for p in anew.permissions] == [9.0]


TERMS = (("granted", {"grade": "B"}), ("confirmed", {"grade": "A"}), ("requested", {}), ("expired", {}))


def until(events: tuple[ConsentEvent, ...]) -> float:
    """Until when they are open to newsletters after these; 0 where they are not."""
    found = permission(after(*events), "newsletter", "email")
    return (found.expires_at or inf) if found is not None and found.state == "granted" else 0.0


@pytest.mark.parametrize("ends", [2.5, 4.5, 90.0])
@pytest.mark.parametrize("grant", TERMS[:2])
@pytest.mark.parametrize("other", TERMS[2:])
def test_an_end_that_is_told_before_its_grant_is_not_forgotten(
    ends: float, grant: tuple[str, dict[str, Any]], other: tuple[str, dict[str, Any]]
) -> None:
    for told in itertools.permutations((grant, other, ("changed", {"expires_at": ends}))):
        events = tuple(event(action, n, **more) for n, (action, more) in enumerate(told, start=1))
        for order in itertools.permutations(events):
            assert until(order) <= until(events), order


LATER = (
    ("granted", 0.0), ("requested", 0.0), ("expired", 0.0),
    ("changed", 0.5), ("changed", 1.5), ("changed", 90.0),
)  # fmt: skip


@pytest.mark.parametrize("first", LATER)
def test_no_end_is_lost_whatever_was_granted_or_changed_before_it_is_told(first: tuple[str, float]) -> None:
    """Another grant may stand already, or a newer change may have been told."""
    twice = (("granted", 0.0), ("granted", 0.0), ("changed", 0.5), ("changed", 0.5))
    for told in (*itertools.product([first], LATER, LATER[3:]), twice):
        for order in itertools.permutations(enumerate(told, start=1)):
            events = {n: event(does, n, expires_at=lasts and n + lasts) for n, (does, lasts) in order}
            in_time = until(tuple(events[n] for n in sorted(events)))
            assert until(tuple(events.values())) <= in_time, order


def test_who_only_asked_leaves_the_terms_that_were_told() -> None:
    early = after(event("changed", 2, expires_at=9.0), event("requested", 3))
    assert state(early) == "requested"
    [found] = apply(early, event("granted", 1)).permissions
    assert (found.state, found.expires_at) == ("granted", 9.0)
    assert after(event("changed", 2, expires_at=9.0), event("withdrawn", 3)).permissions[0].newer is None
    assert unpack_person(pack_person(early)) == early


def test_it_ends() -> None:
    person = after(event("granted", 1), event("expired", 5))
    assert state(person) == "expired"
    assert state(apply(person, event("granted", 6))) == "granted"
    assert state(after(event("granted", 6), event("expired", 5))) == "granted"
    assert state(after(event("granted", 5), event("expired", 5))) == "expired"


def test_an_end_counts_whenever_it_is_told() -> None:
    ended = after(event("expired", 5), event("granted", 1))
    assert state(ended) == "expired"
    assert state(after(event("expired", 5), event("granted", 5))) == "expired"
    assert state(after(event("expired", 5), event("granted", 6))) == "granted"
    asked = apply(ended, event("requested", 7))
    assert state(asked) == "requested"
    assert state(apply(asked, event("granted", 4))) == "requested"
    assert state(apply(asked, event("granted", 6))) == "granted"
    assert state(after(event("requested", 7), event("expired", 5), event("granted", 4))) == "requested"
    assert state(after(event("requested", 4), event("expired", 5), event("granted", 4.5))) == "expired"
    left = after(event("granted", 1), event("withdrawn", 2), event("expired", 4))
    assert state(apply(left, event("confirmed", 3, grade="A"))) == "expired"


def test_a_request_hides_no_consent_of_before_it() -> None:
    assert state(after(event("requested", 6), event("granted", 1))) == "granted"
    assert state(after(event("requested", 6), event("granted", 1, expires_at=3.0))) == "granted"


KINDS = (
    ("granted", {"grade": "B"}), ("imported", {"grade": "A", "imported": True}),
    ("confirmed", {"grade": "A"}), ("granted", {"grade": "B", "by_compliance": True}),
    ("requested", {}), ("expired", {}), ("withdrawn", {}),
    ("objected", {"purpose": "", "channel": ""}), ("complained", {}),
)  # fmt: skip


def told(events: tuple[tuple[str, float, dict[str, Any]], ...]) -> tuple[bool, bool]:
    """Whether the person is open to newsletters and to offers after these."""
    person = UNKNOWN
    for action, at, more in events:
        if action == "complained":
            person = suppress(person, action, at)
        else:
            person = apply(person, event(action, at, **more))
    return (
        state(person) == "granted" and not stopped(person),
        state(person, "offers") == "granted" and not stopped(person, "offers"),
    )


@pytest.mark.parametrize("first", KINDS)
def test_told_in_another_order_it_is_never_looser(first: tuple[str, dict[str, Any]]) -> None:
    for others in itertools.product(KINDS, repeat=2):
        events = tuple((action, float(n), more) for n, (action, more) in enumerate((first, *others), start=1))
        in_time = told(events)
        for order in itertools.permutations(events):
            found = told(order)
            assert all(then or not now for then, now in zip(in_time, found, strict=True)), order


def test_what_was_said_outweighs_what_is_implied() -> None:
    implied = event("granted", 1, basis="implied", grade="A", expires_at=100.0)
    said = event("granted", 2, grade="D")
    found = permission(after(implied, said), "newsletter", "email")
    assert found is not None
    assert (found.basis, found.expires_at) == ("consent", 0.0)
    kept = permission(
        after(said, event("granted", 3, basis="implied", grade="A", expires_at=9.0)), "newsletter", "email"
    )
    assert kept is not None
    assert kept.basis == "consent"
    renewed = after(implied, event("granted", 101, basis="implied", grade="D", expires_at=200.0))
    assert [p.expires_at for p in renewed.permissions] == [200.0]


def test_a_better_proof_stays() -> None:
    person = after(event("granted", 1, grade="A"), event("granted", 2, grade="D"))
    assert person.permissions[0].grade == "A"
    assert state(after(event("granted", 1), event("requested", 2))) == "granted"


def test_a_newer_consent_of_lesser_proof_is_kept_beside_the_better_one() -> None:
    double, fresh = event("confirmed", 1, grade="A"), event("granted", 5, grade="C")
    [found] = after(double, fresh).permissions
    assert (found.grade, found.at, found.own) == ("A", 1, True)
    assert found.newer is not None
    assert (found.newer.state, found.newer.grade, found.newer.at) == ("granted", "C", 5)
    person = after(double, fresh)
    assert unpack_person(pack_person(person)) == person
    assert apply(person, fresh) == person
    for weaker in (event("granted", 7, grade="D"), event("imported", 7, grade="B", basis="implied")):
        assert apply(person, weaker) == person
    [better] = after(
        double, fresh, event("granted", 6, grade="B"), event("granted", 8, grade="C")
    ).permissions
    assert better.newer is not None
    assert (better.newer.grade, better.newer.at) == ("B", 6)


def test_what_ends_the_better_proof_ends_the_one_beside_it() -> None:
    double, fresh = event("confirmed", 1, grade="A", expires_at=9.0), event("granted", 5, grade="C")
    [found] = after(double, fresh).permissions
    assert found.newer is not None
    assert found.newer.expires_at == 9
    for end in (event("withdrawn", 6), event("withdrawn", 3), event("expired", 6), event("changed", 6)):
        assert [p.newer for p in after(double, fresh, end).permissions] == [None], end
    assert [p.newer for p in after(double, fresh, event("confirmed", 7, grade="A")).permissions] == [None]
    # What changes what was before it, told late, leaves it, and ends it with the rest.
    for ends, end in ((0.0, 9), (7.0, 7), (20.0, 9)):
        [late] = after(double, fresh, event("changed", 3, expires_at=ends)).permissions
        assert late.newer is not None
        assert (late.newer.at, late.newer.expires_at) == (5, end)


ANY = st.builds(
    lambda action, at, purpose, channel, grade, imported: ConsentEvent(
        id=f"{action}{at}{purpose}{channel}{grade}{imported}", action=action, at=float(at),
        purpose="" if action == "objected" else purpose, channel="" if action == "objected" else channel,
        grade=grade, imported=imported,
    ),
    st.sampled_from(ACTIONS),
    st.integers(1, 6), st.sampled_from(["newsletter", "offers"]), st.sampled_from(["email", "sms"]),
    st.sampled_from("ABCD"), st.booleans(),
)  # fmt: skip


@given(st.lists(ANY, max_size=10))
def test_nothing_opens_after_a_stop_but_a_later_double_opt_in(events: list[ConsentEvent]) -> None:
    person = after(*events)
    for purpose, channel in itertools.product(("newsletter", "offers"), ("email", "sms")):
        stops = [
            e.at
            for e in events
            if e.action in ("withdrawn", "objected")
            and e.purpose in ("", purpose)
            and e.channel in ("", channel)
        ]
        own = [
            e.at
            for e in events
            if e.action in ("confirmed", "granted", "imported")
            and e.grade == "A"
            and not e.imported
            and (e.purpose, e.channel) == (purpose, channel)
        ]
        if stops and not any(at > max(stops) for at in own):
            assert stopped(person, purpose, channel)
            found = permission(person, purpose, channel)
            assert found is None or found.state != "granted" or found.at > max(stops)


@given(st.lists(ANY, max_size=8))
def test_telling_it_twice_changes_nothing(events: list[ConsentEvent]) -> None:
    once = after(*events)
    for each in events[-1:]:
        assert apply(once, each).stops == once.stops

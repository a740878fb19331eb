"""The decision: severity, order, modes, waivers, errors, purity."""

from dataclasses import dataclass, replace
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from gateway.policy.classify import classify, is_marketing, judged_as
from gateway.policy.decide import AFTER_A_WAIT
from gateway.policy.load import compose
from gateway.policy.outcome import Outcome
from gateway.policy.policies import PolicySet
from gateway.reading.reading import FINDINGS

from .world import (
    DAY,
    LAWS,
    NOW,
    YES,
    Contact,
    Facts,
    Finding,
    Greeting,
    Person,
    Reading,
    Relationship,
    Stop,
    ask,
    facts,
    granted,
    known,
    message,
    policy,
    rules,
)  # fmt: skip

LINES = [
    "- rule: merge_tags\n  outcome: hold",
    "- rule: consent\n  outcome: reject",
    "- rule: consent\n  any_proof: true\n  outcome: hold",
    "- rule: introduction\n  outcome: hold",
    "- rule: no_pitch\n  until_any: {replies: 1}\n  outcome: reject",
    "- rule: reply_duty\n  outcome: hold",
]
BAD = Reading(unresolved_merge=YES, promotional=YES)


def put(*files: str) -> PolicySet:
    texts = {f"{i}.yaml": text for i, text in enumerate(files)}
    return replace(compose(texts), jurisdictions=LAWS)


def said(decision) -> list[tuple]:
    return [(v.code, v.outcome, v.mode, v.policy) for v in decision.violations]


def test_the_most_severe_outcome_stands_and_every_violation_is_kept() -> None:
    decision = ask(rules("\n".join(LINES)), message(), BAD, known(unanswered_since=NOW - DAY))
    assert decision.outcome is Outcome.REJECT
    assert [v.code for v in decision.violations] == [
        "consent.missing", "no_pitch.stranger", "introduction.missing", "merge_tags.unresolved",
        "reply_duty.unanswered",
    ]  # fmt: skip
    assert decision.enforced == decision.violations


@settings(max_examples=40, deadline=None)
@given(st.permutations(range(len(LINES))), st.permutations(range(3)))
def test_order_changes_nothing(order, files) -> None:
    usual = [policy("\n".join(LINES[i : i + 2]), name=f"p{i}") for i in (0, 2, 4)]
    mixed = ["\n".join(LINES[i] for i in sorted(order) if i // 2 == n) for n in range(3)]
    turned = ["\n".join(LINES[i] for i in order if i // 2 == n) for n in range(3)]
    assert [policy(t, name=f"p{2 * n}") for n, t in enumerate(mixed)] == usual
    other = [policy(turned[n], name=f"p{2 * n}") for n in files]
    what = known(unanswered_since=NOW - DAY)
    assert said(ask(put(*usual), message(), BAD, what)) == said(ask(put(*other), message(), BAD, what))


def test_of_one_code_twice_the_more_severe_stays_whatever_the_order() -> None:
    two = LINES[1], LINES[2]
    for order in permutations(two):
        decision = ask(rules("\n".join(order)), message("promotion"), Reading(), facts())
        assert said(decision) == [("consent.missing", Outcome.REJECT, "enforce", "one")]


def wrote(*days_ago: float) -> Facts:
    sender = "marco@example.com"
    contacts = tuple(Contact(NOW - days * DAY, "newsletter", "email", sender, "m") for days in days_ago)
    return facts(person=Person(contacts=contacts))


CAPS = (
    "- rule: contact_cap\n  limit: 5\n  per: 1 day\n  outcome: hold",
    "- rule: contact_cap\n  limit: 10\n  per: 7 days\n  outcome: hold",
)


@pytest.mark.parametrize("lines", list(permutations(CAPS)))
def test_of_one_code_twice_the_one_that_lasts_longer_says_when(lines) -> None:
    got = wrote(*[4] * 5, *[0.5] * 5)
    decision = ask(rules("\n".join(lines)), message("newsletter"), Reading(), got)
    [violation] = decision.violations
    assert "10 messages" in violation.reason.en
    assert decision.earliest == violation.earliest == NOW + 3 * DAY
    assert ask(rules("\n".join(lines)), message("newsletter"), Reading(), got, NOW + 3 * DAY + 1).outcome is (
        Outcome.ACCEPT
    )


@pytest.mark.parametrize("lines", list(permutations((*CAPS, CAPS[0].replace("hold", "reject")))))
def test_the_more_severe_tells_and_the_longer_says_when(lines) -> None:
    got = wrote(*[4] * 5, *[0.5] * 5)
    decision = ask(rules("\n".join(lines)), message("newsletter"), Reading(), got)
    [violation] = decision.violations
    assert violation.outcome is Outcome.REJECT
    assert "5 messages" in violation.reason.en
    assert decision.earliest == NOW + 3 * DAY


def test_what_time_does_not_cure_is_not_promised_for_another_line_of_the_same_code() -> None:
    steps = (
        "- rule: sequence_length\n  limit: 2\n  outcome: hold",
        "- rule: sequence_length\n  limit: 3\n  per: 30 days\n  outcome: hold",
    )
    waits = known(sent=3, sent_since_reply=3, last_out=NOW - DAY)
    for order in permutations(steps):
        decision = ask(rules("\n".join(order)), message(), Reading(), waits)
        assert (decision.earliest, decision.violations[0].condition) == (0, "reply")


def test_observe_records_and_changes_nothing() -> None:
    watching = rules("\n".join(LINES), mode="observe")
    decision = ask(watching, message(), BAD, facts())
    assert decision.outcome is Outcome.ACCEPT
    assert decision.enforced == ()
    assert {v.mode for v in decision.violations} == {"observe"}


def test_observing_a_whole_set_leaves_the_floor() -> None:
    watching = replace(rules("\n".join(LINES)), observing=True)
    assert ask(watching, message(), BAD, facts()).outcome is Outcome.ACCEPT
    stopped = facts(person=Person(stops=(Stop(kind="objected", at=NOW),)))
    decision = ask(watching, message(), BAD, stopped)
    assert decision.outcome is Outcome.REJECT
    assert [v.code for v in decision.enforced] == ["suppressed.objected"]
    assert decision.violations[0].mode == "floor"


def test_a_release_waives_holds_alone() -> None:
    codes = frozenset(
        {"merge_tags.unresolved", "consent.missing", "suppressed.objected", "introduction.missing"}
    )
    decision = ask(rules("\n".join(LINES)), message(), BAD, facts(), waived=codes)
    assert decision.waived == ("introduction.missing", "merge_tags.unresolved")
    assert decision.outcome is Outcome.REJECT
    assert "consent.missing" in {v.code for v in decision.violations}
    stopped = facts(person=Person(stops=(Stop(kind="objected", at=NOW),)))
    assert ask(PolicySet(), message(), BAD, stopped, waived=codes).outcome is Outcome.REJECT


def test_a_waiver_lets_the_message_go_when_nothing_else_is_wrong() -> None:
    one = rules(LINES[0])
    decision = ask(one, message(), BAD, facts(), waived=frozenset({"merge_tags.unresolved"}))
    assert decision.outcome is Outcome.ACCEPT
    assert decision.waived == ("merge_tags.unresolved",)


def test_after_a_wait_only_some_rules_are_asked_and_the_floor() -> None:
    policies = rules("\n".join(LINES))
    what = known(unanswered_since=NOW - DAY)
    decision = ask(policies, message(), BAD, what, only=AFTER_A_WAIT)
    assert {v.rule for v in decision.violations} == {"consent", "reply_duty"}
    gone = structs.replace(what, person=Person(stops=(Stop(kind="objected", at=NOW),)))
    assert "suppressed" in {v.rule for v in ask(policies, message(), BAD, gone, only=AFTER_A_WAIT).violations}


@dataclass(frozen=True, slots=True)
class Breaks:
    """A rule with a bug."""

    def check(self, case):
        raise KeyError(case.recipient.address)


def with_broken(policies: PolicySet, mode: str = "enforce") -> PolicySet:
    (only,) = policies.policies
    entry = replace(only.entries[0], rule=Breaks(), outcome=Outcome.REJECT, mode=mode)
    return replace(policies, policies=(replace(only, entries=(entry,)),))


def test_a_rule_that_raises_holds_and_is_named() -> None:
    decision = ask(with_broken(rules(LINES[0])), message(), Reading(), facts())
    assert decision.outcome is Outcome.HOLD
    assert decision.errors == ("merge_tags",)
    (violation,) = decision.violations
    assert violation.code == "merge_tags.error"
    assert "KeyError" in violation.reason.en
    assert "anna" not in violation.reason.en


def test_a_rule_that_raises_in_observe_lets_pass_but_is_named() -> None:
    decision = ask(with_broken(rules(LINES[0]), "observe"), message(), Reading(), facts())
    assert decision.outcome is Outcome.ACCEPT
    assert decision.errors == ("merge_tags",)


@pytest.mark.parametrize(
    ("scope", "fits"),
    [
        ("{class: [outreach]}", True),
        ("{class: [newsletter]}", False),
        ("{class: [promotion]}", True),  # it reads as one
        ("{channel: [linkedin, email]}", True),
        ("{channel: sms}", False),
        ("{source: [tool]}", True),
        ("{source: [other]}", False),
        ("{campaign: [spring]}", True),
        ("{campaign: [autumn]}", False),
        ("{purpose: [offers]}", True),
        ("{purpose: [Offers]}", True),
        ("{purpose: [events]}", False),
        ("{recipient_domain: [Example.NET]}", True),
        ("{recipient_domain: [example.org]}", False),
        ("{jurisdiction: [it]}", True),
        ("{jurisdiction: [de]}", False),
        ("{class: [outreach], channel: [email], source: [tool], jurisdiction: [it]}", True),
        ("{class: [outreach], channel: [email], source: [other], jurisdiction: [it]}", False),
    ],
)
def test_applies_to(scope, fits) -> None:
    decision = ask(rules(LINES[0], scope), message(campaign="spring"), BAD, facts())
    assert bool(decision.violations) is fits


def test_a_receipt_is_held_by_doubt_and_never_refused() -> None:
    both = put(
        policy(LINES[1], "{class: [newsletter, promotion]}"),
        policy("- rule: class_matches\n  outcome: hold", "{class: [transactional]}", name="two"),
    )
    hidden = ask(both, message("transactional"), Reading(promotional=YES), facts())
    assert hidden.outcome is Outcome.HOLD
    assert {v.code for v in hidden.violations} == {"class_matches.promotional", "consent.missing"}
    assert ask(both, message("transactional"), Reading(), facts()).violations == ()


def test_who_hardly_reads_as_promotion_is_held_and_never_refused_for_it() -> None:
    consent = put(policy(LINES[1], "{class: [newsletter, promotion]}"))
    own = put(policy(LINES[1], "{class: [outreach, promotion]}"))
    for score, outcome in ((0.36, Outcome.HOLD), (0.6, Outcome.REJECT)):
        reading = Reading(promotional=Finding(True, score))
        for class_ in ("outreach", "greeting", "conversation", ""):
            assert ask(consent, message(class_), reading, facts()).outcome is outcome
        for class_ in ("newsletter", "promotion"):
            assert ask(consent, message(class_), reading, facts()).outcome is Outcome.REJECT
        assert ask(own, message("outreach"), reading, facts()).outcome is Outcome.REJECT
        assert (
            ask(consent, message("outreach"), reading, facts(person=Person(no_sales_at=NOW - DAY))).outcome
            is Outcome.REJECT
        )


def test_a_pitch_in_a_conversation_is_judged_as_promotion_too() -> None:
    consent = put(policy(LINES[1], "{class: [newsletter, promotion]}"))
    assert ask(consent, message("conversation"), Reading(promotional=YES), facts()).outcome is Outcome.REJECT


def test_earliest_only_when_time_alone_cures_everything() -> None:
    pause = facts(person=Person(paused_until=NOW + DAY))
    assert ask(rules(LINES[0]), message(), Reading(), pause).earliest == NOW + DAY
    assert ask(rules(LINES[0]), message(), BAD, pause).earliest == 0
    watching = rules(LINES[0], mode="observe")
    assert ask(watching, message(), BAD, pause).earliest == NOW + DAY
    assert ask(watching, message(), BAD, facts()).earliest == 0


def test_class_of_a_message() -> None:
    answers, sells = Facts(known_reply=True), Reading(promotional=YES)
    assert classify(message("greeting"), Reading(), Facts()) == "greeting"
    assert classify(message("greeting"), Reading(), Facts(), {"newsletter"}, "newsletter") == "newsletter"
    assert classify(message(""), Reading(), Facts(), default="transactional") == "transactional"
    assert classify(message(""), sells, answers) == "promotion"
    assert classify(message(""), Reading(), answers) == "conversation"
    assert classify(message(""), Reading(promotional=Finding(True, 0.5)), Facts()) == "outreach"
    assert classify(message(""), Reading(), Facts()) == "outreach"
    assert judged_as("transactional", sells, Facts()) == ("transactional", "promotion")
    assert judged_as("conversation", Reading(), Facts()) == ("conversation", "outreach")
    assert not is_marketing(judged_as("conversation", Reading(), answers))
    assert not is_marketing(("transactional",))
    assert is_marketing(("transactional", "promotion"))
    assert is_marketing(("greeting",))


findings = st.builds(Finding, st.booleans(), st.floats(0, 1))
readings = st.builds(
    lambda found, greeting: Reading(greeting=Greeting(kind=greeting), **found),
    st.fixed_dictionaries({}, optional=dict.fromkeys(FINDINGS, findings)),
    st.sampled_from(["named", "generic", "missing", "wrong_name", "odd"]),
)
times = st.floats(0, NOW + 400 * DAY)
relationships = st.builds(
    Relationship,
    connected_at=times, replies=st.integers(0, 3), last_reply=times, sent=st.integers(0, 9),
    unanswered_since=times, sent_since_reply=st.integers(0, 9), last_out=times, last_purchase=times,
)  # fmt: skip
people = st.builds(
    Person,
    permissions=st.lists(
        st.builds(
            granted,
            st.sampled_from(["newsletter", "offers"]),
            state=st.sampled_from(["granted", "requested", "withdrawn", "objected", "expired", "odd"]),
            grade=st.sampled_from("ABCDX"),
            basis=st.sampled_from(["consent", "soft_opt_in", "implied", "legitimate_interest", "odd", ""]),
            expires_at=times,
        ),
        max_size=3,
    ).map(tuple),
    stops=st.lists(
        st.builds(
            Stop, st.sampled_from(["unsubscribed", "objected", "bounced", "stop_request", "odd"]), times
        ),
        max_size=2,
    ).map(tuple),
    no_sales_at=st.sampled_from([0.0, NOW]),
)
KINDS = ["", "transactional", "newsletter", "promotion", "outreach", "greeting", "conversation", "odd"]


@settings(max_examples=150, deadline=None)
@given(
    class_=st.sampled_from(KINDS),
    channel=st.sampled_from(["email", "linkedin", "odd"]),
    reading=readings,
    person=people,
    relationship=relationships,
    law=st.sampled_from(["it", "us", "ca", "it+us", "", "+", "zz"]),
    reply=st.booleans(),
)
def test_same_in_same_out_and_never_an_error(
    shipped, class_, channel, reading, person, relationship, law, reply
):
    what = facts(person=person, relationship=relationship, jurisdiction=law, known_reply=reply)
    about = message(class_, channel)
    first = ask(shipped, about, reading, what)
    again = ask(replace(shipped), about, reading, what)
    assert first == again
    assert first.errors == ()
    counted = [v for v in first.violations if v.mode != "observe"]
    assert first.outcome == max((v.outcome for v in counted), default=Outcome.ACCEPT)
    stopped = any(stop.kind != "odd" for stop in person.stops)
    if stopped and is_marketing(judged_as(first.class_, reading, what)):
        assert first.outcome is Outcome.REJECT

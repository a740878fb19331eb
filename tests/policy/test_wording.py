"""Reasons read as people would write them, in both languages."""

# ruff: noqa: E501 - a table reads best with one case to a line

import pytest
from msgspec import structs

from gateway.policy.outcome import Words
from gateway.policy.wording import elide, length, purposes, quoted, unquoted, when
from gateway.reading.reading import Evidence

from .world import (
    DAY,
    NOW,
    YES,
    Contact,
    Copies,
    Pace,
    Person,
    Phrase,
    Reading,
    ask,
    facts,
    known,
    message,
    rules,
)  # fmt: skip


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("ha revocato il 8 maggio 2026, 10:00 UTC.", "ha revocato l'8 maggio 2026, 10:00 UTC."),
        ("Può partire dal 11 maggio 2026, 10:00 UTC.", "Può partire dall'11 maggio 2026, 10:00 UTC."),
        ("Attendere fino al 8 maggio 2026", "Attendere fino all'8 maggio 2026"),
        ("Il 80% di questo testo", "L'80% di questo testo"),
        ("Il 11% di questo testo", "L'11% di questo testo"),
        ("Il 18% dal 18 maggio 2026 il 28 maggio 2026", "Il 18% dal 18 maggio 2026 il 28 maggio 2026"),
        ("dal 8 di sempre", "dal 8 di sempre"),
    ],
)
def test_the_italian_article(said: str, shown: str) -> None:
    assert elide(Words("on 8 May", said)) == ("on 8 May", shown)


@pytest.mark.parametrize(
    "text", ["last chance", 'a "so-called" offer ("now")', "Ciao\nMarco (you)", "x" * 200]
)
def test_a_reason_without_what_it_quotes(text: str) -> None:
    aside = quoted([Evidence(text=text)]).en
    assert aside
    assert (
        unquoted(f"This sells{aside} to someone new (a stranger).")
        == "This sells to someone new (a stranger)."
    )


def test_every_date_of_an_eighth_is_elided() -> None:
    for month in range(12):
        day = when(1_767_830_400 + month * 31 * 86400)  # 8 January 2026 and on
        if day.it.startswith("8 "):
            assert elide(Words("", f"il {day.it}")).it == f"l'{day.it}"


def test_purposes_in_both_languages() -> None:
    assert purposes(("offers", "honey")) == ("offers / honey", "offerte / honey")


def test_a_reason_does_not_blame_the_days_that_have_passed() -> None:
    made = rules("- rule: no_pitch\n  until_all: {days_connected: 1, replies: 1}\n  outcome: hold")
    met = [known(connected_at=NOW - days * DAY) for days in (20, 0.5)]
    told = [ask(made, message(), Reading(promotional=YES), facts).violations[0].reason for facts in met]
    assert "to someone who has not yet replied" in told[0].en
    assert "we wait 1 day." in told[1].en
    assert "attendiamo 1 giorno." in told[1].it


@pytest.mark.parametrize(
    ("seconds", "en", "it"),
    [
        (86400, "1 day", "1 giorno"),
        (14 * 86400, "14 days", "14 giorni"),
        (36 * 3600, "36 hours", "36 ore"),
        (3600, "1 hour", "1 ora"),
        (90 * 60, "90 minutes", "90 minuti"),
        (90, "90 seconds", "90 secondi"),
    ],
)
def test_a_length_that_a_policy_states_is_told_exactly(seconds: int, en: str, it: str) -> None:
    assert length(seconds) == (en, it)


def test_a_limit_is_told_with_its_own_window() -> None:
    policies = rules("- rule: contact_cap\n  limit: 1\n  per: 36 hours\n  outcome: hold")
    contacts = (Contact(at=NOW - 3600, class_="promotion", channel="email", sender="other"),)
    (violation,) = ask(policies, message(), Reading(), facts(person=Person(contacts=contacts))).violations
    assert "got 1 message from us within 36 hours; the limit is 1" in violation.reason.en
    assert "ha già ricevuto da noi 1 messaggio in 36 ore; il limite è 1" in violation.reason.it


@pytest.mark.parametrize(
    ("waiting", "en", "it"),
    [
        (1, "1 reply to this sender waits unanswered for more than 1 day, since ", "1 risposta a questo mittente attende da più di 1 giorno, dal "),
        (2, "2 replies to this sender wait unanswered for more than 1 day, the oldest since ", "2 risposte a questo mittente attendono da più di 1 giorno, la più vecchia dal "),
    ],
)  # fmt: skip
def test_one_reply_waits_and_two_wait(waiting: int, en: str, it: str) -> None:
    policies = rules("- rule: reply_backlog\n  limit: 0\n  age: 1 day\n  outcome: hold")
    backlog = Pace(backlog=(NOW - 3 * DAY,) * waiting)
    (violation,) = ask(policies, message(), Reading(), facts(pace=backlog)).violations
    assert violation.reason.en.startswith(en)
    assert violation.reason.it.startswith(it)


def test_a_request_that_one_other_person_got() -> None:
    policies = rules("- rule: permission_request\n  copies: 0\n  outcome: reject")
    asks = Reading(phrases=(Phrase(hash=1, start=0, end=20, words=6),))
    given = structs.replace(known(connected_at=NOW - DAY), copies=Copies(counts=(1,), since=NOW - DAY))
    (violation,) = ask(policies, message("permission_request"), asks, given).violations
    assert violation.reason.en == "The request was already sent to 1 other person (Italy)."
    assert violation.reason.it == "La richiesta è già stata inviata a 1 altra persona (Italia)."


@pytest.mark.parametrize(
    ("given", "en", "it"),
    [
        ({}, "; this sender and this person do not know each other yet.", "; mittente e destinatario non si conoscono ancora."),
        ({"connected_at": NOW - DAY}, "; so far there is only a connection.", "; finora c'è solo un contatto accettato."),
    ],
)  # fmt: skip
def test_how_far_two_people_have_come(given: dict[str, float], en: str, it: str) -> None:
    policies = rules("- rule: min_stage\n  stage: replied\n  outcome: reject")
    (violation,) = ask(policies, message(), Reading(), known(**given)).violations
    assert violation.reason.en.endswith(en)
    assert violation.reason.it.endswith(it)


def test_a_purpose_is_quoted_as_each_language_does() -> None:
    policies = rules("- rule: declared_purpose\n  purposes: [events]\n  outcome: hold")
    (violation,) = ask(policies, message(purpose="sconti"), Reading(), facts()).violations
    assert violation.reason.en == "The purpose 'sconti' is none of those agreed on: events."
    assert violation.reason.it == "Lo scopo «sconti» non è tra quelli concordati: events."

"""Quiet hours, by the recipient's own clock and calendar."""

# ruff: noqa: E501 - a table reads best with one case to a line

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.policy.outcome import Outcome
from gateway.policy.rules.case import Clock
from gateway.policy.rules.frequency import QuietHours

from .world import Contact, Person, Reading, ask, facts, message, rules

NIGHTS = rules('- rule: quiet_hours\n  from: "20:00"\n  to: "08:00"\n  outcome: hold')
EVERY_DAY = rules(
    '- rule: quiet_hours\n  from: "13:00"\n  to: "15:00"\n  days: [mon, tue, wed, thu, fri, sat, sun]\n'
    "  holidays: false\n  outcome: hold"
)


CHANGES = [
    ("Europe/Rome", "2026-10-25 01:00"),
    ("Europe/Rome", "2026-03-29 01:00"),
    ("America/New_York", "2026-11-01 06:00"),
    ("Australia/Lord_Howe", "2026-04-04 15:00"),
    ("Africa/Cairo", "2026-10-29 21:00"),
    ("Asia/Beirut", "2026-03-28 22:00"),
]
"""Where and when clocks are turned, UTC; half an hour in one place, at midnight in two."""


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("now", "zone", "law", "opens"),
    [
        ("2026-11-18 10:00", "", "it", None),
        ("2026-11-18 06:59", "", "it", "2026-11-18 07:00"),  # 07:59 in Rome
        ("2026-11-18 07:00", "", "it", None),
        ("2026-11-18 18:59", "", "it", None),
        ("2026-11-18 19:00", "", "it", "2026-11-19 07:00"),  # 20:00 in Rome
        ("2026-11-20 19:00", "", "it", "2026-11-23 07:00"),  # Friday evening
        ("2026-11-22 10:00", "", "it", "2026-11-23 07:00"),  # Sunday
        ("2026-12-07 20:00", "", "it", "2026-12-09 07:00"),  # the 8th is a holiday in Italy
        ("2026-12-08 10:00", "", "de", None),  # and none in Germany
        ("2026-11-26 16:00", "", "us", "2026-11-27 13:00"),  # Thanksgiving
        ("2026-11-18 19:00", "America/New_York", "it", None),
        ("2026-11-18 12:00", "America/New_York", "it", "2026-11-18 13:00"),
        ("2026-11-18 10:00", "No/Such_Place", "it", None),
        ("2026-03-28 20:00", "", "it", "2026-03-30 06:00"),  # summer time begins on the 29th
        ("2026-11-18 10:00", "", "nowhere", None),
    ],
)
def test_nights(now, zone, law, opens) -> None:
    decision = ask(NIGHTS, message(), Reading(), facts(time_zone=zone, jurisdiction=law), at(now))
    if opens is None:
        assert decision.violations == ()
        return
    (violation,) = decision.violations
    assert violation.code == "quiet_hours.quiet"
    assert violation.condition == "window"
    assert decision.earliest == at(opens)
    after = ask(NIGHTS, message(), Reading(), facts(time_zone=zone, jurisdiction=law), decision.earliest)
    assert after.outcome is Outcome.ACCEPT


@pytest.mark.parametrize(
    ("now", "en", "it"),
    [
        ("2026-11-18 19:30", "It is 20:30 on Wednesday where this person is: quiet hours.", "sono le 20:30 di mercoledì"),
        ("2026-11-22 17:07", "It is Sunday where this person is, and nothing goes on that day", "è domenica, e in quel giorno"),
        ("2026-12-08 10:00", "It is Tuesday, 8 December 2026, where this person is: a public", "è martedì 8 dicembre 2026: un giorno festivo"),
    ],
)  # fmt: skip
def test_the_reason_says_whether_it_is_the_hour_the_day_or_a_holiday(now: str, en: str, it: str) -> None:
    (violation,) = ask(NIGHTS, message(), Reading(), facts(), at(now)).violations
    assert en in violation.reason.en
    assert it in violation.reason.it
    assert ("quiet hours" in violation.reason.en) == ("l'ora del silenzio" in violation.reason.it)


@pytest.mark.parametrize(
    ("now", "opens"),
    [
        ("2026-10-24 23:10", "2026-10-25 00:30"),
        ("2026-10-25 00:10", "2026-10-25 00:30"),  # 02:10 for the first time
        ("2026-10-25 00:40", None),
        ("2026-10-25 01:10", "2026-10-25 01:30"),  # 02:10 once more
        ("2026-10-25 01:40", None),
        ("2026-03-28 23:10", "2026-03-29 01:30"),  # there is no 02:30 on this day
    ],
)
def test_an_hour_that_clocks_show_twice_or_never(now: str, opens: str | None) -> None:
    nights = rules(
        '- rule: quiet_hours\n  from: "20:00"\n  to: "02:30"\n  holidays: false\n  outcome: hold\n'
        "  days: [mon, tue, wed, thu, fri, sat, sun]"
    )
    decision = ask(nights, message(), Reading(), facts(), at(now))
    assert decision.earliest == (at(opens) if opens else 0.0)


@given(st.integers(0, 1439), st.integers(0, 1439), st.sampled_from(CHANGES), st.integers(-36, 36))
def test_it_can_go_when_it_says_whatever_the_clocks_do(
    from_: int, to: int, change: tuple[str, str], hours: int
) -> None:
    zone, when = change
    night = QuietHours(Clock(from_), Clock(to if to != from_ else (to + 1) % 1440), holidays=False)
    now = at(when) + hours * 1200
    local = datetime.fromtimestamp(now, ZoneInfo(zone))
    if night.quiet(local, ""):
        opens = night.opens(local, ZoneInfo(zone), "")
        assert opens > now
        assert not night.quiet(datetime.fromtimestamp(opens, ZoneInfo(zone)), "")


def test_a_quiet_lunch_ends_the_same_day() -> None:
    decision = ask(EVERY_DAY, message(), Reading(), facts(), at("2026-11-21 12:30"))
    assert decision.earliest == at("2026-11-21 14:00")
    assert ask(EVERY_DAY, message(), Reading(), facts(), at("2026-11-21 11:59")).violations == ()


def test_reasons_name_the_hour_and_the_day() -> None:
    (violation,) = ask(NIGHTS, message(), Reading(), facts(), at("2026-11-18 21:30")).violations
    assert "22:30 on Wednesday" in violation.reason.en
    assert "22:30 di mercoledì" in violation.reason.it


@pytest.mark.parametrize(
    ("quiet", "waived", "free"),
    [
        ("outcome: hold", frozenset(), "2026-11-20 07:00"),
        ("outcome: reject", frozenset({"quiet_hours.quiet"}), "2026-11-20 07:00"),
        ("outcome: hold", frozenset({"quiet_hours.quiet"}), "2026-11-20 02:00"),
    ],
)
def test_a_cap_that_is_free_at_night_tells_of_the_morning(
    quiet: str, waived: frozenset[str], free: str
) -> None:
    both = rules(
        f"- rule: contact_cap\n  limit: 1\n  per: 2 days\n  outcome: hold\n- rule: quiet_hours\n  {quiet}"
    )
    person = Person(contacts=(Contact(at("2026-11-18 02:00"), "outreach", "email", "marco@example.com"),))
    capped = facts(person=person)
    decision = ask(both, message(), Reading(), capped, at("2026-11-19 10:00"), waived=waived)
    assert [v.code for v in decision.violations] == ["contact_cap.reached"]
    assert decision.earliest == at(free)
    again = ask(both, message(), Reading(), capped, decision.earliest, waived=waived)
    assert again.outcome is Outcome.ACCEPT

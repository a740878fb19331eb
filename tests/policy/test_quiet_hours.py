"""Quiet hours, by the recipient's own clock and calendar."""

from datetime import UTC, datetime

import pytest

from gateway.policy.outcome import Outcome

from .world import Reading, ask, facts, message, rules

NIGHTS = rules('- rule: quiet_hours\n  from: "20:00"\n  to: "08:00"\n  outcome: hold')
EVERY_DAY = rules(
    '- rule: quiet_hours\n  from: "13:00"\n  to: "15:00"\n  days: [mon, tue, wed, thu, fri, sat, sun]\n'
    "  holidays: false\n  outcome: hold"
)


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


def test_a_quiet_lunch_ends_the_same_day() -> None:
    decision = ask(EVERY_DAY, message(), Reading(), facts(), at("2026-11-21 12:30"))
    assert decision.earliest == at("2026-11-21 14:00")
    assert ask(EVERY_DAY, message(), Reading(), facts(), at("2026-11-21 11:59")).violations == ()


def test_reasons_name_the_hour_and_the_day() -> None:
    (violation,) = ask(NIGHTS, message(), Reading(), facts(), at("2026-11-18 21:30")).violations
    assert "22:30 on Wednesday" in violation.reason.en
    assert "22:30 di mercoledì" in violation.reason.it

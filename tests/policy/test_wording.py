"""Reasons read as people would write them, in both languages."""

import pytest

from gateway.policy.outcome import Words
from gateway.policy.wording import elide, purposes, quoted, unquoted, when
from gateway.reading.reading import Evidence

from .world import DAY, NOW, YES, Reading, ask, known, message, rules


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

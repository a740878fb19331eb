"""Which law counts for a recipient: the one of their consent, else what else is known."""

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.access import Access, Controller, Source
from gateway.intake.consents import ConsentInput
from gateway.intake.events import Events
from tests.intake.test_caps import codes, rules
from tests.intake.test_events import event
from tests.line import DAY, KEYS, NOW, Clock, Line, message, reader
from tests.line import line as line_with

ANNA = "anna@example.org"
NEWSLETTER: dict[str, Any] = {
    "class_": "newsletter",
    "text": "La newsletter di novembre: tre articoli sul lavoro ibrido.",
    "list_unsubscribe": "<https://a.example/u>",
    "list_unsubscribe_post": "List-Unsubscribe=One-Click",
}
PAPER = {"signed_document": "folder 7"}


def agreed(jurisdiction: str, purpose: str = "newsletter") -> ConsentInput:
    """A consent on paper, of grade B."""
    return ConsentInput(
        controller="default",
        channel="email",
        address=ANNA,
        purpose=purpose,
        action="granted",
        at=NOW - 9 * DAY,
        jurisdiction=jurisdiction,
        proof=PAPER,
    )


async def law_of(gateway: Line, declared: str = "", **given: Any) -> str:
    """The law by which a newsletter to Anna is judged."""
    about = message(now=gateway.clock(), to=ANNA, **(NEWSLETTER | given))
    about = replace(about, recipients=(replace(about.recipients[0], jurisdiction=declared),))
    [result] = (await gateway.intake.submit(about)).recipients
    assert result.facts is not None
    return result.facts.jurisdiction


async def test_paper_is_enough_where_the_consent_record_says_so(tmp_path: Path) -> None:
    async with line_with(tmp_path) as gateway:
        await gateway.consents.record([agreed("de")], "compliance")
        [result] = (await gateway.submit(**NEWSLETTER)).recipients
        assert [v.code for v in result.decision.violations] == ["consent.grade"]
        assert await law_of(gateway, declared="us") == "de", "the record comes before what a source declares"


@pytest.mark.parametrize(
    ("records", "purpose", "law"),
    [
        ([agreed("")], "newsletter", "it"),
        ([agreed("de"), agreed("fr", "events")], "events", "fr"),
        ([agreed("de"), agreed("fr", "events")], "courses", "de+fr"),
        ([agreed("DE"), agreed("", "events")], "events", "de"),
    ],
)
async def test_the_consent_for_the_purpose_says_where_someone_lives(
    tmp_path: Path, records: list[ConsentInput], purpose: str, law: str
) -> None:
    async with line_with(tmp_path) as gateway:
        await gateway.consents.record(records, "compliance")
        assert await law_of(gateway, purpose=purpose) == law


@pytest.mark.parametrize("declared", ["newsletter", "", "promotion"])
async def test_the_class_that_a_source_gives_says_which_consent_is_meant(
    tmp_path: Path, declared: str
) -> None:
    """Where the message names no purpose, and its class is the default of the source, or not its to say."""
    source = Source(
        name="development",
        controller="default",
        classes=frozenset({"newsletter"}),
        default_class="newsletter",
    )
    access = Access(
        sources={"development": source}, controllers={"default": Controller(name="default")}, reviewers={}
    )
    async with line_with(tmp_path, access=access) as gateway:
        await gateway.consents.record([agreed("de"), agreed("us", "offers")], "compliance")
        assert await law_of(gateway, class_=declared) == "de"


@pytest.mark.parametrize(("trusted", "law"), [({"jurisdiction"}, "us"), ({"consent"}, "it")])
async def test_only_a_source_trusted_with_it_says_which_law_a_consent_has(
    tmp_path: Path, trusted: set[str], law: str
) -> None:
    source = Source(name="development", controller="default", trusted=frozenset(trusted), events="open")
    access = Access(
        sources={"development": source}, controllers={"default": Controller(name="default")}, reviewers={}
    )
    async with line_with(tmp_path, access=access) as gateway:
        events = Events(gateway.store, reader(), KEYS, gateway.metrics, access)
        told = await events.tell(event("consent.granted", purpose="newsletter", data={"jurisdiction": "us"}))
        assert told.effect.applied
        assert await law_of(gateway) == law


QUIET = (
    'rule: quiet_hours, from: "20:00", to: "8:00", days: [mon, tue, wed, thu, fri, sat, sun], outcome: hold'
)


@pytest.mark.parametrize(
    ("declared", "hour", "found"),
    [
        ("", 7, []),
        ("it", 7, []),
        ("us", 7, ["quiet_hours.quiet"]),
        ("us", 15, []),
        ("", 19, ["quiet_hours.quiet"]),
    ],
)
async def test_the_controllers_clock_is_for_those_who_live_where_it_does(
    tmp_path: Path, declared: str, hour: int, found: list[str]
) -> None:
    """7:00 UTC is 9:00 in Rome and 3:00 in New York."""
    source = Source(name="development", controller="default", trusted=frozenset({"jurisdiction"}))
    controller = Controller(name="default", jurisdiction="it", time_zone="Europe/Rome")
    access = Access(sources={"development": source}, controllers={"default": controller}, reviewers={})
    clock = Clock(NOW - NOW % DAY + hour * 3600)
    async with line_with(tmp_path, rules(tmp_path, QUIET), access=access, clock=clock) as gateway:
        about = message(now=clock(), to=ANNA, class_="outreach")
        about = replace(about, recipients=(replace(about.recipients[0], jurisdiction=declared),))
        assert codes(await gateway.intake.submit(about)) == found

"""Holds that wait for something: decided again when it happens, on a clock that the tests move."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.access import Access, development_access
from gateway.intake.owed import BACKLOG_PAUSE
from gateway.policy.policies import PolicySet
from gateway.review import ReviewResult
from gateway.store.protocol import HoldFilter
from gateway.store.records import HoldRow
from tests.intake.policies import line, policies
from tests.intake.test_events import ANNA, event, ident, tell
from tests.line import DAY, NOW, Clock, Line

HEAD = """
version: 1
policy: {name}
title: For tests
owner: compliance@example.com
why: For tests.
mode: enforce
applies_to: {{class: [outreach]}}
rules:
"""
CONSENT = "  - {rule: consent, outcome: hold}\n"
DUTY = "  - {rule: reply_duty, outcome: hold}\n"
BACKLOG = "  - {rule: reply_backlog, limit: 2, age: 1 day, outcome: hold}\n"
PITCH = "  - {rule: no_pitch, outcome: hold, until_any: {days_connected: 14, replies: 1}}\n"
QUIET = (
    '  - {rule: quiet_hours, from: "20:00", to: "08:00", days: [mon, tue, wed, thu, fri, sat, sun],'
    " holidays: false, outcome: hold}\n"
)
CAP = "  - {rule: contact_cap, limit: 1, per: 1 day, outcome: hold}\n"
SALE = (
    "Compra ora la nostra consulenza con il 30% di sconto: offerta valida fino a venerdì, prenota una demo."
)


def rules(folder: Path, *lines: str) -> PolicySet:
    return policies(folder, HEAD.format(name="p") + "".join(lines) + "cases: []\n")


def night() -> Clock:
    """23:30 in Rome."""
    return Clock(NOW - NOW % DAY + DAY - 2.5 * 3600)


async def hold(gateway: Line, **given: Any) -> HoldRow:
    receipt = await gateway.submit(class_="outreach", **given)
    assert receipt.status == "held", receipt
    found = await gateway.store.hold(receipt.recipients[0].hold_id)
    assert found is not None
    return found


async def sweep(gateway: Line) -> list[ReviewResult]:
    return await gateway.review.sweep(gateway.clock())


async def delivered(gateway: Line) -> list[str]:
    async with asyncio.timeout(5):
        return [entry.address for entry in await gateway.store.take(10)]


async def test_a_consent_that_arrives_releases(tmp_path: Path) -> None:
    async with line(tmp_path, rules(tmp_path, CONSENT)) as gateway:
        held = await hold(gateway, purpose="offers")
        assert held.condition == "consent"
        assert await sweep(gateway) == []
        await gateway.consent(ANNA, purpose="other")
        [still] = await sweep(gateway)
        assert still.status == "open"
        await gateway.consent("bruno@example.org", purpose="offers")
        assert await sweep(gateway) == []
        await gateway.consent(ANNA, purpose="offers")
        [released] = await sweep(gateway)
        assert released.status == "released"
        assert await delivered(gateway) == [ANNA]
        assert await sweep(gateway) == []


async def test_a_consent_told_by_an_event_releases(tmp_path: Path) -> None:
    async with line(tmp_path, rules(tmp_path, CONSENT)) as gateway:
        await hold(gateway, purpose="offers")
        proof = {"wording": "Sì", "confirmed_at": "2026-01-01", "confirmed_ip": "192.0.2.1"}
        await tell(gateway, event("consent.granted", purpose="offers", data=proof, opens=False))
        assert await sweep(gateway) == []
        await tell(gateway, event("consent.granted", purpose="offers", data=proof, source_event_id="2"))
        [released] = await sweep(gateway)
        assert released.status == "released"


async def test_the_window_ends(tmp_path: Path) -> None:
    async with line(tmp_path, rules(tmp_path, CAP)) as gateway:
        await gateway.submit(class_="outreach")
        held = await hold(gateway, text="Buongiorno di nuovo.")
        assert (held.condition, held.recheck_at) == ("window", pytest.approx(NOW + DAY, abs=60))
        gateway.clock.now = held.recheck_at - 60
        assert await sweep(gateway) == []
        gateway.clock.now = held.recheck_at + 1
        [released] = await sweep(gateway)
        assert released.status == "released"


async def test_of_two_that_wait_for_one_place_one_goes(tmp_path: Path) -> None:
    async with line(tmp_path, rules(tmp_path, CAP)) as gateway:
        await gateway.submit(class_="outreach")
        for n in range(3):
            await hold(gateway, text=f"Messaggio {n}.")
        gateway.clock.now += DAY + 60
        assert [result.status for result in await sweep(gateway)] == ["released", "open", "open"]
        assert await sweep(gateway) == []
        gateway.clock.now += DAY + 60
        assert [result.status for result in await sweep(gateway)] == ["released", "open"]


async def test_quiet_hours_are_over(tmp_path: Path) -> None:
    async with line(tmp_path, rules(tmp_path, QUIET), clock=night()) as gateway:
        held = await hold(gateway)
        assert held.condition == "window"
        assert 8 * 3600 <= held.recheck_at - gateway.clock.now <= 9 * 3600
        gateway.clock.now = held.recheck_at
        [released] = await sweep(gateway)
        assert released.status == "released"


async def test_the_reply_is_answered_by_an_event(tmp_path: Path) -> None:
    async with line(tmp_path, rules(tmp_path, DUTY)) as gateway:
        await tell(gateway, event("message.replied", text="Sì"))
        held = await hold(gateway)
        assert held.condition == "reply"
        assert await sweep(gateway) == []
        await tell(gateway, event("message.answered"))
        [released] = await sweep(gateway)
        assert released.status == "released"


async def test_the_reply_is_answered_by_a_person(tmp_path: Path) -> None:
    access = people()
    async with line(tmp_path, rules(tmp_path, DUTY), access=access) as gateway:
        await tell(gateway, event("message.replied", text="Sì", thread="t1"))
        await hold(gateway)
        answer = await gateway.submit(class_="conversation", thread="t1", text="Grazie, la chiamo domani.")
        assert answer.status == "accepted", answer
        [released] = await sweep(gateway)
        assert released.status == "released"
        assert (await gateway.store.depths()).unanswered == 0


def people() -> Access:
    access = development_access()
    source = access.sources["development"].model_copy(update={"kind": "person"})
    return replace(access, sources={"development": source})


async def test_a_reply_opens_what_waited_for_one(tmp_path: Path) -> None:
    async with line(tmp_path, rules(tmp_path, PITCH)) as gateway:
        held = await hold(gateway, text=SALE)
        assert held.condition == "reply"
        await tell(gateway, event("message.replied", text="Mi interessa", opens=False))
        assert await sweep(gateway) == []
        await tell(gateway, event("message.replied", text="Mi interessa", source_event_id="2"))
        [released] = await sweep(gateway)
        assert released.status == "released"


async def test_a_connection_gives_what_waited_a_date(tmp_path: Path) -> None:
    async with line(tmp_path, rules(tmp_path, PITCH)) as gateway:
        held = await hold(gateway, text=SALE)
        await tell(gateway, event("connection.accepted"))
        [still] = await sweep(gateway)
        assert still.status == "open"
        again = await gateway.store.hold(held.id)
        assert again is not None
        assert (again.condition, again.recheck_at) == ("window", pytest.approx(NOW + 14 * DAY, abs=60))


async def test_first_contacts_wait_until_the_backlog_is_answered(tmp_path: Path) -> None:
    async with line(tmp_path, rules(tmp_path, BACKLOG)) as gateway:
        asked = [ident(f"r{n}@example.org") for n in range(3)]
        for who in asked:
            await tell(gateway, event("message.replied", who, text="Sì"))
        gateway.clock.now += 2 * DAY
        held = await hold(gateway)
        assert held.condition == "reply"
        await tell(gateway, event("message.answered", asked[0], sender="someone else"))
        gateway.clock.now += 2 * BACKLOG_PAUSE
        assert await sweep(gateway) == []
        await tell(gateway, event("message.answered", asked[0]))
        assert await sweep(gateway) == []
        gateway.clock.now += 2 * BACKLOG_PAUSE
        [released] = await sweep(gateway)
        assert released.status == "released"


async def test_two_conditions_are_met_one_after_the_other(tmp_path: Path) -> None:
    async with line(tmp_path, rules(tmp_path, CONSENT, QUIET), clock=night()) as gateway:
        held = await hold(gateway, purpose="offers")
        assert held.condition == "consent window"
        await gateway.consent(ANNA, purpose="offers")
        [still] = await sweep(gateway)
        assert still.status == "open"
        again = await gateway.store.hold(held.id)
        assert again is not None
        assert again.condition == "window"
        gateway.clock.now = again.recheck_at
        [released] = await sweep(gateway)
        assert released.status == "released"


async def test_a_wish_ends_what_waits(tmp_path: Path) -> None:
    async with line(tmp_path, rules(tmp_path, CONSENT)) as gateway:
        await hold(gateway, text=SALE, purpose="offers")
        await tell(gateway, event("preference.changed", data={"no_sales": "true"}, opens=False))
        assert await gateway.store.holds(HoldFilter()) == []


async def test_a_hold_that_waits_in_vain_expires(tmp_path: Path) -> None:
    async with line(tmp_path, rules(tmp_path, CONSENT)) as gateway:
        await hold(gateway, purpose="offers")
        gateway.clock.now += 15 * DAY
        [expired] = await sweep(gateway)
        assert expired.status == "expired"
        await gateway.consent(ANNA, purpose="offers")
        assert await sweep(gateway) == []
        assert (await gateway.store.depths()).outbox == 0


async def test_where_asking_leave_is_allowed_it_is_allowed_once(tmp_path: Path) -> None:
    text = HEAD.format(name="p").replace("outreach", "permission_request")
    allowed = policies(
        tmp_path, text + "  - {rule: permission_request, allow: true, outcome: reject}\ncases: []\n"
    )
    ask = (
        "Buongiorno Anna, ci siamo conosciute a Torino."
        " Posso mandarle ogni tanto il programma dei nostri incontri?"
    )
    given = {"class_": "permission_request", "purpose": "newsletter", "name": "Anna Verdi", "text": ask}
    async with line(tmp_path, allowed) as gateway:
        await tell(gateway, event("connection.accepted"))
        first = await gateway.submit(**given)
        assert first.status == "accepted", [v.code for v in first.recipients[0].decision.violations]
        second = await gateway.submit(**given | {"text": ask.replace("ogni tanto", "una volta al mese")})
        assert second.status == "rejected"
        assert "permission_request.repeated" in {v.code for v in second.recipients[0].decision.violations}
        other = await gateway.submit(to="bruno@example.org", **given)
        assert other.status == "rejected"


async def test_a_consent_and_a_stop_at_the_same_moment(tmp_path: Path) -> None:
    async with line(tmp_path, rules(tmp_path, CONSENT)) as gateway:
        await hold(gateway, purpose="offers")
        await asyncio.gather(
            gateway.consent(ANNA, purpose="offers"),
            tell(gateway, event("complaint", opens=False)),
            sweep(gateway),
        )
        await sweep(gateway)
        assert (await gateway.store.depths()).outbox == 0
        assert await gateway.store.holds(HoldFilter()) == []

"""What a release waives: what the reviewer saw, for good, and nothing that came since."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.intake.gate import GatedOutbox
from gateway.store.records import HoldRow
from tests.intake.policies import line, policies
from tests.line import DAY, KEYS, NOW, Clock, Line

HOUR = 3600.0
NOON = NOW - NOW % DAY + 12 * HOUR
NIGHT, MORNING = NOON + 10 * HOUR, NOON + 21 * HOUR
PRESSING = "Ultima occasione: solo per oggi!"
POLICY = """
version: 1
policy: our-words
rules:
  - {rule: phrases, lexicon: pressure, outcome: hold}
  - rule: quiet_hours
    from: "20:00"
    to: "08:00"
    days: [mon, tue, wed, thu, fri, sat, sun]
    holidays: false
    outcome: hold
"""
CAP = """
version: 1
policy: %s
rules:
  - {rule: contact_cap, limit: %s, per: %s days, outcome: hold}
"""


async def held(built: Line, text: str = PRESSING, **given: object) -> HoldRow:
    receipt = await built.submit(class_="outreach", text=text, **given)
    return await now(built, receipt.recipients[0].hold_id)


async def now(built: Line, hold_id: str) -> HoldRow:
    hold = await built.store.hold(hold_id)
    assert hold is not None
    return hold


def gated(built: Line) -> GatedOutbox:
    return GatedOutbox(built.store, built.policies, built.access, KEYS, 14 * DAY, clock=built.clock)


async def held_by_the_gate(built: Line, hold_id: str) -> HoldRow:
    """The hold that the gate makes of what wants to leave."""
    leaving = asyncio.ensure_future(gated(built).take(5))
    for _ in range(300):
        if not (await built.store.depths()).outbox:
            break
        await asyncio.sleep(0.05)
    leaving.cancel()
    return await now(built, hold_id)


class TestForGood:
    async def test_a_release_at_night_is_not_undone_by_the_morning(self, tmp_path: Path) -> None:
        async with line(tmp_path, policies(tmp_path, POLICY), clock=Clock(NOON)) as built:
            hold = await held(built)
            built.clock.now = NIGHT
            answer = await built.review.release(hold.id, "ada", "it is fine")
            assert (answer.status, (await now(built, hold.id)).codes) == (
                "open",
                "our-words/quiet_hours.quiet",
            )
            built.clock.now = (await now(built, hold.id)).recheck_at + 1
            [swept] = await built.review.sweep(built.clock.now)
            assert swept.status == "released"
            assert swept.decision is not None
            assert swept.decision.waived == ("phrases.pressure",)

    async def test_nor_by_the_gate_of_the_outbox(self, tmp_path: Path) -> None:
        async with line(tmp_path, policies(tmp_path, POLICY), clock=Clock(NOON)) as built:
            hold = await held(built)
            assert (await built.review.release(hold.id, "ada", "it is fine")).status == "released"
            built.clock.now = NIGHT
            assert (await held_by_the_gate(built, hold.id)).codes == "our-words/quiet_hours.quiet"
            built.clock.now = MORNING
            assert [result.status for result in await built.review.sweep(MORNING)] == ["released"]
            async with asyncio.timeout(15):
                assert [entry.address for entry in await gated(built).take(5)] == ["anna@example.org"]

    async def test_what_was_never_waived_still_holds_it(self, tmp_path: Path) -> None:
        async with line(tmp_path, policies(tmp_path, POLICY)) as built:
            built.clock.now = NIGHT
            hold = await held(built)
            built.clock.now = MORNING
            assert [result.status for result in await built.review.sweep(MORNING)] == []
            assert (await now(built, hold.id)).status == "open"


class TestOnlyWhatWasSeen:
    """Held for its words by day; somebody's release at night adds a decision: quiet hours."""

    @pytest.fixture
    async def night(self, tmp_path: Path) -> AsyncIterator[tuple[Line, HoldRow]]:
        async with line(tmp_path, policies(tmp_path, POLICY), clock=Clock(NOON)) as built:
            by_day = await held(built)
            built.clock.now = NIGHT
            assert (await built.review.release(by_day.id, "bruno", "fine")).status == "open"
            yield built, by_day

    async def test_a_page_of_before_waives_nothing_that_came_since(self, night: tuple[Line, HoldRow]) -> None:
        built, by_day = night
        answer = await built.review.release(by_day.id, "ada", "looked at it by day", 0)
        assert answer.status == "open"
        assert answer.decision is not None
        assert [v.code for v in answer.decision.enforced] == ["quiet_hours.quiet"]

    async def test_a_page_of_now_waives_what_it_shows(self, night: tuple[Line, HoldRow]) -> None:
        built, by_day = night
        assert (await built.review.release(by_day.id, "ada", "even at night", 1)).status == "released"

    async def test_without_a_page_it_is_what_stands_now(self, night: tuple[Line, HoldRow]) -> None:
        built, by_day = night
        assert (await built.review.release(by_day.id, "ada", "even at night")).status == "released"

    async def test_a_round_that_nobody_could_see_waives_nothing(self, night: tuple[Line, HoldRow]) -> None:
        built, by_day = night
        assert (await built.review.release(by_day.id, "ada", "fine", 7)).status == "open"

    async def test_of_many_it_is_what_was_listed(self, night: tuple[Line, HoldRow]) -> None:
        built, by_day = night
        assert await built.review.release_all([by_day], "ada", "like the others") == ["open"]
        listed = await now(built, by_day.id)
        assert await built.review.release_all([listed], "ada", "like the others") == ["released"]


async def test_the_same_code_of_another_policy_is_not_waived(tmp_path: Path) -> None:
    async with line(tmp_path, policies(tmp_path, CAP % ("daily", 1, 1))) as built:
        assert (await built.submit(class_="outreach")).status == "accepted"
        hold = await held(built)
        built.policies.current = policies(tmp_path, CAP % ("daily", 1, 1), CAP % ("monthly", 1, 30))
        answer = await built.review.release(hold.id, "ada", "one more today")
        assert answer.decision is not None
        assert [v.named for v in answer.decision.enforced] == ["monthly/contact_cap.reached"]
        assert answer.decision.lets_pass == ("daily/contact_cap.reached",)
        assert (await built.review.release(hold.id, "ada", "and this month")).status == "released"

"""A source or a campaign is paused: what comes is held, what waited is held at the gate, and all of it goes
on when it is resumed."""

import asyncio

import pytest

from gateway.app.gauges import count_ages
from gateway.evidence.outlook import look as outlook
from gateway.evidence.verify import Verification
from gateway.intake.gate import AT_ONCE, WAITED, GatedOutbox
from gateway.ledger.consent import suppress
from gateway.message.envelope import Message
from gateway.policy.live import LivePolicies
from gateway.policy.outcome import Outcome
from gateway.policy.policies import PolicySet
from gateway.review import Pausing, look, pause, resume
from gateway.review.pausing import GRACE, LEASE
from gateway.store.draft import Draft, Needs
from gateway.store.packing import unpack_facts
from gateway.store.pauses import key_of
from gateway.store.records import DecisionRow, HoldRow
from tests.line import DAY, KEYS, Line, message, reader
from tests.store.conftest import Stores

SOURCE, CAMPAIGN = ("source", "development", "default"), ("campaign", "autumn", "default")


async def begin(line: Line, what: tuple[str, str, str] = SOURCE) -> None:
    await pause(line.store, *what, "cli:ada", "the list was wrong")
    await look(line.store)


async def end(line: Line, what: tuple[str, str, str] = SOURCE) -> None:
    assert await resume(line.store, *what, "cli:bob") is not None
    await look(line.store)


def pausing(line: Line) -> Pausing:
    return Pausing(line.store, line.review, line.metrics.paused)


async def held(line: Line, hold_id: str) -> HoldRow:
    found = await line.store.hold(hold_id)
    assert found is not None
    return found


def gate(line: Line) -> GatedOutbox:
    return GatedOutbox(line.store, line.policies, line.access, KEYS, 14 * DAY, clock=line.clock)


async def leaving(line: Line, count: int, seconds: float = 20.0) -> list[str]:
    """What leaves, until so many did or time is up."""
    left: list[str] = []
    try:
        async with asyncio.timeout(seconds):
            while len(left) < count:
                left += [entry.id for entry in await gate(line).take(10)]
    except TimeoutError:
        pass
    return left


@pytest.mark.parametrize("class_", ["transactional", "newsletter", "conversation"])
async def test_every_class_is_held_and_goes_when_it_is_resumed(stores: Stores, class_: str) -> None:
    line = await stores.line(policies=PolicySet())
    await begin(line)
    receipt = await line.submit(class_=class_, campaign="autumn")
    assert receipt.status == "held"
    hold = await held(line, receipt.recipients[0].hold_id)
    assert (hold.codes, hold.condition, hold.recheck_at) == ("floor/paused.source", "resumes", 0.0)
    [said] = receipt.recipients[0].decision.enforced
    assert "ada" not in repr(said)
    assert "wrong" not in repr(said)
    await end(line)
    assert (await line.submit(class_=class_, to="b@example.org")).status == "accepted"
    await pausing(line).wake()
    assert (await held(line, hold.id)).status == "released"
    assert hold.id in await leaving(line, 2)


async def test_observing_does_not_let_it_pass_nor_does_a_reviewer(stores: Stores) -> None:
    line = await stores.line(policies=PolicySet())
    line.policies.current = LivePolicies(PolicySet(), observing=True).current
    await begin(line)
    hold_id = (await line.submit()).recipients[0].hold_id
    for _ in range(2):
        result = await line.review.release(hold_id, "ada", "it is fine")
        assert result.status == "open"
        assert result.decision is not None
        assert result.decision.paused_only
    assert (await line.store.depths()).outbox == 0
    assert (await line.review.reject(hold_id, "ada", "no")).status == "rejected"


async def test_what_a_reviewer_approved_meanwhile_goes_at_its_end(stores: Stores) -> None:
    line = await stores.line()
    hold_id = (await line.submit(class_="outreach", text="Ha visto il mio messaggio?")).recipients[0].hold_id
    assert hold_id
    await begin(line)
    result = await line.review.release(hold_id, "ada", "it is fine")
    assert (result.status, (await held(line, hold_id)).condition) == ("open", "resumes")
    await end(line)
    await pausing(line).wake()
    assert (await held(line, hold_id)).status == "released"


async def test_what_else_stands_against_it_goes_on_holding_it(stores: Stores) -> None:
    line = await stores.line()
    await begin(line)
    receipt = await line.submit(class_="outreach", text="Ha visto il mio messaggio?")
    hold = await held(line, receipt.recipients[0].hold_id)
    assert "floor/paused.source" in hold.codes.split()
    await end(line)
    await pausing(line).wake()
    hold = await held(line, hold.id)
    assert (hold.status, "paused" in hold.codes) == ("open", False)


async def test_a_source_and_its_campaign_must_both_be_resumed(stores: Stores) -> None:
    line = await stores.line(policies=PolicySet())
    await begin(line)
    await begin(line, CAMPAIGN)
    hold_id = (await line.submit(campaign="autumn")).recipients[0].hold_id
    other = (await line.submit(campaign="spring")).recipients[0].hold_id
    assert (await held(line, hold_id)).codes == "floor/paused.campaign floor/paused.source"
    await end(line)
    await pausing(line).wake()
    assert (await held(line, hold_id)).codes == "floor/paused.campaign"
    assert (await held(line, other)).status == "released"
    await end(line, CAMPAIGN)
    await pausing(line).wake()
    assert (await held(line, hold_id)).status == "released"


async def test_a_campaign_of_another_controller_goes_on(stores: Stores) -> None:
    line = await stores.line(policies=PolicySet())
    await begin(line, ("campaign", "autumn", "other"))
    assert (await line.submit(campaign="autumn")).status == "accepted"


@pytest.mark.parametrize("class_", ["transactional", "conversation"])
async def test_the_gate_holds_what_waited_and_what_was_scheduled(stores: Stores, class_: str) -> None:
    line = await stores.line(policies=PolicySet())
    fresh = (await line.submit(class_=class_)).recipients[0].decision_id
    later = line.clock() + 3600
    scheduled = (await line.submit(class_=class_, send_at=later)).recipients[0].decision_id
    await begin(line)
    assert await leaving(line, 1, 1.5) == []
    assert (await held(line, fresh)).codes == "floor/paused.source"
    line.clock.now = later + 1
    assert await leaving(line, 1, 3) == []
    assert (await held(line, scheduled)).condition == "resumes"
    assert (await line.store.depths()).outbox == 0
    await end(line)
    await pausing(line).wake()
    assert await leaving(line, 2) == sorted([fresh, scheduled])


async def test_what_is_paused_while_others_are_asked_about_is_held_too(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = await stores.line(policies=PolicySet())
    for n in range(AT_ONCE + 3):
        await line.submit(class_="conversation", to=f"a{n}@example.org")
    line.clock.now += WAITED + 1
    await pause(line.store, *SOURCE, "cli:ada")
    find, asked = line.store.decisions, []

    async def told_late(message_id: str) -> list[DecisionRow]:
        asked.append(message_id)
        if len(asked) == AT_ONCE + 1:  # the first ones have their answer
            await look(line.store)
        return await find(message_id)

    monkeypatch.setattr(line.store, "decisions", told_late)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(3):
            await gate(line).take(2 * AT_ONCE)
    assert (await line.store.depths()).holds == {"floor": AT_ONCE + 3}


class Stops:
    """They say stop, and what waits for them is not canceled."""

    def __init__(self) -> None:
        self._ref = ("default", KEYS.subject("email", "anna@example.org"))
        self.needs = Needs(people=(self._ref,))

    def apply(self, draft: Draft[None]) -> None:
        draft.set_person(self._ref, suppress(draft.person(self._ref), "unsubscribed", draft.now))


@pytest.mark.parametrize(
    ("class_", "ends"), [("newsletter", "rejected"), ("outreach", "rejected"), ("transactional", "released")]
)
async def test_who_says_stop_meanwhile_gets_receipts_alone_at_its_end(
    stores: Stores, class_: str, ends: str
) -> None:
    line = await stores.line(policies=PolicySet())
    await begin(line)
    hold_id = (await line.submit(class_=class_)).recipients[0].hold_id
    await line.store.run(Stops())
    await end(line)
    await pausing(line).wake()
    assert (await held(line, hold_id)).status == ends


async def test_it_lasts_over_a_restart_and_its_end_too(stores: Stores) -> None:
    line = await stores.line(policies=PolicySet())
    await begin(line)
    holds = [(await line.submit(to=f"a{n}@example.org")).recipients[0].hold_id for n in range(3)]
    other = stores.make(serving=False, chain="cli")  # another process
    await other.start()
    assert [p.name for p in (await look(other))[0]] == ["development"]
    assert (await resume(other, *SOURCE, "cli:ada")) is not None
    await other.close()
    await line.store.close()
    again = await stores.line(policies=PolicySet())
    await look(again.store)
    assert (await again.submit(to="b@example.org")).status == "accepted"
    await pausing(again).wake()
    assert {(await held(again, name)).status for name in holds} == {"released"}


async def test_what_a_process_held_that_had_not_heard_of_the_end_is_found(stores: Stores) -> None:
    line = await stores.line(policies=PolicySet())
    await begin(line)
    key = key_of("source", "default", "development")
    before = await line.store.few("SELECT answer FROM replays WHERE key = ?", (key,))
    await end(line)
    watch = pausing(line)
    await watch.wake()
    line.store.pauses.take_up(before)  # as a process that has not looked yet knows it
    hold_id = (await line.submit()).recipients[0].hold_id
    await look(line.store)
    await watch.wake()
    assert (await held(line, hold_id)).status == "released"
    line.clock.now += GRACE + LEASE
    await watch.wake()
    assert await look(line.store) == ([], [])
    assert line.store.pauses.ended == []


async def test_two_processes_that_wake_decide_each_hold_once(stores: Stores) -> None:
    line = await stores.line(policies=PolicySet())
    await begin(line)
    await begin(line, CAMPAIGN)
    for n in range(70):
        await line.submit(to=f"a{n}@example.org", campaign="autumn" if n % 2 else "")
    await end(line)
    await asyncio.gather(pausing(line).wake(), pausing(line).wake())
    assert await line.store.rows("SELECT count(*) FROM holds WHERE status = 'released'") == [(35,)]
    assert await line.store.rows("SELECT count(*) FROM decisions") == [(140,)]


async def test_what_is_paused_again_stays_held(stores: Stores) -> None:
    line = await stores.line(policies=PolicySet())
    await begin(line)
    hold_id = (await line.submit()).recipients[0].hold_id
    await end(line)
    await begin(line)
    await pausing(line).wake()
    assert (await held(line, hold_id)).status == "open"
    assert [p.by for p in line.store.pauses.lasting] == ["cli:ada"]


async def test_who_did_it_and_why_stands_in_the_audit_log(stores: Stores) -> None:
    line = await stores.line(policies=PolicySet())
    await pause(line.store, *SOURCE, "cli:ada", "too many to anna@example.org")
    assert (await pause(line.store, *SOURCE, "cli:bob"))[1] is False
    await resume(line.store, *SOURCE, "cli:bob", "mended")
    assert await resume(line.store, *SOURCE, "cli:bob") is None
    rows = await line.store.rows("SELECT kind, reference, actor, detail FROM audit ORDER BY at, seq")
    told = [(*row[:3], bytes(row[3]).decode()) for row in rows]
    assert told == [
        ("source.paused", "development", "cli:ada", '{"controller":"default","reason":"too many to …"}'),
        ("source.resumed", "development", "cli:bob", '{"controller":"default","reason":"mended"}'),
    ]
    assert (await Verification(line.store).run()).breaks == []


async def test_what_a_decision_knew_of_pauses_is_kept_and_asked_again(stores: Stores) -> None:
    line = await stores.line(policies=PolicySet())
    await begin(line)
    receipt = await line.submit()
    [row] = await line.store.decisions(receipt.id)
    facts = unpack_facts(row.snapshot)
    assert facts.paused == (("source", line.clock()),)
    asked: Message = message(now=line.clock())
    [found] = await outlook(line.store, reader(), line.access, KEYS, PolicySet(), asked)
    assert found.outcome == Outcome.HOLD.word


async def test_nobody_is_told_that_reviewers_are_late_for_a_pause(stores: Stores) -> None:
    line = await stores.line(policies=PolicySet())
    await begin(line)
    await line.submit()
    depths = await line.store.depths()
    assert (depths.holds, depths.oldest_hold) == ({"floor": 1}, 0.0)
    assert set((await count_ages(line.store, line.clock())).values()) == {0}


async def test_a_store_that_cannot_be_asked_leaves_what_is_known(stores: Stores) -> None:
    line = await stores.line(policies=PolicySet())
    await begin(line)
    await line.store.close()
    with pytest.raises(Exception):  # noqa: B017, PT011 - each database has its own
        await look(line.store)
    assert [p.name for p in line.store.pauses.lasting] == ["development"]

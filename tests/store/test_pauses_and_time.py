"""What only a pause keeps does not expire while it lasts; what waits for something else too does."""

import pytest

from gateway.policy.policies import PolicySet
from gateway.review import AlreadyDecided, latest_campaigns, list_paused, look, resume_by_id
from gateway.review.deciding import PutOff
from tests.line import DAY, Line, shipped
from tests.store.conftest import Stores
from tests.store.test_pausing import CAMPAIGN, begin, end, held, pausing

QUESTION = "Ha visto il mio messaggio?"


async def pass_days(line: Line, days: float) -> None:
    """Time passes, and whoever serves sweeps."""
    line.clock.now += days * DAY
    await line.review.sweep(line.clock())


async def test_a_hold_outlives_a_long_pause_and_goes_at_its_end(stores: Stores) -> None:
    line = await stores.line(policies=PolicySet())
    await begin(line)
    hold_id = (await line.submit()).recipients[0].hold_id
    for _ in range(4):
        await pass_days(line, 15)
        hold = await held(line, hold_id)
        assert (hold.status, hold.expires_at) == ("open", line.clock() + 14 * DAY)
    assert len(await line.store.decisions(hold.message_id)) == 1  # nobody asked the policies meanwhile
    await end(line)
    await pausing(line).wake()
    assert (await held(line, hold_id)).status == "released"


@pytest.mark.parametrize("woken", ["by its end", "by the sweep"])
async def test_what_nobody_swept_for_a_month_goes_too(stores: Stores, woken: str) -> None:
    line = await stores.line(policies=PolicySet())
    await begin(line)
    hold_id = (await line.submit()).recipients[0].hold_id
    line.clock.now += 31 * DAY
    await end(line)
    await (pausing(line).wake() if woken == "by its end" else line.review.sweep(line.clock()))
    assert (await held(line, hold_id)).status == "released"


async def test_what_waits_for_something_else_too_expires_as_ever(stores: Stores) -> None:
    line = await stores.line()
    await begin(line)
    receipt = await line.submit(class_="outreach", text=QUESTION)
    hold = await held(line, receipt.recipients[0].hold_id)
    assert len(hold.codes.split()) > 1
    await pass_days(line, 14.01)
    assert (await held(line, hold.id)).status == "expired"


async def test_what_is_found_at_its_end_has_its_whole_time_from_then(stores: Stores) -> None:
    line = await stores.line(policies=PolicySet())
    await begin(line)
    hold_id = (await line.submit(class_="outreach", text=QUESTION)).recipients[0].hold_id
    await pass_days(line, 20)
    line.policies.current = shipped()  # compliance asks for more by now
    line.clock.now += 13 * DAY
    await end(line)
    await pausing(line).wake()
    hold = await held(line, hold_id)
    assert (hold.status, "paused" in hold.codes) == ("open", False)
    assert hold.expires_at == line.clock() + 14 * DAY
    await pass_days(line, 14.01)
    assert (await held(line, hold_id)).status == "expired"


async def test_a_reviewer_decides_what_is_older_than_its_time(stores: Stores) -> None:
    line = await stores.line(policies=PolicySet())
    await begin(line)
    hold_id = (await line.submit()).recipients[0].hold_id
    line.clock.now += 15 * DAY
    result = await line.review.release(hold_id, "ada", "it is fine")
    assert (result.status, (await held(line, hold_id)).expires_at) == ("open", line.clock() + 14 * DAY)
    line.clock.now += 15 * DAY
    assert (await line.review.reject(hold_id, "ada", "no")).status == "rejected"
    with pytest.raises(AlreadyDecided):
        await line.review.release(hold_id, "ada", "yes")


async def test_what_two_processes_put_off_is_put_off_once_and_what_was_decided_never(stores: Stores) -> None:
    line = await stores.line(policies=PolicySet())
    await begin(line)
    hold_id = (await line.submit()).recipients[0].hold_id
    hold = await held(line, hold_id)
    line.clock.now += 15 * DAY
    await line.store.run(PutOff(hold, 14 * DAY))
    line.clock.now += 1
    await line.store.run(PutOff(hold, 14 * DAY))
    assert (await held(line, hold_id)).expires_at == line.clock() - 1 + 14 * DAY
    await line.review.reject(hold_id, "ada", "no")
    line.clock.now += 15 * DAY
    await line.store.run(PutOff(hold, 14 * DAY))
    assert (await held(line, hold_id)).status == "rejected"


async def test_it_is_put_off_by_a_process_that_was_started_in_the_middle(stores: Stores) -> None:
    line = await stores.line(policies=PolicySet())
    await begin(line)
    hold_id = (await line.submit()).recipients[0].hold_id
    await line.store.close()
    again = await stores.line(policies=PolicySet())
    await look(again.store)
    await pass_days(again, 15)
    assert (await held(again, hold_id)).status == "open"


async def test_what_each_pause_holds_is_counted_and_each_is_ended_by_its_id(stores: Stores) -> None:
    line = await stores.line(policies=PolicySet())
    await begin(line)
    await begin(line, CAMPAIGN)
    for n in range(3):
        await line.submit(to=f"a{n}@example.org", campaign="autumn" if n else "spring")
    found = await list_paused(line.store)
    assert {one.pause.name: one.held for one in found} == {"development": 3, "autumn": 2}
    assert await latest_campaigns(line.store, "default") == {"autumn", "spring"}
    other = stores.make(serving=False, chain="cli")  # another process
    await other.start()
    for one in found:
        ended = await resume_by_id(other, line.access, one.pause.id, "ada", "mended", one.pause.since)
        assert ended is not None
    assert await list_paused(other) == []
    await other.close()
    await look(line.store)
    await pausing(line).wake()
    assert await line.store.rows("SELECT count(*) FROM holds WHERE status = 'released'") == [(3,)]

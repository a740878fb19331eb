"""How much a sender did within a window: counted by slots, and never less than it was."""

import random
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.evidence.retention import Retention
from gateway.evidence.sweep import Sweep
from gateway.store.pace import SLOT, PaceIndex
from tests.intake.policies import policies
from tests.line import DAY, NOW, Line
from tests.store.conftest import Stores

START = float(NOW // SLOT * SLOT)
KEY = ("default", "marco@example.com", "outreach")
DAILY = """
version: 1
policy: pace
rules:
  - {rule: burst, limit: 2, per: 1 day, outcome: hold}
"""


def filled(limit: int, window: int, chooses: Callable[[], float]) -> list[float]:
    """When a sender that tries all the time, at moments chosen so, gets something through."""
    index, now, went = PaceIndex(), START, list[float]()
    for _ in range(400):
        now += chooses()
        pace = index.pace(*KEY[:2], now)
        if pace.sent.get((KEY[2], window), 0) < limit:
            index.add(*KEY, now)
            went.append(now)
    return went


@given(
    st.integers(1, 20),
    st.sampled_from([300, 301, 3600, 7000, 86400]),
    st.integers(0, 2**32),
    st.floats(0.01, 1),
)
def test_no_window_ever_holds_more_than_the_limit(limit: int, window: int, seed: int, haste: float) -> None:
    dice = random.Random(seed)
    went = filled(limit, window, lambda: dice.random() * haste * window)
    assert all(later - first >= window for first, later in zip(went, went[limit:], strict=False))


@pytest.mark.parametrize("window", [300, 3600, 86400])
def test_it_is_free_when_it_says_and_not_long_after_the_window(window: int) -> None:
    index = PaceIndex()
    index.add(*KEY, START + 299, 20)
    key = (KEY[2], window)
    free = index.pace(*KEY[:2], START + 299).next_free[key]
    assert START + 299 + window <= free <= START + 299 + window + SLOT
    assert index.pace(*KEY[:2], free - 1).sent[key] == 20
    assert index.pace(*KEY[:2], free).sent[key] == 0


async def test_a_day_is_remembered_whole_after_a_restart(stores: Stores) -> None:
    stores.clock.now = START + 200
    held = policies(stores.folder, DAILY)
    line = await stores.line(policies=held)
    assert [(await line.submit(to=f"p{n}@example.org", class_="outreach")).status for n in range(2)] == [
        "accepted",
        "accepted",
    ]
    await line.store.close()
    stores.clock.now = START + DAY + 199
    again = await stores.line(policies=held)
    late = await again.submit(to="p3@example.org", class_="outreach")
    assert [v.code for v in late.recipients[0].decision.violations] == ["burst.too_fast"]
    stores.clock.now = late.recipients[0].decision.earliest
    assert (await again.submit(to="p4@example.org", class_="outreach")).status == "accepted"


async def test_what_a_clock_that_was_ahead_counted_counts_as_of_now(stores: Stores) -> None:
    stores.clock.now = START + 20 * DAY
    held = policies(stores.folder, DAILY)
    line = await stores.line(policies=held)

    async def sent(line: Line, number: int) -> str:
        return (await line.submit(to=f"p{number}@example.org", class_="outreach")).status

    assert [await sent(line, n) for n in range(3)] == ["accepted", "accepted", "held"]
    stores.clock.now = START
    assert await sent(line, 3) == "held"
    stores.clock.now = START + DAY + 2 * SLOT
    assert [await sent(line, n) for n in (4, 5, 6)] == ["accepted", "accepted", "held"]
    await Sweep(line.store, Retention(), stores.clock(), rest=0.0).run()
    await line.store.close()
    stores.clock.now += DAY + SLOT
    assert await sent(await stores.line(policies=held), 7) == "accepted"

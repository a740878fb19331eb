"""Who looked at a hold, who proposed its release and who was asked for consent stands in the audit log and
says nothing of what a row holds: all is well, and a row that is changed by hand afterwards is found."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from gateway.evidence.entries import CONSENT_COLUMNS
from gateway.evidence.verify import Verification
from gateway.intake.optin import CONFIRM_SECONDS
from gateway.store.postgres import PostgresStore
from tests.console.place import Place, place
from tests.evidence.conftest import change
from tests.line import Clock
from tests.postgres import database, server
from tests.public.house import pages
from tests.public.test_confirming import request

RELEASE = "UPDATE holds SET status = 'released' WHERE status = 'open'"
REASON = "UPDATE holds SET reason = 'as agreed' WHERE status = 'released'"


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    with server() as url:
        yield url


@asynccontextmanager
async def on_postgres(folder: Path, url: str) -> AsyncIterator[tuple[Place, str]]:
    """A console where two reviewers have to agree, on a database of its own."""
    clock = Clock()
    async with (
        database(url) as own,
        place(folder, store=PostgresStore(own, clock=clock), clock=clock, four_eyes=True) as here,
    ):
        yield here, own


async def problems(here: Place) -> list[str]:
    return [found.problem for found in (await Verification(here.line.store).run()).breaks]


async def work(here: Place) -> str:
    """One hold viewed, one proposed, one released by a second reviewer, one refused; the id of the first."""
    viewed, proposed, released, refused = [await here.hold(f"p{n}@example.org") for n in range(4)]
    async with here.browser() as ada, here.browser() as bruno:
        assert await ada.sign_in() == await bruno.sign_in("bruno") == 200
        for hold in (viewed, released):
            assert (await ada.get(f"/console/holds/{hold}"))[0] == 200
        await ada.decide(proposed, "release")
        await ada.decide(released, "release")
        assert await problems(here) == []
        await bruno.decide(released, "release")
        await bruno.decide(refused, "reject")
        for hold in (released, refused):
            assert (await bruno.get(f"/console/holds/{hold}"))[0] == 200
    assert [await here.status(hold) for hold in (viewed, proposed, released, refused)] == [
        "open", "open", "released", "rejected",
    ]  # fmt: skip
    kinds = [kind for kind, _, _ in await here.audited()]
    assert (kinds.count("hold.viewed"), kinds.count("hold.proposed")) == (4, 2)
    return viewed


async def test_all_is_well_after_a_look_and_a_proposal(tmp_path: Path) -> None:
    async with place(tmp_path, four_eyes=True) as here:
        await work(here)
        assert await problems(here) == []


@pytest.mark.postgres
async def test_all_is_well_on_postgresql_too(tmp_path: Path, postgres: str) -> None:
    async with on_postgres(tmp_path, postgres) as (here, _):
        await work(here)
        assert await problems(here) == []


async def test_a_hold_that_was_looked_at_and_changed_by_hand_is_found(tmp_path: Path) -> None:
    """The viewed and the proposed one: no entry says that either was released."""
    async with place(tmp_path, four_eyes=True) as here:
        await work(here)
        assert change(tmp_path / "line.db", RELEASE) == 2
        assert await problems(here) == ["no entry speaks of this row"] * 2
        assert change(tmp_path / "line.db", REASON) == 3
        assert "the hold it speaks of was changed" in await problems(here)


@pytest.mark.postgres
async def test_a_hold_changed_by_hand_is_found_on_postgresql_too(tmp_path: Path, postgres: str) -> None:
    async with on_postgres(tmp_path, postgres) as (here, url):
        await work(here)
        db = await asyncpg.connect(url)
        await db.execute(RELEASE)
        assert await problems(here) == ["no entry speaks of this row"] * 2
        await db.execute(REASON)
        await db.close()
        assert "the hold it speaks of was changed" in await problems(here)


async def test_a_hold_asked_again_and_then_released_by_hand_is_found(tmp_path: Path) -> None:
    """The policies refused to release it, and the entry says that it stayed open."""
    from gateway.policy.load import compose
    from tests.console.place import OFFERS

    async with place(tmp_path) as here, here.browser() as ada:
        hold = await here.hold()
        here.line.policies.current = compose(
            {"offers.yaml": OFFERS.replace("outcome: hold", "outcome: reject")}
        )
        await ada.sign_in()
        await ada.decide(hold, "release")
        assert ("hold.open", hold, "compliance") in await here.audited()
        assert await problems(here) == []
        assert change(tmp_path / "line.db", RELEASE) == 1
        assert await problems(here) == ["no entry speaks of this row"]


async def test_all_is_well_after_a_double_opt_in(tmp_path: Path) -> None:
    """Confirmed, waiting, never confirmed. A consent that is made up under a request's name is found."""
    async with pages(tmp_path) as house:
        await request(house)
        await house.ask("POST", await house.letter(), data={"confirm": "yes"})
        await request(house, address="bruno@example.org")
        assert (await Verification(house.line.store).run()).breaks == []
        house.line.clock.now += CONFIRM_SECONDS + 1
        assert await house.optins.sweep(house.line.clock()) == 1
        await request(house, address="carla@example.org")
        state = await Verification(house.line.store).run()
        assert (state.breaks, state.matched["consents"]) == ([], 2)
        asked = "(SELECT reference FROM audit WHERE kind = 'consent.asked' ORDER BY seq DESC LIMIT 1)"
        columns = f"lane, {CONSENT_COLUMNS.removeprefix('id, ')}"
        made_up = f"SELECT {asked}, {columns} FROM consent_events WHERE action = 'confirmed'"
        assert change(tmp_path / "line.db", f"INSERT INTO consent_events (id, {columns}) {made_up}") == 1
        [found] = (await Verification(house.line.store).run()).breaks
        assert found.problem == "no entry speaks of this row"

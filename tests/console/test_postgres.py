"""The console on PostgreSQL: the same pages, the same verdicts."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.app.gauges import count_ages
from gateway.console.days import Days
from gateway.review import AlreadyDecided, Review
from gateway.store.postgres import PostgresStore
from tests.console.place import place, plain
from tests.console.test_health import leave_by_every_way
from tests.console.test_verdicts import decide_pile, finished
from tests.line import KEYS, Clock, reader
from tests.postgres import database, server

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    with server() as url:
        yield url


async def test_pages_and_verdicts(postgres: str, tmp_path: Path) -> None:
    clock = Clock()
    async with (
        database(postgres) as url,
        place(tmp_path, store=PostgresStore(url, clock=clock), clock=clock) as here,
        here.browser() as ada,
    ):
        assert await ada.sign_in() == 200
        holds = [await here.hold(f"p{n}@example.org") for n in range(4)]
        alone = await here.hold(
            "luca@example.org", campaign="autumn", text="Sconto del 50% sul miele: compra"
        )
        stored = await here.line.store.hold(alone)
        assert stored is not None
        who = stored.subject.hex()
        for path in (
            "/console/", "/console/?rule=offers/consent&age=1h", "/console/?campaign=spring&channel=email",
            f"/console/holds/{alone}", f"/console/piles/{stored.cluster}?codes={stored.codes}",
            "/console/messages", "/console/messages?campaign=autumn",
            f"/console/messages?q={who}",
            f"/console/messages/{stored.message_id}", f"/console/people/default/{who}",
            "/console/policies", "/console/overview", "/console/replies",
        ):  # fmt: skip
            status, text = await ada.get(path)
            assert status == 200, (path, plain(text))
            if "/people/" in path:
                assert f"/console/messages/{stored.message_id}" in text
        left = await leave_by_every_way(here)
        assert (await Days(here.line.store, clock).latest(5.0))[-1].left == left
        task = await decide_pile(here, ada, holds[0], "release", (holds[3],))
        assert "3 of 3" in plain(await finished(ada, task))
        assert [await here.status(hold) for hold in holds] == ["released"] * 3 + ["open"]
        await ada.decide(alone, "reject")
        assert await here.status(alone) == "rejected"
        assert (await count_ages(here.line.store, clock()))["under 1 h"] == 1


async def test_of_two_replicas_one_decides(postgres: str, tmp_path: Path) -> None:
    clock = Clock()
    async with (
        database(postgres) as url,
        place(tmp_path, store=PostgresStore(url, clock=clock), clock=clock) as here,
    ):
        other = PostgresStore(url, clock=clock)
        await other.start()
        try:
            review = Review(other, reader(), here.line.policies, here.line.access, KEYS)
            holds = [await here.hold(f"q{n}@example.org") for n in range(12)]
            said = await asyncio.gather(
                *(here.line.review.release(hold, "ada", "yes") for hold in holds),
                *(review.reject(hold, "bruno", "no") for hold in holds),
                return_exceptions=True,
            )
            pairs = list(zip(said[:12], said[12:], strict=True))
            assert all(isinstance(a, AlreadyDecided) != isinstance(b, AlreadyDecided) for a, b in pairs)
            found = [await here.status(hold) for hold in holds]
            assert (await here.line.store.depths()).outbox == found.count("released")
        finally:
            await other.close()

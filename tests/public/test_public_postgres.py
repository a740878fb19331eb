"""Double opt-in, ways out and what is held, on PostgreSQL: the same pages, the same log."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from gateway.intake.optin import CONFIRM_SECONDS
from gateway.store.postgres import PostgresStore
from tests.line import KEYS, Clock
from tests.postgres import database, server
from tests.public.house import NEWS, ONE_CLICK, pages
from tests.public.test_confirming import request

pytestmark = pytest.mark.postgres
REF = ("default", KEYS.subject("email", "anna@example.org"))


@pytest.fixture(scope="module")
def postgres() -> Iterator[str]:
    with server() as url:
        yield url


async def test_a_double_opt_in_from_the_request_to_a_newsletter(postgres: str, tmp_path: Path) -> None:
    clock = Clock()
    async with (
        database(postgres) as url,
        pages(tmp_path, store=PostgresStore(url, clock=clock), clock=clock) as house,
    ):
        assert await request(house)
        assert not await request(house, address="ANNA@example.org")
        path = await house.letter()
        for method in ("GET", "HEAD"):
            await house.ask(method, path)
        assert await house.line.store.consents(REF) == []
        clock.now += 60
        answers = await asyncio.gather(*(house.ask("POST", path, data={"confirm": "yes"}) for _ in range(4)))
        assert sorted(a.status for a in answers) == [200, 410, 410, 410]
        first, second = await house.line.store.consents(REF)
        assert (first.action, second.action, second.grade) == ("requested", "confirmed", "A")
        proof = orjson.loads(second.proof)
        assert (proof["ip"], proof["confirmed_ip"]) == ("192.0.2.7", "127.0.0.1")
        assert proof["requested_at"] < proof["confirmed_at"]
        assert await house.line.store.rows("SELECT key FROM replays WHERE length(key) = 17") == []
        receipt, entry = await house.send()
        assert receipt.status == "accepted"
        both = (house.ask("POST", house.link(entry), data=ONE_CLICK) for _ in range(6))
        assert {answer.status for answer in await asyncio.gather(*both)} == {200}
        rows = await house.line.store.consents(REF)
        assert [row.action for row in rows].count("withdrawn") == 1
        refused = await house.line.submit(class_="newsletter", purpose="newsletter", text=NEWS)
        assert "suppressed.unsubscribed" in {v.code for v in refused.recipients[0].decision.enforced}


async def test_what_nobody_confirms_is_gone(postgres: str, tmp_path: Path) -> None:
    clock = Clock()
    async with (
        database(postgres) as url,
        pages(tmp_path, store=PostgresStore(url, clock=clock), clock=clock) as house,
    ):
        assert await request(house)
        path = await house.letter()
        clock.now += CONFIRM_SECONDS + 1
        assert (await house.ask("POST", path, data={"confirm": "yes"})).status == 410
        assert await house.optins.sweep(clock()) == 1
        assert await house.optins.sweep(clock()) == 0
        assert (await house.line.store.person(REF)).permissions == ()
        assert await house.line.store.rows("SELECT key FROM replays") == []

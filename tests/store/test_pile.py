"""What is told by the hundred is written together: else all that others submit waits for it."""

import asyncio

import pytest

from gateway.store.draft import Draft, Needs
from gateway.store.postgres import PostgresStore
from gateway.store.protocol import HoldFilter
from tests.intake.policies import policies
from tests.line import KEYS, line
from tests.store.conftest import Stores
from tests.store.wire import Wire

pytestmark = pytest.mark.postgres
COUNT = 120
HOLD = "version: 1\npolicy: p\nrules:\n  - {rule: phrases, lexicon: pressure, outcome: hold}\n"


class Says:
    """Somebody says stop, and answers; somebody else is answered."""

    def __init__(self, address: str) -> None:
        self._ref = ("default", KEYS.subject("email", address))
        self.needs = Needs(people=(self._ref,))

    def apply(self, draft: Draft[None]) -> None:
        draft.cancel(self._ref, "unsubscribed")
        draft.recheck(self._ref, "reply")
        draft.recheck_backlog("default", "elena@acme.example", draft.now)
        draft.owe_answer("default", "elena@acme.example", self._ref[1], draft.now)


class Answers(Says):
    """They are answered."""

    def apply(self, draft: Draft[None]) -> None:
        draft.owe_answer("default", "elena@acme.example", self._ref[1], 0.0)


async def test_a_pile_of_stops_takes_few_round_trips(postgres: Stores) -> None:
    wire = Wire()
    rules = policies(postgres.folder, HOLD)
    async with wire.to(postgres.url) as url:
        store = PostgresStore(url, clock=postgres.clock, serving=False)
        async with line(postgres.folder, rules, store=store, clock=postgres.clock) as gateway:
            people = [f"a{n}@example.org" for n in range(COUNT)]
            for who in people:
                held = await gateway.submit(
                    to=who, class_="outreach", text="Ultima occasione: solo per oggi!"
                )
                assert held.status == "held"
                assert (await gateway.submit(to=who, class_="outreach")).status == "accepted"
            before = wire.sent
            await asyncio.gather(*(store.run(Says(who)) for who in people))
            cost = wire.sent - before
            assert (await store.depths()).outbox == 0
            assert not await store.holds(HoldFilter())
            assert len(await store.rows("SELECT 1 FROM waiting_replies")) == COUNT
            before = wire.sent
            await asyncio.gather(*(store.run(Answers(who)) for who in people))
            cost += wire.sent - before
            assert not await store.rows("SELECT 1 FROM waiting_replies")
    assert cost < COUNT

"""The same on PostgreSQL: verified, explained, replayed, erased, swept."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from gateway.evidence.erase import erase, resume
from gateway.evidence.explain import explain
from gateway.evidence.pack import make_pack, verify_pack
from gateway.evidence.replaying import Drafted, replay, versions_of
from gateway.evidence.retention import Keep, Retention
from gateway.evidence.rotation import rotate, usage, with_known
from gateway.evidence.subjects import export, subjects_of
from gateway.evidence.sweep import Sweep
from gateway.evidence.traces import subjects_like
from gateway.evidence.verify import Verification
from gateway.evidence.versions import keep_policies
from gateway.policy.load import compose
from gateway.policy.policies import PolicySet
from gateway.store.postgres import PostgresStore
from tests.evidence.traffic import NEWS, deliver, traffic
from tests.line import DAY, KEYS, NOW, Clock, line
from tests.postgres import database, server

pytestmark = pytest.mark.postgres
ANNA = "anna@example.org"


@pytest.fixture(scope="module")
def postgres_server() -> Iterator[str]:
    with server() as url:
        yield url


async def test_all_of_it(tmp_path: Path, rules: PolicySet, postgres_server: str) -> None:
    clock = Clock()
    async with database(postgres_server) as url:
        store = PostgresStore(url, clock=clock)
        async with line(tmp_path, rules, clock=clock, store=store) as gateway:
            await keep_policies(store, rules)
            await traffic(gateway)
            receipt = await gateway.submit(to=[ANNA, "odd@example.org"], campaign="a\0b è")
            refused = await gateway.submit(to="carla@example.org", **NEWS)
            state = await Verification(store).run()
            assert state.breaks == []
            assert state.matched["decisions"] == 10
            [one] = await explain(store, refused.id)
            assert one.exact
            assert verify_pack(await make_pack(store, KEYS, refused.id, 1.0)).lines
            versions = await versions_of(store, 0, NOW * 2)
            found = await replay(store, Drafted(draft=rules.texts, versions=versions), 0, NOW * 2)
            assert (found.decided, found.same) == (10, 10)
            fresh = await with_known(store, rotate(KEYS, pepper=True))
            anna = subjects_of(KEYS, "email", ANNA)
            assert subjects_of(fresh, "email", ANNA) == anna
            assert (await usage(store, fresh))[1]["people"] > 0
            who = await subjects_like(store, anna)
            assert (await export(store, who, "email", ANNA, 1.0))["known_by"][0]["consents"]
            async for _ in erase(store, who, "dpo", clock(), KEYS):
                pass
            assert await resume(store) == 0
            for table, column in (("messages", "meta"), ("consent_events", "proof"), ("bodies", "content")):
                rows = await store.rows(f"SELECT {column} FROM {table}")
                assert not any(b"anna@" in bytes(row[0]) for row in rows), table
            assert (await gateway.submit(to=ANNA, **NEWS)).status == "rejected"
            assert (await Verification(store).run()).breaks == []
            assert (await store.decisions(receipt.id))[0].subject == bytes(16)
            await deliver(gateway)
            clock.now += 100 * DAY
            first = ("words", "facts", "events", "consents")
            keeps = [Keep(what=w, seconds=90 * DAY, why="x") for w in first]
            await Sweep(store, Retention(tuple(keeps)), clock(), rest=0.0).run()
            assert (await Verification(store).run()).breaks == []
            keeps = [Keep(what=w, seconds=90 * DAY, why="x") for w in ("decisions", "holds", "attempts")]
            swept = await Sweep(store, Retention(tuple(keeps)), clock(), rest=0.0).run()
            assert swept["decisions"] == 11
            assert (await Verification(store).run()).breaks == []


async def test_of_replicas_that_load_the_same_policies_one_keeps_them(
    tmp_path: Path, rules: PolicySet, postgres_server: str
) -> None:
    other = compose({"p0.yaml": rules.texts["p0.yaml"]})
    async with database(postgres_server) as url, AsyncExitStack() as stack:
        stores = [PostgresStore(url, clock=Clock()) for _ in range(3)]
        for store in stores:
            await store.start()
            stack.push_async_callback(store.close)
        for loaded in (rules, other, rules):
            kept = await asyncio.gather(*(keep_policies(store, loaded) for store in stores))
            assert sorted(kept) == [False, False, True]
        [(changes,)] = await stores[0].rows("SELECT count(*) FROM audit WHERE kind = 'policy.changed'")
        assert changes == 3

"""What is to be done once is done once, whoever serves; checkpoints leave the house."""

import asyncio
import resource
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from standardwebhooks import Webhook

from gateway.delivery.checkpoints import CheckpointHook
from gateway.delivery.target import parse_webhook
from gateway.evidence.checkpoint import append_checkpoint, public_key, read_checkpoints, take_checkpoint
from gateway.evidence.retention import FILE
from gateway.evidence.turn import LEASE, Turn
from gateway.evidence.upkeep import Upkeep
from gateway.evidence.verify import Verification
from gateway.policy.policies import PolicySet
from gateway.store.postgres import PostgresStore
from tests.evidence.traffic import deliver, traffic
from tests.line import DAY, KEYS, Clock, Line, line
from tests.postgres import database, server

SECRET = "whsec_" + "QUFB" * 11


@pytest.fixture(scope="module")
def postgres_server() -> Iterator[str]:
    with server() as url:
        yield url


def keep(folder: Path, days: int = 90) -> Path:
    (folder / "kept" / "retention").mkdir(parents=True)
    (folder / "kept" / FILE).write_text(
        f"version: 1\nkeep: [{{what: decisions, for: {days} days, why: test}}]"
    )
    return folder / "kept"


class Receiver:
    """Whoever keeps checkpoints elsewhere; `answer` is the status that it gives."""

    def __init__(self) -> None:
        self.answer = 204
        self.kept: list[bytes] = []
        self.asked = 0

    async def take(self, request: web.Request) -> web.Response:
        self.asked += 1
        body = await request.read()
        if self.answer == 204:
            Webhook(SECRET).verify(body, dict(request.headers))
            self.kept.append(body)
        return web.Response(status=self.answer)


async def test_of_two_gateways_one_works(tmp_path: Path, rules: PolicySet) -> None:
    async with line(tmp_path, rules, clock=Clock()) as gateway:
        first, second = (Turn(gateway.store, "upkeep", name) for name in ("one", "two"))
        assert await first.take(0.0)
        assert not await second.take(LEASE - 1)
        assert await first.take(LEASE - 1)
        assert not await second.take(LEASE + 1)
        assert await second.take(2 * LEASE)
        assert not await first.take(2 * LEASE)
        assert await Turn(gateway.store, "other", "one").take(0.0)


async def test_a_turn_that_a_wrong_clock_took_is_taken_back(tmp_path: Path, rules: PolicySet) -> None:
    async with line(tmp_path, rules, clock=Clock()) as gateway:
        ahead, right = (Turn(gateway.store, "upkeep", name) for name in ("ahead", "right"))
        assert await ahead.take(900 * DAY)
        assert await right.take(0.0)
        assert not await Turn(gateway.store, "upkeep", "third").take(1.0)


async def test_what_is_over_is_so_by_the_clock_of_the_store(tmp_path: Path, rules: PolicySet) -> None:
    """The machine's own clock is months ahead of it."""
    clock = Clock(time.time() - 200 * DAY)
    async with line(tmp_path, rules, clock=clock) as gateway:
        await traffic(gateway)
        await deliver(gateway)
        upkeep = Upkeep(gateway.store, KEYS, keep(tmp_path), tmp_path / "points")
        await upkeep.turn()
        kept = "SELECT count(*) FROM decisions"
        assert await gateway.store.rows(kept) != [(0,)]
        clock.now += 91 * DAY
        await upkeep.turn()
        assert await gateway.store.rows(kept) == [(0,)]


async def test_a_clock_that_was_ahead_keeps_nothing_waiting_once_it_is_right(
    tmp_path: Path, rules: PolicySet
) -> None:
    async with line(tmp_path, rules, clock=Clock()) as gateway:
        folder, file = keep(tmp_path), tmp_path / "points"
        gateway.clock.now += 365 * DAY
        upkeep = Upkeep(gateway.store, KEYS, folder, file, gateway.clock)
        for passed in (0.0, -365 * DAY, 60.0, 3600.0):
            gateway.clock.now += passed
            await upkeep.turn()
        assert len(file.read_bytes().splitlines()) == 3
        await traffic(gateway)
        await deliver(gateway)
        gateway.clock.now += 91 * DAY
        await upkeep.turn()
        assert await gateway.store.rows("SELECT count(*) FROM decisions") == [(0,)]


async def test_a_checkpoint_that_cannot_be_written_keeps_nothing_else_waiting(
    tmp_path: Path, rules: PolicySet
) -> None:
    async with line(tmp_path, rules, clock=Clock()) as gateway:
        await traffic(gateway)
        await deliver(gateway)
        gateway.clock.now += 91 * DAY
        (tmp_path / "points").mkdir()
        upkeep = Upkeep(gateway.store, KEYS, keep(tmp_path), tmp_path / "points", gateway.clock)
        await upkeep.turn()
        assert await gateway.store.rows("SELECT count(*) FROM decisions") == [(0,)]
        (tmp_path / "points").rmdir()
        gateway.clock.now += 60
        await upkeep.turn()
        assert len((tmp_path / "points").read_bytes().splitlines()) == 1


async def test_half_a_line_is_no_part_of_the_next(tmp_path: Path, rules: PolicySet) -> None:
    """A full disk or a power cut left it."""
    file = tmp_path / "points"
    async with line(tmp_path, rules, clock=Clock()) as gateway:
        whole = await take_checkpoint(gateway.store, KEYS, gateway.clock())
    for half in (1, 5, len(whole) // 2, len(whole) - 2):
        file.write_bytes(whole + whole[:half])
        append_checkpoint(file, whole)
        assert file.read_bytes() == 2 * whole, half
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 * len(whole) + 100, limits[1]))
    try:
        with pytest.raises(OSError, match=r"space|large"):
            append_checkpoint(file, whole)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert file.read_bytes() == 2 * whole
    file.write_bytes(b"notes")
    append_checkpoint(file, whole)
    assert file.read_bytes() == b"notes\n" + whole


@pytest.mark.postgres
async def test_of_several_replicas_one_works(tmp_path: Path, rules: PolicySet, postgres_server: str) -> None:
    """Each has the same past to let go and the same checkpoint to post; the log says once what went."""
    clock, posted = Clock(), []

    async def post(said: bytes, now: float) -> bool:
        posted.append(said)
        return True

    async with database(postgres_server) as url:
        stores = [PostgresStore(url, clock=clock, chain=f"replica-{n}") for n in range(3)]
        async with line(tmp_path, rules, clock=clock, store=stores[0]) as gateway:
            for store in stores[1:]:
                await store.start()
            await traffic(gateway)
            clock.now += 100 * DAY
            folder = keep(tmp_path)
            replicas = [
                Upkeep(store, KEYS, folder, tmp_path / f"points-{n}", clock, post=post, owner=f"replica-{n}")
                for n, store in enumerate(stores)
            ]
            await asyncio.gather(*(replica.turn() for replica in replicas))
            [[told]] = await stores[0].rows("SELECT count(*) FROM audit WHERE kind = 'retained'")
            assert told == 1
            assert len(posted) == 1
            assert [(tmp_path / f"points-{n}").exists() for n in range(3)] == [True] * 3
            assert (await Verification(stores[0]).run()).breaks == []
            for store in stores[1:]:
                await store.close()


async def upkeep_of(gateway: Line, folder: Path, receiver: Receiver) -> tuple[Upkeep, TestServer]:
    app = web.Application()
    app.router.add_post("/kept", receiver.take)
    there = TestServer(app)
    await there.start_server()
    hook = CheckpointHook(parse_webhook(str(there.make_url("/kept")), SECRET), timeout=5.0)
    upkeep = Upkeep(
        gateway.store,
        KEYS,
        folder,
        folder / "points",
        gateway.clock,
        post=hook.post,
        checkpoint_seconds=100.0,
    )
    return upkeep, there


async def test_checkpoints_are_posted_signed_and_in_order(tmp_path: Path, rules: PolicySet) -> None:
    receiver = Receiver()
    async with line(tmp_path, rules, clock=Clock(time.time())) as gateway:
        await traffic(gateway)
        upkeep, there = await upkeep_of(gateway, tmp_path, receiver)
        await upkeep.turn()
        receiver.answer = 503
        gateway.clock.now += 101
        await upkeep.turn()
        gateway.clock.now += 101
        await upkeep.turn()
        assert (len(receiver.kept), receiver.asked) == (1, 3)
        receiver.answer = 204
        gateway.clock.now += 60
        await upkeep.turn()
        assert b"".join(receiver.kept) == (tmp_path / "points").read_bytes()
        points = read_checkpoints(b"".join(receiver.kept), [public_key(KEYS.signing)])
        assert len(points) == 3
        assert (await Verification(gateway.store, checkpoints=points).run()).breaks == []
        await there.close()
        gateway.clock.now += 101
        await upkeep.turn()
        assert len((tmp_path / "points").read_bytes().splitlines()) == 4

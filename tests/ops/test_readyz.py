"""What a load balancer is told while the disk is slow, and once it is dead."""

import asyncio
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from aiohttp.test_utils import make_mocked_request

from gateway.metrics import Metrics
from gateway.ops import health
from gateway.ops.health import Health


async def nothing() -> None:
    """There is nothing to measure."""


async def test_a_slow_disk_is_no_dead_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "PATIENCE", 0.01)
    now, asked, commit = 100.0, 0, asyncio.Event()

    async def store() -> bool:
        nonlocal asked
        asked += 1
        await commit.wait()
        return True

    async def ready(later: float) -> tuple[int, Any]:
        nonlocal now
        now += later
        answer = await one.ready(make_mocked_request("GET", "/readyz"))
        assert isinstance(answer.body, bytes)
        return answer.status, orjson.loads(answer.body)["checks"]["store"]

    clock: Callable[[], float] = lambda: now  # noqa: E731
    one = Health({"store": store}, Metrics(), nothing, clock)
    assert [await ready(0), await ready(3), await ready(4)] == [(200, "slow")] * 3
    assert await ready(4) == (503, "failed")
    assert asked == 1
    commit.set()
    assert [await ready(2), await ready(2)] == [(200, "ok")] * 2


async def test_what_was_slow_when_it_was_last_asked_is_asked_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "PATIENCE", 0.01)
    now, works, commit = 100.0, True, asyncio.Event()

    async def store() -> bool:
        await commit.wait()
        return works

    one = Health({"store": store}, Metrics(), nothing, lambda: now)
    assert (await one.ready(make_mocked_request("GET", "/readyz"))).status == 200
    commit.set()
    await asyncio.sleep(0.01)
    now, works = 700.0, False
    assert (await one.ready(make_mocked_request("GET", "/readyz"))).status == 503


async def test_what_raises_has_failed_at_once() -> None:
    async def store() -> bool:
        raise OSError

    one = Health({"store": store}, Metrics(), nothing, lambda: 100.0)
    assert (await one.ready(make_mocked_request("GET", "/readyz"))).status == 503

"""Whether the gateway lives, whether it can work, and its metrics."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping

import orjson
from aiohttp import web

from gateway.metrics import Metrics

FRESH = 1.0
"""Seconds for which the answer to a readiness check stands."""
PATIENCE = 2.0
"""Seconds that an answer waits for its checks."""
STUCK = 10.0
"""Seconds from which a check that goes on has failed. Until then it is slow: whoever sends had better wait
for a slow disk than be sent nowhere, as all replicas may have the same one."""

Check = Callable[[], Awaitable[bool]]


class Health:
    """`checks` are asked by name; one that raises, or takes longer than STUCK, has failed."""

    def __init__(
        self,
        checks: Mapping[str, Check],
        metrics: Metrics,
        measure: Callable[[], Awaitable[None]],
        monotonic: Callable[[], float],
    ) -> None:
        self._checks = dict(checks)
        self._metrics = metrics
        self._measure = measure
        self._monotonic = monotonic
        self._known: dict[str, str] = {}
        self._underway: dict[str, tuple[float, asyncio.Future[bool]]] = {}
        self._until = float("-inf")
        self._asking = asyncio.Lock()

    async def live(self, request: web.Request) -> web.Response:
        """The process answers."""
        return web.Response(body=b'{"status":"ok"}', content_type="application/json")

    async def ready(self, request: web.Request) -> web.Response:
        """200 while no check has failed, though some be slow; 503 when one has. Both with their names."""
        async with self._asking:
            if self._monotonic() >= self._until:
                results = await asyncio.gather(*(self._ask(name) for name in self._checks))
                self._known = dict(zip(self._checks, results, strict=True))
                self._until = self._monotonic() + FRESH
        fine = "failed" not in self._known.values()
        told = {
            "status": "ready" if fine else "not ready",
            "checks": self._known,
        }
        headers = {} if fine else {"Retry-After": "2"}
        return web.Response(
            status=200 if fine else 503,
            body=orjson.dumps(told),
            content_type="application/json",
            headers=headers,
        )

    async def _ask(self, name: str) -> str:
        """What a check says: ok, slow or failed. One that goes on is not asked again beside itself; what
        ended since somebody last asked says nothing of now."""
        if name not in self._underway or self._underway[name][1].done():
            begun = asyncio.ensure_future(self._checks[name]())
            begun.add_done_callback(_passed)
            self._underway[name] = self._monotonic(), begun
        since, asking = self._underway[name]
        await asyncio.wait([asking], timeout=PATIENCE)
        if not asking.done():
            return "slow" if self._monotonic() - since < STUCK else "failed"
        del self._underway[name]
        return "ok" if _passed(asking) else "failed"

    async def metrics(self, request: web.Request) -> web.Response:
        """The metrics, in the form that the scraper asks for."""
        with contextlib.suppress(Exception):  # what could not be measured is shown as it was
            async with asyncio.timeout(PATIENCE):
                await self._measure()
        text, content_type = self._metrics.render(request.headers.get("Accept", ""))
        return web.Response(body=text, headers={"Content-Type": content_type})


def _passed(asked: "asyncio.Future[bool]") -> bool:
    """Whether a check that is over says that all is well; whatever went wrong, it does not."""
    return not asked.cancelled() and asked.exception() is None and asked.result()

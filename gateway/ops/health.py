"""Whether the gateway lives, whether it can work, and its metrics."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import orjson
from aiohttp import web

from gateway.metrics import Metrics

FRESH = 1.0
"""Seconds for which the answer to a readiness check stands."""
PATIENCE = 2.0

Check = Callable[[], Awaitable[bool]]


class Health:
    """`checks` are asked by name; one that raises or takes longer than PATIENCE has failed."""

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
        self._known: dict[str, bool] = {}
        self._until = float("-inf")
        self._asking = asyncio.Lock()

    async def live(self, request: web.Request) -> web.Response:
        """The process answers."""
        return web.Response(body=b'{"status":"ok"}', content_type="application/json")

    async def ready(self, request: web.Request) -> web.Response:
        """200 when every check passes, 503 with their names when one does not."""
        async with self._asking:
            if self._monotonic() >= self._until:
                results = await asyncio.gather(*(_ask(check) for check in self._checks.values()))
                self._known = dict(zip(self._checks, results, strict=True))
                self._until = self._monotonic() + FRESH
        fine = all(self._known.values())
        told = {
            "status": "ready" if fine else "not ready",
            "checks": {name: "ok" if passed else "failed" for name, passed in self._known.items()},
        }
        headers = {} if fine else {"Retry-After": "2"}
        return web.Response(
            status=200 if fine else 503,
            body=orjson.dumps(told),
            content_type="application/json",
            headers=headers,
        )

    async def metrics(self, request: web.Request) -> web.Response:
        """The metrics, in the form that the scraper asks for."""
        await _ask(self._remeasure)
        text, content_type = self._metrics.render(request.headers.get("Accept", ""))
        return web.Response(body=text, headers={"Content-Type": content_type})

    async def _remeasure(self) -> bool:
        await self._measure()
        return True


async def _ask(check: Check) -> bool:
    try:
        async with asyncio.timeout(PATIENCE):
            return await check()
    except Exception:  # noqa: BLE001 - whatever went wrong, it is not ready
        return False

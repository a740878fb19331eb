"""The ops listener: its routes, and what they are made of."""

import time
from collections.abc import Awaitable, Callable, Mapping

import orjson
from aiohttp import web

from gateway.metrics import Metrics
from gateway.ops.desk import Desk
from gateway.ops.health import Check, Health
from gateway.ops.holds import Holds, Reviews
from gateway.ops.openapi import describe_ops
from gateway.ops.pauses import PauseDesk
from gateway.ops.people import ConsentLog, People
from gateway.store.protocol import Store

__all__ = ["ops_routes"]


async def _measure_nothing() -> None:
    return


def ops_routes(
    *,
    desk: Desk,
    store: Store,
    review: Reviews,
    consents: ConsentLog,
    metrics: Metrics,
    checks: Mapping[str, Check] | None = None,
    measure: Callable[[], Awaitable[None]] = _measure_nothing,
    monotonic: Callable[[], float] = time.monotonic,
) -> list[web.RouteDef]:
    """The routes of health, metrics and the ops API. The console's stand beside them in `build_app`.

    `checks` say besides the store what readiness rests on; `measure` brings gauges up to date before the
    metrics are shown.
    """
    holds, people = Holds(desk, store, review), People(desk, store, consents)
    pauses = PauseDesk(desk, store)

    async def store_works() -> bool:
        await store.check()
        return True

    health = Health({"store": store_works, **(checks or {})}, metrics, measure, monotonic)
    document = orjson.dumps(describe_ops())

    async def show_document(request: web.Request) -> web.Response:
        return web.Response(body=document, content_type="application/json")

    return [
        web.get("/healthz", health.live),
        web.get("/readyz", health.ready),
        web.get("/metrics", health.metrics),
        web.get("/openapi.json", show_document),
        web.get("/api/v1/holds", holds.list),
        web.get("/api/v1/holds/{id}", holds.show),
        web.post("/api/v1/holds/{id}/release", holds.release),
        web.post("/api/v1/holds/{id}/reject", holds.reject),
        web.get("/api/v1/pauses", pauses.list),
        web.post("/api/v1/pauses", pauses.begin),
        web.post("/api/v1/pauses/{id}/resume", pauses.end),
        web.get("/api/v1/decisions/{id}", holds.decision),
        web.get("/api/v1/consents", people.list),
        web.post("/api/v1/consents", people.record),
        web.post("/api/v1/subjects/lookup", people.look_up),
    ]

"""The pages for recipients: their routes, and what they are made of."""

import time
from collections.abc import Callable, Iterable

from aiohttp import web

from gateway.access import Access
from gateway.intake.leaving import Leaving
from gateway.keys import Keys
from gateway.metrics import Metrics
from gateway.public.desk import Desk
from gateway.public.leaving import LeavePages
from gateway.public.pages import STYLE, Pages
from gateway.public.visitor import Network
from gateway.store.protocol import Store

__all__ = ["public_routes"]


def public_routes(
    *,
    access: Access,
    store: Store,
    keys: Keys,
    metrics: Metrics,
    trusted: Iterable[Network] = (),
    clock: Callable[[], float] = time.time,
) -> list[web.RouteDef]:
    """The routes of the pages. `trusted` are the proxies whose X-Forwarded-For counts."""
    pages = Pages()
    desk = Desk(keys, access, pages, clock, trusted)
    leave = LeavePages(desk, Leaving(store, keys, metrics))
    return [
        web.get(STYLE, pages.style),
        web.get("/u/{token}", desk.page(leave.ask)),
        web.post("/u/{token}", desk.page(leave.leave)),
    ]

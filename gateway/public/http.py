"""The pages for recipients: their routes, and what they are made of."""

import time
from collections.abc import Callable, Iterable

from aiohttp import web

from gateway.access import Access
from gateway.intake.leaving import Leaving
from gateway.intake.letters import Office
from gateway.intake.optin import OptIns
from gateway.keys import Keys
from gateway.metrics import Metrics
from gateway.public.confirming import ConfirmPages
from gateway.public.desk import Desk
from gateway.public.holdings import HoldingPages
from gateway.public.leaving import LeavePages
from gateway.public.pages import STYLE, Pages
from gateway.public.preferences import PreferencePages
from gateway.store.protocol import Store
from gateway.web.peer import Network

__all__ = ["public_routes"]


def public_routes(
    *,
    access: Access,
    store: Store,
    keys: Keys,
    metrics: Metrics,
    office: Office,
    trusted: Iterable[Network] = (),
    clock: Callable[[], float] = time.time,
) -> list[web.RouteDef]:
    """The routes of the pages. `office` is where the links in letters lead, `trusted` are the proxies whose
    X-Forwarded-For counts."""
    pages = Pages()
    desk = Desk(keys, access, pages, clock, trusted)
    leaving = Leaving(store, keys, metrics)
    leave = LeavePages(desk, leaving)
    preferences = PreferencePages(desk, leaving)
    holdings = HoldingPages(desk, leaving, store, office)
    confirming = ConfirmPages(desk, OptIns(store, keys, office))
    return [
        web.get(STYLE, pages.style),
        web.get("/{cut:(?:(?:u|p|me|c)/?)?}", desk.page(desk.cut)),
        web.get("/u/{token}", desk.page(leave.ask)),
        web.post("/u/{token}", desk.page(leave.leave)),
        web.get("/p/{token}", desk.page(preferences.ask)),
        web.post("/p/{token}", desk.page(preferences.change)),
        web.get("/p/{token}/copy", desk.page(holdings.back)),
        web.post("/p/{token}/copy", desk.page(holdings.send)),
        web.get("/me/{token}", desk.page(holdings.show)),
        web.post("/me/{token}", desk.page(holdings.lift)),
        web.get("/me/{token}/copy.json", desk.page(holdings.copy)),
        web.get("/c/{token}", desk.page(confirming.ask)),
        web.post("/c/{token}", desk.page(confirming.confirm)),
    ]

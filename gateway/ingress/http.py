"""The native HTTP API: its routes, and what they are made of."""

import time
from collections.abc import Callable, Sequence

import orjson
from aiohttp import web

from gateway.access import Access
from gateway.ingress.http_auth import Gate
from gateway.ingress.http_consents import PATH as CONSENTS
from gateway.ingress.http_consents import ConsentRequests
from gateway.ingress.http_events import PATH as EVENTS
from gateway.ingress.http_events import Events, Tell
from gateway.ingress.http_limits import HttpLimits, Paces
from gateway.ingress.http_messages import PATH as MESSAGES
from gateway.ingress.http_messages import Messages, Submit
from gateway.ingress.openapi import describe_api
from gateway.intake.optin import OptIns
from gateway.store.protocol import Store
from gateway.web.body import Inflight
from gateway.web.frame import build_app
from gateway.web.listener import HttpListener

__all__ = ["HttpLimits", "HttpListener", "build_app", "native_routes"]


def native_routes(
    *,
    access: Access,
    submit: Submit,
    tell: Tell,
    store: Store,
    limits: HttpLimits,
    clock: Callable[[], float] = time.time,
    monotonic: Callable[[], float] = time.monotonic,
    on_reply: Callable[[float], None] = lambda seconds: None,
    on_full: Callable[[str], None] = lambda source: None,
    optins: OptIns | None = None,
    feeds: Sequence[str] = (),
) -> list[web.RouteDef]:
    """The routes of the native API. Other routes of the same listener stand beside them in `build_app`.

    `clock` gives unix seconds; `on_reply` is told how long each submission waited for its answer,
    `on_full` whose was put off because memory was full. With `optins`, consents may be requested. `feeds` are
    the names of the providers whose events are taken beside.
    """
    gate, inflight = Gate(access, limits.proxies), Inflight(limits.inflight_bytes)
    paces = Paces(limits.source_rate)
    messages = Messages(gate, submit, store, limits, inflight, paces, clock, monotonic, on_reply, on_full)
    events = Events(gate, tell, limits, inflight, clock)
    document = orjson.dumps(describe_api(limits, optin=optins is not None, feeds=feeds))
    consents = [ConsentRequests(gate, access, optins, limits, inflight, clock)] if optins is not None else []

    async def show_document(request: web.Request) -> web.Response:
        return web.Response(body=document, content_type="application/json")

    return [
        web.post(MESSAGES, messages.post),
        web.get(MESSAGES + "/{id}", messages.get),
        web.post(EVENTS, events.post),
        *(web.post(CONSENTS, each.post) for each in consents),
        web.get("/openapi.json", show_document),
    ]

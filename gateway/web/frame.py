"""Around every request: errors in one place, safe headers, one log line without personal data."""

import asyncio
import logging
import time
from collections.abc import Iterable

from aiohttp import HttpVersion11, web
from aiohttp.typedefs import Handler

from gateway.policy.outcome import Words
from gateway.store.protocol import StoreError
from gateway.web.problem import Problem, answer_problem, problem_of, unavailable

log = logging.getLogger(__name__)

SAFE = {
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Server": "galateo",
}
"""Headers of every answer, where the handler says nothing else."""

CALLER = web.RequestKey("caller", str)
"""Who was recognized, by name, for the log."""


def build_app(routes: Iterable[web.AbstractRouteDef]) -> web.Application:
    """An application of these routes inside the frame. Bodies are bounded where they are read."""
    app = web.Application(middlewares=[frame], client_max_size=0)
    app.add_routes([_expecting(route) for route in routes])
    return app


def _expecting(route: web.AbstractRouteDef) -> web.AbstractRouteDef:
    # What a client expects is answered before any middleware runs, by aiohttp in plain text.
    if isinstance(route, web.RouteDef):
        kwargs = {"expect_handler": meet_expectation, **route.kwargs}
        return web.RouteDef(route.method, route.path, route.handler, kwargs)
    return route


async def meet_expectation(request: web.Request) -> web.StreamResponse | None:
    """Ask for the body (100), or say that nothing else can be expected (RFC 9110 10.1.1)."""
    if request.headers.get("Expect", "").lower() == "100-continue":
        if request.version >= HttpVersion11:
            await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            request.writer.output_size = 0
        return None
    detail = Words(
        "Nothing but 100-continue can be expected here. Send the request without the header Expect.",
        "Qui si può attendere solo 100-continue. Inviare la richiesta senza l'intestazione Expect.",
    )
    response = answer_problem(request, Problem("expectation-failed", detail))
    response.headers.update(SAFE)
    return response


@web.middleware
async def frame(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer problems and faults as RFC 9457, add the headers of SAFE, log."""
    started = time.perf_counter()
    response = await _answer(request, handler)
    if not response.prepared:
        headers = response.headers
        for name, value in SAFE.items():
            headers.setdefault(name, value)
    if log.isEnabledFor(logging.INFO if response.status >= 400 else logging.DEBUG):
        _tell(request, response.status, time.perf_counter() - started)
    return response


async def _answer(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        response: web.StreamResponse = await handler(request)
    except Problem as problem:
        return answer_problem(request, problem)
    except StoreError:
        return answer_problem(request, unavailable())
    except web.HTTPException as error:
        if error.status < 400:
            raise
        return answer_problem(request, problem_of(error))
    except (asyncio.CancelledError, ConnectionError):
        raise
    except Exception:  # the caller learns that, not what; the log says where
        log.exception("http.fault", extra={"route": _route(request)})
        return answer_problem(request, _fault())
    return response


def _fault() -> Problem:
    return Problem(
        "internal",
        Words(
            "A fault in the gateway stopped this request; it is in the log. Sending it again may not help.",
            "Un guasto del gateway ha fermato la richiesta; è nel registro. Ripeterla potrebbe non servire.",
        ),
    )


def _tell(request: web.Request, status: int, seconds: float) -> None:
    level = logging.INFO if status >= 400 else logging.DEBUG
    fields = {"method": request.method[:16], "route": _route(request), "status": status}
    fields |= {"ms": round(seconds * 1000, 1), "caller": request.get(CALLER, "")}
    log.log(level, "http.request", extra=fields)


def _route(request: web.Request) -> str:
    """The route as it was declared, never the path as it was asked for."""
    resource = request.match_info.route.resource
    return resource.canonical if resource is not None else ""

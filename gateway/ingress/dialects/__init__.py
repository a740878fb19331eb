"""Other tools' own formats, each translated to the one Message and back."""

import time
from collections.abc import Awaitable, Callable, Iterator, Mapping

from aiohttp import hdrs, web

from gateway.access import Access, AccessError, Fault
from gateway.ingress.dialects.bad import Bad
from gateway.ingress.dialects.brevo import BREVO
from gateway.ingress.dialects.desk import Check, Desk, Dialect, Submit, Tell
from gateway.ingress.dialects.generic import GENERIC, fields_fault
from gateway.ingress.dialects.keys import KeyGate, key_faults
from gateway.ingress.dialects.lemlist import LEMLIST
from gateway.ingress.dialects.listmonk import LISTMONK
from gateway.ingress.dialects.mailgun import MAILGUN
from gateway.ingress.dialects.mandrill import MANDRILL
from gateway.ingress.dialects.postmark import POSTMARK
from gateway.ingress.dialects.resend import RESEND
from gateway.ingress.dialects.sendgrid import SENDGRID
from gateway.ingress.dialects.ses import SES
from gateway.ingress.dialects.ses import key_faults as ses_faults
from gateway.ingress.dialects.templates import Fetch, fetch_nothing
from gateway.ingress.dialects.unipile import UNIPILE
from gateway.ingress.http_limits import HttpLimits
from gateway.store.protocol import Store

__all__ = ["DIALECTS", "Tell", "dialect_faults", "dialect_routes"]

DIALECTS: tuple[Dialect, ...] = (
    SENDGRID,
    BREVO,
    LISTMONK,
    MAILGUN,
    MANDRILL,
    POSTMARK,
    RESEND,
    SES,
    UNIPILE,
    LEMLIST,
    GENERIC,
)
"""Every dialect. Paths that are fixed stand before those that take any domain."""


def dialect_routes(
    *,
    access: Access,
    submit: Submit,
    check: Check,
    tell_refused: Tell,
    store: Store,
    limits: HttpLimits,
    clock: Callable[[], float] = time.time,
    monotonic: Callable[[], float] = time.monotonic,
    on_reply: Callable[[float], None] = lambda seconds: None,
    on_full: Callable[[str], None] = lambda source: None,
    fetch: Fetch = fetch_nothing,
) -> list[web.RouteDef]:
    """The routes of every dialect. Raises AccessError where the access file speaks of one wrongly.

    `check` raises NotAllowed for a message that `submit` would not take; `tell_refused` hears of messages
    that were refused although the tool was told "taken"; `on_full` hears whose
    submission was put off because memory was full; `fetch` brings templates that a provider keeps.
    """
    if faults := list(dialect_faults(access)):
        raise AccessError("\n".join(map(access.say, faults)))
    desk = Desk(
        gate=KeyGate(access, limits.proxies),
        submit=submit,
        check=check,
        tell_refused=tell_refused,
        store=store,
        limits=limits,
        clock=clock,
        monotonic=monotonic,
        on_reply=on_reply,
        on_full=on_full,
        fetch=fetch,
    )
    routes = []
    for dialect in DIALECTS:
        for method, path, handler in dialect.routes:
            routes.append(web.route(method, path, desk.serve(dialect, handler)))
        routes += [web.route(hdrs.METH_ANY, path, _other(dialect, path)) for path in _paths(dialect)]
    return routes


def dialect_faults(access: Access) -> Iterator[Fault]:
    """What the access file says wrongly of dialects."""
    names = {dialect.name for dialect in DIALECTS}
    for source in access.sources.values():
        for name, options in source.dialects.items():
            text = ""
            if name not in names:
                text = f"there is no such dialect; there are {', '.join(sorted(names))}"
            elif not isinstance(options, Mapping):
                text = "this must be a mapping of options"
            if text:
                yield Fault(source=source.name, path=("dialects", name), text=text)
        generic = source.dialects.get(GENERIC.name)
        if isinstance(generic, Mapping) and (wrong := fields_fault(generic)):
            path = ("dialects", GENERIC.name, "fields", *wrong.at)
            yield Fault(source=source.name, path=path, text=str(wrong))
    yield from key_faults(access)
    yield from ses_faults(access)


def _paths(dialect: Dialect) -> list[str]:
    return list(dict.fromkeys(path for _, path, _ in dialect.routes))


def _other(dialect: Dialect, path: str) -> Callable[[web.Request], Awaitable[web.Response]]:
    """The answer to methods that a path does not take."""
    allowed = ", ".join(method for method, one, _ in dialect.routes if one == path)

    async def refuse(request: web.Request) -> web.Response:
        return dialect.fail(Bad("This path takes other methods.", status=405, headers={"Allow": allowed}))

    return refuse

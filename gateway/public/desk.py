"""What every page for recipients shares: tokens opened, guessers slowed down, faults told kindly."""

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TypeVar

from aiohttp import web

from gateway.access import Access
from gateway.intake.tokens import Refused
from gateway.keys import Keys
from gateway.public.pages import Pages, language_for
from gateway.store.protocol import StoreError
from gateway.web.form import BadForm
from gateway.web.often import Often
from gateway.web.peer import Network, address_of, household_of
from gateway.web.problem import Problem

log = logging.getLogger(__name__)

T = TypeVar("T")
Handler = Callable[[web.Request], Awaitable[web.Response]]

GUESSES = (60, 60.0)
"""Bad links that one address may try, and in how many seconds. Good ones are never counted: mail providers
post withdrawals for all their users from a few addresses."""
USES = (60, 60.0)
"""Forms that may be posted with one link."""
SHOWING, CONFIRM = "_showing", "_confirm"
"""Links that are for something else than leaving."""


class Turned(Exception):
    """The visitor is shown a page that says `key` instead; nothing changed."""

    def __init__(self, key: str, status: int) -> None:
        super().__init__(key)
        self.key = key
        self.status = status


class Desk:
    """Takes visitors in. `clock` gives unix seconds, `trusted` are the proxies whose word counts."""

    def __init__(
        self,
        keys: Keys,
        access: Access,
        pages: Pages,
        clock: Callable[[], float],
        trusted: Iterable[Network] = (),
    ) -> None:
        self.keys = keys
        self.pages = pages
        self.clock = clock
        self._access = access
        self._trusted = tuple(trusted)
        self._guesses = Often(*GUESSES)
        self._uses = Often(*USES)

    def open(
        self, request: web.Request, read: Callable[[Keys, str, float], T | Refused], what: str = ""
    ) -> T:
        """What the link's token says. `what` the link was for says how to come by another. Raises Turned."""
        peer, now = self.visitor(request), self.clock()
        found = read(self.keys, request.match_info["token"], now)
        if not isinstance(found, Refused):
            return found
        if found is Refused.EXPIRED:
            raise Turned(f"expired{what}", 410)
        if not self._guesses.take(household_of(peer), now):
            raise Turned("too_often", 429)
        raise Turned(f"forged{what}", 404)

    def count_use(self, request: web.Request) -> None:
        """Count a posted form. Raises Turned where one link posts too many."""
        if not self._uses.take(request.match_info["token"], self.clock()):
            raise Turned("too_often", 429)

    def visitor(self, request: web.BaseRequest) -> str:
        """The IP address that asks."""
        return address_of(request, self._trusted)

    def who(self, controller: str) -> str:
        """In whose name the messages go out."""
        known = self._access.controller(controller)
        return known.identity or known.name

    def proof(self, request: web.Request, place: str) -> Mapping[str, str]:
        """Where and how something was said, for the log."""
        agent = request.headers.get("User-Agent", "")[:300]
        said = {"place": place, "ip": self.visitor(request), "language": language_for(request)}
        return said | ({"user_agent": _clean(agent)} if agent else {})

    async def cut(self, request: web.Request) -> web.Response:
        """What a mail program left of a link that it broke in two: told to people, as a page."""
        if request.headers.get("Accept", "").partition(",")[0].strip().startswith("text/html"):
            what = {"me": SHOWING, "c": CONFIRM}.get(request.match_info["cut"].strip("/"), "")
            raise Turned(f"forged{what}", 404)
        raise web.HTTPNotFound

    def page(self, handler: Handler) -> Handler:
        """The handler, with whatever goes wrong told as a page."""

        async def handle(request: web.Request) -> web.Response:
            try:
                return await handler(request)
            except Turned as turned:
                return self._tell(request, turned.key, turned.status)
            except BadForm:
                return self._tell(request, "bad_form", 400)
            except Problem as problem:
                return self._tell(request, "bad_form", problem.status)
            except StoreError:
                return self._tell(request, "unavailable", 503)

        return handle

    def _tell(self, request: web.Request, key: str, status: int) -> web.Response:
        answer = self.pages.tell(request, key, status=status)
        if status in (429, 503):
            answer.headers["Retry-After"] = "60"
        return answer


def _clean(text: str) -> str:
    return "".join(c for c in text if c.isprintable())

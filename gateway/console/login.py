"""Signing in and out, and how the console looks to this reader."""

import asyncio
from collections.abc import Iterable
from urllib.parse import quote

from aiohttp import web

from gateway.access import Reviewer
from gateway.console.desk import COOKIE, HOME, LOGIN, Desk, Turned, Visit, go_to, own_path
from gateway.console.pages import THEMES
from gateway.console.sessions import DEVELOPER
from gateway.console.visitor import Form, is_at_this_machine, is_same_site, read_form
from gateway.web.language import LANGUAGES
from gateway.web.often import Often
from gateway.web.peer import Network, address_of, household_of

TRIES = (10, 300.0)
"""Wrong secrets that one name, or one address, may try in so many seconds."""
TRIES_OF_ALL = (100, 60.0)
VERIFYING = 2
YEAR = 365 * 86400


class Login:
    """The handlers. `proxies` are those whose word counts about who asks."""

    def __init__(self, desk: Desk, proxies: Iterable[Network] = ()) -> None:
        self._desk = desk
        self._proxies = tuple(proxies)
        self._by_name = Often(*TRIES)
        self._by_peer = Often(*TRIES)
        self._all = Often(*TRIES_OF_ALL)
        self._verifying = asyncio.Semaphore(VERIFYING)

    async def ask(self, request: web.Request) -> web.Response:
        """The form."""
        return self._form(request, "")

    async def enter(self, request: web.Request) -> web.Response:
        """Open a session for a name and its secret."""
        form = await read_form(request)
        if not is_same_site(request):
            raise Turned("forged", 403)
        name, secret = form.get("name")[:64], "".join(form.all("secret")[:1])[:1000]
        now, peer = self._desk.clock(), household_of(address_of(request, self._proxies))
        # What is refused to one address counts against nobody else: else one could keep all others out.
        if not (self._by_peer.take(peer, now) and self._by_name.take(name, now) and self._all.take("", now)):
            return self._form(request, "login.often", 429, form)
        async with self._verifying:
            reviewer = await self._desk.access.reviewer(name, secret)
        if reviewer is None:
            await self._desk.note(
                "console.login.failed", "", name if name in self._desk.access.reviewers else ""
            )
            return self._form(request, "login.wrong", 401, form)
        self._by_name.forget(name)
        self._by_peer.give_back(peer)
        self._all.give_back("")
        return await self._go_in(request, reviewer, "secret", form.get("next"))

    async def enter_locally(self, request: web.Request) -> web.Response:
        """Open a session without a secret: in development, on this machine, while there are no reviewers."""
        form = await read_form(request)
        if not self._offers_local(request) or not is_same_site(request):
            raise Turned("forged", 403)
        return await self._go_in(request, DEVELOPER, "local", form.get("next"))

    async def leave(self, visit: Visit) -> web.Response:
        """End the session."""
        await self._desk.sessions.close(visit.session)
        answer = go_to(LOGIN)
        answer.del_cookie(COOKIE, path=HOME)
        return answer

    async def look(self, request: web.Request) -> web.Response:
        """Remember language and theme in the browser."""
        form = await read_form(request)
        if not is_same_site(request):
            raise Turned("forged", 403)
        answer = go_to(own_path(form.get("back")))
        for name, allowed in (("language", LANGUAGES), ("theme", THEMES)):
            if form.get(name) in allowed:
                answer.set_cookie(
                    f"galateo_{name}",
                    form.get(name),
                    path=HOME,
                    max_age=YEAR,
                    samesite="Strict",
                    httponly=True,
                )
        return answer

    def _form(
        self, request: web.Request, problem: str, status: int = 200, posted: Form | None = None
    ) -> web.Response:
        after = own_path(posted.get("next") if posted else request.query.get("next", ""))
        named = self._desk.named_by_proxy(request)
        answer = self._desk.pages.show(
            request,
            "login.html",
            status=status,
            here=f"{LOGIN}?next={quote(after, safe='')}",
            problem=problem,
            next=after,
            name=posted.get("name")[:64] if posted else "",
            local=self._offers_local(request),
            nobody=not self._desk.sessions.listed,
            named=named if self._desk.sessions.known(named) else "",
        )
        if status == 429:
            answer.headers["Retry-After"] = str(int(TRIES[1]))
        return answer

    def _offers_local(self, request: web.Request) -> bool:
        access = self._desk.access
        return access.development and not self._desk.sessions.listed and is_at_this_machine(request)

    async def _go_in(self, request: web.Request, reviewer: Reviewer, how: str, after: str) -> web.Response:
        answer = go_to(own_path(after))
        self._desk.set_cookie(request, answer, await self._desk.sessions.open(reviewer, how))
        return answer

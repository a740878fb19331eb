"""What every page of the console shares: who is signed in, what they may do, forms that are theirs, and
whatever goes wrong told as a page."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from aiohttp import web

from gateway.access import Access
from gateway.console.notes import Deed, Keep
from gateway.console.pages import Pages
from gateway.console.roles import may
from gateway.console.sessions import Session, Sessions
from gateway.console.visitor import Form, Network, comes_from, is_same_site, read_form
from gateway.store.protocol import Store, StoreError
from gateway.web.form import BadForm
from gateway.web.frame import CALLER

COOKIE = "galateo_console"
HOME = "/console/"
LOGIN = "/console/login"
DEEDS = (
    "release",
    "reject",
    "agree",
    "withdraw",
    "export",
    "erase",
    "restrict",
    "evidence",
    "pause",
    "resume",
)
"""What forms post to, below the page that they stand on."""
TYPED = ("reason", "leave_out", "text", "how")
"""Fields that people write in."""


class Turned(Exception):
    """The page says `key` instead of what was asked; nothing changed."""

    def __init__(self, key: str, status: int, **given: Any) -> None:
        super().__init__(key)
        self.key = key
        self.status = status
        self.given = given


@dataclass(slots=True)
class Visit:
    """One request of somebody who is signed in; `form` is what they posted."""

    request: web.Request
    session: Session
    form: Form
    desk: "Desk"

    @property
    def name(self) -> str:
        """The reviewer's name."""
        return self.session.reviewer.name

    def may(self, deed: str) -> bool:
        """Whether their role covers a deed."""
        return may(self.session.reviewer, deed)

    def show(self, template: str, *, status: int = 200, **given: Any) -> web.Response:
        """A page for them."""
        return self.desk.pages.show(
            self.request,
            template,
            status=status,
            here=page_of(self.request, self.form),
            session=self.session,
            me=self.session.reviewer,
            may=self.may,
            paused=self.desk.store.pauses.lasting,
            **given,
        )


Handler = Callable[[Visit], Awaitable[web.StreamResponse]]
Plain = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Desk:
    """Lets reviewers in. `sso` is the header by which a proxy of `trusted` says who it is, "" for none."""

    def __init__(
        self,
        store: Store,
        access: Access,
        sessions: Sessions,
        pages: Pages,
        clock: Callable[[], float],
        *,
        sso: str = "",
        trusted: Iterable[Network] = (),
    ) -> None:
        self.store = store
        self.access = access
        self.sessions = sessions
        self.pages = pages
        self.clock = clock
        self._sso = sso
        self._trusted = tuple(trusted)

    def page(self, deed: str, handler: Handler) -> Plain:
        """A page for those who may do the deed."""

        async def handle(request: web.Request) -> web.StreamResponse:
            session = await self._session(request)
            if session is None:
                return await self._welcome(request)
            return await self._visit(request, session, deed, handler, Form())

        return self.guard(handle)

    def action(self, deed: str, handler: Handler) -> Plain:
        """What a form does, for those who may do the deed: the form must be of their session."""

        async def handle(request: web.Request) -> web.StreamResponse:
            session = await self._session(request)
            if session is None:
                return await self._ended(request)
            form = await read_form(request)
            if not is_same_site(request) or not session.owns(form.get("form")):
                raise Turned("forged", 403)
            session = self.sessions.current(session)
            if session is None:
                return self._show_ended(request, form)
            return await self._visit(request, session, deed, handler, form)

        return self.guard(handle)

    async def _ended(self, request: web.Request) -> web.Response:
        """Nothing is done; what was typed is shown to whoever posted it, so that it is not lost."""
        return self._show_ended(request, await read_form(request) if is_same_site(request) else Form())

    def _show_ended(self, request: web.Request, form: Form) -> web.Response:
        typed = [text for name in TYPED if (text := form.get(name))]
        return self.pages.show(
            request,
            "ended.html",
            status=401,
            here=page_of(request, form),
            key="ended",
            given={},
            typed=typed,
        )

    async def _visit(
        self, request: web.Request, session: Session, deed: str, handler: Handler, form: Form
    ) -> web.StreamResponse:
        request[CALLER] = session.reviewer.name
        visit = Visit(request, session, form, self)
        try:
            if not visit.may(deed):
                raise Turned("forbidden", 403)
            return await handler(visit)
        except Turned as turned:
            return visit.show("message.html", status=turned.status, key=turned.key, given=turned.given)

    def guard(self, handler: Plain) -> Plain:
        """The handler, with whatever goes wrong told as a page."""

        async def handle(request: web.Request) -> web.StreamResponse:
            try:
                return await handler(request)
            except Turned as turned:
                return self._tell(request, turned.key, turned.status, turned.given)
            except BadForm:
                return self._tell(request, "bad_form", 400, {})
            except StoreError:
                answer = self._tell(request, "unavailable", 503, {})
                answer.headers["Retry-After"] = "5"
                return answer

        return handle

    def _tell(self, request: web.Request, key: str, status: int, given: dict[str, Any]) -> web.Response:
        return self.pages.show(
            request, "message.html", status=status, key=key, given=given, here=page_of(request, Form())
        )

    async def _session(self, request: web.Request) -> Session | None:
        """The session of the cookie, unless a trusted proxy names somebody else."""
        session = await self.sessions.find(request.cookies.get(COOKIE, ""))
        named = self.named_by_proxy(request)
        if session is not None and (session.proxied or named) and session.reviewer.name != named:
            return None
        return session

    def named_by_proxy(self, request: web.BaseRequest) -> str:
        """Who a trusted single-sign-on proxy says is asking, "" for nobody."""
        if not self._sso or not comes_from(request, self._trusted):
            return ""
        values = request.headers.getall(self._sso, [])
        return values[0].strip() if len(values) == 1 else ""

    async def _welcome(self, request: web.Request) -> web.Response:
        """Open a session for whom the proxy names, or show where to sign in."""
        named = self.named_by_proxy(request)
        reviewer = self.sessions.known(named) if named else None
        if named and reviewer is None:
            raise Turned("stranger", 403)
        if reviewer is None:
            return go_to(f"{LOGIN}?next={quote(request.path_qs, safe='')}")
        answer = go_to(request.path_qs)
        self.set_cookie(request, answer, await self.sessions.open(reviewer, "proxy"))
        return answer

    def set_cookie(self, request: web.BaseRequest, answer: web.Response, token: str) -> None:
        """Give the browser its session, for this site and no script."""
        secure = request.secure or request.headers.get("X-Forwarded-Proto", "").lower() == "https"
        answer.set_cookie(
            COOKIE,
            token,
            path=HOME,
            httponly=True,
            samesite="Strict",
            secure=secure,
            max_age=int(self.sessions.longest),
        )

    async def note(self, kind: str, reference: str, actor: str, detail: str = "") -> None:
        """Write what somebody did into the audit log."""
        await self.store.run(Keep(deeds=[Deed(kind=kind, reference=reference, actor=actor, detail=detail)]))


def own_path(path: str, otherwise: str = HOME) -> str:
    """A path of the console to go on to; anything else from outside is not followed."""
    plain = path.startswith(HOME) and path.isascii() and path.isprintable() and "\\" not in path
    return path if plain and len(path) < 1000 else otherwise


def page_of(request: web.BaseRequest, form: Form) -> str:
    """The page that a request is about, as a link may ask for it: what a form posts to is often none."""
    if request.method in ("GET", "HEAD"):
        return request.path_qs
    path = request.rel_url.raw_path
    page, _, last = path.rpartition("/")
    if last in DEEDS:
        return page
    if page.endswith("/piles"):
        return f"{path}?{urlencode({'codes': form.get('codes')})}"
    if path.startswith("/console/replies/"):
        return "/console/replies"
    return path if last in ("login", "people", "past") else HOME


def go_to(path: str) -> web.Response:
    """Go on to a page of the console, by GET."""
    return web.Response(status=303, headers={"Location": path})

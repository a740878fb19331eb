"""The console: its routes, and what they are made of."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from gateway.access import Access
from gateway.console import roles
from gateway.console.days import Days
from gateway.console.desk import HOME, Desk
from gateway.console.holds import Holds, Sla
from gateway.console.login import Login
from gateway.console.messages import Messages
from gateway.console.overview import Overview
from gateway.console.pages import Files, Pages
from gateway.console.pauses import PausePages
from gateway.console.people import Erase, Export, People
from gateway.console.policies import PolicyPages
from gateway.console.replies import Replies
from gateway.console.sessions import Sessions
from gateway.console.verdicts import Verdicts
from gateway.console.visitor import Network
from gateway.intake.consents import Consents
from gateway.policy.live import LivePolicies
from gateway.reading.read import Reader
from gateway.review import Review, Tasks
from gateway.store.protocol import Store

__all__ = ["Habits", "console_routes"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """How a house reviews. Times are seconds; `sso_header` names who asks, from proxies of `sso_trusted`;
    `proxies` are those whose X-Forwarded-For says from where."""

    idle: float = 1800.0
    longest: float = 12 * 3600.0
    sla: float = 86400.0
    sso_header: str = ""
    sso_trusted: tuple[Network, ...] = ()
    proxies: tuple[Network, ...] = ()


def console_routes(
    *,
    access: Access,
    store: Store,
    reader: Reader,
    policies: LivePolicies,
    review: Review,
    tasks: Tasks,
    consents: Consents,
    export: Export | None = None,
    erase: Erase | None = None,
    habits: Habits | None = None,
    days: Days | None = None,
    clock: Callable[[], float] = time.time,
) -> list[web.RouteDef]:
    """The routes under /console/. Without `export` and `erase` their buttons are not shown. `days` counts for
    all pages of a gateway."""
    habits = habits or Habits()
    pages = Pages(clock)
    sessions = Sessions(store, access, clock, idle=habits.idle, longest=habits.longest)
    desk = Desk(store, access, sessions, pages, clock, sso=habits.sso_header, trusted=habits.sso_trusted)
    verdicts = Verdicts(review)
    sla, days = Sla(habits.sla), days or Days(store, clock)
    holds = Holds(desk, store, reader, policies, verdicts, tasks, sla, consents.subject)
    people = People(desk, store, consents, export, erase)
    return [
        *_entrance(desk, habits),
        *_holds(desk, holds),
        *_people(desk, people),
        *_replies(desk, Replies(desk, store)),
        *_pauses(desk, PausePages(desk, store)),
        *_reading(
            desk, Messages(desk, store, reader), PolicyPages(policies, days), Overview(desk, store, days, sla)
        ),
    ]


def _entrance(desk: Desk, habits: Habits) -> list[web.RouteDef]:
    login, files = Login(desk, habits.proxies), Files()

    async def go_home(request: web.Request) -> web.Response:
        return web.Response(status=308, headers={"Location": HOME})

    return [
        web.get("/console", go_home),
        web.get("/console/static/{name:[a-z./]+}", files.show),
        web.get("/console/login", desk.guard(login.ask)),
        web.post("/console/login", desk.guard(login.enter)),
        web.post("/console/login/local", desk.guard(login.enter_locally)),
        web.post("/console/look", desk.guard(login.look)),
        web.post("/console/logout", desk.action(roles.READ_HOLDS, login.leave)),
    ]


def _holds(desk: Desk, holds: Holds) -> list[web.RouteDef]:
    read, decide = roles.READ_HOLDS, roles.DECIDE_HOLDS
    return [
        web.get(HOME, desk.page(read, holds.index)),
        web.get("/console/holds/{id}", desk.page(read, holds.show)),
        web.get("/console/holds/{id}/preview", desk.page(read, holds.preview)),
        web.post("/console/holds/{id}/release", desk.action(decide, holds.release)),
        web.post("/console/holds/{id}/reject", desk.action(decide, holds.reject)),
        web.get("/console/piles/{cluster}", desk.page(read, holds.pile)),
        web.post("/console/piles/{cluster}", desk.action(decide, holds.decide_pile)),
        web.get("/console/tasks/{id}", desk.page(read, holds.task)),
        web.post("/console/tasks/{id}/agree", desk.action(decide, holds.agree)),
    ]


def _people(desk: Desk, people: People) -> list[web.RouteDef]:
    read, change, person = roles.READ_PEOPLE, roles.CHANGE_PEOPLE, "/console/people/{controller}/{subject}"
    return [
        web.get("/console/people", desk.page(read, people.ask)),
        web.post("/console/people", desk.action(read, people.look_up)),
        web.get(person, desk.page(read, people.show)),
        web.post(f"{person}/withdraw", desk.action(change, people.withdraw)),
        web.post(f"{person}/export", desk.action(change, people.export)),
        web.post(f"{person}/erase", desk.action(roles.ERASE_PEOPLE, people.erase)),
    ]


def _replies(desk: Desk, replies: Replies) -> list[web.RouteDef]:
    read, decide = roles.READ_HOLDS, roles.DECIDE_HOLDS
    return [
        web.get("/console/replies", desk.page(read, replies.index)),
        web.post("/console/replies/{id}/done", desk.action(decide, replies.close)),
    ]


def _pauses(desk: Desk, pauses: PausePages) -> list[web.RouteDef]:
    return [
        web.get("/console/pauses", desk.page(roles.READ_HOLDS, pauses.index)),
        web.post("/console/pauses/pause", desk.action(roles.PAUSE, pauses.begin)),
        web.post("/console/pauses/resume", desk.action(roles.PAUSE, pauses.end)),
    ]


def _reading(desk: Desk, messages: Messages, policies: PolicyPages, overview: Overview) -> list[web.RouteDef]:
    return [
        web.get("/console/messages", desk.page(roles.READ_MESSAGES, messages.index)),
        web.get("/console/messages/{id}", desk.page(roles.READ_MESSAGES, messages.show)),
        web.get("/console/policies", desk.page(roles.READ_POLICIES, policies.index)),
        web.get("/console/policies/{name}", desk.page(roles.READ_POLICIES, policies.show)),
        web.get("/console/overview", desk.page(roles.READ_FIGURES, overview.show)),
    ]

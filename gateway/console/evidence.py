"""Evidence in the console: a draft of a policy tried on the past, what policies in observe would have done, a
decision explained, its evidence pack; what an erasure would take away, and restriction."""

import os
import re
import time
from collections.abc import Callable
from urllib.parse import quote

from aiohttp import web

from gateway.access import Access
from gateway.console import roles
from gateway.console.days import Days, observed_by
from gateway.console.desk import Desk, Turned, Visit, go_to
from gateway.console.http import Habits
from gateway.console.pages import Pages
from gateway.console.sessions import Sessions
from gateway.evidence.explain import explain
from gateway.evidence.pack import NothingToPack, make_pack
from gateway.evidence.rights import Rights
from gateway.evidence.subjects import note
from gateway.evidence.telling import tell_known, tell_reading
from gateway.evidence.trial import MOST, Busy, Failed, Trials, Tried, changed
from gateway.keys import Keys
from gateway.policy.document import PolicyErrors, Problem
from gateway.policy.live import LivePolicies
from gateway.store.protocol import Store
from gateway.store.records import Ref

__all__ = ["evidence_pages"]

SPANS = {"1": 1, "7": 7, "30": 30, "90": 90}
DAY = 86400.0
_MESSAGE = re.compile(r"[0-9a-z]{26}")
_SUBJECT = re.compile(r"[0-9a-f]{32}")


def evidence_pages(
    *,
    access: Access,
    store: Store,
    policies: LivePolicies,
    rights: Rights,
    trials: Trials,
    keys: Keys,
    habits: Habits | None = None,
    days: Days | None = None,
    clock: Callable[[], float] = time.time,
) -> list[web.RouteDef]:
    """The routes, for the sessions that the console's own pages open; `days` counts for those as well."""
    habits = habits or Habits()
    sessions = Sessions(store, access, clock, idle=habits.idle, longest=habits.longest)
    desk = Desk(
        store, access, sessions, Pages(clock), clock, sso=habits.sso_header, trusted=habits.sso_trusted
    )
    past = PastPages(policies, trials, days or Days(store, clock), clock)
    proofs = ProofPages(store, keys, clock)
    people = RightsPages(rights)
    person, message = "/console/people/{controller}/{subject}", "/console/messages/{id}"
    return [
        web.get("/console/policies/{name}/past", desk.page(roles.TRY_POLICIES, past.ask)),
        web.post("/console/policies/{name}/past", desk.action(roles.TRY_POLICIES, past.run)),
        web.get(f"{message}/explanation", desk.page(roles.READ_MESSAGES, proofs.explain)),
        web.post(f"{message}/evidence", desk.action(roles.TAKE_EVIDENCE, proofs.pack)),
        web.get(f"{person}/rights", desk.page(roles.CHANGE_PEOPLE, people.show)),
        web.post(f"{person}/restrict", desk.action(roles.CHANGE_PEOPLE, people.restrict)),
    ]


class PastPages:
    """What a policy would have done, and what one in observe would have."""

    def __init__(
        self, policies: LivePolicies, trials: Trials, days: Days, clock: Callable[[], float]
    ) -> None:
        self._policies = policies
        self._trials = trials
        self._days = days
        self._clock = clock

    async def ask(self, visit: Visit) -> web.Response:
        """The text of a policy, to be changed and tried; what it observed in the last month."""
        return await self._show(visit, days="7")

    async def run(self, visit: Visit) -> web.Response:
        """Try the text that was posted."""
        form, current = visit.form, self._policies.current
        policy = current.policy(visit.request.match_info["name"])
        days, text = form.get("days"), form.get("text")
        if policy is None:
            raise Turned("gone", 404)
        if days not in SPANS or not text:
            raise Turned("bad_form", 400)
        now = self._clock()
        try:
            tried = await self._trials.run(
                changed(current, {policy.file: text.replace("\r\n", "\n") + "\n"}),
                now - SPANS[days] * DAY,
                now + 1,
                observing=current.observing,
            )
        except PolicyErrors as error:
            return await self._show(visit, days, text, problems=error.problems)
        except (Busy, Failed) as error:
            return await self._show(visit, days, text, trouble=type(error).__name__.lower())
        return await self._show(visit, days, text, tried=tried)

    async def _show(
        self,
        visit: Visit,
        days: str,
        text: str = "",
        *,
        tried: Tried | None = None,
        problems: tuple[Problem, ...] = (),
        trouble: str = "",
    ) -> web.Response:
        policy = self._policies.current.policy(visit.request.match_info["name"])
        if policy is None:
            raise Turned("gone", 404)
        counts = await self._days.latest()
        return visit.show(
            "past.html",
            status=400 if problems else 503 if trouble else 200,
            policy=policy,
            text=text or policy.text,
            days=days,
            spans=SPANS,
            most=MOST,
            tried=tried,
            problems=problems,
            trouble=trouble,
            observed=observed_by(policy.name, counts),
            counting=self._days.counting,
        )


class ProofPages:
    """Why a message was decided so, and what proves it."""

    def __init__(self, store: Store, keys: Keys, clock: Callable[[], float]) -> None:
        self._store = store
        self._keys = keys
        self._clock = clock

    async def explain(self, visit: Visit) -> web.Response:
        """Every rule that was asked, with the texts of the version that decided."""
        name = _message(visit)
        found = await explain(self._store, name)
        if not found:
            raise Turned("gone", 404)
        return visit.show(
            "explanation.html", name=name, found=found, tell_reading=tell_reading, tell_known=tell_known
        )

    async def pack(self, visit: Visit) -> web.Response:
        """The evidence pack, as a file."""
        name = _message(visit)
        try:
            data = await make_pack(self._store, self._keys, name, self._clock())
        except NothingToPack:
            raise Turned("gone", 404) from None
        await note(self._store, "evidence.exported", visit.name, os.urandom(10), {"message": name})
        headers = {"Content-Disposition": f'attachment; filename="{name}.zip"'}
        return web.Response(body=data, content_type="application/zip", headers=headers)


class RightsPages:
    """What is kept of a person, before it goes; restriction."""

    def __init__(self, rights: Rights) -> None:
        self._rights = rights

    async def show(self, visit: Visit) -> web.Response:
        """What an erasure would take away; nothing changes."""
        ref = _ref(visit)
        refs = await self._rights.linked(ref)
        stored = await self._rights.list(refs)
        counts = {what: sum(one.counts[what] for one in stored) for what in stored[0].counts}
        restricted = any(one.restricted for one in stored)
        return visit.show(
            "rights.html",
            ref=ref,
            path=_path(ref),
            counts=counts,
            restricted=restricted,
            others=len(refs) - 1,
        )

    async def restrict(self, visit: Visit) -> web.Response:
        """Keep the data and use it no more, or end that."""
        ref, lift = _ref(visit), visit.form.get("lift") == "1"
        await self._rights.restrict(await self._rights.linked(ref), visit.name, lift=lift)
        return go_to(f"{_path(ref)}/rights")


def _message(visit: Visit) -> str:
    name = visit.request.match_info["id"]
    if not _MESSAGE.fullmatch(name):
        raise Turned("gone", 404)
    return name


def _ref(visit: Visit) -> Ref:
    controller, subject = visit.request.match_info["controller"], visit.request.match_info["subject"]
    if not _SUBJECT.fullmatch(subject) or not 0 < len(controller) <= 64:
        raise Turned("gone", 404)
    return controller, bytes.fromhex(subject)


def _path(ref: Ref) -> str:
    return f"/console/people/{quote(ref[0], safe='')}/{ref[1].hex()}"

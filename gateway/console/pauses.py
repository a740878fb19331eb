"""The kill switch: what is paused, since when, by whom and how much it holds; pause and resume."""

import re

from aiohttp import web

from gateway.access import Access
from gateway.console.desk import Desk, Turned, Visit, go_to
from gateway.console.roles import PAUSE
from gateway.message.address import without_addresses
from gateway.review import (
    LONGEST_REASON,
    OwnPause,
    controllers_of,
    is_own,
    latest_campaigns,
    list_paused,
    pause,
    resume_by_id,
)
from gateway.store.pauses import Kind, Pause
from gateway.store.protocol import Store

PATH = "/console/pauses"
OFFERED = 200
"""Campaigns that are offered by name; any other may be written."""
LONGEST_NAME = 1024
_ID = re.compile(r"[0-9a-f]{32}\Z")
SAID = ("paused", "lasts", "unnamed", "resumed", "over")
"""What a page may say was done."""


class PausePages:
    """The handlers."""

    def __init__(self, desk: Desk, store: Store) -> None:
        self._desk = desk
        self._store = store

    async def index(self, visit: Visit, problem: str = "", at: str = "") -> web.Response:
        """What is paused, the oldest first; `problem` says what was wrong in the form `at`."""
        access, asked = self._desk.access, visit.request.query
        controllers = controllers_of(access)
        may = visit.may(PAUSE)
        campaigns = [await latest_campaigns(self._store, name) for name in controllers] if may else []
        listed = await list_paused(self._store)
        done = asked.get("done", "") if not problem else ""
        return visit.show(
            "pauses.html",
            status=409 if problem else 200,
            listed=[(one, self._is_others(visit, one.pause)) for one in listed],
            sources=sorted(access.sources),
            controllers=controllers,
            campaigns=sorted(set().union(*campaigns))[:OFFERED],
            done=done if done in SAID else "",
            problem=problem,
            at=at,
            said=visit.form.get("reason"),
            name=_name(visit) or asked.get("source", "") or asked.get("campaign", ""),
            whose=visit.form.get("controller"),
            longest=LONGEST_NAME,
        )

    def _is_others(self, visit: Visit, one: Pause) -> bool:
        own = one.kind == "source" and is_own(visit.session.reviewer, one.name, "")
        return own and one.by != visit.name

    async def begin(self, visit: Visit) -> web.Response:
        """Pause a source or a campaign."""
        kind: Kind = "campaign" if visit.form.get("kind") == "campaign" else "source"
        name, reason = _name(visit), _reason(visit)
        controller = _controller(self._desk.access, kind, name, visit.form.get("controller"))
        if not name.strip() or len(name) > LONGEST_NAME or (kind == "source" and not controller):
            return await self.index(visit, "name", kind)
        if not controller:
            return await self.index(visit, "controller", kind)
        if not reason:
            return await self.index(visit, "reason", kind)
        _, new = await pause(self._store, kind, name, controller, visit.name, reason)
        if not new:
            return go_to(f"{PATH}?done=lasts")
        named = kind == "source" or name in await latest_campaigns(self._store, controller)
        return go_to(f"{PATH}?done={'paused' if named else 'unnamed'}")

    async def end(self, visit: Visit) -> web.Response:
        """Resume what the page showed: a pause that began since goes on."""
        pause_id, since, reason = visit.form.get("id"), _since(visit), _reason(visit)
        if not _ID.match(pause_id):
            raise Turned("bad_form", 400)
        if not reason:
            return await self.index(visit, "reason", pause_id)
        try:
            access = self._desk.access
            ended = await resume_by_id(self._store, access, pause_id, visit.name, reason, since)
        except OwnPause:
            raise Turned("own_pause", 403) from None
        return go_to(f"{PATH}?done={'over' if ended is None else 'resumed'}")


def _name(visit: Visit) -> str:
    """The name that was chosen or written, letter by letter: messages may begin theirs with a space."""
    return next((name for name in visit.form.all("name") if name.strip()), "")


def _reason(visit: Visit) -> str:
    text = visit.form.get("reason")[:LONGEST_REASON]
    return without_addresses("".join(c if c.isprintable() else " " for c in text).strip())


def _since(visit: Visit) -> float:
    try:
        return float(visit.form.get("since"))
    except ValueError:
        raise Turned("bad_form", 400) from None


def _controller(access: Access, kind: Kind, name: str, asked: str) -> str:
    """Whose it is, "" where nobody can tell."""
    if kind == "source":
        source = access.sources.get(name)
        return source.controller if source is not None else ""
    known = controllers_of(access)
    if asked in known:
        return asked
    return known[0] if len(known) == 1 and not asked else ""

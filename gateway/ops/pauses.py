"""The kill switch over the ops API: what is paused, pause, resume."""

import re
from typing import Any

from aiohttp import web

from gateway.ops.desk import Desk, answer, not_found
from gateway.ops.holds import why_of
from gateway.ops.models import PauseAsked, Verdict
from gateway.ops.roles import PAUSE, READ_HOLDS
from gateway.policy.document import did_you_mean
from gateway.policy.outcome import Words
from gateway.review import OwnPause, controllers_of, latest_campaigns, list_paused, pause, resume_by_id
from gateway.store.pauses import Pause
from gateway.store.protocol import Store
from gateway.web.problem import Problem, malformed
from gateway.web.telling import iso

_ID = re.compile(r"[0-9a-f]{32}\Z")
_NOT_PAUSED = Words(
    "There is no such pause, or it has ended. Nothing was changed.",
    "Questa pausa non c'è, o è già finita. Nulla è cambiato.",
)
_OWN = Words(
    "This is your own source, and somebody else paused it: another reviewer has to resume it.",
    "È la propria fonte, messa in pausa da altri: deve riprenderla un altro revisore.",
)


class PauseDesk:
    """The handlers, with what they need."""

    def __init__(self, desk: Desk, store: Store) -> None:
        self._desk = desk
        self._store = store

    async def list(self, request: web.Request) -> web.Response:
        """What is paused, the oldest first, with how much each holds."""
        await self._desk.admit(request, READ_HOLDS)
        found = await list_paused(self._store)
        return answer(request, {"pauses": [_describe(one.pause) | {"held": one.held} for one in found]})

    async def begin(self, request: web.Request) -> web.Response:
        """Pause: 201, or 200 with the pause that lasts already, which stays as it is."""
        reviewer = await self._desk.admit(request, PAUSE)
        asked = await self._desk.read(request, PauseAsked)
        controller, why = self._controller(asked), why_of(asked)
        named = asked.kind == "source" or asked.name in await latest_campaigns(self._store, controller)
        one, new = await pause(self._store, asked.kind, asked.name, controller, reviewer.name, why)
        told = _describe(one) | ({"named_lately": named} if asked.kind == "campaign" else {})
        return answer(request, told, status=201 if new else 200)

    async def end(self, request: web.Request) -> web.Response:
        """Resume: 200 with the pause that ended; 403 for one's own source that somebody else paused."""
        reviewer = await self._desk.admit(request, PAUSE)
        verdict = await self._desk.read(request, Verdict)
        pause_id = request.match_info["id"]
        if not _ID.match(pause_id):
            raise not_found(_NOT_PAUSED)
        try:
            access, why = self._desk.access, why_of(verdict)
            ended = await resume_by_id(self._store, access, pause_id, reviewer.name, why)
        except OwnPause:
            raise Problem("forbidden", _OWN) from None
        if ended is None:
            raise not_found(_NOT_PAUSED)
        return answer(request, _describe(ended))

    def _controller(self, asked: PauseAsked) -> str:
        """Whose it is. Raises Problem where the access file has no such source or controller."""
        access = self._desk.access
        if asked.kind == "source":
            source = access.sources.get(asked.name)
            if source is None:
                hint = did_you_mean(asked.name, sorted(access.sources))
                raise _unknown("#/name", "source", "una fonte", hint)
            if asked.controller not in ("", source.controller):
                raise _unknown("#/controller", "controller of this source", "un titolare di questa fonte")
            return source.controller
        known = controllers_of(access)
        if asked.controller in known:
            return asked.controller
        if not asked.controller and len(known) == 1:
            return known[0]
        raise _unknown("#/controller", "controller", "un titolare", f"known: {', '.join(known)}")


def _unknown(pointer: str, en: str, it: str, hint: str = "") -> Problem:
    hint_it = hint.replace("did you mean", "forse si intendeva").replace("known:", "noti:")
    return malformed(
        pointer,
        f"access.yaml has no such {en}{f' ({hint})' if hint else ''}. Nothing was changed.",
        f"In access.yaml non c'è {it} con questo nome{f' ({hint_it})' if hint else ''}. Nulla è cambiato.",
    )


def _describe(one: Pause) -> dict[str, Any]:
    return {
        "id": one.id,
        "kind": one.kind,
        "name": one.name,
        "controller": one.controller,
        "since": iso(one.since),
        "by": one.by,
        "reason": one.reason or None,
        "resumed_at": iso(one.resumed_at),
        "resumed_by": one.resumed_by or None,
    }

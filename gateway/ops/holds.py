"""Holds and decisions over the ops API."""

import re
from typing import Protocol

from aiohttp import web

from gateway.intake.rebuild import rebuild
from gateway.message.address import without_addresses
from gateway.ops.desk import Desk, answer, not_found
from gateway.ops.models import HoldsAsked, Release, Verdict
from gateway.ops.query import read_query
from gateway.ops.roles import DECIDE_HOLDS, READ_DECISIONS, READ_HOLDS
from gateway.ops.telling import describe_decision, describe_hold, describe_message, describe_outcome
from gateway.policy.outcome import Words
from gateway.review import AlreadyDecided, HoldGone, OwnMessage, ReviewResult
from gateway.store.protocol import HoldFilter, Store
from gateway.web.language import language_of
from gateway.web.problem import Problem, malformed

_ID = re.compile(r"[0-9a-z]{26}-[0-9]{1,6}\Z")
_DECISION = re.compile(r"[0-9a-z]{26}-[0-9]{1,6}(?:\.[0-9]{1,6})?\Z")

_NO_HOLD = Words(
    "There is no such hold, or its message is gone.", "Questo messaggio trattenuto non c'è, o non c'è più."
)
_OWN = Words(
    "This message comes from your own source or mailbox: another reviewer has to release it.",
    "Questo messaggio viene dalla propria fonte o casella: deve rilasciarlo un altro revisore.",
)
_NO_DECISION = Words("There is no such decision.", "Questa decisione non esiste.")


class Reviews(Protocol):
    """Decides holds. Raises HoldGone, AlreadyDecided, OwnMessage, StoreError."""

    async def release(
        self, hold_id: str, reviewer: str, reason: str, seen: int | None = None
    ) -> ReviewResult:
        """Send it, if today's policies let it, waiving what the decision of round `seen` told."""

    async def reject(self, hold_id: str, reviewer: str, reason: str) -> ReviewResult:
        """Never send it."""


class Holds:
    """The handlers, with what they need."""

    def __init__(self, desk: Desk, store: Store, review: Reviews) -> None:
        self._desk = desk
        self._store = store
        self._review = review

    async def list(self, request: web.Request) -> web.Response:
        """Holds, oldest first, in pages."""
        await self._desk.admit(request, READ_HOLDS)
        asked = read_query(request.query, HoldsAsked)
        fields = asked.model_dump(exclude={"status", "limit"})
        status = "" if asked.status == "all" else asked.status
        # One more than asked for says whether there is a next page.
        found = await self._store.holds(HoldFilter(status=status, limit=asked.limit + 1, **fields))
        page = found[: asked.limit]
        more = page[-1].id if len(found) > asked.limit else None
        return answer(request, {"holds": [describe_hold(hold) for hold in page], "next": more})

    async def show(self, request: web.Request) -> web.Response:
        """A hold with its message and its decisions."""
        await self._desk.admit(request, READ_HOLDS)
        hold_id = request.match_info["id"]
        hold = await self._store.hold(hold_id) if _ID.match(hold_id) else None
        if hold is None:
            raise not_found(_NO_HOLD)
        found = await self._store.message(hold.message_id)
        decisions = await self._store.decisions(hold.message_id)
        language = language_of(request)
        told = describe_hold(hold)
        told["message"] = describe_message(rebuild(*found), hold.n) if found else None
        told["decisions"] = [describe_decision(d, language) for d in decisions if d.n == hold.n]
        return answer(request, told)

    async def release(self, request: web.Request) -> web.Response:
        """Decide again and send: 200 released, or 409 with what the policies say today. 202 proposed where a
        second reviewer has to agree, 403 for one's own."""
        reviewer = await self._desk.admit(request, DECIDE_HOLDS)
        verdict = await self._desk.read(request, Release)
        hold_id, seen = _hold_id(request), _seen(request, verdict)
        try:
            result = await self._review.release(hold_id, reviewer.name, why_of(verdict), seen)
        except HoldGone:
            raise not_found(_NO_HOLD) from None
        except AlreadyDecided as error:
            raise _decided_before(error) from None
        except OwnMessage:
            raise Problem("forbidden", _OWN) from None
        if result.status == "proposed":
            return answer(request, _describe_result(result, language_of(request)), status=202)
        if result.status != "released":
            raise _refused(result, language_of(request))
        return answer(request, _describe_result(result, language_of(request)))

    async def reject(self, request: web.Request) -> web.Response:
        """Never send it: 200 rejected."""
        reviewer = await self._desk.admit(request, DECIDE_HOLDS)
        verdict = await self._desk.read(request, Verdict)
        try:
            result = await self._review.reject(_hold_id(request), reviewer.name, why_of(verdict))
        except HoldGone:
            raise not_found(_NO_HOLD) from None
        except AlreadyDecided as error:
            raise _decided_before(error) from None
        return answer(request, _describe_result(result, language_of(request)))

    async def decision(self, request: web.Request) -> web.Response:
        """One decision, with all that were made for this recipient; of `<message>-<n>` the last one."""
        await self._desk.admit(request, READ_DECISIONS)
        wanted = request.match_info["id"]
        recipient, again, _ = wanted.partition(".")
        found = await self._store.decisions(wanted.partition("-")[0]) if _DECISION.match(wanted) else []
        rounds = sorted((d for d in found if f"{d.message_id}-{d.n}" == recipient), key=lambda d: d.round)
        exact = [d for d in rounds if d.id == wanted] if again else rounds
        if not exact:
            raise not_found(_NO_DECISION)
        language = language_of(request)
        told = describe_decision(exact[-1], language)
        told["rounds"] = [describe_decision(d, language) for d in rounds]
        return answer(request, told)


def why_of(verdict: Verdict) -> str:
    """The reason that is given. Raises Problem where it is an address alone."""
    if not without_addresses(verdict.reason):
        raise malformed(
            "#/reason",
            "Say why, in more words than an address: addresses are not kept in a reason.",
            "Indicare il motivo, non solo un indirizzo: nel motivo gli indirizzi non vengono conservati.",
        )
    return verdict.reason


def _seen(request: web.Request, verdict: Release) -> int | None:
    """The round of the decision that the reviewer says to have seen; None where they do not say."""
    if verdict.decision_id is None:
        return None
    of, _, again = verdict.decision_id.partition(".")
    if of != request.match_info["id"]:
        raise malformed(
            "#/decision_id",
            "This decision is about another hold: give the id of one that this hold shows, or leave it out.",
            "Questa decisione riguarda un altro messaggio: indicare l'id di una mostrata con questo, oppure "
            "ometterlo.",
        )
    return int(again or 0)


def _hold_id(request: web.Request) -> str:
    hold_id = request.match_info["id"]
    if not _ID.match(hold_id):
        raise not_found(_NO_HOLD)
    return hold_id


def _describe_result(result: ReviewResult, language: str) -> dict[str, object]:
    decision = describe_outcome(result.decision, language) if result.decision else None
    return {"hold_id": result.hold_id, "status": result.status, "decision": decision}


def _decided_before(error: AlreadyDecided) -> Problem:
    hold = error.hold
    return Problem(
        "conflict",
        Words(
            f"This hold is {hold.status} already. Nothing was changed.",
            f"Questo messaggio trattenuto è già stato deciso ({hold.status}). Nulla è cambiato.",
        ),
        members={"hold": describe_hold(hold)},
    )


_REFUSED = Words(
    "The policies refuse it today: what you did not see before, a refusal or the floor stands.",
    "Oggi le policy lo impediscono: vale ciò che prima non c'era, un rifiuto o la soglia minima.",
)
_WAITS = Words(
    "A pause keeps it. What you approved stands: it goes by itself when the pause ends.",
    "Una pausa lo trattiene. Quanto approvato resta valido: partirà da sé al termine della pausa.",
)


def _refused(result: ReviewResult, language: str) -> Problem:
    paused = result.decision is not None and result.decision.paused_only
    return Problem(
        "conflict",
        _WAITS if paused else _REFUSED,
        members=_describe_result(result, language) | {"hold_status": result.status},
    )

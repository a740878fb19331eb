"""What every handler of the ops API needs: the reviewer who asks, the body, the answer."""

from collections.abc import Iterable
from typing import Any, TypeVar

import orjson
from aiohttp import web
from pydantic import BaseModel

from gateway.access import Access, Reviewer
from gateway.ops.roles import check_allowed
from gateway.policy.outcome import Words
from gateway.web.body import Inflight, check_json, read_body
from gateway.web.credentials import Doorkeeper, is_direct, is_this_machine, peer_of, unauthorized
from gateway.web.frame import CALLER
from gateway.web.language import language_of
from gateway.web.often import Often
from gateway.web.peer import Network, address_of, household_of
from gateway.web.problem import Problem
from gateway.web.strict_json import parse_json
from gateway.web.validation import validate

M = TypeVar("M", bound=BaseModel)

BODY_BYTES = 2 * 1024 * 1024
BODY_SECONDS = 30.0
INFLIGHT_BYTES = 32 * 1024 * 1024
TRIES = (10, 300.0)
"""Wrong secrets of one name that one address may try in so many seconds, as at the console's login."""
DEVELOPMENT = "development"
ADMITTED = web.RequestKey("admitted", tuple[Reviewer, str])
"""Who was admitted, and to what deed."""
_WHO = Words("a reviewer of access.yaml", "un revisore di access.yaml")


class Desk:
    """Lets reviewers in and reads what they ask. All routes of a gateway have one, so that whoever guesses
    has as many tries in all. `proxies` are those whose X-Forwarded-For says from where somebody asks."""

    def __init__(self, access: Access, proxies: Iterable[Network] = ()) -> None:
        self.access = access
        self._proxies = tuple(proxies)
        self._door = Doorkeeper(self._named, access.reviewer_by_token, access.reviewer, tries=Often(*TRIES))
        self._inflight = Inflight(INFLIGHT_BYTES)

    def _named(self, name: str) -> Reviewer | None:
        return self.access.reviewers.get(name)

    async def admit(self, request: web.Request, deed: str) -> Reviewer:
        """The reviewer who asks to do a deed. Raises Problem: unauthorized, forbidden."""
        header = request.headers.get("Authorization", "")
        if header:
            reviewer = await self._door.recognize(header, household_of(address_of(request, self._proxies)))
        else:
            reviewer = self._developer(request)
        if reviewer is None:
            raise unauthorized("galateo ops", _WHO)
        request[CALLER] = reviewer.name
        check_allowed(reviewer, deed)
        request[ADMITTED] = (reviewer, deed)
        return reviewer

    def _check_still(self, request: web.Request) -> None:
        """Raises Problem where who was admitted is not any more, now that the body is read: that may have
        taken half a minute."""
        before, deed = request[ADMITTED]
        now = self.access.reviewers.get(before.name)
        if now is None or now.secret != before.secret:
            raise unauthorized("galateo ops", _WHO)
        check_allowed(now, deed)

    def _developer(self, request: web.Request) -> Reviewer | None:
        """In development, a reviewer of that name needs no password, asking from this machine."""
        if not self.access.development or not is_this_machine(peer_of(request)) or not is_direct(request):
            return None
        return self.access.reviewers.get(DEVELOPMENT)

    async def read_json(self, request: web.Request) -> Any:
        """The JSON of the body. Raises Problem."""
        check_json(request)
        with self._inflight.share() as share:
            raw = await read_body(request, BODY_BYTES, BODY_SECONDS, share)
            self._check_still(request)
            return parse_json(raw)

    async def read(self, request: web.Request, model: type[M]) -> M:
        """The body as a model. Raises Problem."""
        return validate(model, await self.read_json(request))


def answer(request: web.Request, told: Any, status: int = 200) -> web.Response:
    """An answer in JSON."""
    return web.Response(
        status=status,
        body=orjson.dumps(told),
        content_type="application/json",
        headers={"Content-Language": language_of(request)},
    )


def not_found(what: Words) -> Problem:
    """Something that is not there, or not any more."""
    return Problem("not-found", what)

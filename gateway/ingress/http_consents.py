"""`POST /v1/consents/request`: ask somebody to confirm a consent, by a letter to the address itself."""

from collections.abc import Callable
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Annotated, Literal

import orjson
from aiohttp import web
from pydantic import Field

from gateway.access import Access, Source
from gateway.ingress.http_auth import Gate
from gateway.ingress.http_limits import HttpLimits
from gateway.ingress.http_models import Purpose, Strict
from gateway.intake.optin import CONFIRM_SECONDS, OptIn, OptIns
from gateway.message.address import is_valid, normalize
from gateway.policy.outcome import Words
from gateway.web.body import Inflight, check_json, read_body
from gateway.web.language import language_of
from gateway.web.often import Often
from gateway.web.patterns import IP, ONE_LINE, WEB_ADDRESS
from gateway.web.peer import household_of
from gateway.web.problem import Problem, malformed
from gateway.web.strict_json import parse_json
from gateway.web.validation import validate

PATH = "/v1/consents/request"
LARGEST = 65_536
PER_ADDRESS = (5, 86400.0)
"""Letters that one address may be sent, and in how many seconds."""
PER_IP = (20, 3600.0)
"""Requests that may come from whoever fills in forms at one IP address."""


class ConsentAsked(Strict):
    """What a form showed and who filled it in. `wording` is the exact text of the checkbox, `ip` and
    `user_agent` are those of the person."""

    address: Annotated[str, Field(min_length=3, max_length=320, pattern=ONE_LINE)]
    channel: Literal["email"] = "email"
    purpose: Purpose
    wording: Annotated[str, Field(min_length=1, max_length=4000)]
    wording_version: Annotated[str, Field(max_length=100, pattern=ONE_LINE)] = ""
    language: Literal["en", "it", "de", "fr", "es"] = "en"
    form_url: Annotated[str, Field(max_length=2000, pattern=WEB_ADDRESS)] = ""
    ip: Annotated[str, Field(max_length=45, pattern=IP)] = ""
    user_agent: Annotated[str, Field(max_length=500, pattern=ONE_LINE)] = ""


class ConsentRequests:
    """The handler, with what it needs."""

    def __init__(
        self,
        gate: Gate,
        access: Access,
        optins: OptIns,
        limits: HttpLimits,
        inflight: Inflight,
        clock: Callable[[], float],
    ) -> None:
        self._gate = gate
        self._access = access
        self._optins = optins
        self._limits = limits
        self._inflight = inflight
        self._clock = clock
        self._per_address = Often(*PER_ADDRESS)
        self._per_ip = Often(*PER_IP)

    async def post(self, request: web.Request) -> web.Response:
        """Send the letter: 202, whoever the address belongs to."""
        source = await self._gate.admit(request)
        check_json(request)
        with self._inflight.share() as share:
            raw = await read_body(request, LARGEST, self._limits.body_timeout, share)
        source = self._gate.still(source)
        asked = _check(validate(ConsentAsked, parse_json(raw)))
        now = self._clock()
        self._count(source, asked, now)
        controller = self._access.controller(source.controller)
        told = await self._optins.request(
            OptIn(
                controller=source.controller,
                source=source.name,
                address=asked.address,
                purpose=asked.purpose,
                wording=asked.wording,
                wording_version=asked.wording_version,
                language=asked.language,
                form_url=asked.form_url,
                ip=asked.ip,
                user_agent=asked.user_agent,
            ),
            now,
            controller.identity or controller.name,
        )
        until = datetime.fromtimestamp(now + CONFIRM_SECONDS, UTC).isoformat(timespec="seconds")
        body = orjson.dumps({"id": told.id, "status": "requested", "expires_at": until})
        headers = {"Content-Language": language_of(request)}
        return web.Response(status=202, body=body, content_type="application/json", headers=headers)

    def _count(self, source: Source, asked: ConsentAsked, now: float) -> None:
        key = f"{source.controller}\0{normalize(asked.channel, asked.address)}"
        fine = not asked.ip or self._per_ip.take(f"{source.controller}\0{household_of(asked.ip)}", now)
        if not (fine and self._per_address.take(key, now)):
            raise Problem(
                "too-many-requests",
                Words(
                    "This was asked too often for this address, or from this IP. Nothing was sent.",
                    "Richiesto troppe volte per questo indirizzo, o da questo IP. Nulla è stato inviato.",
                ),
                headers={"Retry-After": "3600"},
            )


def _check(asked: ConsentAsked) -> ConsentAsked:
    if not is_valid(asked.channel, asked.address):
        raise malformed("#/address", "This is no email address.", "Non è un indirizzo email.")
    if not asked.wording.strip():
        raise malformed("#/wording", "Give the words that were shown.", "Indicare le parole mostrate.")
    if asked.ip:
        try:
            ip_address(asked.ip)
        except ValueError:
            raise malformed("#/ip", "This is no IP address.", "Non è un indirizzo IP.") from None
    return asked

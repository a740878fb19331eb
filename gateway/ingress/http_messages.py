"""`POST /v1/messages` and `GET /v1/messages/{id}`."""

import asyncio
import os
from collections.abc import Awaitable, Callable

import orjson
from aiohttp import web

from gateway.access import Source
from gateway.ingress.http_answer import Receipt, describe, refusal
from gateway.ingress.http_auth import Gate
from gateway.ingress.http_keys import Key, Underway, bind, key_reused, read_key
from gateway.ingress.http_limits import HttpLimits, Paces
from gateway.ingress.http_message import read_message
from gateway.ingress.http_models import NewMessage
from gateway.ingress.http_status import describe_status
from gateway.intake import NotAllowed
from gateway.message.envelope import Message
from gateway.message.ids import is_id, new_id
from gateway.store.protocol import HoldFilter, Store
from gateway.web.body import Full, Inflight, check_json, read_body
from gateway.web.language import language_of
from gateway.web.problem import Problem, problem_of, unavailable
from gateway.web.strict_json import parse_json
from gateway.web.validation import validate

PATH = "/v1/messages"
LARGE = 256 * 1024
"""Octets of a body that is read in a thread."""

Submit = Callable[[Message], Awaitable[Receipt]]
"""Takes a message through the line; answers when what became of it is durable."""


class Messages:
    """The handlers, with what they need."""

    def __init__(
        self,
        gate: Gate,
        submit: Submit,
        store: Store,
        limits: HttpLimits,
        inflight: Inflight,
        paces: Paces,
        clock: Callable[[], float],
        monotonic: Callable[[], float],
        on_reply: Callable[[float], None],
        on_full: Callable[[str], None],
    ) -> None:
        self._gate = gate
        self._submit = submit
        self._store = store
        self._limits = limits
        self._inflight = inflight
        self._paces = paces
        self._clock = clock
        self._monotonic = monotonic
        self._on_reply = on_reply
        self._on_full = on_full
        self._underway = Underway()

    async def post(self, request: web.Request) -> web.Response:
        """Take a message: 202 accepted or held, 422 rejected."""
        source = await self._gate.admit(request)
        check_json(request)
        name = read_key(request.headers.getall("Idempotency-Key", ()))
        self._paces.take(source, self._monotonic())
        with self._inflight.share() as share:
            limits = self._limits
            try:
                raw = await read_body(request, limits.message_bytes, limits.body_timeout, share)
            except Full:
                self._on_full(source.name)
                raise
            source = self._gate.still(source)
            if not name:
                return self._answer(request, await self._take(source, raw, None))
            key = bind(source.name, PATH, name, raw)
            with self._underway.claim(source.name, key.name):
                return self._answer(request, await self._take(source, raw, key))

    async def _take(self, source: Source, raw: bytes, key: Key | None) -> Receipt:
        now, started = self._clock(), self._monotonic()
        identity = key.identify(now) if key else new_id(now, os.urandom(10))
        name = key.name if key else ""
        if len(raw) > LARGE:  # others do not wait for a large attachment
            message = await asyncio.to_thread(self._read, raw, source, identity, now, name)
        else:
            message = self._read(raw, source, identity, now, name)
        try:
            receipt = await self._submit(message)
        except NotAllowed as error:
            raise Problem("forbidden", error.words) from error
        self._on_reply(self._monotonic() - started)
        if key and receipt.replayed and not key.made(receipt.id):
            raise key_reused()
        return receipt

    def _read(self, raw: bytes, source: Source, identity: str, now: float, key: str) -> Message:
        body = validate(NewMessage, parse_json(raw))
        return read_message(body, source, identity, now, most=self._limits.recipients, key=key)

    @staticmethod
    def _answer(request: web.Request, receipt: Receipt) -> web.Response:
        language = language_of(request)
        if receipt.status == "deferred":
            raise unavailable()
        if receipt.status == "rejected":
            raise refusal(receipt, language)
        headers = {"Content-Language": language, "Location": f"{PATH}/{receipt.id}"}
        if receipt.replayed:
            headers["Idempotency-Replayed"] = "true"
        body = orjson.dumps(describe(receipt, language))
        return web.Response(status=202, body=body, content_type="application/json", headers=headers)

    async def get(self, request: web.Request) -> web.Response:
        """What became of one of the source's own messages since."""
        source = await self._gate.admit(request)
        identity = request.match_info["id"]
        found = await self._store.message(identity) if is_id(identity) else None
        if found is None or found[0].source != source.name:
            raise _nothing()
        language = language_of(request)
        told = describe_status(
            found[0],
            await self._store.decisions(identity),
            await self._store.holds(HoldFilter(message=identity, status="", limit=1000)),
            await self._store.attempts(identity),
            await self._store.waiting(identity),
            language,
        )
        headers = {"Content-Language": language}
        return web.Response(body=orjson.dumps(told), content_type="application/json", headers=headers)


def _nothing() -> Problem:
    return problem_of(web.HTTPNotFound())

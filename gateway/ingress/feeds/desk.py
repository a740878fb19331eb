"""`POST /v1/feeds/<provider>/<source>`: takes the events of a provider in its own words.

Who signs is believed as far as the source may: `events: open`, and `trusted: [consent]` for what somebody
agreed to. Whoever shows the source's secret in a header may open doors, as at /v1/events, but grants nothing.
A secret in the URL is in many a log: it may only restrict.
"""

import asyncio
import base64
import binascii
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import orjson
from aiohttp import web
from msgspec.structs import replace

from gateway.access import Access, Source
from gateway.ingress.dialects.bad import Bad
from gateway.ingress.dialects.forms import URLENCODED, Form, parse_form
from gateway.ingress.feeds.inbound import InboundFeed, Posted
from gateway.ingress.feeds.proof import SIGNED, Call, Fetch, Seen, Sns, secrets_of, token_of, topics_of
from gateway.ingress.feeds.told import Feed, Told, obj
from gateway.ingress.http_auth import Gate
from gateway.ingress.http_limits import HttpLimits
from gateway.ingress.http_models import Address
from gateway.ingress.http_party import channel_of, identify
from gateway.intake.events import EventResult
from gateway.intake.inbound import Inbound
from gateway.intake.matching import Matching
from gateway.ledger.happening import Happening
from gateway.message.address import is_valid, normalize
from gateway.message.envelope import Identifier
from gateway.policy.outcome import Words
from gateway.web.body import Inflight, read_body
from gateway.web.credentials import read_credentials
from gateway.web.frame import CALLER
from gateway.web.problem import Problem, malformed, unavailable
from gateway.web.strict_json import parse_json

Tell = Callable[[Happening], Awaitable[EventResult]]
Receive = Callable[[Inbound], Awaitable[str]]
"""Takes in mail that came back, and says what it was."""
AT_ONCE = 200
"""Events of a body that are told together: however many it holds, others get their turn in between."""
INFLIGHT = 32 * 1024 * 1024
"""Octets of bodies at once: whoever signs is known only when the body is read."""
_TOKENS = frozenset({"mailgun", "mailgun-routes"})
_ABOUT = frozenset({"message.bounced", "message.failed", "message.delivered", "complaint"})
_KEYS = ("X-API-Key", "Unipile-Auth", "X-Galateo-Key")


class FeedDesk:
    """Takes what one gateway's providers tell."""

    def __init__(
        self,
        access: Access,
        tell: Tell,
        limits: HttpLimits,
        feeds: Mapping[str, Feed],
        fetch: Fetch,
        clock: Callable[[], float],
        matching: Matching | None,
        inbound: Mapping[str, InboundFeed],
        receive: Receive | None,
    ) -> None:
        """`matching` finds the messages that a provider tells of; `receive` takes in mail that one got."""
        self._matching = matching
        self._inbound = inbound
        self._receive = receive
        self._mail = Inflight(min(limits.inflight_bytes, 2 * INFLIGHT))
        self._access = access
        self._gate = Gate(access, limits.proxies)
        self._tell = tell
        self._limits = limits
        self._inflight = Inflight(min(limits.inflight_bytes, INFLIGHT))
        self._feeds = feeds
        self._sns = Sns(fetch)
        self._seen = Seen()
        self._clock = clock

    async def post(self, request: web.Request) -> web.Response:
        """Tell what can be told; 200 with how many counted, were recorded, and were not for us."""
        if request.match_info["provider"] in self._inbound:
            return await self._post_mail(request)
        feed, source = self._feeds.get(request.match_info["provider"]), self._source(request)
        options = obj(source.feeds.get(feed.name)) if feed is not None and source is not None else {}
        signs = feed is not None and bool(_signs(feed.name, options))
        believed = False if signs else await self._admit(request)
        if feed is None or source is None:
            raise _unknown()
        with self._inflight.share() as share:
            raw = await read_body(request, self._limits.events_bytes, self._limits.body_timeout, share)
            source = source if signs else self._gate.still(source)
            call = _read_call(request, feed.name, raw, options, self._clock())
            if signs:
                await self._check(feed.name, call)
                request[CALLER] = source.name
            told = feed.read(call.body, options, source)

            async def say(each: Told) -> Happening | None:
                said = self._say(feed, each, source, call, signs, believed)
                if said is None:
                    return None
                return replace(said, message=await self._message_of(feed, each, source, said.occurred_at))

            answer = await self._tell_all(told, say)
        if signs:
            await self._finish(feed.name, call)
        return web.Response(body=orjson.dumps(answer), content_type="application/json")

    async def look(self, request: web.Request) -> web.Response:
        """200 without a body: Mandrill asks whether the URL exists before it makes the key by which it signs.
        Nothing of whose it is shows."""
        if request.match_info["provider"] not in self._feeds.keys() | self._inbound.keys():
            raise _unknown()
        return web.Response()

    async def _post_mail(self, request: web.Request) -> web.Response:
        """Take in mail that a provider received; 200 with what it was."""
        feed, source = self._inbound[request.match_info["provider"]], self._source(request)
        options = obj(source.feeds.get(feed.name)) if source is not None else {}
        signs = _signs(feed.name, options)
        believed = False if signs else await self._admit(request)
        if source is None or self._receive is None:
            raise _unknown()
        with self._mail.share() as share:
            raw = await read_body(request, self._limits.message_bytes, self._limits.body_timeout, share)
            source = source if signs else self._gate.still(source)
            given = (request, feed.form, raw, options, self._clock())
            call, posted = await asyncio.to_thread(_read_post, *given)
            if signs:
                await self._check(feed.name, call)
                request[CALLER] = source.name
            arrived = await asyncio.to_thread(feed.read, posted)
            if arrived is None:
                return _took("left_out")
            opens = source.opens_doors and (signs or believed)
            kind = await self._receive(arrived.inbound(source.controller, call.now, believed=opens))
        if signs:
            await self._finish(feed.name, call)
        return _took(kind)

    def _source(self, request: web.Request) -> Source | None:
        return self._access.sources.get(request.match_info["source"])

    async def _admit(self, request: web.Request) -> bool:
        """Whether the source's secret came in a header. Raises Problem where none came at all."""
        name = request.match_info["source"]
        secret = _secret(request.headers, name)
        header = _basic(name, secret or request.query.get("key", "") or request.query.get("secret", ""))
        found = await self._gate.admit(request, header)
        if found.name != name and not found.development:
            raise _unknown()
        return bool(secret) or found.development

    async def _check(self, name: str, call: Call) -> None:
        """Raises Problem where the signature is not theirs, is old, or was used."""
        try:
            fine = await self._sns.check(call) if name == "ses" else SIGNED[name](call)
        except OSError:
            raise unavailable() from None
        if not fine or (name in _TOKENS and token_of(call) in self._seen):
            raise _unsigned(name)

    async def _finish(self, name: str, call: Call) -> None:
        """Only now: what failed on our side may come again with the same token."""
        if name in _TOKENS:
            self._seen.add(token_of(call))
        if name == "ses":
            try:
                await self._sns.confirm(call)
            except OSError:
                raise unavailable() from None

    def _say(
        self, feed: Feed, told: Told, source: Source, call: Call, signed: bool, believed: bool
    ) -> Happening | None:
        channel, recipients = _identified(told.channel, told.addresses)
        if not recipients:
            return None
        _, sender = _identified(told.channel, told.sender)
        grants = told.type == "consent.granted"
        opens = source.opens_doors and (signed or (believed and not grants))
        if (grants and "consent" not in source.trusted) or channel != told.channel:
            opens = False
        occurred = min(told.at or call.now, call.now)
        return Happening(
            type=told.type,
            controller=source.controller,
            source=source.name,
            source_event_id=f"{feed.name}:{told.id}",
            occurred_at=occurred,
            received_at=call.now,
            channel=channel,
            recipients=recipients,
            sender=sender[0].key if sender else "",
            thread=told.thread,
            in_reply_to=(told.in_reply_to,) if told.in_reply_to else (),
            text=told.text,
            purpose=told.purpose,
            opens=opens,
            backdated=call.now - occurred > self._limits.late,
            data={**told.data, "feed": feed.name},
        )

    async def _message_of(self, feed: Feed, told: Told, source: Source, at: float) -> str:
        """The id of the message of ours that an event is about, "" where nobody knows."""
        address = next((value for kind, value in told.addresses if kind == "email"), "")
        if self._matching is None or told.type not in _ABOUT or not is_valid("email", address):
            return ""
        named, whose = [told.sent_as] if told.sent_as else [], source.controller
        sent = await self._matching.by_ids(named, [address], whose)
        if sent and sent.recipient is not None and sent.recipient.key == normalize("email", address):
            return sent.message.id
        # A request that went on to the provider left under a name of the provider's own.
        if told.type != "message.delivered" and source.upstream.get("provider") == feed.name:
            return await self._matching.latest(source.name, source.controller, address, at)
        return ""

    async def _tell_all(
        self, told: Sequence[Told | None], say: Callable[[Told], Awaitable[Happening | None]]
    ) -> dict[str, int]:
        """How many counted, were recorded, and named nobody or were not understood. Where the store fails
        half way, the same body may come again."""
        applied = happened = 0
        for start in range(0, len(told), AT_ONCE):
            said = [await say(each) for each in told[start : start + AT_ONCE] if each is not None]
            happenings = [happening for happening in said if happening is not None]
            results = await asyncio.gather(*map(self._tell, happenings))
            applied += sum(result.effect.applied and not result.replayed for result in results)
            happened += len(happenings)
        return {"applied": applied, "recorded": happened - applied, "left_out": len(told) - happened}


def _signs(name: str, options: Mapping[str, Any]) -> bool:
    if name == "ses":
        return any(topics_of(options))
    return name in SIGNED and any(secrets_of(options))


def _read_call(request: web.Request, name: str, raw: bytes, options: Mapping[str, Any], now: float) -> Call:
    form: tuple[tuple[str, str], ...] = ()
    octets = raw
    if name == "mandrill":
        form = _fields(raw)
        octets = next((value for key, value in form if key == "mandrill_events"), "[]").encode()
    return Call(
        method=request.method,
        url=str(options.get("url") or request.url),
        headers=request.headers,
        raw=raw,
        body=parse_json(octets),
        form=form,
        options=options,
        now=now,
    )


def _read_post(
    request: web.Request, is_form: bool, raw: bytes, options: Mapping[str, Any], now: float
) -> tuple[Call, Posted]:
    """Raises Problem."""
    try:
        form = parse_form(request.headers.get("Content-Type", ""), raw) if is_form else Form(())
    except Bad as bad:
        raise malformed("#", bad.text, bad.text) from None
    body = None if is_form else parse_json(raw)
    told = tuple(
        (part.name, part.octets.decode("utf-8", "replace"))
        for part in form.parts
        if part.name in ("timestamp", "token", "signature")
    )
    call = Call(
        method=request.method,
        url=str(options.get("url") or request.url),
        headers=request.headers,
        raw=raw,
        body=body,
        form=told,
        options=options,
        now=now,
    )
    return call, Posted(form=form, body=body, options=options)


def _took(kind: str) -> web.Response:
    return web.Response(body=orjson.dumps({"took": kind}), content_type="application/json")


def _fields(raw: bytes) -> tuple[tuple[str, str], ...]:
    try:
        return tuple((part.name, part.text) for part in parse_form(URLENCODED, raw).parts)
    except Bad:
        return ()


def _identified(channel: str, pairs: tuple[tuple[str, str], ...]) -> tuple[str, tuple[Identifier, ...]]:
    """Who is named, without addresses that cannot be any; where none is on the channel, on that of the first:
    a stop must not be lost because a profile's address is missing."""
    named = [(channel_of(kind, channel), kind, value) for kind, value in pairs[:20] if value]
    usable = [(on, kind, value) for on, kind, value in named if on and is_valid(on, value)]
    if not usable:
        return channel, ()
    if all(on != channel for on, _, _ in usable):
        channel = usable[0][0]
    addresses = [Address.model_construct(type=kind, value=value) for _, kind, value in usable]
    try:
        return channel, identify(channel, addresses, "#")
    except Problem:
        return channel, ()


def _secret(headers: Mapping[str, str], name: str) -> str:
    """The secret in a header, with or without the source's name before it."""
    given = read_credentials(headers.get("Authorization", ""))
    shown = (
        (given.secret or given.token) if given else next((headers[k] for k in _KEYS if headers.get(k)), "")
    )
    return shown[len(name) + 1 :] if shown.startswith((f"{name}:", f"{name}.")) else shown


def _basic(name: str, secret: str) -> str:
    if not secret:
        return ""
    try:
        return f"Basic {base64.b64encode(f'{name}:{secret}'.encode()).decode()}"
    except (UnicodeEncodeError, binascii.Error):
        return ""


def _unknown() -> Problem:
    return Problem(
        "not-found",
        Words(
            "There is no such feed for this source. Check the names of provider and source in the path.",
            "Questo flusso non esiste per questa fonte. Controllare nel percorso il fornitore e la fonte.",
        ),
    )


def _unsigned(name: str) -> Problem:
    return Problem(
        "not-acceptable" if name in _TOKENS else "unauthorized",
        Words(
            "The signature is missing, is not theirs, is too old or was used before.",
            "La firma manca, non è autentica, è troppo vecchia o è già stata usata.",
        ),
    )

"""What every dialect shares: who asks, the body, the way through the line, and what became of it."""

import asyncio
import logging
import os
import uuid
import zlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, TypeVar

from aiohttp import web

from gateway.access import Access, Source
from gateway.ingress.dialects.bad import Bad, forbidden, too_large
from gateway.ingress.dialects.forms import distinct
from gateway.ingress.dialects.keys import KeyGate
from gateway.ingress.dialects.letter import MOST_BUILT, TOGETHER
from gateway.ingress.dialects.rendering import Work
from gateway.ingress.http_keys import Key, Underway, bind, key_reused, read_key
from gateway.ingress.http_limits import HttpLimits, Paces
from gateway.intake import answered_before
from gateway.intake.receipt import NotAllowed, Receipt
from gateway.message.envelope import Message
from gateway.message.ids import new_id
from gateway.policy.outcome import Outcome
from gateway.store.protocol import Store, StoreError
from gateway.web.body import Full, Inflight, Share, read_body
from gateway.web.media import is_utf8, media_type
from gateway.web.problem import Problem, unavailable
from gateway.web.strict_json import parse_json

log = logging.getLogger(__name__)

AT_ONCE = 32
"""Messages of one request that are on their way through the line at the same time."""
LARGE = 256 * 1024
"""Octets of a body that is read in a thread, so that others do not wait for it."""
REMEMBERED = 1000

_CODINGS = frozenset({"gzip", "x-gzip", "deflate"})

T = TypeVar("T")

Submit = Callable[[Message], Awaitable[Receipt]]
Check = Callable[[Message], None]
Tell = Callable[[Message, Receipt], None]
Build = Callable[[str, str], Message]
"""A message out of its id and its idempotency key."""


@dataclass(frozen=True, slots=True)
class Taken:
    """One message and what became of it."""

    message: Message
    receipt: Receipt

    @property
    def rejected(self) -> bool:
        """Whether nobody gets it."""
        return self.receipt.status == "rejected"

    @property
    def why(self) -> str:
        """The worst reason in words, with its code: `newsletters/consent.missing: ...`; "" for none."""
        for result in sorted(self.receipt.recipients, key=lambda r: -int(r.outcome)):
            if result.decision.enforced:
                worst = result.decision.enforced[0]
                said = f"{worst.reason.en} {worst.remedy.en}".strip()
                return f"{result.outcome.word} {worst.policy}/{worst.code}: {said}"
        return ""

    @property
    def codes(self) -> frozenset[str]:
        """The codes of what made it be rejected."""
        return frozenset(
            v.code
            for r in self.receipt.recipients
            if r.outcome is Outcome.REJECT
            for v in r.decision.enforced
        )

    @property
    def message_id(self) -> str:
        """The Message-ID that the mail has, also where an earlier attempt was the one taken."""
        return self.message.message_id.replace(self.message.id, self.receipt.id)

    @property
    def uuid(self) -> str:
        """The message's id for those who expect a UUID."""
        return str(uuid.UUID(bytes=blake2b(self.receipt.id.encode(), digest_size=16).digest(), version=4))


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request of a known source, its body read; `now` is unix seconds, `headers` what its answer gets,
    `work` what the renderings of its templates may still do."""

    request: web.Request
    source: Source
    raw: bytes
    now: float
    dialect: "Dialect"
    desk: "Desk"
    share: Share
    headers: dict[str, str] = field(default_factory=dict)
    work: Work = field(default_factory=Work)

    @property
    def options(self) -> Mapping[str, Any]:
        """What the access file says of this source in this dialect."""
        found: Mapping[str, Any] = self.source.dialects.get(self.dialect.name) or {}
        return found

    @property
    def goes_on(self) -> bool:
        """Whether requests of this source go on to the provider whose dialect this is."""
        return bool(self.source.upstream.get("provider") == self.dialect.name)

    @property
    def json(self) -> Any:
        """The body as JSON. Raises Bad, Problem."""
        request = self.request
        kind = media_type(request)
        if kind != "application/json" and not kind.endswith("+json"):
            raise Bad("Send application/json.", status=415)
        if not is_utf8(request):
            raise Bad("Send JSON in UTF-8.", status=415)
        return parse_json(self.raw)

    async def aside(self, read: Callable[..., T], *given: Any) -> T:
        """What `read` makes of these, in a thread where the body is large."""
        if len(self.raw) > LARGE:
            return await asyncio.to_thread(read, *given)
        return read(*given)

    def try_out(self, build: Build) -> None:
        """Build a message that is not sent. Raises Bad where nobody could, or this source may not send it."""
        try:
            self.desk.check(build("0" * 26, ""))
        except NotAllowed as error:
            raise forbidden(error.words.en) from None

    async def submit(self, builds: Sequence[Build], key: str = "") -> list[Taken]:
        """Take the messages of this request through the line, in their order. `key` is an idempotency key
        that stands in the body."""
        return await self.desk.take(self, builds, key)


Handler = Callable[[Call], Awaitable[web.Response]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One dialect: its routes, where its key stands, and how it says that something is wrong.

    `key` gives an Authorization header for a request; `fail` the answer to one that is refused; `key_in_body`
    the header for a body, where the key stands only there; `signer` the name of the source that signed a
    request with its body, where sources are known by that.
    """

    name: str
    routes: tuple[tuple[str, str, Handler], ...]
    key: Callable[[web.Request], str]
    fail: Callable[[Bad], web.Response]
    key_in_body: Callable[[bytes], str] | None = None
    signer: Callable[[web.Request, bytes, Access, float], str] | None = None


class Desk:
    """Serves the dialects."""

    def __init__(
        self,
        *,
        gate: KeyGate,
        submit: Submit,
        check: Check,
        tell_refused: Tell,
        store: Store,
        limits: HttpLimits,
        clock: Callable[[], float],
        monotonic: Callable[[], float],
        on_reply: Callable[[float], None],
        on_full: Callable[[str], None],
        fetch: Callable[[str, str], Awaitable[Any]],
    ) -> None:
        """`check` raises NotAllowed for a message that `submit` would not take; `tell_refused` hears of
        messages that were refused although the tool was told "taken"; `fetch` asks a source's provider for
        what it has under a path."""
        self.check = check
        self.fetch = fetch
        self.store = store
        self.limits = limits
        self._gate = gate
        self._submit = submit
        self._tell_refused = tell_refused
        self._inflight = Inflight(limits.inflight_bytes)
        self._paces = Paces(limits.source_rate)
        self._clock = clock
        self._monotonic = monotonic
        self._on_reply = on_reply
        self._on_full = on_full
        self._underway = Underway()
        self._unfinished: OrderedDict[bytes, str] = OrderedDict()

    def serve(self, dialect: Dialect, handler: Handler) -> Callable[[web.Request], Awaitable[web.Response]]:
        """The handler of a route, all its refusals in the dialect's own terms."""

        async def answer(request: web.Request) -> web.Response:
            try:
                return await self._serve(request, dialect, handler)
            except Bad as bad:
                return dialect.fail(bad)
            except (Problem, web.HTTPException) as error:
                return dialect.fail(Bad.of(error))
            except NotAllowed as error:
                return dialect.fail(forbidden(error.words.en))
            except StoreError:
                return dialect.fail(Bad.of(unavailable()))
            except (asyncio.CancelledError, ConnectionError):
                raise
            except Exception:  # the caller learns that, not what; the log says where
                log.exception("http.fault", extra={"route": dialect.name})
                return dialect.fail(Bad("A fault in the gateway stopped this request.", status=500))

        return answer

    async def _serve(self, request: web.Request, dialect: Dialect, handler: Handler) -> web.Response:
        limits, late = self.limits, dialect.key_in_body or dialect.signer
        source = None if late else await self._gate.admit(request, dialect.name, dialect.key(request))
        try:
            with self._inflight.share() as share:
                raw = await read_body(request, limits.message_bytes, limits.body_timeout, share)
                source = self._gate.still(source or await self._admit_by_body(request, dialect, raw))
                raw = await _inflate(request, raw, limits.message_bytes, share)
                now = self._clock()
                call = Call(
                    request=request, source=source, raw=raw, now=now, dialect=dialect, desk=self, share=share
                )
                answer = await handler(call)
        except Full:
            if source is not None:  # else nobody knows whose it is
                self._on_full(source.name)
            raise
        answer.headers.update(call.headers)
        return answer

    async def _admit_by_body(self, request: web.Request, dialect: Dialect, raw: bytes) -> Source:
        if dialect.signer is not None:
            name = await asyncio.to_thread(dialect.signer, request, raw, self._gate.access, self._clock())
            if name:
                return self._gate.know(request, name)
        key = dialect.key_in_body(raw) if dialect.key_in_body is not None else ""
        return await self._gate.admit(request, dialect.name, key)

    async def take(self, call: Call, builds: Sequence[Build], in_body: str = "") -> list[Taken]:
        """Build and check every message before the first is stored, then take them through the line.

        Raises Bad, NotAllowed and Problem with nothing stored; StoreError where the gateway failed, and then
        the same request sent again stores each of its messages once.
        """
        started = self._monotonic()
        self._paces.take(call.source, started, len(builds))
        name = read_key(call.request.headers.getall("Idempotency-Key", (in_body,) if in_body else ()))
        with self._underway.claim(call.source.name, name or os.urandom(8).hex()):
            mark = await call.aside(_mark, call) if name or len(builds) != 1 else b""
            keys = self._keys(call, name, mark, len(builds))
            call.share.grow(2 * len(call.raw))
            messages = await call.aside(_build, call, builds, keys)
            call.share.grow(len(call.raw) + sum(len(message.raw) for message in messages))
            if name and len(messages) > 1:
                await self._check_unused(call.source.name, keys)
            taken = await self._through(messages, mark)
        for one, key in zip(taken, keys, strict=True):
            if name and key and one.receipt.replayed and not key.made(one.receipt.id):
                raise key_reused()
        if name and all(one.receipt.replayed for one in taken):
            call.headers["Idempotency-Replayed"] = "true"
        self._on_reply(self._monotonic() - started)
        return taken

    def _keys(self, call: Call, name: str, mark: bytes, count: int) -> list[Key | None]:
        """A key for each message: of the tool's own key where it sent one, else, where there are several,
        of the attempt, so that one that broke off can be sent again."""
        if not mark:
            return [None]
        nonce = name or self._unfinished.pop(mark, "") or os.urandom(16).hex()
        if not name:
            self._unfinished[mark] = nonce
            if len(self._unfinished) > REMEMBERED:
                self._unfinished.popitem(last=False)
        path = f"{call.dialect.name}\0{call.request.path}"
        return [bind(call.source.name, path, f"{nonce}\0{n}", mark) for n in range(count)]

    async def _check_unused(self, source: str, keys: Sequence[Key | None]) -> None:
        """Raises Problem where one of the keys was given an answer for another body: of several messages the
        first ones alone would tell, when the others have gone."""
        known = {key.name: key for key in keys if key is not None}
        used = await answered_before(self.store, source, list(known), self.store.now())
        if not all(known[name].made(identity) for name, identity in used.items()):
            raise key_reused()

    async def _through(self, messages: Sequence[Message], mark: bytes) -> list[Taken]:
        room = asyncio.Semaphore(AT_ONCE)

        async def one(message: Message) -> Taken:
            async with room:
                return Taken(message, await self._submit(message))

        found = await asyncio.gather(*(one(message) for message in messages), return_exceptions=True)
        broken = [each for each in found if isinstance(each, BaseException)]
        if broken:
            raise broken[0]
        self._unfinished.pop(mark, None)
        return [each for each in found if isinstance(each, Taken)]

    def tell(self, taken: Sequence[Taken]) -> None:
        """Tell of what was refused, where the tool is told that its request was taken."""
        for one in taken:
            if one.rejected and not one.receipt.replayed:
                self._tell_refused(one.message, one.receipt)


async def _inflate(request: web.Request, raw: bytes, limit: int, share: Share) -> bytes:
    """The body without its Content-Encoding, at most `limit` octets: a small one may swell."""
    coding = request.headers.get("Content-Encoding", "").strip().lower()
    if coding in ("", "identity"):
        return raw
    if coding not in _CODINGS:
        raise Bad("Send the body as it is, or with gzip.", status=415)
    found = await asyncio.to_thread(_unpack, raw, limit)
    share.grow(len(raw) + len(found))
    return found


def _unpack(raw: bytes, limit: int) -> bytes:
    unpacker = zlib.decompressobj(wbits=47)  # gzip or zlib, as the octets say
    try:
        found = unpacker.decompress(raw, limit + 1)
    except zlib.error:
        raise Bad("The body is not compressed as its Content-Encoding says.") from None
    if len(found) > limit:
        raise too_large(f"The body is larger than {limit} octets.")
    if not unpacker.eof:
        raise Bad("The compressed body is broken off.")
    return found


def _mark(call: Call) -> bytes:
    """What says that two requests are the same."""
    digest = blake2b(f"{call.source.name}\0{call.request.path}\0".encode(), digest_size=16)
    for octets in distinct(call.request.headers.get("Content-Type", ""), call.raw):
        digest.update(octets)
    return digest.digest()


def _build(call: Call, builds: Sequence[Build], keys: Sequence[Key | None]) -> list[Message]:
    messages, size = [], len(call.raw)
    for build, key in zip(builds, keys, strict=True):
        identity = key.identify(call.now) if key else new_id(call.now, os.urandom(10))
        message = build(identity, key.name if key else "")
        call.desk.check(message)
        size += len(message.raw)
        if size > MOST_BUILT:
            raise too_large(TOGETHER)
        messages.append(message)
    return messages

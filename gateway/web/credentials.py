"""Who is calling, from the Authorization header: a bearer token `name:secret`, or Basic (RFC 7617, 6750)."""

import asyncio
import base64
import binascii
import os
import time
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from hashlib import blake2b
from ipaddress import ip_address
from typing import Generic, Protocol, TypeVar

from aiohttp import web

from gateway.policy.outcome import Words
from gateway.web.often import Often
from gateway.web.problem import Problem

FORWARDING = ("Forwarded", "Via", "X-Real-IP", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto")
"""Headers that say that somebody else than the peer is asking."""
LONGEST = 1024
VERIFYING = 2
"""Secrets verified at the same time: each takes a quarter of a second and 64 MB."""
QUEUE = 32
"""Secrets that wait for that, and how many of them may come from one address."""
QUEUE_EACH = 16
REMEMBERED = 4096


class Named(Protocol):
    """A source or a reviewer."""

    @property
    def name(self) -> str:
        """What it is called."""

    @property
    def secret(self) -> str:
        """The hash of its secret."""


N = TypeVar("N", bound=Named)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What an Authorization header holds: a bearer token, or a name and a secret."""

    token: str = ""
    name: str = ""
    secret: str = ""


def read_credentials(header: str) -> Credentials | None:
    """The credentials of an Authorization header; None where it holds none that can be read."""
    scheme, _, value = header.strip().partition(" ")
    value = value.strip()
    if not value or len(header) > LONGEST:
        return None
    if scheme.lower() == "bearer":
        return Credentials(token=value)
    if scheme.lower() != "basic":
        return None
    try:
        name, mark, secret = base64.b64decode(value, validate=True).decode("utf-8").partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    return Credentials(name=name, secret=secret) if mark else None


class Doorkeeper(Generic[N]):
    """Recognizes callers. Strangers wait in a short queue, in which one address has half of the places and
    the same credentials one place, however many requests bring them; who was recognized before passes at
    once, for as long as the hash of their secret is the same. `tries` bounds the wrong secrets of one known
    name from one address: a name that nobody bears has no secret to guess."""

    def __init__(
        self,
        known: Callable[[str], N | None],
        by_token: Callable[[str], Awaitable[N | None]],
        by_name: Callable[[str, str], Awaitable[N | None]],
        *,
        tries: Often | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._known = known
        self._by_token = by_token
        self._by_name = by_name
        self._key = os.urandom(32)
        self._seen: OrderedDict[bytes, tuple[str, str]] = OrderedDict()
        self._verifying = asyncio.Semaphore(VERIFYING)
        self._asking: dict[bytes, asyncio.Task[N | None]] = {}
        self._waiting: Counter[str] = Counter()
        self._tries = tries
        self._monotonic = monotonic

    async def recognize(self, header: str, peer: str = "") -> N | None:
        """Whoever the Authorization header belongs to, or None. Raises Problem when too many ask, or `peer`
        too often."""
        mark = blake2b(header.encode("utf-8", "surrogateescape"), key=self._key, digest_size=16).digest()
        if (seen := self._seen.get(mark)) and (found := self._known(seen[0])) and found.secret == seen[1]:
            return found
        credentials = read_credentials(header)
        if credentials is None:
            return None
        name = credentials.name or credentials.token.partition(":")[0]
        tries = self._tries if self._known(name) is not None else None
        # A tool that sends on a hundred connections is verified once, not a hundred times.
        asking = self._asking.get(mark) or self._begin(mark, credentials, peer, tries, f"{peer}\0{name}")
        return await asyncio.shield(asking)

    def _begin(
        self, mark: bytes, credentials: Credentials, peer: str, tries: Often | None, who: str
    ) -> asyncio.Task[N | None]:
        if self._waiting.total() >= QUEUE or self._waiting[peer] >= QUEUE_EACH:
            raise _too_many(_CROWD, 5)
        # Counted before it is known to be wrong: else as many as there are places could be tried at once.
        if tries is not None and not tries.take(who, self._monotonic()):
            raise _too_many(_WRONG, 300)
        self._waiting[peer] += 1
        asking = asyncio.create_task(self._verify(mark, credentials))
        self._asking[mark] = asking

        def end(ended: asyncio.Task[N | None]) -> None:
            del self._asking[mark]
            self._waiting[peer] -= 1
            self._waiting += Counter()  # only addresses that wait are kept
            # What failed is told to whoever waits; perhaps nobody does any more.
            wrong = not ended.cancelled() and ended.exception() is None and ended.result() is None
            if tries is not None and not wrong:
                tries.give_back(who)

        asking.add_done_callback(end)
        return asking

    async def _verify(self, mark: bytes, credentials: Credentials) -> N | None:
        async with self._verifying:
            found = await self._ask(credentials)
        if found is not None:
            self._seen[mark] = (found.name, found.secret)
            if len(self._seen) > REMEMBERED:
                self._seen.popitem(last=False)
        return found

    async def _ask(self, credentials: Credentials) -> N | None:
        if credentials.token:
            return await self._by_token(credentials.token)
        return await self._by_name(credentials.name, credentials.secret)


_CROWD = Words(
    "Too many callers are being recognized. Try again in a few seconds.",
    "Troppi chiamanti in attesa di riconoscimento. Riprovare fra qualche secondo.",
)
_WRONG = Words(
    "Too many wrong secrets came for this name from this address. Try again in five minutes.",
    "Troppi segreti errati per questo nome da questo indirizzo. Riprovare fra cinque minuti.",
)


def _too_many(why: Words, seconds: int) -> Problem:
    return Problem("too-many-requests", why, headers={"Retry-After": str(seconds)})


def peer_of(request: web.BaseRequest) -> str:
    """The address of the other end of the connection, "" where there is none."""
    transport = request.transport
    peer = transport.get_extra_info("peername") if transport is not None else None
    return str(peer[0]) if isinstance(peer, tuple) and peer else ""


def is_this_machine(peer: str) -> bool:
    """Whether a peer's address is loopback."""
    return peer.startswith(("127.", "::ffff:127.")) or peer == "::1"


def is_direct(request: web.BaseRequest) -> bool:
    """Whether a program on this machine asks for itself: no proxy before it, no page in a browser.

    Behind a reverse proxy everyone is loopback; and a page from anywhere may make a browser ask, under a
    name that resolves to this machine.
    """
    headers = request.headers
    if any(name in headers for name in FORWARDING) or "Origin" in headers or "Sec-Fetch-Site" in headers:
        return False
    if any(name.lower().startswith("x-forwarded-") for name in headers):
        return False
    host = headers.get("Host", "").lower()
    name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    return name in ("localhost", "") or _is_loopback(name)


def _is_loopback(name: str) -> bool:
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def unauthorized(realm: str, who: Words) -> Problem:
    """A caller that is not known."""
    return Problem(
        "unauthorized",
        Words(
            f"Send the credentials of {who.en}: Authorization: Bearer name:secret, or Basic.",
            f"Inviare le credenziali di {who.it}: Authorization: Bearer nome:segreto, oppure Basic.",
        ),
        headers={"WWW-Authenticate": f'Bearer realm="{realm}", Basic realm="{realm}", charset="UTF-8"'},
    )

"""What the sessions of one SMTP listener share."""

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol
from weakref import WeakValueDictionary

from gateway.access import Source
from gateway.ingress.smtp_limits import Budget, Limits, Networks, Pace, Peers
from gateway.intake.receipt import Receipt
from gateway.message.envelope import Message, Recipient
from gateway.web.peer import household_of

Submit = Callable[[Message], Awaitable[Receipt]]
"""Takes a message through the line; answers when what became of it is durable."""
RefuseAtRcpt = Callable[[Source, Recipient], Awaitable[str | None] | str | None]
"""Says at RCPT, at once or later, why a recipient is refused there; None where it is not."""


class Session(Protocol):
    """What a listener does with its sessions."""

    def check(self, now: float) -> None:
        """Hang up where a time is over; `now` is the loop's."""

    def drain(self) -> None:
        """End as soon as no message is under way."""

    def abort(self) -> None:
        """End at once."""


class Recognize(Protocol):
    """The access file, as far as a session needs it."""

    @property
    def development_source(self) -> Source | None:
        """The source that needs no password, in development."""

    async def source(self, name: str, secret: str) -> Source | None:
        """The source with that name and secret."""

    def current(self, source: Source) -> Source | None:
        """A source that was recognized before, as it is now; None where it is none any more."""


@dataclass(slots=True, kw_only=True, eq=False)
class Reception:
    """Limits, counts and collaborators of one listener's sessions. `clock` gives unix seconds."""

    hostname: str
    limits: Limits
    access: Recognize
    submit: Submit
    refuse_at_rcpt: RefuseAtRcpt | None = None
    tls: ssl.SSLContext | None = None
    proxies: Networks = ()
    clock: Callable[[], float] = time.time
    on_reply: Callable[[float], None] | None = None
    draining: bool = False
    sessions: set[Session] = field(default_factory=set)
    underway: set[asyncio.Future[Any]] = field(default_factory=set)
    budget: Budget = field(init=False)
    peers: Peers = field(init=False)
    greeting: bytes = field(init=False)
    _idle: asyncio.Event = field(default_factory=asyncio.Event)
    _paces: dict[str, tuple[float, Pace]] = field(default_factory=dict)
    _verifying: WeakValueDictionary[str, asyncio.Lock] = field(default_factory=WeakValueDictionary)

    def __post_init__(self) -> None:
        self.budget = Budget(self.limits.inflight_bytes)
        self.peers = Peers(self.limits.connections_per_peer)
        self.greeting = f"220 {self.hostname} ESMTP\r\n".encode("ascii")

    def describe(self, *, secure: bool, auth: bool) -> bytes:
        """The reply to EHLO (RFC 5321 4.1.1.1), by whether TLS is on and AUTH allowed."""
        lines = [
            self.hostname,
            f"SIZE {self.limits.message_bytes}",
            "8BITMIME",
            "SMTPUTF8",
            "PIPELINING",
            "ENHANCEDSTATUSCODES",
            "DSN",
        ]
        if self.tls and not secure:
            lines.append("STARTTLS")
        if auth:
            lines.append("AUTH PLAIN LOGIN")
        *first, last = lines
        return "".join([f"250-{line}\r\n" for line in first] + [f"250 {last}\r\n"]).encode("ascii")

    def reserve(self, source: Source, now: float) -> float:
        """Seconds that a source must wait for its next message; -1 where that is too long to wait."""
        rate = source.rate or self.limits.source_rate
        if not rate:
            return 0.0
        known = self._paces.get(source.name)
        if known is None or known[0] != rate:
            known = self._paces[source.name] = (rate, Pace(rate, now))
        return known[1].reserve(now, self.limits.longest_wait)

    def leave(self, gone: Session | asyncio.Future[Any]) -> None:
        """Count a session or something under way as over."""
        self.sessions.discard(gone)
        self.underway.discard(gone)
        if self.draining and not self.sessions and not self.underway:
            self._idle.set()

    async def empty(self) -> None:
        """Wait, while draining, until nobody is connected and nothing under way."""
        while self.sessions or self.underway:
            self._idle.clear()
            await self._idle.wait()

    async def recognize(self, peer: str, name: str, secret: str) -> Source | None:
        """The source with that name and secret; in development, whatever they are.

        One at a time for each peer: verifying takes a quarter of a second of a core and 64 MB, and those
        who guess should wait for each other, not everybody for them.
        """
        if self.access.development_source is not None:
            return self.access.development_source
        household = household_of(peer)
        lock = self._verifying.get(household) or self._verifying.setdefault(household, asyncio.Lock())
        async with lock:
            return await self.access.source(name, secret)

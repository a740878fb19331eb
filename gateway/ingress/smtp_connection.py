"""An SMTP connection from greeting to end: who is there, what is sent, when reading pauses. No commands."""

import asyncio
from abc import abstractmethod
from collections.abc import Callable, Coroutine
from typing import Any

from gateway.ingress import smtp_texts as texts
from gateway.ingress.smtp_dialog import Dialog, log
from gateway.ingress.smtp_limits import Share, is_loopback, is_within
from gateway.ingress.smtp_reception import Reception

# What a connection is doing. In BUSY and DIALOG something runs, after which `go_on` is called.
COMMAND, SKIP, BODY, BUSY, DIALOG, CLOSED = range(6)

FAREWELL = 1.0
"""Seconds in which what a client still sends is read and dropped, after the last reply to it."""
LINGER = 30.0
"""Seconds that a client may take to read the last reply."""

# Why reading is suspended.
AHEAD, BUDGET, CLOGGED = 1, 2, 4


class Connection(Dialog):
    """One connection; what comes in is up to the subclass."""

    def __init__(self, reception: Reception, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(reception, loop)
        self.phase = COMMAND
        self.out: list[bytes] = []
        self.hello = False
        self.extended = False
        self.share = Share(self.resume_for_budget)
        self.draining = False
        self.handed_in = False
        self.introduced = ""
        self._pending = b""
        self._suspended = 0
        self._eof = False
        self._counted = False
        self._near = False
        self._task: asyncio.Task[None] | None = None
        self._touched = self._over = 0.0

    @abstractmethod
    def begin(self, talk: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Leave the connection to a coroutine until it ends."""

    @abstractmethod
    def take_up(self) -> None:
        """Take what waited for the client to read its replies."""

    @abstractmethod
    def forget(self) -> None:
        """Drop the message under way, if it is not handed in yet."""

    @abstractmethod
    def check(self, now: float) -> None:
        """Hang up where a time is over; `now` is the loop's."""

    # From beginning to end

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet, or take up again behind TLS, where everything said before is forgotten (RFC 3207 4.2)."""
        if self._original_transport is not None:
            super().connection_made(transport)
            self.secure = True
            self._pending = b""
            self.hello = self.extended = False
            self.source = None
            self.forget()
            self._allow_auth()
            return
        self.transport = transport
        self.session = self._create_session()
        self.secure = transport.get_extra_info("sslcontext") is not None
        peername = transport.get_extra_info("peername")
        self.peer = str(peername[0]) if peername else ""
        self._near = is_loopback(self.peer)
        if self.introduced:
            self._name_peer(self.introduced)
        self._touched = self.loop.time()
        self._over = self._touched + self.reception.limits.session_timeout
        if len(self.reception.sessions) >= self.reception.limits.connections:
            self.turn_away(texts.TOO_MANY_CONNECTIONS)
            return
        self.reception.sessions.add(self)
        # Before TLS from the first octet the lobby has read it.
        if not self.secure and is_within(self.peer, self.reception.proxies):
            self.begin(self._meet_proxied)
            return
        self._meet()
        self.flush()

    async def _meet_proxied(self) -> None:
        peer = await self.read_proxy()
        if peer is None:
            log.warning("smtp.proxy_header_missing")
            self.abort()
            return
        self._name_peer(peer or self.peer)
        self._meet()

    def _name_peer(self, peer: str) -> None:
        self.peer = peer
        # A proxy elsewhere may well have clients on its own machine: those are not on this one.
        self._near = self._near and is_loopback(peer)

    def _meet(self) -> None:
        if self.reception.draining:
            self.turn_away(texts.STOPPING)
        elif not self.reception.peers.enter(self.peer):
            self.turn_away(texts.TOO_MANY_CONNECTIONS)
        else:
            self._counted = True
            if self.reception.access.development_source is not None and not self._near:
                self.turn_away(texts.OWN_MACHINE)
                return
            self._allow_auth()
            self.out.append(self.reception.greeting)

    def _allow_auth(self) -> None:
        """Secrets travel only inside TLS, or inside this machine, or where the operator says otherwise."""
        private = self.secure or self._near or self.reception.limits.auth_in_clear
        self._auth_require_tls = not private
        self.source = self.reception.access.development_source

    def connection_lost(self, error: Exception | None) -> None:
        """Forget the session; a message that was handed in goes on to its end."""
        if self.transport is None:
            return
        if self._original_transport is not None:
            self._original_transport.close()
        self.connection_gone(error)
        if self._task is not None:
            self._task.cancel()
        self.reception.leave(self)
        if self._counted:
            self.reception.peers.leave(self.peer)
        if not self.handed_in:
            self.reception.budget.give_back(self.share)
        self.phase = CLOSED
        self._pending = b""
        self.forget()
        self.transport = None

    def eof_received(self) -> bool:
        """Hang up, though not before the reply to what runs; behind TLS that cannot be waited for."""
        self._eof = True
        if self.phase == DIALOG:
            self._reader.feed_eof()
        return self.phase in (BUSY, DIALOG) and not self.secure

    def turn_away(self, reply: bytes) -> None:
        """Say one thing more and hang up, but not before the client can have read it: a socket that is
        closed while octets of the client wait in it is reset, and the reply is lost with it."""
        self.out.append(reply)
        transport = self.transport
        if transport is None or not transport.can_write_eof():  # type: ignore[attr-defined]
            self.hang_up()
            return
        self.flush()
        self.phase = CLOSED
        self._touched = self.loop.time()
        transport.write_eof()  # type: ignore[attr-defined]
        self.loop.call_later(FAREWELL, transport.close)

    def hang_up(self) -> None:
        """Send what is to be said, then close."""
        self.flush()
        self.phase = CLOSED
        self._touched = self.loop.time()
        if self.transport is not None:
            self.transport.close()

    def abort(self) -> None:
        """Close at once."""
        self.phase = CLOSED
        transport = self._original_transport or self.transport
        if transport is not None:
            transport.abort()  # type: ignore[attr-defined]

    def drain(self) -> None:
        """End as soon as no message is under way."""
        self.draining = True
        if self.phase <= SKIP or self.phase == DIALOG:
            self.turn_away(texts.STOPPING)

    def check_idle(self, now: float) -> None:
        """Hang up on a client that says nothing for too long, or stays for too long."""
        limits = self.reception.limits
        idle = now - self._touched
        if self.phase == CLOSED:
            if idle > LINGER:
                self.abort()
        elif idle > (limits.command_timeout if self.source else limits.stranger_timeout) or (
            now > self._over and self.phase == COMMAND
        ):
            self.turn_away(texts.TIME_OVER)

    # Flow

    def flush(self) -> None:
        """Send the replies there are, in one write."""
        out = self.out
        if out:
            self.out = []
            self.write(out[0] if len(out) == 1 else b"".join(out))

    def pause_writing(self) -> None:
        """The client does not read its replies: take no more commands till it does."""
        super().pause_writing()
        self.suspend(CLOGGED)

    def resume_writing(self) -> None:
        """The client reads again."""
        super().resume_writing()
        self.resume(CLOGGED)
        self.take_up()

    def suspend(self, why: int) -> None:
        """Read no more from the client, for that reason."""
        if not self._suspended and self.transport is not None and not self.transport.is_closing():
            self.transport.pause_reading()  # type: ignore[attr-defined]
        self._suspended |= why

    def resume(self, why: int) -> None:
        """Read on, unless another reason stands against it."""
        if self._suspended & why:
            self._suspended &= ~why
            if not self._suspended and self.transport is not None and not self.transport.is_closing():
                self.transport.resume_reading()  # type: ignore[attr-defined]

    @property
    def suspended_for_budget(self) -> bool:
        """Whether it is the gateway that keeps the client from sending on."""
        return bool(self._suspended & BUDGET)

    def resume_for_budget(self) -> None:
        """Read on: there is room for messages again."""
        self.resume(BUDGET)

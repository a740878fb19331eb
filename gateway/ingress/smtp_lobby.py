"""Where clients of the TLS listener wait until hands are shaken: bounded as sessions are, and introduced by
their balancer (PROXY protocol) where there is one."""

import asyncio
from asyncio.sslproto import SSLProtocol
from ssl import SSLContext
from typing import cast

from gateway.ingress.smtp_connection import Connection
from gateway.ingress.smtp_dialog import log, read_proxy
from gateway.ingress.smtp_limits import Peers, is_within
from gateway.ingress.smtp_reception import Reception

HANDSHAKE = 20
"""Seconds that a TLS handshake may take."""


class Lobby:
    """Connections that are no sessions yet: as many as there may be sessions, in all and of each peer that is
    no balancer.

    Who is one too many is hung up on at once: before TLS there is nothing that could be said.
    """

    def __init__(self, reception: Reception, context: SSLContext) -> None:
        self._reception = reception
        self._peers = Peers(reception.limits.connections_per_peer)
        self._context = context
        self._waiting: set[asyncio.Transport] = set()

    @property
    def patience(self) -> float:
        """Seconds that a balancer may take for its header."""
        return self._reception.limits.proxy_timeout

    def receive(self, session: Connection) -> asyncio.BaseProtocol:
        """What shakes hands on a new connection before `session` begins."""
        return _Handshake(self, session, self._context)

    def enter(self, transport: asyncio.Transport, over: "asyncio.Future[None]") -> bool:
        """Count a connection until its handshake is over; False, and nothing counted, for one too many."""
        peer = _peer_of(transport)
        counted = not is_within(peer, self._reception.proxies)
        if len(self._waiting) >= self._reception.limits.connections:
            return False
        if counted and not self._peers.enter(peer):
            return False
        self._waiting.add(transport)

        def leave(over: "asyncio.Future[None]") -> None:
            self._waiting.discard(transport)
            if counted:
                self._peers.leave(peer)
            if not over.cancelled():
                over.exception()  # looked at, so that nobody is told that it never was

        over.add_done_callback(leave)
        return True

    def is_introduced(self, transport: asyncio.Transport) -> bool:
        """Whether a balancer's header comes first."""
        return is_within(_peer_of(transport), self._reception.proxies)

    def close(self) -> None:
        """Hang up on all who wait."""
        for transport in tuple(self._waiting):
            transport.abort()


class _Handshake(SSLProtocol):
    """asyncio's own TLS, which STARTTLS uses as well, on a connection that the lobby lets in."""

    def __init__(self, lobby: Lobby, session: Connection, context: SSLContext) -> None:
        loop = asyncio.get_running_loop()
        self._over: asyncio.Future[None] = loop.create_future()
        self._lobby = lobby
        self._session = session
        super().__init__(
            loop, session, context, self._over, server_side=True, ssl_handshake_timeout=HANDSHAKE
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Shake hands, or hang up."""
        plain = cast(asyncio.Transport, transport)
        if not self._lobby.enter(plain, self._over):
            plain.abort()
        elif self._lobby.is_introduced(plain):
            plain.set_protocol(_Introduction(self, plain, self._lobby.patience))
        else:
            super().connection_made(plain)

    def begin(self, transport: asyncio.Transport, peer: str, octets: bytes) -> None:
        """Shake hands with whom a balancer introduced; `octets` came after its header."""
        self._session.introduced = peer
        transport.set_protocol(self)
        super().connection_made(transport)
        while octets:
            room = self.get_buffer(len(octets))
            size = min(len(room), len(octets))
            room[:size] = octets[:size]
            self.buffer_updated(size)
            octets = octets[size:]


class _Introduction(asyncio.Protocol):
    """Reads a balancer's header, then leaves the connection to the handshake."""

    def __init__(self, handshake: _Handshake, transport: asyncio.Transport, patience: float) -> None:
        self._handshake = handshake
        self._reader = asyncio.StreamReader()
        self._task = asyncio.get_running_loop().create_task(self._meet(transport, patience))

    def data_received(self, data: bytes) -> None:
        """The header, and perhaps what comes after it."""
        self._reader.feed_data(data)

    def eof_received(self) -> None:
        """Nothing more will come."""
        self._reader.feed_eof()

    def connection_lost(self, error: Exception | None) -> None:
        """The handshake never began, and is over."""
        self._task.cancel()
        self._handshake.connection_lost(error)

    async def _meet(self, transport: asyncio.Transport, patience: float) -> None:
        try:
            peer = await read_proxy(self._reader, patience)
            if peer is None:
                log.warning("smtp.proxy_header_missing")
                transport.abort()
                return
            left = bytes(self._reader._buffer)  # type: ignore[attr-defined]  # nothing public tells
            self._handshake.begin(transport, peer, left)
        except Exception:  # noqa: BLE001 - whatever went wrong, nobody waits for it
            log.exception("smtp.dialog_failed")
            transport.abort()


def _peer_of(transport: asyncio.Transport) -> str:
    peername = transport.get_extra_info("peername")
    return str(peername[0]) if peername else ""

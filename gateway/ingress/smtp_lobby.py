"""Where clients of the TLS listener wait until hands are shaken: bounded as sessions are."""

import asyncio
import ssl
from asyncio.sslproto import SSLProtocol
from typing import cast

from gateway.ingress.smtp_limits import Limits, Peers

HANDSHAKE = 20
"""Seconds that a TLS handshake may take."""


class Lobby:
    """Connections that are no sessions yet: as many as there may be sessions, in all and of each peer.

    Who is one too many is hung up on at once: before TLS there is nothing that could be said.
    """

    def __init__(self, limits: Limits, context: ssl.SSLContext) -> None:
        self._most = limits.connections
        self._peers = Peers(limits.connections_per_peer)
        self._context = context
        self._waiting: set[asyncio.Transport] = set()

    def receive(self, session: asyncio.Protocol) -> asyncio.BaseProtocol:
        """What shakes hands on a new connection before `session` begins."""
        return _Handshake(self, session, self._context)

    def enter(self, transport: asyncio.Transport, over: "asyncio.Future[None]") -> bool:
        """Count a connection until its handshake is over; False, and nothing counted, for one too many."""
        peername = transport.get_extra_info("peername")
        peer = str(peername[0]) if peername else ""
        if len(self._waiting) >= self._most or not self._peers.enter(peer):
            return False
        self._waiting.add(transport)

        def leave(over: "asyncio.Future[None]") -> None:
            self._waiting.discard(transport)
            self._peers.leave(peer)
            if not over.cancelled():
                over.exception()  # looked at, so that nobody is told that it never was

        over.add_done_callback(leave)
        return True

    def close(self) -> None:
        """Hang up on all who wait."""
        for transport in tuple(self._waiting):
            transport.abort()


class _Handshake(SSLProtocol):
    """asyncio's own TLS, which STARTTLS uses as well, on a connection that the lobby lets in."""

    def __init__(self, lobby: Lobby, session: asyncio.Protocol, context: ssl.SSLContext) -> None:
        loop = asyncio.get_running_loop()
        self._over: asyncio.Future[None] = loop.create_future()
        self._lobby = lobby
        super().__init__(
            loop, session, context, self._over, server_side=True, ssl_handshake_timeout=HANDSHAKE
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Shake hands, or hang up."""
        plain = cast(asyncio.Transport, transport)
        if self._lobby.enter(plain, self._over):
            super().connection_made(plain)
        else:
            plain.abort()

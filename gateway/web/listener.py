"""An HTTP listener: bounded connections, patience with nobody who only holds one open, a graceful stop."""

import asyncio
import logging
from collections import Counter
from collections.abc import Iterable
from typing import cast

import orjson
from aiohttp import web
from aiohttp.http import HttpProcessingError
from aiohttp.web_protocol import RequestHandler

from gateway.policy.outcome import Words
from gateway.settings.values import Listen
from gateway.web.frame import SAFE
from gateway.web.peer import Network, household_of, is_within
from gateway.web.problem import CONTENT_TYPE, Problem

log = logging.getLogger(__name__)

KEEPALIVE = 75.0
"""Seconds that a connection may be idle, or take for the header of its next request."""
LINGERING = 2.0
STALLED = 30.0
"""Seconds in which a client reads at least something of its answer, or is hung up on."""
STALLED_AT_STOP = 5.0


class HttpListener:
    """One application on one socket.

    `connections` bounds all peers together, `each` those of one address that is none of `proxies`. Who
    reads nothing of an answer for `stalled` seconds is hung up on: else a few that never read could keep
    everybody out. At `stop` no new connection is taken, requests under way get `grace` seconds, and idle
    connections are closed at once.
    """

    def __init__(
        self,
        listen: Listen,
        app: web.Application,
        *,
        connections: int = 500,
        each: int = 200,
        proxies: Iterable[Network] = (),
        grace: float = 20.0,
        keepalive: float = KEEPALIVE,
        stalled: float = STALLED,
    ) -> None:
        self.listen = listen
        self._stalled = stalled
        self._watch: asyncio.TimerHandle | None = None
        self._grace = grace
        self._crowd = _Crowd(connections, each, tuple(proxies))
        self._keepalive = keepalive
        self._runner = web.AppRunner(app, handle_signals=False, access_log=None, shutdown_timeout=grace)
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Begin to accept connections. Raises OSError where the address cannot be had."""
        await self._runner.setup()
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(
                self._connect, self.listen.host, self.listen.port, backlog=512, reuse_address=True
            )
        except BaseException:
            await self._runner.cleanup()
            raise
        self._look()

    @property
    def address(self) -> Listen:
        """Where it listens, with the port it was given."""
        assert self._server is not None
        host, port = self._server.sockets[0].getsockname()[:2]
        return Listen(host, port)

    async def stop(self) -> None:
        """Take no more connections, let requests under way end, close."""
        if self._server is not None:
            self._server.close()
        server = self._runner.server
        if server is not None:
            server.pre_shutdown()
        self._stalled = min(self._stalled, STALLED_AT_STOP)
        await self._runner.cleanup()
        if self._watch is not None:
            self._watch.cancel()

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        self._watch = loop.call_later(min(self._stalled / 4, STALLED_AT_STOP / 4), self._look)
        server, now = self._runner.server, loop.time()
        for connection in server.connections if server is not None else ():
            if isinstance(connection, _Connection):
                connection.check(now, self._stalled)

    def _connect(self) -> asyncio.Protocol:
        server = self._runner.server
        assert server is not None
        return _Connection(server, self._crowd, self._keepalive)


class _Crowd:
    """How many connections there are, in all and of each address."""

    def __init__(self, limit: int, each: int, proxies: tuple[Network, ...]) -> None:
        self._limit, self._each, self._proxies = limit, each, proxies
        self._peers: Counter[str] = Counter()

    def enter(self, peer: str, among: int) -> bool:
        """Count a connection; whether it may stay, one `among` so many."""
        household = household_of(peer)
        self._peers[household] += 1
        if among > self._limit:
            log.warning("http.full", extra={"limit": self._limit})
            return False
        if self._peers[household] > self._each and not is_within(peer, self._proxies):
            log.warning("http.full", extra={"limit": self._each, "of": "one address"})
            return False
        return True

    def leave(self, peer: str) -> None:
        """Count it as gone."""
        household = household_of(peer)
        self._peers[household] -= 1
        if self._peers[household] <= 0:
            del self._peers[household]


class _Connection(RequestHandler):
    """aiohttp's protocol, with a limit on connections, and errors as problems."""

    __slots__ = ("_crowd", "_left", "_moving", "_peer", "_since", "_wire")

    def __init__(self, server: web.Server, crowd: _Crowd, keepalive: float) -> None:
        super().__init__(
            server,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type]  # the library's own way to say none
            keepalive_timeout=keepalive,
            lingering_time=LINGERING,
            auto_decompress=False,
        )
        self._crowd, self._peer = crowd, ""
        # aiohttp lets go of a transport that it closes, though what is unread may keep that open.
        self._wire: asyncio.Transport | None = None
        self._left, self._since, self._moving = 0, 0.0, True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count it in, or hang up where it is one too many."""
        super().connection_made(transport)
        self._wire = cast(asyncio.Transport, transport)
        peer, server = transport.get_extra_info("peername"), self._manager
        self._peer = str(peer[0]) if isinstance(peer, tuple) and peer else ""
        if not self._crowd.enter(self._peer, len(server.connections) if server is not None else 0):
            self.force_close()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Count it out."""
        self._crowd.leave(self._peer)
        super().connection_lost(exc)

    def resume_writing(self) -> None:
        """The client has read most of what was written."""
        super().resume_writing()
        self._moving = True

    def check(self, now: float, patience: float) -> None:
        """Hang up on a client that has read nothing for so many seconds; `now` is the loop's."""
        if self._wire is None:
            return
        left = self._wire.get_write_buffer_size()
        if self._moving or not left or left < self._left:
            self._since = now
        self._left, self._moving = left, False
        if now - self._since > patience:
            log.warning("http.stalled")
            self._wire.abort()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """What could not even be read as HTTP, or broke outside every handler."""
        if status < 500 or isinstance(exc, HttpProcessingError):
            problem = Problem("malformed", Words("This is not HTTP/1.1 as it should be.", ""))
        else:
            log.error("http.broken", exc_info=exc)
            problem = Problem("internal", Words("A fault in the gateway stopped this request.", ""))
        response = web.Response(
            status=problem.status,
            body=orjson.dumps(problem.describe("en", "")),
            content_type=CONTENT_TYPE,
            headers=SAFE,
        )
        response.force_close()
        return response

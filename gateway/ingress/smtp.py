"""The SMTP listeners: plain with STARTTLS, and TLS from the first octet; started, drained, closed."""

import asyncio
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from ipaddress import ip_address
from urllib.parse import urlsplit

from gateway.ingress.smtp_limits import Limits
from gateway.ingress.smtp_lobby import Lobby
from gateway.ingress.smtp_protocol import SmtpSession
from gateway.ingress.smtp_reception import Reception, Recognize, RefuseAtRcpt, Submit
from gateway.ingress.smtp_tls import Certificate
from gateway.metrics import Metrics
from gateway.settings import Listen, Settings
from gateway.settings.listening import listening

BACKLOG = 1024
LAST_CALL = 0.1
"""Seconds between the word to stop and the end of listening."""
WATCH_EVERY = 1.0
"""Seconds between looks at every session's times; timeouts are that exact."""


class Listener:
    """Takes messages by SMTP and submits them.

    `submit` answers with a receipt when what became of a message is durable; `refuse_at_rcpt` says why a
    recipient is refused at RCPT already, at once or by an awaitable. `limits` wins over the settings.
    `setting` is the name of the address that is not for TLS from the first octet.
    """

    setting = "SMTP_LISTEN"

    def __init__(
        self,
        settings: Settings,
        access: Recognize,
        submit: Submit,
        refuse_at_rcpt: RefuseAtRcpt | None = None,
        metrics: Metrics | None = None,
        clock: Callable[[], float] = time.time,
        *,
        limits: Limits | None = None,
    ) -> None:
        self._plain = settings.smtp_listen
        self._implicit = settings.smtps_listen
        self.certificate: Certificate | None = None
        if settings.smtp_tls_cert is not None and settings.smtp_tls_key is not None:
            self.certificate = Certificate(settings.smtp_tls_cert, settings.smtp_tls_key)
        tls = self.certificate.context if self.certificate else None
        self._reception = Reception(
            hostname=name_host(settings.public_url),
            limits=limits or Limits.from_settings(settings),
            access=access,
            submit=submit,
            refuse_at_rcpt=refuse_at_rcpt,
            tls=tls,
            proxies=settings.smtp_proxy_trusted if settings.smtp_proxy_protocol else (),
            clock=clock,
            on_reply=metrics.accepted_in if metrics else None,
        )
        self._servers: list[asyncio.Server] = []
        self._lobby = Lobby(self._reception, tls) if tls is not None else None
        self._watch: asyncio.TimerHandle | None = None

    async def start(self) -> None:
        """Listen. Raises OSError where an address cannot be had."""
        try:
            if self._plain is not None:
                with listening(self.setting, self._plain):
                    await self._listen(self._plain, implicit=False)
            if self._implicit is not None:
                with listening("SMTPS_LISTEN", self._implicit):
                    await self._listen(self._implicit, implicit=True)
        except OSError:
            self.close()
            raise
        self._look()

    async def _listen(self, listen: Listen, *, implicit: bool) -> None:
        loop = asyncio.get_running_loop()
        lobby = self._lobby if implicit else None

        def meet() -> asyncio.BaseProtocol:
            session = SmtpSession(self._reception, loop)
            return lobby.receive(session) if lobby is not None else session

        server = await loop.create_server(meet, listen.host, listen.port, backlog=BACKLOG)
        self._servers.append(server)

    @property
    def addresses(self) -> tuple[tuple[str, int], ...]:
        """Host and port of every listening socket, plain ones first."""
        return tuple(bound.getsockname()[:2] for server in self._servers for bound in server.sockets)

    @property
    def named(self) -> dict[str, tuple[str, int]]:
        """Host and port of each listener's first socket, by name: `smtp`, and `smtps` with TLS from the first
        octet."""
        names = [name for name, on in (("smtp", self._plain), ("smtps", self._implicit)) if on is not None]
        return {
            name: server.sockets[0].getsockname()[:2]
            for name, server in zip(names, self._servers, strict=False)
            if server.sockets
        }

    @property
    def sessions(self) -> int:
        """How many clients are connected."""
        return len(self._reception.sessions)

    async def stop_accepting(self) -> None:
        """Take no more connections; those there are go on. Who connects at this very moment is told to come
        back later (421): a socket that closes resets those who wait in it for a greeting."""
        if self._reception.draining:
            return
        self._reception.draining = True
        await asyncio.sleep(LAST_CALL)
        for server in self._servers:
            server.close()

    async def drain(self, timeout: float) -> None:
        """Tell idle clients to come back later (421), let messages under way end, for at most `timeout`."""
        await self.stop_accepting()
        for session in tuple(self._reception.sessions):
            session.drain()
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._reception.empty()

    def close(self) -> None:
        """Stop at once: whatever has not been answered yet is not acknowledged."""
        for server in self._servers:
            server.close()
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        if self._lobby is not None:
            self._lobby.close()
        for session in tuple(self._reception.sessions):
            session.abort()

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for session in tuple(self._reception.sessions):
            session.check(now)
        limits = self._reception.limits
        shortest = min(limits.command_timeout, limits.stranger_timeout, limits.data_timeout)
        self._watch = loop.call_later(min(WATCH_EVERY, shortest / 4), self._look)


def name_host(public_url: str) -> str:
    """The name that the gateway greets with: that of its public URL, or of the machine."""
    host = urlsplit(public_url).hostname or ""
    try:
        ip_address(host)
    except ValueError:
        name = host
    else:
        name = socket.gethostname()
    return name if name.isascii() and name.isprintable() and name else "localhost"

"""Where the demo's messages end: a catch-all that keeps nothing but counts."""

import asyncio
from typing import Any

from aiohttp import web
from aiosmtpd.smtp import SMTP, Envelope, Session


class Sink:
    """An SMTP server and a webhook target on loopback that accept everything."""

    def __init__(self) -> None:
        self.mails = 0
        self.calls = 0
        self.smtp_port = 0
        self.http_port = 0
        self._server: asyncio.Server | None = None
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        """Listen on ports of the system's choice."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: SMTP(self, hostname="sink.example"), "127.0.0.1", 0)
        self.smtp_port = self._server.sockets[0].getsockname()[1]
        app = web.Application()
        app.router.add_post("/deliver", self._call)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.http_port = self._runner.addresses[0][1]

    async def stop(self) -> None:
        """Close both."""
        if self._server is not None:
            self._server.close()
        if self._runner is not None:
            await self._runner.cleanup()

    async def handle_DATA(self, server: Any, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        """Take a mail."""
        self.mails += 1
        return "250 OK"

    async def _call(self, request: web.Request) -> web.Response:
        self.calls += 1
        return web.Response(status=204)

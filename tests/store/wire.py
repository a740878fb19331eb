"""A way to PostgreSQL on which one can count."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit


class Wire:
    """A way to the database that counts what is sent there."""

    def __init__(self) -> None:
        self.sent = 0

    @asynccontextmanager
    async def to(self, url: str) -> AsyncIterator[str]:
        """The URL of the same database over this way."""
        host, port = urlsplit(url).hostname, urlsplit(url).port

        async def join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            back, there = await asyncio.open_connection(host, port)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._carry(reader, there, 1))
                group.create_task(self._carry(back, writer, 0))

        server = await asyncio.start_server(join, "127.0.0.1")
        try:
            yield url.replace(f":{port}/", f":{server.sockets[0].getsockname()[1]}/")
        finally:
            server.close()

    async def _carry(self, come: asyncio.StreamReader, go: asyncio.StreamWriter, counted: int) -> None:
        while octets := await come.read(65536):
            self.sent += counted
            go.write(octets)
        go.close()

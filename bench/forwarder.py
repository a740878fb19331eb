"""A plain relay to compare with: aiosmtpd in, aiosmtplib out over kept connections, on uvloop.

No policy and no disk: it answers 250 once the next server has taken the message.

    python -m bench.forwarder PORT NEXT_PORT [CONNECTIONS]
"""

import asyncio
import sys

import aiosmtplib
import uvloop
from aiosmtpd.smtp import SMTP, Envelope, Session


class Forward:
    """Hands each message on before it answers."""

    def __init__(self, port: int, connections: int) -> None:
        self.port = port
        self.free: asyncio.LifoQueue[aiosmtplib.SMTP | None] = asyncio.LifoQueue()
        for _ in range(connections):
            self.free.put_nowait(None)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        """Take a connection, send, give it back."""
        connection = await self.free.get()
        try:
            connection = connection or await self.connect()
            await connection.sendmail(envelope.mail_from or "", envelope.rcpt_tos, envelope.content or b"")
        except (aiosmtplib.SMTPException, OSError) as error:
            connection = None
            return f"451 4.4.1 {type(error).__name__}"
        finally:
            self.free.put_nowait(connection)
        return "250 2.0.0 forwarded"

    async def connect(self) -> aiosmtplib.SMTP:
        """A new connection to the next server."""
        connection = aiosmtplib.SMTP(
            hostname="127.0.0.1", port=self.port, start_tls=False, local_hostname="forwarder.example"
        )
        await connection.connect()
        return connection


async def serve(port: int, next_port: int, connections: int) -> None:
    """Forward until ended."""
    handler, loop = Forward(next_port, connections), asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(handler, hostname="forwarder.example", ident="ESMTP", loop=loop),
        "127.0.0.1",
        port,
        backlog=1024,
    )
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 8))

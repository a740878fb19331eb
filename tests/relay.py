"""A scripted, unreliable relay and webhook target: the test network, over real sockets.

    async with ScriptedRelay(["ok", "ok", "451 4.3.0 later@rcpt", "drop@final", "hang@mail"]) as relay:
        ...
        assert [each.to for each in relay.received] == [...]

Each step of the script is for one transaction (one MAIL command), in the order they come in, over all
connections; after the last one everything is "ok". A step is `what@where`:

what    a reply to give ("550 5.1.1 nobody"), `drop` (hang up), `hang` (never answer), `garbage`, `flood` (a
        reply without end), `twice` (answer two times), `early` (at body: take what was not read)
where   mail, rcpt, data, body (as soon as the first bytes of the message come), final (after its last dot)

`connects` is a script of the same kind for connections: greet, ehlo, starttls, tls, secured (the EHLO
after STARTTLS), auth.
"""

import asyncio
import base64
import ssl
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self

from aiohttp import web

OFFERS = ("PIPELINING", "8BITMIME", "SMTPUTF8", "DSN", "ENHANCEDSTATUSCODES", "SIZE 10000000")


@dataclass
class Received:
    """One message that the relay took: its envelope lines, and its octets without the doubled dots."""

    mail: str
    rcpt: list[str]
    raw: bytes
    connection: int
    tls: bool
    user: str

    @property
    def to(self) -> str:
        return self.rcpt[0].partition("<")[2].partition(">")[0]

    @property
    def sender(self) -> str:
        return self.mail.partition("<")[2].partition(">")[0]


class HangUp(Exception):
    """The script says so."""


@dataclass
class ScriptedRelay:
    """An SMTP server on 127.0.0.1 that does what its script says; see above."""

    script: Iterable[str] = ()
    connects: Iterable[str] = ()
    offers: tuple[str, ...] = OFFERS
    context: ssl.SSLContext | None = None
    implicit: bool = False
    users: dict[str, str] = field(default_factory=dict)
    auth: str = "PLAIN LOGIN"
    limit: int = 0  # messages on one connection, then 421
    slow: float = 0.0  # seconds before the reply to each message
    strict: bool = False  # 554 to whatever comes with the end of a message
    watch: bool = False  # note what comes early even where PIPELINING is offered
    eager: bool = False  # 354 even where every recipient was refused
    greets_after: float = 0.0  # seconds before the greeting
    port: int = 0

    def __post_init__(self) -> None:
        self.steps = deque(self.script)
        self.connect_steps = deque(self.connects)
        self.received: list[Received] = []
        self.commands: list[str] = []
        self.connections = 0
        self.quits = 0
        self.open = 0
        self.most_open = 0
        self.early: list[bytes] = []  # what came before it was asked for, without PIPELINING
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen; on the same port as before, after a stop."""
        self.server = await asyncio.start_server(
            self._accept,
            "127.0.0.1",
            self.port,
            limit=2**22,
            ssl=self.context if self.implicit else None,
        )
        self.port = self.server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening and break every connection."""
        self.server.close()
        for task in tuple(self._tasks):
            task.cancel()
        for writer in tuple(self._writers):
            writer.transport.abort()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)

    def url(self, scheme: str = "smtp", user: str = "", query: str = "") -> str:
        """What RELAY would say."""
        return f"{scheme}://{user and user + '@'}127.0.0.1:{self.port}{query and '?' + query}"

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        self.connections += 1
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            await asyncio.sleep(self.greets_after)
            await _Dialog(self, reader, writer, self.connections).run()
        except (HangUp, ConnectionError, asyncio.IncompleteReadError, ssl.SSLError, asyncio.CancelledError):
            pass
        finally:
            self.open -= 1
            self._tasks.discard(task)
            self._writers.discard(writer)
            writer.transport.abort()


class _Dialog:
    def __init__(
        self, relay: ScriptedRelay, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, number: int
    ) -> None:
        self.relay, self.reader, self.writer, self.number = relay, reader, writer, number
        self.connect_step = relay.connect_steps.popleft() if relay.connect_steps else "ok"
        self.step = "ok"
        self.mail, self.rcpt = "", list[str]()
        self.user = ""
        self.tls = relay.implicit
        self.taken = 0
        self.out_of_step = False

    async def run(self) -> None:
        await self.act(self.connect_step, "greet", "220 relay.example ESMTP")
        while True:
            line = (await self.reader.readuntil(b"\r\n"))[:-2].decode()
            self.relay.commands.append(line)
            verb = line.split(" ")[0].split(":")[0].upper()
            await getattr(self, f"on_{verb.lower()}", self.on_unknown)(line)

    async def act(self, step: str, where: str, otherwise: str) -> bool:
        """Do what the step says here; True if that was the ordinary reply."""
        what, _, place = step.rpartition("@")
        if place != where:
            self.say(otherwise)
            return True
        if what == "drop":
            raise HangUp
        if what == "hang":
            await asyncio.sleep(3600)
        if what == "flood":
            while True:
                self.writer.write(b"250-and so on\r\n" * 100)
                await self.writer.drain()
        if what == "twice":
            self.say(otherwise)
        self.say({"garbage": "\x00\xff<html>what?", "twice": otherwise}.get(what, what))
        if what.startswith("421"):
            await self.writer.drain()
            raise HangUp
        return what == "twice"

    def say(self, reply: str) -> None:
        if self.relay.watch or "PIPELINING" not in self.relay.offers:
            waiting = bytes(self.reader._buffer)  # type: ignore[attr-defined]  # nothing public tells
            if waiting:
                self.relay.early.append(waiting)
        self.writer.write(reply.encode("latin-1") + b"\r\n")

    async def on_ehlo(self, line: str) -> None:
        offers = list(self.relay.offers)
        if self.relay.context is not None and not self.tls:
            offers.append("STARTTLS")
        if self.relay.users:
            offers.append(f"AUTH {self.relay.auth}")
        lines = ["relay.example", *offers]
        reply = "\r\n".join(f"250{'-' if n < len(lines) else ' '}{each}" for n, each in enumerate(lines, 1))
        again = self.tls and not self.relay.implicit
        await self.act(self.connect_step, "secured" if again else "ehlo", reply)

    async def on_helo(self, line: str) -> None:
        self.say("250 relay.example")

    async def on_starttls(self, line: str) -> None:
        if not await self.act(self.connect_step, "starttls", "220 2.0.0 go ahead"):
            return
        if self.connect_step == "drop@tls":
            await self.writer.drain()
            raise HangUp
        assert self.relay.context is not None
        await self.writer.start_tls(self.relay.context)
        self.tls = True

    async def on_auth(self, line: str) -> None:
        words = line.split(" ")
        if words[1] == "LOGIN":
            name = base64.b64decode(words[2]).decode()
            self.say("334 UGFzc3dvcmQ6")
            word = base64.b64decode(await self.reader.readuntil(b"\r\n")).decode()
        else:
            _, name, word = base64.b64decode(words[2]).decode().split("\0")
        if self.relay.users.get(name) != word:
            self.say("535 5.7.8 wrong password")
            return
        self.user = name
        await self.act(self.connect_step, "auth", "235 2.7.0 welcome")

    async def on_mail(self, line: str) -> None:
        if self.mail or self.out_of_step:
            self.say("503 5.5.1 nested MAIL" if self.mail else "554 5.5.0 out of step")
            self.out_of_step = False
            return
        if self.relay.users and not self.user:
            self.say("530 5.7.0 authentication required")
            return
        if self.relay.limit and self.taken >= self.relay.limit:
            self.say("421 4.7.0 too many messages on this connection")
            await self.writer.drain()
            raise HangUp
        self.step = self.relay.steps.popleft() if self.relay.steps else "ok"
        if await self.act(self.step, "mail", "250 2.1.0 ok"):
            self.mail, self.rcpt = line, []

    async def on_rcpt(self, line: str) -> None:
        if not self.mail:
            self.say("503 5.5.1 MAIL first")
        elif await self.act(self.step, "rcpt", "250 2.1.5 ok"):
            self.rcpt.append(line)

    async def on_data(self, line: str) -> None:
        if not self.rcpt and not (self.relay.eager and self.mail):
            self.say("554 5.5.1 no valid recipients" if self.mail else "503 5.5.1 MAIL first")
            return
        if not await self.act(self.step, "data", "354 go on"):
            return
        if self.step == "drop@body":
            await self.reader.read(1)
            raise HangUp
        if self.step == "early@body":
            self.writer.transport.pause_reading()  # type: ignore[attr-defined]  # of a transport for both ways
            await asyncio.sleep(0.2)
            self.say("250 2.0.0 queued")
            await asyncio.sleep(3600)
        if self.step == "hang@body":
            self.writer.transport.pause_reading()  # type: ignore[attr-defined]  # of a transport for both ways
            await asyncio.sleep(3600)
        raw = b""
        while True:
            got = await self.reader.readuntil(b"\r\n")
            if got == b".\r\n":
                break
            raw += got.removeprefix(b".")
        mail, rcpt = self.mail, self.rcpt
        self.mail, self.rcpt = "", []
        self.out_of_step = self.relay.strict and bool(self.reader._buffer)  # type: ignore[attr-defined]
        await asyncio.sleep(self.relay.slow)
        if await self.act(self.step, "final", f"250 2.0.0 queued as {len(self.relay.received)}"):
            self.taken += 1
            self.relay.received.append(Received(mail, rcpt, raw, self.number, self.tls, self.user))

    async def on_rset(self, line: str) -> None:
        self.mail, self.rcpt = "", []
        self.say("250 2.0.0 ok")

    async def on_quit(self, line: str) -> None:
        self.relay.quits += 1
        self.say("221 2.0.0 bye")
        await self.writer.drain()
        raise HangUp

    async def on_unknown(self, line: str) -> None:
        self.say("500 5.5.1 what?")


@dataclass
class Post:
    """One request to the webhook target."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class ScriptedTarget:
    """A webhook target that answers what its script says: a status, "status Retry-After", drop, hang or
    garbage; a status with a text that breaks off ("200 cut") or never comes ("200 mute"); 204 after the last
    step."""

    script: Iterable[str] = ()
    context: ssl.SSLContext | None = None
    port: int = 0

    def __post_init__(self) -> None:
        self.steps = deque(self.script)
        self.posts: list[Post] = []

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port, ssl_context=self.context)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    @property
    def url(self) -> str:
        """What WEBHOOK_RELAY would say."""
        return f"http{'s' if self.context else ''}://127.0.0.1:{self.port}/deliver"

    async def _answer(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.posts.append(Post(request.path, dict(request.headers), body))
        step = self.steps.popleft() if self.steps else "204"
        if step == "hang":
            await asyncio.sleep(3600)
        if step in {"drop", "garbage"}:
            assert request.transport is not None
            if step == "garbage":
                request.transport.write(b"what?\r\n\r\n")
            request.transport.close()
            return web.Response()
        status, _, rest = step.partition(" ")
        if rest in {"cut", "mute"}:
            assert request.transport is not None
            request.transport.write(f"HTTP/1.1 {status} Said\r\nContent-Length: 10\r\n\r\n".encode())
            await asyncio.sleep(0.05 if rest == "cut" else 3600)
            request.transport.close()
            return web.Response()
        headers = {"Location": "/elsewhere"} if status.startswith("3") else {}
        if rest:
            headers["Retry-After"] = rest
        return web.Response(
            status=int(status), headers=headers, text="because" if int(status) > 204 else None
        )

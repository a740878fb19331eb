"""The line to the process that reads: questions go out in order, and answers come back in that order."""

import asyncio
import contextlib
import socket
import sys
from asyncio.subprocess import Process
from collections import deque
from collections.abc import Callable
from typing import cast

from gateway.aside.wire import frame, frames, pack_content
from gateway.message.content import Content

PATIENCE = 5.0
LESSONS = 100
"""Texts that a new process reads only for practice, until it remembers what many texts have in common."""


class Gone(ConnectionError):
    """The process that reads went away before it answered."""


class Line(asyncio.Protocol):
    """One process that reads. `ready` once it has the lexicons and has practiced, until it goes away."""

    def __init__(self, process: Process, gone: "Callable[[Line], None]") -> None:
        self._process = process
        self._gone = gone
        self._transport: asyncio.WriteTransport | None = None
        self._waiting: deque[asyncio.Future[bytes]] = deque()
        self._loop = asyncio.get_running_loop()
        self._part = bytearray()
        self._out: list[bytes] = []
        self._finished = False
        self._lessons = LESSONS
        self._welcomed = False

    @property
    def ready(self) -> bool:
        """Whether to ask it."""
        return self._welcomed and self._lessons <= 0  # below 0 where one text too many was under way

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is open."""
        self._transport = cast("asyncio.WriteTransport", transport)

    def ask(self, content: Content) -> "asyncio.Future[bytes]":
        """What is read of this text, packed; the future raises Gone where the process goes away."""
        question = frame(pack_content(content))
        future: asyncio.Future[bytes] = self._loop.create_future()
        self._waiting.append(future)
        if not self._out:
            self._loop.call_soon(self._flush)  # what one turn of the loop brings goes out together
        self._out.append(question)
        return future

    def practice(self, content: Content) -> None:
        """Let it read a text whose answer nobody waits for, unless it has enough of them."""
        if self._welcomed and len(self._waiting) < self._lessons:
            with contextlib.suppress(UnicodeEncodeError):
                self.ask(content).add_done_callback(self._learn)

    def send(self, said: bytes) -> None:
        """Octets that are answered with none."""
        future: asyncio.Future[bytes] = self._loop.create_future()
        self._waiting.append(future)
        future.add_done_callback(self._welcome)
        self._out.append(frame(said))
        self._flush()

    def finish(self) -> None:
        """Ask nothing more; the process ends once it has answered."""
        self._welcomed = False
        self._finished = True
        self._end_if_done()

    async def ended(self) -> None:
        """Once the process has ended; one that does not within PATIENCE seconds is killed."""
        try:
            async with asyncio.timeout(PATIENCE):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    def data_received(self, data: bytes) -> None:
        """Answers, whole or in part."""
        self._part += data
        for value in frames(self._part):
            future = self._waiting.popleft()
            if not future.done():
                future.set_result(value)
        self._end_if_done()

    def connection_lost(self, exc: Exception | None) -> None:
        """The process went away, or was let go."""
        del exc
        self._welcomed = False
        for future in self._waiting:
            if not future.done():
                future.set_exception(Gone("the process that reads went away"))
        self._waiting.clear()
        if not self._finished:
            self._gone(self)

    def _welcome(self, answer: "asyncio.Future[bytes]") -> None:
        self._welcomed = not answer.cancelled() and answer.exception() is None and not self._finished

    def _learn(self, answer: "asyncio.Future[bytes]") -> None:
        if not answer.cancelled() and answer.exception() is None:
            self._lessons -= 1

    def _flush(self) -> None:
        if self._transport is not None and self._out:
            self._transport.write(b"".join(self._out))
        self._out.clear()

    def _end_if_done(self) -> None:
        if self._finished and not self._waiting and self._transport is not None:
            self._transport.close()


async def open_line(lexicons: bytes, gone: Callable[[Line], None]) -> Line:
    """Start a process that reads with these lexicons (pickled). Raises OSError."""
    near, far = socket.socketpair()
    with far:
        near.setblocking(False)
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "gateway.aside", str(far.fileno()), pass_fds=(far.fileno(),)
        )
    loop = asyncio.get_running_loop()
    _, line = await loop.create_connection(lambda: Line(process, gone), sock=near)
    line.send(lexicons)
    return line

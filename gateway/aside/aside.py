"""The near end: texts go to the process that reads once reading takes much of this one's time."""

import asyncio
import contextlib
import logging
import os
import pickle
from time import perf_counter

from gateway.aside.line import Gone, Line, open_line
from gateway.aside.wire import Read, unpack_read
from gateway.message.content import Content
from gateway.reading.read import Reader

log = logging.getLogger("gateway")

BUSY = 0.2
"""The share of this process's time that reading may take before a process of its own is worth it."""
SPAN = 1.0
"""Seconds over which that share is taken."""
AGAIN = 60.0
"""Seconds after which another process is started where one went away."""


class Aside:
    """Reads texts: here while little comes in, else in a process of its own.

    A reading is the same wherever it is made. A new process practices first on texts that are read here too,
    since it remembers nothing yet and is slow. When it goes away, what waits for it is read here; `wanted`
    False keeps all reading here.
    """

    def __init__(self, reader: Reader, *, wanted: bool = True) -> None:
        self._reader = reader
        self._wanted = wanted and len(os.sched_getaffinity(0)) > 1
        self._line: Line | None = None
        self._starting: asyncio.Task[None] | None = None
        self._since = self._spent = 0.0
        self._not_before = 0.0
        self._leaving: set[asyncio.Task[None]] = set()

    @property
    def elsewhere(self) -> bool:
        """Whether another process reads now."""
        return self._line is not None and self._line.ready

    async def read(self, content: Content) -> Read:
        """What this text says, and its stored form where it was made already; never raises."""
        line = self._line
        if line is not None and line.ready:
            with contextlib.suppress(Gone, UnicodeEncodeError):  # a lone surrogate does not pass the line
                return unpack_read(await line.ask(content))
        if line is not None and not line.ready:
            line.practice(content)
        began = perf_counter()
        reading = self._reader.read(content)
        if self._wanted and line is None:
            self._consider(began, perf_counter())
        return reading, b""

    def forget(self) -> None:
        """The lexicons changed: whoever reads elsewhere has the old ones."""
        if self._starting is not None:
            self._starting.cancel()
            self._not_before = 0.0
        line, self._line = self._line, None
        if line is not None:
            line.finish()
            self._see_off(line)

    async def stop(self) -> None:
        """Let the other process go once it has answered."""
        self._wanted = False
        self.forget()
        await asyncio.gather(*self._leaving)

    def _consider(self, began: float, now: float) -> None:
        self._spent += now - began
        if now - self._since < SPAN:
            return
        busy, self._since, self._spent = self._spent / (now - self._since), now, 0.0
        if busy > BUSY and now > self._not_before and (self._starting is None or self._starting.done()):
            self._not_before = now + AGAIN
            self._starting = asyncio.get_running_loop().create_task(self._start(), name="reading aside")

    async def _start(self) -> None:
        lexicons = await asyncio.to_thread(pickle.dumps, self._reader.lexicons)
        try:
            self._line = await open_line(lexicons, self._gone)
        except OSError as error:
            log.warning("reading.aside.failed", extra={"problem": str(error)})

    def _see_off(self, line: Line) -> None:
        task = asyncio.get_running_loop().create_task(line.ended(), name="reading aside ends")
        self._leaving.add(task)
        task.add_done_callback(self._leaving.discard)

    def _gone(self, line: Line) -> None:
        self._see_off(line)
        if self._line is line:
            self._line = None
            log.warning("reading.aside.gone")

"""An SMTP stream: octets into lines and messages, and whose turn it is. No commands.

Lines are taken apart in `data_received`, and several replies leave in one write. While something runs that
must be waited for, what the client sends on is kept, and beyond MOST_AHEAD no longer read.
"""

import asyncio
from abc import abstractmethod
from collections.abc import Callable, Coroutine
from typing import Any

from aiosmtpd.smtp import TLSSetupException

from gateway.ingress import smtp_texts as texts
from gateway.ingress.smtp_connection import (
    AHEAD,
    BODY,
    BUSY,
    CLOGGED,
    CLOSED,
    COMMAND,
    DIALOG,
    SKIP,
    Connection,
)
from gateway.ingress.smtp_dialog import log

MOST_AHEAD = 65536
"""Octets that a client may send ahead of a reply."""
MOST_AT_ONCE = 200
"""Lines taken before other sessions have their turn."""


class Stream(Connection):
    """One connection; what its lines and messages mean is up to the subclass."""

    @abstractmethod
    def take_line(self, line: bytes) -> None:
        """Answer one line, its line end included."""

    @abstractmethod
    def take_body(self, data: bytes) -> bytes:
        """Take octets of a message; return those that come after its end."""

    @abstractmethod
    def refuse(self, reply: bytes) -> None:
        """Answer with a refusal that counts as an error."""

    # Octets

    def data_received(self, data: bytes) -> None:
        """Take what the client sent as far as the phase lets, and keep the rest."""
        try:
            self._receive(data)
        except Exception:  # noqa: BLE001 - a session that fails must neither lose nor confirm a message
            self._fail()

    def _receive(self, data: bytes) -> None:
        phase = self.phase
        if (
            phase == COMMAND
            and not self._pending
            and not self._suspended
            and data.find(b"\n") == len(data) - 1 < self.reception.limits.line_bytes
        ):
            # One whole line, as clients that do not pipeline send it.
            self._touched = self.loop.time()
            self.take_line(data)
            self.flush()
            return
        if phase <= BODY and not self._suspended & CLOGGED:
            self._process(self._pending + data if self._pending else data)
        elif phase == DIALOG:
            self._reader.feed_data(data)
        elif phase != CLOSED:
            self._pending += data
            if len(self._pending) > MOST_AHEAD:
                self.suspend(AHEAD)

    def _process(self, data: bytes) -> None:
        self._pending = b""
        start = 0
        for _ in range(MOST_AT_ONCE):
            if self.phase == BODY:
                data, start = self.take_body(data[start:] if start else data), 0
            elif self.phase <= SKIP:
                end = data.find(b"\n", start) + 1
                if not end:
                    data, start = self._take_partial(data[start:]), 0
                    break
                self._take_whole(data[start:end])
                start = end
            else:
                break
            if start >= len(data):
                break
        if self.draining and self.phase == COMMAND:
            self.turn_away(texts.STOPPING)
        self.flush()
        if start < len(data):
            self._keep(data[start:])
        if self.phase == DIALOG and self._eof:
            self._reader.feed_eof()

    def _take_whole(self, line: bytes) -> None:
        if self.phase == SKIP or len(line) > self.reception.limits.line_bytes:
            self.phase = COMMAND
            self.refuse(texts.LONG_LINE)
        else:
            self._touched = self.loop.time()
            self.take_line(line)

    def _take_partial(self, data: bytes) -> bytes:
        """Return a line begun, or nothing where it is too long already."""
        if self.phase == COMMAND and len(data) < self.reception.limits.line_bytes:
            return data
        self.phase = SKIP
        return b""

    def _keep(self, data: bytes) -> None:
        """Keep what is to be taken later: after what runs now, or after other sessions had their turn."""
        if self.phase == DIALOG:
            self._reader.feed_data(data)
        elif self.phase != CLOSED:
            self._pending = data
            if self.phase <= BODY and b"\n" in data and not self._suspended & CLOGGED:
                self.phase, follow = BUSY, self.phase
                self.loop.call_soon(self.go_on, follow)
            if len(data) > MOST_AHEAD:
                self.suspend(AHEAD)

    def go_on(self, phase: int = COMMAND) -> None:
        """Take up again after something ran, with what the client sent meanwhile, if it is still there."""
        if self.transport is None or self.phase == CLOSED:
            return
        self.phase = phase
        self._touched = self.loop.time()
        try:
            if self._pending and not self._suspended & CLOGGED:
                self._process(self._pending)
        except Exception:  # noqa: BLE001 - as in data_received
            self._fail()
        self.flush()
        if len(self._pending) <= MOST_AHEAD:
            self.resume(AHEAD)
        if self._eof and self.phase <= BODY and not self._suspended & CLOGGED:
            self.hang_up()
        elif self.phase == COMMAND and self.draining:
            self.turn_away(texts.STOPPING)

    def _fail(self) -> None:
        """Ask the client to come again; what state the session is in is not known any more."""
        log.exception("smtp.session_failed")
        self.turn_away(texts.OWN_FAILURE)

    def take_up(self) -> None:
        """Take what waited for the client to read its replies."""
        if self.phase <= BODY and self._pending:
            self.go_on(self.phase)

    # Coroutines

    def begin(self, talk: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Leave the connection to a coroutine until it ends."""
        self.prepare()
        self.phase = DIALOG
        self._task = self.loop.create_task(self._run(talk))

    async def _run(self, talk: Callable[[], Coroutine[Any, Any, None]]) -> None:
        try:
            await talk()
        except asyncio.CancelledError:
            self.abort()
            raise
        except (TLSSetupException, ConnectionError):
            self._task = None
            self.abort()
            # A transport that never shook hands tells nobody that it is gone.
            self.connection_lost(None)
            return
        except Exception:  # noqa: BLE001 - whatever went wrong, the client is told to come again
            log.exception("smtp.dialog_failed")
            self.out.append(texts.OWN_FAILURE)
        self._task = None
        if self.phase == CLOSED:
            self.flush()
            return
        self._pending = self.take_back()
        self.go_on()
